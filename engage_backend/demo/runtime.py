"""A runtime for one XBlock on one page: handlers, resources, fields in a table, and who is looking."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from opaque_keys.edx.keys import CourseKey
from xblock.core import XBlock
from xblock.field_data import FieldData
from xblock.fields import ScopeIds
from xblock.reference.user_service import UserService, XBlockUser
from xblock.runtime import IdReader, KeyValueStore, KvsFieldData, Runtime

from engage_backend.demo.models import Kept
from engage_backend.platform.api import get_platform
from engage_backend.platform.protocol import Role
from engage_xblock import CommunicatorXBlock, LearnerXBlock


def communicator(request: HttpRequest, course_key: str, *, studio: bool = False) -> CommunicatorXBlock:
    """The course's Communicator, as whoever sent the request meets it in the LMS, or in `studio`."""
    block: CommunicatorXBlock = _block(CommunicatorXBlock, "engage_communicator", request, course_key, studio=studio)
    return block


def own_page(request: HttpRequest, course_key: str) -> LearnerXBlock:
    """The course's block in which learners see what is said of themselves."""
    block: LearnerXBlock = _block(LearnerXBlock, "engage_learner", request, course_key)
    return block


def _block(kind: type[XBlock], name: str, request: HttpRequest, course_key: str, *, studio: bool = False) -> XBlock:
    usage = CourseKey.from_string(course_key).make_usage_key(name, name.removeprefix("engage_"))
    runtime = DemoRuntime(request, course_key, studio=studio)
    return runtime.construct_xblock_from_class(kind, ScopeIds(str(request.user.pk or ""), name, usage, usage))


class KeptFields(KeyValueStore):  # type: ignore[misc]  # XBlock has no types
    """Field values in the site's own table, so that what Studio saved is still there tomorrow."""

    @staticmethod
    def _name(key: KeyValueStore.Key) -> str:
        return f"{key.block_scope_id}/{key.user_id or ''}/{key.field_name}"

    def get(self, key: KeyValueStore.Key) -> Any:
        """The value; raises KeyError where none was saved."""
        try:
            return Kept.objects.get(name=self._name(key)).value
        except Kept.DoesNotExist:
            raise KeyError(key) from None

    def set(self, key: KeyValueStore.Key, value: Any) -> None:
        """Save a value."""
        Kept.objects.update_or_create(name=self._name(key), defaults={"value": value})

    def delete(self, key: KeyValueStore.Key) -> None:
        """Forget a value."""
        Kept.objects.filter(name=self._name(key)).delete()

    def has(self, key: KeyValueStore.Key) -> bool:
        """Whether a value was saved."""
        return Kept.objects.filter(name=self._name(key)).exists()


class LookingUser(UserService):  # type: ignore[misc]  # XBlock has no types
    """The "user" service, with the attributes that an LMS gives (`common/djangoapps/xblock_django/constants.py`)."""

    def __init__(self, request: HttpRequest, role: Role) -> None:
        super().__init__()
        self._request = request
        self._role = role

    def get_current_user(self) -> XBlockUser:
        """Who is looking."""
        user = self._request.user
        name = user.get_full_name() if user.is_authenticated else ""
        looking = XBlockUser(is_current_user=True, emails=[], full_name=name)
        is_staff = self._role is Role.STAFF
        attributes = {
            "user_is_staff": is_staff,
            "user_is_global_staff": False,
            "user_role": "staff" if is_staff else "student",
            "user_id": user.pk,
            "username": user.get_username(),
        }
        looking.opt_attrs = {f"edx-platform.{name}": value for name, value in attributes.items()}
        return looking


class Authors:
    """Studio's service that says who may change a course; the LMS has none."""

    def __init__(self, role: Role) -> None:
        self._role = role

    def can_write(self, course_key: CourseKey) -> bool:
        """Whether who is looking may change the course's blocks."""
        return self._role is Role.STAFF


class DemoRuntime(Runtime):  # type: ignore[misc]  # XBlock has no types
    """What the block finds around it on the standalone site."""

    def __init__(self, request: HttpRequest, course_key: str, *, studio: bool) -> None:
        fields: FieldData = KvsFieldData(KeptFields())
        role = get_platform().role(request, course_key)
        services = {"field-data": fields, "user": LookingUser(request, role)}
        if studio:
            services["studio_user_permissions"] = Authors(role)
        super().__init__(id_reader=_NoIds(), id_generator=None, services=services)
        self.course_id = CourseKey.from_string(course_key)
        self.user_id = request.user.pk
        self.user_is_staff = role is Role.STAFF

    def handler_url(
        self, block: XBlock, handler_name: str, suffix: str = "", query: str = "", thirdparty: bool = False
    ) -> str:
        """Where a handler of the block is reached."""
        url = reverse("handler", kwargs={"handler": handler_name, "suffix": suffix})
        return f"{url}?{query}" if query else url

    def resource_url(self, resource: str) -> str:
        """Where a file of the site itself is reached."""
        return reverse("static", kwargs={"path": resource})

    def local_resource_url(self, block: XBlock, uri: str) -> str:
        """Where a file of the block's `public` folder is reached."""
        return reverse("block-resource", kwargs={"path": uri})

    def publish(self, block: XBlock, event_type: str, event_data: dict[str, Any]) -> None:
        """Nothing: this site's log holds what learners do, and the block is not for them."""


class _NoIds(IdReader):  # type: ignore[misc]  # XBlock has no types
    """This site makes its one block itself, and never looks one up by an id."""

    def get_usage_id_from_aside(self, aside_id: Any) -> Any:
        raise LookupError(aside_id)

    def get_definition_id_from_aside(self, aside_id: Any) -> Any:
        raise LookupError(aside_id)

    def get_aside_type_from_usage(self, aside_id: Any) -> Any:
        raise LookupError(aside_id)

    def get_aside_type_from_definition(self, aside_id: Any) -> Any:
        raise LookupError(aside_id)

    def get_definition_id(self, usage_id: Any) -> Any:
        raise LookupError(usage_id)

    def get_block_type(self, def_id: Any) -> Any:
        raise LookupError(def_id)

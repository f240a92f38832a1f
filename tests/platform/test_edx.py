"""The edX side: what it decides from the platform's answers. edx-platform itself is not here; a few modules of the same
names and signatures answer in its place, as seen in the Teak release."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from engage_backend.platform.edx import EdxPlatform
from engage_backend.platform.protocol import Role

KEY = "course-v1:TestX+T101+2024"


class Lms:
    """Answers as `has_access`, `setup_masquerade` and `is_enrolled` do; masquerading shows only once it was set up."""

    def __init__(self, *, staff: set[str], enrolled: set[str], masquerades: dict[str, str]) -> None:
        self.staff, self.enrolled, self.masquerades = staff, enrolled, masquerades

    def has_access(self, user: Any, action: str, key: Any) -> bool:
        assert (action, str(key)) == ("staff", KEY)
        return user.name in self.staff and getattr(user, "masquerading_as", None) is None

    def setup_masquerade(self, request: Any, key: Any, staff_access: bool) -> tuple[Any, Any]:
        seen_as = self.masquerades.get(request.user.name)
        if not staff_access or seen_as is None:
            return None, request.user
        request.user.masquerading_as = seen_as
        return object(), request.user if seen_as == "student" else types.SimpleNamespace(name=seen_as)

    def is_enrolled(self, user: Any, key: Any) -> bool:
        return user.name in self.enrolled


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Callable[..., EdxPlatform]:
    """Put an LMS (or Studio) of the given people under the names that edx-platform has."""

    def install(*, root_urlconf: str = "lms.urls", **people: Any) -> EdxPlatform:
        lms = Lms(**{"staff": set(), "enrolled": set(), "masquerades": {}, **people})
        settings.ROOT_URLCONF = root_urlconf
        modules: dict[str, dict[str, Any]] = {
            "common.djangoapps.student.models": {"CourseEnrollment": lms},
            "common.djangoapps.student.auth": {
                "has_studio_read_access": lambda user, key: lms.has_access(user, "staff", key)
            },
            "lms.djangoapps.courseware.access": {"has_access": lms.has_access},
            "lms.djangoapps.courseware.masquerade": {"setup_masquerade": lms.setup_masquerade},
        }
        for path, names in modules.items():
            parts = path.split(".")
            for depth in range(1, len(parts)):
                monkeypatch.setitem(sys.modules, ".".join(parts[:depth]), types.ModuleType(parts[depth - 1]))
            module = types.ModuleType(path)
            vars(module).update(names)
            monkeypatch.setitem(sys.modules, path, module)
        return EdxPlatform()

    return install


def request_of(name: str) -> Any:
    request = RequestFactory().get("/")
    request.user = types.SimpleNamespace(name=name, is_authenticated=True)  # type: ignore[assignment]
    return request


@pytest.mark.parametrize(
    ("who", "role"),
    [
        ("teacher", Role.STAFF),
        ("as a learner", Role.LEARNER),
        ("as a certain learner", Role.LEARNER),
        ("learner", Role.LEARNER),
        ("learner who wrote a masquerade into the session", Role.LEARNER),
        ("stranger", Role.STRANGER),
    ],
)
def test_a_role_is_decided_after_masquerading_was_set_up(installed: Any, who: str, role: Role) -> None:
    platform = installed(
        staff={"teacher", "as a learner", "as a certain learner"},
        enrolled={"learner", "learner who wrote a masquerade into the session"},
        masquerades={
            "as a learner": "student",
            "as a certain learner": "learner",
            "learner who wrote a masquerade into the session": "teacher",
        },
    )
    assert platform.role(request_of(who), KEY) is role


@pytest.mark.parametrize(("who", "role"), [("teacher", Role.STAFF), ("learner", Role.LEARNER), ("x", Role.STRANGER)])
def test_studio_is_asked_in_its_own_words(installed: Any, who: str, role: Role) -> None:
    platform = installed(root_urlconf="cms.urls", staff={"teacher"}, enrolled={"learner"})
    assert platform.role(request_of(who), KEY) is role


def test_who_is_not_logged_in_is_anonymous(installed: Any) -> None:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    assert installed().role(request, KEY) is Role.ANONYMOUS

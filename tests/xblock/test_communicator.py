"""The block beside the services that LMS and Studio give it, and the promises that hang on its class."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from django.test import override_settings
from opaque_keys.edx.keys import CourseKey
from opaque_keys.edx.locator import LibraryLocatorV2, LibraryUsageLocatorV2
from webob import Request
from xblock.completable import XBlockCompletionMode
from xblock.core import XBlock
from xblock.fields import ScopeIds
from xblock.reference.user_service import UserService, XBlockUser
from xblock.runtime import DictKeyValueStore, KvsFieldData
from xblock.test.tools import TestRuntime

from engage_xblock import CommunicatorXBlock

COURSE = CourseKey.from_string("course-v1:OUx+BBB+2013B")


class Looking(UserService):
    """A "user" service with the attributes given; without any, as for somebody who is not logged in."""

    def get_current_user(self) -> XBlockUser:
        user = XBlockUser(is_current_user=True)
        user.opt_attrs = self._user
        return user


class Permissions:
    """Studio's "studio_user_permissions": may write to the courses given."""

    def __init__(self, *courses: CourseKey) -> None:
        self._courses = courses

    def can_write(self, course_key: CourseKey) -> bool:
        return course_key in self._courses


class Runtime(TestRuntime):
    """The XBlock package's own runtime, with addresses for resources."""

    def local_resource_url(self, block: XBlock, uri: str) -> str:
        return f"/resource/{uri}"


def block_for(attributes: dict[str, Any] | None, usage: Any = None, **services: Any) -> CommunicatorXBlock:
    """The block as somebody with these `edx-platform.` attributes meets it; None: a runtime without a user service."""
    if attributes is not None:
        services["user"] = Looking(user={f"edx-platform.{name}": value for name, value in attributes.items()})
    services["field-data"] = KvsFieldData(DictKeyValueStore())
    usage = usage or COURSE.make_usage_key("engage_communicator", "c1")
    runtime = Runtime(services=services)
    return runtime.construct_xblock_from_class(CommunicatorXBlock, ScopeIds("1", "engage_communicator", usage, usage))


def page_of(block: CommunicatorXBlock) -> dict[str, Any] | None:
    found = re.search(r'data-engage-config="([^"]*)"', block.render("student_view").content)
    return json.loads(html.unescape(found[1])) if found else None


def submit(block: CommunicatorXBlock, name: str) -> int:
    request = Request.blank("/", method="POST", body=json.dumps({"display_name": name}).encode())
    return int(block.handle("submit", request).status_code)


STAFF = {"user_is_staff": True, "user_role": "staff"}


def test_staff_of_the_course_get_the_page_of_their_course() -> None:
    assert page_of(block_for(STAFF)) == {
        "course": str(COURSE),
        "courseUrl": "/engage/api/v1/courses/course-v1:OUx+BBB+2013B/",
        "pollMs": 2000,
        "targets": ["certify", "complete", "leave"],
        "presetsAllowed": True,
        "automationAllowed": True,
    }


def test_how_often_the_page_asks_is_a_setting_read_when_it_is_shown() -> None:
    block = block_for(STAFF)
    with override_settings(ENGAGE={"POLL_MILLISECONDS": 500}):
        page = page_of(block)
    assert page is not None
    assert page["pollMs"] == 500


@pytest.mark.parametrize(
    "attributes",
    [
        {"user_is_staff": False, "user_role": "student"},
        {"user_is_staff": False, "user_is_global_staff": True, "user_role": "student"},  # masquerading as a learner
        {"user_is_staff": False, "user_role": "staff"},  # Studio's preview
        {"user_is_staff": "yes"},
        {},
        None,
    ],
)
def test_everyone_else_gets_a_text_without_script_or_address(attributes: dict[str, Any] | None) -> None:
    fragment = block_for(attributes).render("student_view")
    assert "for the course team" in fragment.content
    assert "/engage/api" not in fragment.content
    assert [resource.mimetype for resource in fragment.resources] == ["text/css"]
    assert fragment.js_init_fn is None


def test_outside_a_course_run_the_page_has_nothing_to_ask() -> None:
    library = LibraryUsageLocatorV2(LibraryLocatorV2("OUx", "lib"), "engage_communicator", "c1")
    for usage in (library, "a.workbench.usage"):
        page = page_of(block_for(STAFF, usage))
        assert page is not None
        assert page["courseUrl"] is None


def test_slash_keys_of_old_courses_keep_their_slashes() -> None:
    page = page_of(block_for(STAFF, CourseKey.from_string("OUx/BBB/2013B").make_usage_key("engage_communicator", "c1")))
    assert page is not None
    assert page["courseUrl"] == "/engage/api/v1/courses/OUx/BBB/2013B/"


@pytest.mark.parametrize("attributes", [STAFF, {"user_is_staff": False}, {}, None])
def test_in_the_lms_nobody_changes_the_block_not_even_staff(attributes: dict[str, Any] | None) -> None:
    block = block_for(attributes)
    assert submit(block, "Mine now") == 403
    assert block.display_name == "Communicator"


def test_in_studio_an_author_of_the_course_changes_it_and_an_author_of_another_does_not() -> None:
    nobody_yet = {"user_is_staff": False, "user_role": "student"}  # what Studio says of everyone
    stranger = block_for(
        nobody_yet, studio_user_permissions=Permissions(CourseKey.from_string("course-v1:OUx+AAA+2013J"))
    )
    assert submit(stranger, "Mine now") == 403
    assert stranger.display_name == "Communicator"
    author = block_for(nobody_yet, studio_user_permissions=Permissions(COURSE))
    assert submit(author, "Who needs a hand?") == 200
    assert author.display_name == "Who needs a hand?"


def test_it_is_hidden_from_learners_by_default_and_no_part_of_completion_or_grades() -> None:
    block = block_for(STAFF)
    assert block.visible_to_staff_only is True
    assert XBlockCompletionMode.get_mode(CommunicatorXBlock) == XBlockCompletionMode.EXCLUDED
    assert CommunicatorXBlock.has_score is False


def test_every_handler_refuses_whoever_may_not_use_it() -> None:
    handlers = [
        name
        for name in dir(CommunicatorXBlock)
        if getattr(getattr(CommunicatorXBlock, name), "_is_xblock_handler", False)
    ]
    assert handlers == ["submit"]
    for name in handlers:
        request = Request.blank("/", method="POST", body=b"{}")
        assert block_for({"user_is_staff": False}).handle(name, request).status_code == 403


def test_the_entry_point_names_the_block() -> None:
    assert XBlock.load_class("engage_communicator") is CommunicatorXBlock

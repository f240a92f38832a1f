"""The learner's block: a link and room for the page, the same for everybody, who then see only themselves."""

from __future__ import annotations

from typing import Any

import pytest
from opaque_keys.edx.keys import CourseKey
from opaque_keys.edx.locator import LibraryLocatorV2, LibraryUsageLocatorV2
from xblock.completable import XBlockCompletionMode
from xblock.core import XBlock
from xblock.fields import Scope, ScopeIds
from xblock.runtime import DictKeyValueStore, KvsFieldData

from engage_xblock import LearnerXBlock
from tests.xblock.test_communicator import COURSE, Looking, Permissions, Runtime
from tests.xblock.test_studio import send


def block_for(attributes: dict[str, Any] | None, usage: Any = None, **more: Any) -> LearnerXBlock:
    services: dict[str, Any] = {"field-data": KvsFieldData(DictKeyValueStore()), **more}
    if attributes is not None:
        services["user"] = Looking(user={f"edx-platform.{name}": value for name, value in attributes.items()})
    usage = usage or COURSE.make_usage_key("engage_learner", "l1")
    scope_ids = ScopeIds("1", "engage_learner", usage, usage)
    return Runtime(services=services).construct_xblock_from_class(LearnerXBlock, scope_ids)


@pytest.mark.parametrize(
    "attributes", [{"user_id": 5, "user_role": "student"}, {"user_is_staff": True, "user_id": 7}, {}, None]
)
def test_it_is_the_same_for_everybody_and_holds_nobodys_data(attributes: dict[str, Any] | None) -> None:
    fragment = block_for(attributes).render("student_view")
    assert fragment.content == block_for({}).render("student_view").content
    assert 'href="/engage/me/course-v1:OUx+BBB+2013B"' in fragment.content
    assert "EngageMine" in fragment.content


def test_old_keys_keep_their_slashes() -> None:
    usage = CourseKey.from_string("OUx/BBB/2013B").make_usage_key("engage_learner", "l1")
    assert "/engage/me/OUx/BBB/2013B" in block_for({}, usage).render("student_view").content


def test_outside_a_course_run_it_says_what_it_is() -> None:
    library = LibraryUsageLocatorV2(LibraryLocatorV2("OUx", "lib"), "engage_learner", "l1")
    for usage in (library, "a.workbench.usage"):
        fragment = block_for({}, usage).render("student_view")
        assert "/engage/" not in fragment.content
        assert "EngageMine" not in fragment.content


def test_studio_shows_what_it_is_and_no_learner() -> None:
    fragment = block_for({"anonymous_user_id": "student"}).render("author_view")
    assert "do not predict me" in fragment.content
    assert not fragment.resources


def test_a_name_that_an_author_gives_is_text() -> None:
    block = block_for({})
    block.display_name = "<script>alert(1)</script>"
    assert "<script>" not in block.render("student_view").content


def test_it_counts_for_nothing_keeps_nothing_of_a_learner_and_takes_settings_only() -> None:
    assert XBlockCompletionMode.get_mode(LearnerXBlock) == XBlockCompletionMode.EXCLUDED
    assert LearnerXBlock.has_score is False
    of_a_learner = (Scope.user_state, Scope.preferences, Scope.user_info, Scope.user_state_summary)
    assert not [name for name, field in LearnerXBlock.fields.items() if field.scope in of_a_learner]
    handlers = [
        name for name in dir(LearnerXBlock) if getattr(getattr(LearnerXBlock, name), "_is_xblock_handler", False)
    ]
    assert handlers == ["submit"]


def test_studios_form_says_what_the_block_shows_and_takes_its_name() -> None:
    block = block_for({"anonymous_user_id": "student"}, studio_user_permissions=Permissions(COURSE))
    form = block.render("studio_view")
    assert "do not predict me" in form.content
    assert 'name="display_name" value="Your data and predictions"' in form.content
    assert "EngageCommunicatorStudio" in form.content
    answer = send(block, '{"display_name": "What is said  of me"}')
    assert (answer.status_code, block.display_name) == (200, "What is said of me")
    assert "What is said of me" in block.render("student_view").content
    assert 'value="What is said of me"' in block.render("studio_view").content
    for body in ('{"display_name": " "}', '{"targets": ["certify"]}', "{}", "[]"):
        assert send(block, body).status_code == 400
    assert block.display_name == "What is said of me"


@pytest.mark.parametrize("attributes", [{"user_is_staff": True}, {"user_id": 5}, {}, None])
def test_in_the_lms_nobody_changes_it(attributes: dict[str, Any] | None) -> None:
    block = block_for(attributes)
    assert send(block, '{"display_name": "Mine"}').status_code == 403
    assert not block.fields["display_name"].is_set_on(block)


def test_the_entry_point_names_the_block() -> None:
    assert XBlock.load_class("engage_learner") is LearnerXBlock

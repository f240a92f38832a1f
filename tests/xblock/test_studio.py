"""The block in an author's hands: settings, the author's view, and what becomes of it when a course is moved or copied."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from lxml import etree
from opaque_keys.edx.keys import CourseKey
from webob import Request
from xblock.core import XBlock
from xblock.fields import Boolean, Scope, ScopeIds
from xblock.runtime import DictKeyValueStore, KvsFieldData, MemoryIdManager

from engage_xblock import CommunicatorXBlock
from tests.xblock.test_communicator import COURSE, STAFF, Permissions, Runtime, block_for, page_of

# XBlock's own runtime still asks itself for what it has deprecated, when it reads OLX.
pytestmark = pytest.mark.filterwarnings("ignore:Runtime.user_id is deprecated")

AUTHOR = {"user_is_staff": False, "user_role": "student"}  # what Studio says of everyone
SETTINGS = {
    "display_name": "Who needs a hand?",
    "targets": ["certify", "leave"],
    "presets_allowed": False,
    "automation_allowed": False,
    "expected_pass_rate": 40,
}


def authored() -> CommunicatorXBlock:
    return block_for(AUTHOR, studio_user_permissions=Permissions(COURSE))


def send(block: CommunicatorXBlock, body: str) -> Any:
    return block.handle("submit", Request.blank("/", method="POST", body=body.encode()))


def settings_of(block: CommunicatorXBlock) -> dict[str, Any]:
    return {name: getattr(block, name) for name in SETTINGS}


def as_staff_see_it(block: CommunicatorXBlock) -> dict[str, Any]:
    """What the same fields bring to the page of the course team."""
    shown = block_for(STAFF)
    for name, value in settings_of(block).items():
        setattr(shown, name, value)
    page = page_of(shown)
    assert page is not None
    return page


def test_an_author_decides_what_the_page_shows() -> None:
    block = authored()
    answer = send(block, json.dumps(SETTINGS))
    assert (answer.status_code, answer.json) == (200, SETTINGS)
    assert settings_of(block) == SETTINGS
    page = as_staff_see_it(block)
    assert (page["targets"], page["presetsAllowed"], page["automationAllowed"]) == (["certify", "leave"], False, False)


def test_the_form_shows_what_is_set() -> None:
    block = authored()
    send(block, json.dumps(SETTINGS))
    form = block.render("studio_view").content
    boxes = {(name, value): bool(on) for name, value, on in re.findall(r'name="(\w+)" value="(\w*)"( checked)?>', form)}
    assert boxes == {
        ("targets", "certify"): True,
        ("targets", "complete"): False,
        ("targets", "leave"): True,
        ("presets_allowed", ""): False,
        ("automation_allowed", ""): False,
    }
    assert 'value="Who needs a hand?"' in form
    assert 'name="expected_pass_rate" value="40"' in form


def test_an_expected_pass_rate_can_be_taken_back() -> None:
    block = authored()
    assert (
        block.expected_pass_rate is None and 'name="expected_pass_rate" value=""' in block.render("studio_view").content
    )
    send(block, '{"expected_pass_rate": 40}')
    assert send(block, '{"expected_pass_rate": null}').json == {"expected_pass_rate": None}
    assert block.expected_pass_rate is None


def test_charts_keep_their_order_and_come_once() -> None:
    block = authored()
    assert send(block, '{"targets": ["leave", "certify", "leave"]}').json == {"targets": ["certify", "leave"]}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"targets": []}', "at least one chart"),
        ('{"targets": ["certify", "grade"]}', "at least one chart"),
        ('{"targets": "certify"}', "at least one chart"),
        ('{"targets": [["certify"]]}', "at least one chart"),
        ('{"presets_allowed": "yes"}', "on or off"),
        ('{"automation_allowed": 1}', "on or off"),
        ('{"expected_pass_rate": 0}', "from 1 to 99"),
        ('{"expected_pass_rate": 100}', "from 1 to 99"),
        ('{"expected_pass_rate": 40.5}', "from 1 to 99"),
        ('{"expected_pass_rate": "40"}', "from 1 to 99"),
        ('{"expected_pass_rate": true}', "from 1 to 99"),
        ('{"visible_to_staff_only": false}', "no setting visible_to_staff_only"),
        ("{}", "nothing to save"),
        ("[]", "nothing to save"),
        ('{"display_name": "Kept?", "targets": []}', "at least one chart"),
    ],
)
def test_what_cannot_be_a_setting_is_refused_and_nothing_is_saved(body: str, says: str) -> None:
    block = authored()
    answer = send(block, body)
    assert answer.status_code == 400
    assert says in answer.json["error"]
    assert settings_of(block) == settings_of(authored())
    assert block.visible_to_staff_only is True


def test_an_import_that_brought_nonsense_shows_all_charts() -> None:
    block = block_for(STAFF)
    block.targets = ["grade"]
    page = page_of(block)
    assert page is not None
    assert page["targets"] == ["certify", "complete", "leave"]


def test_the_authors_view_shows_the_page_of_this_course_and_asks_for_figures_where_staff_do() -> None:
    block = block_for({"user_is_staff": False, "anonymous_user_id": "student"})
    block.targets = ["leave"]
    assert block.has_author_view is True
    fragment = block.render("author_view")
    assert "for the course team only" in fragment.content
    assert "data-engage-config" not in fragment.content  # the page itself does not run in Studio
    found = re.search(r'data-engage-author="([^"]*)"', fragment.content)
    assert found is not None
    config = json.loads(html.unescape(found[1]))
    assert config["predictionsUrl"] == f"/engage/api/v1/courses/{COURSE}/predictions"
    assert config["targets"] == ["leave"]
    assert "A sample" in config["words"]["sample"]


def exported(block: CommunicatorXBlock) -> str:
    """OLX, as an export of the course writes it."""
    node = etree.Element("unknown")
    block.add_xml_to_node(node)
    return etree.tostring(node).decode()


def imported(olx: str) -> CommunicatorXBlock:
    """The block that an import of that OLX makes, in a course of its own."""
    services = {"field-data": KvsFieldData(DictKeyValueStore())}
    ids = MemoryIdManager()
    runtime = Runtime(services=services, id_reader=ids, id_generator=ids)
    return runtime.get_block(runtime.parse_xml_string(olx))


def test_settings_survive_export_and_import() -> None:
    block = authored()
    send(block, json.dumps(SETTINGS))
    olx = exported(block)
    assert olx.startswith("<engage_communicator ")
    again = imported(olx)
    assert settings_of(again) == SETTINGS
    assert again.visible_to_staff_only is True
    assert exported(again) == olx


def test_an_export_of_an_untouched_block_says_that_it_is_for_staff() -> None:
    olx = exported(authored())
    assert 'visible_to_staff_only="true"' in olx
    assert imported(olx).visible_to_staff_only is True


def test_olx_of_an_older_version_is_read() -> None:
    block = imported('<engage_communicator display_name="Old" url_name="c"/>')
    assert (block.display_name, block.visible_to_staff_only) == ("Old", True)
    assert block.targets == ["certify", "complete", "leave"]


def test_olx_without_a_list_of_charts_shows_all() -> None:
    block = imported('<engage_communicator targets="null" url_name="c"/>')
    assert block.page_config()["targets"] == ["certify", "complete", "leave"]
    assert 'name="targets"' in block.render("studio_view").content


def test_a_duplicate_and_a_rerun_are_as_the_original() -> None:
    block = authored()
    send(block, json.dumps(SETTINGS))
    # What Studio copies: cms/djangoapps/contentstore/utils.py, `duplicate_block`: settings that are set on the source.
    copied = {
        name: field.read_from(block)
        for name, field in block.fields.items()
        if field.scope == Scope.settings and field.is_set_on(block)
    }
    rerun = CourseKey.from_string("course-v1:OUx+BBB+2014J")
    usage = rerun.make_usage_key("engage_communicator", "c2")
    twin = Runtime(services={"field-data": KvsFieldData(DictKeyValueStore())}).construct_xblock_from_class(
        CommunicatorXBlock, ScopeIds("1", "engage_communicator", usage, usage)
    )
    for name, value in copied.items():
        setattr(twin, name, value)
    assert settings_of(twin) == SETTINGS
    assert twin.page_config()["course"] == str(rerun)  # its own course, not the one it was copied from


def test_the_course_outline_sees_that_it_is_for_staff_only() -> None:
    # lms/djangoapps/course_blocks/transformers/utils.py, `get_field_on_block`: what is not set on a block does not count.
    block = authored()
    field = block.fields["visible_to_staff_only"]
    assert field.is_set_on(block)
    assert field.read_from(block) is True
    block.visible_to_staff_only = False  # an author may show the text to learners after all
    assert field.read_from(block) is False


def test_it_keeps_nothing_of_a_learner() -> None:
    scopes = {field.scope for field in CommunicatorXBlock.fields.values()}
    assert scopes <= {Scope.settings, Scope.content, Scope.parent, Scope.children}


class Unit(XBlock):
    """A block above ours: the platform's are hidden by a field of the same name, unset."""

    visible_to_staff_only = Boolean(default=False, scope=Scope.settings)


def test_a_unit_that_learners_see_does_not_show_them_the_block() -> None:
    # xmodule/modulestore/inheritance.py, `InheritingFieldData.default`: our field is asked of the blocks above ours, and the
    # value is taken of the first that it is set on.
    block = authored()
    usage = COURSE.make_usage_key("vertical", "v1")
    unit = block.runtime.construct_xblock_from_class(Unit, ScopeIds("1", "vertical", usage, usage))
    assert unit.visible_to_staff_only is False
    field = block.fields["visible_to_staff_only"]
    assert (field.is_set_on(block), field.is_set_on(unit)) == (True, False)

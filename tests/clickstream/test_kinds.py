"""The table of paths, line by line, and what happens to everything that does not stand in it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from subprocess import run

import pytest

from engage_backend.clickstream import kind_table
from engage_backend.clickstream.event import Reason
from engage_backend.clickstream.kind_page import page
from engage_backend.clickstream.kinds import Row, group_of, kind_of_event, kind_of_path, rows

# fmt: off
PUBLISHED = [
    "courseware", "jump_to_id", "home", "info", "progress", "about", "wiki", "pdf_book", "forum_home", "forum_inline",
    "forum_search", "forum_users", "forum_upload", "thread_view", "thread_create", "thread_reply", "thread_update",
    "thread_delete", "thread_upvote", "thread_unvote", "thread_follow", "thread_unfollow", "thread_pin",
    "thread_flag", "thread_close", "comment_view", "comment_reply", "comment_update", "comment_delete",
    "comment_upvote", "comment_unvote", "comment_endorse", "comment_flag",
]
# fmt: on


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.pattern)
def test_each_row_of_the_table_is_what_its_example_becomes(row: Row) -> None:
    kind = kind_of_path(row.example)
    if row.kind.startswith("!"):
        assert kind is Reason[row.kind[1:]]
        return
    handler = row.example.rstrip("/").rpartition("/")[2]
    block_type = re.search(r"type@(\w+)|i4x://[^/]+/[^/]+/(\w+)/", row.example)
    wanted = row.kind.replace("{handler}", handler)
    if block_type:
        wanted = wanted.replace("{type}", block_type[1] or block_type[2])
    assert kind == wanted
    assert kind_of_path(row.example.rstrip("/") + "/") == kind
    new = row.example.replace("/courses/A/B/C", "/courses/ccx-v1:A+B+C+ccx@1", 1)
    assert kind_of_path(new) == kind


def test_each_row_names_where_its_path_is_written() -> None:
    known = set(re.findall(r"(?:^|  )(\w+) {2,}\S", kind_table.__doc__ or "", re.MULTILINE))
    assert {row.source for row in rows()} <= known


def test_the_publications_list_is_in_the_table() -> None:
    assert {row.kind for row in rows()} >= set(PUBLISHED) - {"about"}  # which is outside the course


def test_paths_of_the_research_packages_are_pages_of_the_course() -> None:
    course = "/courses/course-v1:OUx+AAA+2013J"
    assert kind_of_path(f"{course}/courseware/chapter546668/section/") == "courseware"
    assert kind_of_path(f"{course}/jump_to_id/546876") == "jump_to_id"
    assert kind_of_path(f"{course}/discussion/forum/i4x-546652/threads/00000000f169947cd01cfdeb") == "thread_view"
    assert kind_of_path(f"{course}/wiki/glossary/") == "wiki"


@pytest.mark.parametrize(
    "path",
    [
        "/gymdemo/ping",
        "/plugin/course-v1:A+B+C/page",
        "/courses/course-v1:A+B+C/plugin/page",
        "/courses/course-v1:A+B+C/plugin",
        "/courses/course-v1:A+B+C/" + "a/" * 500,
        "/api/plugin/v1/users/ann/course-v1:A+B+C",
        "/",
    ],
)
def test_a_path_that_no_row_names_is_no_activity(path: str) -> None:
    assert kind_of_path(path) is Reason.UNNAMED


def test_ids_in_names_of_events_do_not_make_kinds() -> None:
    assert {kind_of_event(f"thing.{n}.clicked") for n in range(1000, 1100)} == {"thing.{id}.clicked"}
    assert kind_of_event("drag_and_drop_v2.item") == "drag_and_drop_v2.item"
    assert len(str(kind_of_event("x" * 10_000))) <= 100


def test_an_event_cannot_pass_for_a_page() -> None:
    assert kind_of_event("progress") == "event:progress"
    assert kind_of_path("/courses/A/B/C/progress") == "progress"


@pytest.mark.parametrize(
    ("kind", "group"),
    [
        ("thread_view", "forum"),
        ("edx.forum.thread.created", "forum"),
        ("play_video", "video"),
        ("xblock_view:video", "video"),
        ("problem_check_correct", "submission"),
        ("edx.grades.problem.submitted", "submission"),
        ("showanswer", "problem"),
        ("courseware", "page"),
        ("gymdemo.clicked", "other"),
    ],
)
def test_a_kind_belongs_to_a_group(kind: str, group: str) -> None:
    assert group_of(kind) == group


def test_parsing_loads_neither_django_nor_numpy() -> None:
    code = "import sys, engage_backend.clickstream.parse; print({'django', 'numpy', 'torch'} & set(sys.modules))"
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"


def test_the_page_of_what_counts_is_made_from_the_table() -> None:
    written = Path(__file__).resolve().parents[2] / "docs" / "what-counts.md"
    assert written.read_text(encoding="utf-8") == page(), (
        "python -m engage_backend.clickstream.kind_page > docs/what-counts.md"
    )

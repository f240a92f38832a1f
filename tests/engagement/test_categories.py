"""Sorts of activity: each kind that the clickstream can tell counts as what an instructor would call it."""

from __future__ import annotations

import pytest

from engage_backend.clickstream.kinds import rows
from engage_backend.engagement.categories import Category, category_of


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        ("problem_check_correct", Category.CORRECT),
        ("problem_check_incorrect", Category.INCORRECT),
        ("handler:problem:problem_check", Category.PROBLEM),
        ("showanswer", Category.PROBLEM),
        ("thread_create", Category.POST),
        ("comment_reply", Category.POST),
        ("thread_view", Category.FORUM),
        ("play_video", Category.VIDEO),
        ("edx.video.closed_captions.shown", Category.VIDEO),
        ("progress", Category.PROGRESS),
        ("courseware", Category.CONTENT),
        ("xblock_view:vertical", Category.CONTENT),
        ("handler:done:toggle_button", Category.CONTENT),
        ("event:progress", Category.OTHER),
        ("gymdemo.clicked", Category.OTHER),
    ],
)
def test_a_kind_counts_as_its_sort_of_activity(kind: str, category: Category) -> None:
    assert category_of(kind) == category


def test_no_page_of_the_forum_counts_as_reading_the_course() -> None:
    forum = {row.kind for row in rows() if row.kind.startswith(("forum", "thread", "comment", "topic"))}
    assert {category_of(kind) for kind in forum} == {Category.FORUM, Category.POST}

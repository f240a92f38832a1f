"""xmodule/modulestore/django.py: the course itself, with the grading policy that Studio saved; and the publishing signal."""

from __future__ import annotations

from typing import Any

from django.dispatch import Signal

COURSES: dict[Any, Course] = {}


class SignalHandler:
    """`course_published` is sent by the process that publishes: Studio's, or an import."""

    course_published = Signal()


class Course:
    """xmodule/course_block.py."""

    def __init__(self, raw_grader: list[dict[str, Any]], blocks: list[Any] | None = None) -> None:
        self.raw_grader = raw_grader
        self.blocks = blocks or []  # those that are published, each with a `category`
        self.graceperiod: Any = None  # a timedelta, inherited by all blocks


class _Store:
    def get_course(self, course_key: Any) -> Course | None:
        return COURSES.get(course_key)

    def get_items(self, course_key: Any, qualifiers: dict[str, Any]) -> list[Any]:
        """xmodule/modulestore/split_mongo/split.py: blocks of a category; an unknown course is an error there."""
        return [block for block in COURSES[course_key].blocks if block.category == qualifiers["category"]]


def modulestore() -> _Store:
    return _Store()

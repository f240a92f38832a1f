"""lms/djangoapps/grades/context.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def graded_subsections_for_course(course_structure: Any) -> Iterator[Any]:
    """The graded subsections that not only staff sees."""
    for chapter_key in course_structure.get_children(course_structure.root_block_usage_key):
        for subsection_key in course_structure.get_children(chapter_key):
            subsection = course_structure[subsection_key]
            if not _visible_to_staff_only(subsection) and subsection.graded:
                yield subsection


def _visible_to_staff_only(subsection: Any) -> bool:
    try:
        return bool(subsection.transformer_data["visibility"].fields["merged_visible_to_staff_only"])
    except KeyError:
        return False

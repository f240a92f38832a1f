"""What a course run of an LMS grades: blocks, their share of the course grade, their due dates (files named as in Teak).

edx-platform is imported inside the functions only: this module loads, and is checked, where there is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from engage_backend.platform.edx_due import CourseDates, moment
from engage_backend.platform.protocol import GradedBlock, task_name

_NEVER_SET = 2030  # the year of `DEFAULT_START_DATE`, xmodule/course_metadata_utils.py


class _Problem(NamedTuple):
    block: str
    points: float
    due: int | None
    relative: int | None
    name: str
    opens: int | None


def graded_blocks(key: Any) -> Iterator[GradedBlock]:
    """Every block that counts, with its share of the course grade (together 1 at most) and its due date.

    The weight of an assignment type is shared by its subsections alike, and within one by the points of its problems. Where
    the grading policy foresees more assignments than there are yet, the missing ones keep their share. Dropped assignments
    are not foreseen: which one is dropped is known at the end only.

    Raises whatever the platform raises for a course that was never published or whose structure is just being rebuilt.
    """
    # openedx/core/djangoapps/content/block_structure/api.py, lms/djangoapps/grades/context.py
    from lms.djangoapps.grades.context import graded_subsections_for_course
    from openedx.core.djangoapps.content.block_structure.api import get_course_in_cache

    structure = get_course_in_cache(key)
    dates = CourseDates(key, structure)
    by_type: dict[str, list[tuple[str, str, list[_Problem]]]] = defaultdict(list)
    for subsection in graded_subsections_for_course(structure):
        if problems := list(_problems(dates, subsection.location)):
            title = getattr(subsection, "display_name", None) or ""
            by_type[getattr(subsection, "format", None) or ""].append((str(subsection.location), title, problems))
    policy = _policy(key)
    for kind, subsections in by_type.items():
        weight, count = policy.get(kind, (0.0, 0))
        for place, title, problems in subsections:
            total = sum(problem.points for problem in problems)
            for block, points, due, relative, name, opens in problems:
                if share := weight / max(len(subsections), count) * points / total:
                    name = task_name(title, name, is_alone=len(problems) == 1)
                    yield GradedBlock(block, share, due, name, place, relative, opens)


def _problems(dates: CourseDates, subsection: Any) -> Iterator[_Problem]:
    """The problems under a subsection that give points."""
    # openedx/core/djangoapps/content/block_structure/block_structure.py: what a block lacks is the default, and no error.
    # lms/djangoapps/grades/transformer.py says what is collected (a vertical has no `max_score`), scores.py what counts:
    # points are the weight where there is one, and `explicit_graded` takes a single problem out.
    from lms.djangoapps.grades.transformer import GradesTransformer

    structure = dates.structure
    for usage_key in structure.topological_traversal(start_node=subsection):
        if not structure.get_xblock_field(usage_key, "has_score", False):
            continue
        if not structure.get_xblock_field(usage_key, "graded", False):
            continue
        if structure.get_transformer_block_field(usage_key, GradesTransformer, "explicit_graded") is False:
            continue
        most = structure.get_transformer_block_field(usage_key, GradesTransformer, "max_score")
        weight = structure.get_xblock_field(usage_key, "weight")
        points = most if weight is None else weight
        if not (most and points):
            continue
        # Course blocks' API collects the name: lms/djangoapps/course_api/blocks/transformers/blocks_api.py
        name = structure.get_xblock_field(usage_key, "display_name") or ""
        # lms/djangoapps/course_blocks/transformers/start_date.py: the latest start of the block and those above it
        opens = structure.get_transformer_block_field(usage_key, "start_date", "merged_start_date")
        due, relative = dates.of(usage_key, subsection)
        at = moment(opens) if opens is not None and opens.year < _NEVER_SET else None
        yield _Problem(str(usage_key), float(points), due, relative, name, at)


def grace_period(key: Any) -> int:
    """How long after its due date a task is still taken, in microseconds."""
    # xmodule/modulestore/inheritance.py: `graceperiod`; xmodule/capa_block.py: `close_date` adds it
    from xmodule.modulestore.django import modulestore

    grace = getattr(modulestore().get_course(key), "graceperiod", None)
    return max(grace // timedelta(microseconds=1), 0) if isinstance(grace, timedelta) else 0


def _policy(key: Any) -> Mapping[str, tuple[float, int]]:
    """Assignment type -> (share of the course grade, how many assignments are foreseen)."""
    # xmodule/course_block.py: `raw_grader` is the list of assignment types of the grading policy, as Studio saved it.
    from xmodule.modulestore.django import modulestore

    return {
        kind["type"]: (float(kind.get("weight") or 0.0), int(kind.get("min_count") or 0))
        for kind in modulestore().get_course(key).raw_grader
    }


def communicators(key: Any) -> list[Any]:
    """The course's Communicators; in the LMS those that are published. Their fields may hold what an import brought."""
    # xmodule/modulestore/__init__.py: `get_items` finds by category
    from xmodule.modulestore.django import modulestore

    return list(modulestore().get_items(key, qualifiers={"category": "engage_communicator"}))


def expected_pass_rate(key: Any) -> float | None:
    """What an author has stated on a Communicator that is published, 0 to 1 in whole per cent; the first one counts."""
    for block in communicators(key):
        stated = getattr(block, "expected_pass_rate", None)
        if isinstance(stated, int) and 0 < stated < 100:  # an import may have brought anything
            return stated / 100
    return None

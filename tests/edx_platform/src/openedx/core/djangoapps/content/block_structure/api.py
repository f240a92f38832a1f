"""openedx/core/djangoapps/content/block_structure/api.py. The cache is a dict that tests fill."""

from __future__ import annotations

from typing import Any

from openedx.core.djangoapps.content.block_structure.block_structure import BlockStructureBlockData

COLLECTED: dict[Any, BlockStructureBlockData] = {}


def get_course_in_cache(course_key: Any) -> BlockStructureBlockData:
    return COLLECTED[course_key]

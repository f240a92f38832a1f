"""What is graded in a course, and how much each block counts: read from the course structure of a research package."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from engage_backend.platform.protocol import GradedBlock, task_name

# Blocks that hand in a score. A structure does not say which blocks of third parties do, unless `has_score` is set.
SCORED = {"problem", "openassessment", "lti", "lti_consumer", "drag-and-drop-v2", "edx_sga", "staffgradedxblock",
          "done", "problem-builder", "step-builder", "combinedopenended", "peergrading"}  # fmt: skip

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(text: Any) -> datetime | None:
    """A date and time as edX writes them, or None. Without a zone it is UTC, as edX's exports are."""
    try:
        when = datetime.fromisoformat(str(text or "").strip().strip('"'))
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)


def micros(when: datetime) -> int:
    """Microseconds since 1970, UTC."""
    return (when - EPOCH) // timedelta(microseconds=1)


def graded_blocks(structure: dict[str, Any], root: str, policy: dict[str, Any]) -> list[GradedBlock]:
    """Every graded block with its share of the course grade (together 1) and its due date.

    `graded`, `format` and `due` are inherited from above, as in the LMS. With assignment types in the grading policy
    the weight of a type is shared by its subsections alike, and in a subsection by the weight of its problems; dropped
    assignments are not foreseen, because which one is dropped is known at the end only. Without, weights are taken
    as they stand and scaled.
    """
    found = [(key, block, above) for key, block, above in _walk(structure, root, {}) if _counts(key, block, above)]
    if not found:
        return []
    types = {str(t.get("type")): float(t.get("weight") or 0) for t in policy.get("GRADER") or [] if isinstance(t, dict)}
    weight = {key: _weight(block) for key, block, _ in found}
    if any(above.get("format") in types for _, _, above in found):
        groups: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for key, _, above in found:
            groups[str(above.get("format"))][str(above.get("graded_at"))].append(key)
        shares = {}
        for kind, subsections in groups.items():
            for keys in subsections.values():
                total = sum(weight[key] for key in keys) or 1.0
                for key in keys:
                    shares[key] = types.get(kind, 0.0) / len(subsections) * weight[key] / total
    else:
        shares = weight
    total = sum(shares.values())
    if total <= 0:
        return []
    together = Counter(above.get("graded_at") for _, _, above in found)
    return [
        GradedBlock(
            key,
            shares[key] / total,
            micros(due) if (due := moment(above.get("due"))) else None,
            task_name(
                above.get("graded_name", ""),
                str((block.get("metadata") or {}).get("display_name") or ""),
                is_alone=together[above.get("graded_at")] == 1,
            ),
            opens=micros(start) if (start := moment(above.get("start"))) else None,
        )
        for key, block, above in found
        if shares[key] > 0
    ]


def _walk(structure: dict[str, Any], root: str, above: dict[str, Any]) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Every block below the root, once, with what it has of its own or inherits: graded, format, due, start, graded_at."""
    todo, seen = [(root, above)], set()
    while todo:
        key, above = todo.pop()
        block = structure.get(key)
        if key in seen or not isinstance(block, dict):
            continue
        seen.add(key)
        own = block.get("metadata") or {}
        here = {
            **above,
            **{name: own[name] for name in ("graded", "format", "due", "start") if own.get(name) is not None},
        }
        if own.get("graded") is not None or own.get("format"):
            here["graded_at"] = key
            here["graded_name"] = str(own.get("display_name") or "")
        yield key, block, here
        todo.extend((child, here) for child in reversed(block.get("children") or []))


def _counts(key: str, block: dict[str, Any], above: dict[str, Any]) -> bool:
    own = block.get("metadata") or {}
    scored = own.get("has_score", block.get("category") in SCORED)
    return bool(scored) and above.get("graded") is True and not own.get("visible_to_staff_only")


def _weight(block: dict[str, Any]) -> float:
    try:
        weight = float((block.get("metadata") or {}).get("weight", 1.0))
    except (TypeError, ValueError):
        return 1.0
    return weight if weight >= 0 else 1.0

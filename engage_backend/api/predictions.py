"""What is said of the learners of a course run, as columns: made for 100,000 learners and a poll every two seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from django.db.models import Case, Max, Min, Q, QuerySet, When

from engage_backend.api.columns import columns
from engage_backend.api.conditional import weak_etag
from engage_backend.api.problems import CursorUnknown
from engage_backend.conf import engage_settings
from engage_backend.engagement.live.expected import expected_rate
from engage_backend.engagement.verdict import colour_of
from engage_backend.models import Checkpoint, CourseRun, Learner, LearnerStatus, Prediction
from engage_backend.platform.moments import to_text

_CURSOR = re.compile(r"[0-9]{1,18}")
NAME_LENGTH = 40  # of a model in its identity, `name/digest`
HEARD_SECONDS = 60.0  # a consumer that is silent for longer says nothing any more about whether its source answers
COLUMNS = ("learners", "state", "certify", "complete", "leave", "level", "expected_level")


@dataclass(frozen=True)
class Standing:
    """Where a course run stands: all of an answer but the rows. Read before the rows, and never after them.

    Under READ COMMITTED a prediction may be committed between the two reads. The rows then are newer than the cursor,
    and the next poll brings them once more; the other way round they would be skipped for good.
    """

    run_id: int | None  # None: a course run that no consumer has met yet
    version: int = 0
    last_removal_version: int = 0
    model: str = ""
    calibrated: bool = False
    understood_share: float | None = None
    leave_fact: list[Any] | None = None
    leave_correction: list[float] | None = None
    drift: dict[str, Any] | None = None
    as_of: datetime | None = None
    consumer_seen: datetime | None = None
    unreachable_since: datetime | None = None  # since when a source has not answered its consumer, by the wall clock

    @property
    def etag(self) -> str:
        """Changes with whatever the answer says; with the consumer's sign of life once a minute, not every poll."""
        seen = None if self.consumer_seen is None else int(self.consumer_seen.timestamp() // 60)
        leave = str((self.leave_fact, self.leave_correction, colour_of(self.drift)))
        stands_on = (self.run_id, self.version, self.model, self.calibrated, leave, self.as_of)
        return weak_etag(*stands_on, seen, self.unreachable_since)


def standing(course_key: str) -> Standing:
    """Where the course run stands now, in two queries that do not grow with it."""
    found = (
        CourseRun.objects.filter(course_key=course_key)
        .values_list(
            *("pk", "version", "last_removal_version", "model", "calibrated", "understood_share"),
            *("leave_fact", "leave_correction", "drift", "as_of"),
        )
        .first()
    )
    if found is None:
        return Standing(run_id=None)
    heard = Q(updated__gte=datetime.now(UTC) - timedelta(seconds=HEARD_SECONDS))
    return Standing(
        *found,
        **Checkpoint.objects.aggregate(
            consumer_seen=Max("updated"), unreachable_since=Min("unreachable_since", filter=heard)
        ),
    )


def cursor(text: str | None, stands: Standing) -> int | None:
    """Return the cursor that a caller gave, or None for all rows.

    Raises CursorUnknown when it cannot be one of ours, or when learners were deleted since: no row is left that `since`
    could bring, so the caller has to ask for everyone again.
    """
    if text is None:
        return None
    if not _CURSOR.fullmatch(text) or not stands.last_removal_version <= int(text) <= stands.version:
        raise CursorUnknown
    return int(text)


def answer(stands: Standing, since: int | None) -> bytes:
    """The answer as JSON: all learners but those who left, or only the rows written after `since`, leavers among them.

    `understood_share` is, of the course's latest clicks at the last daily pass, what the parts of the model that have a say
    understand, 0 to 1. `leave` is to be shown as a rank, unless `leave_shown_as` is "share": then the percentage is, on
    log-odds, `slope` times the figure plus `intercept` of `leave_correction`. `leave_fact`: how many were active two weeks
    ago, and how many of them were not back 14 days later; null of few. `drift`: whether the model still sees what it was
    trained on, as of the last daily pass; "red": the figures are in doubt, and automation pauses; null: not judged. `total`
    counts everyone enrolled. `consumer.last_seen` is when a consumer last gave a sign of life, in the world's time (it does
    so every five seconds while it runs); `lag_seconds` is how long ago that was by this server's clock; `unreachable_since`
    is since when the source of the clicks has not answered it, or null.
    """
    rows: QuerySet[Any, tuple[Any, ...]]
    everyone = Learner.objects.filter(course_run=stands.run_id).exclude(state=LearnerStatus.LEFT)
    if since is None:
        rows = everyone.values_list("pseudonym", "state", *(f"prediction__{name}" for name in COLUMNS[2:]))
    else:
        changed = Prediction.objects.filter(course_run=stands.run_id, version__gt=since)
        # Who has left is told without figures: they may have objected, and theirs are kept until that can't be undone.
        left = When(learner__state=LearnerStatus.LEFT, then=None)
        figures = (Case(left, default=name) for name in COLUMNS[2:])
        rows = changed.values_list("learner__pseudonym", "learner__state", *figures)
    found = columns(rows, len(COLUMNS))
    total = len(found[0]) if since is None else everyone.count()
    seen = stands.consumer_seen
    body: dict[str, Any] = {
        "as_of": to_text(stands.as_of),
        "cursor": str(stands.version),
        "model": _model(stands.model),
        "calibrated": stands.calibrated,
        "understood_share": stands.understood_share,
        "expected_pass_rate": expected_rate(stands.model),
        "drift": colour_of(stands.drift),
        "leave_shown_as": "rank" if stands.leave_correction is None else "share",
        "leave_correction": _named(stands.leave_correction, "slope", "intercept"),
        "leave_fact": _named(stands.leave_fact, "day", "active", "not_back"),
        "total": total,
        "consumer": {
            "last_seen": to_text(seen),
            "lag_seconds": None if seen is None else max(0.0, round((datetime.now(UTC) - seen).total_seconds(), 1)),
            "unreachable_since": to_text(stands.unreachable_since),
        },
        **dict(zip(COLUMNS, found, strict=True)),
    }
    return msgspec.json.encode(body)


def _named(values: list[Any] | None, *names: str) -> dict[str, Any] | None:
    return None if values is None else dict(zip(names, values, strict=True))


def _model(identity: str) -> dict[str, str | None] | None:
    """The model by its name, and on what it was trained where this process can read its card."""
    if not identity:
        return None
    name = identity.rpartition("/")[0] or identity
    path = engage_settings().model / "card.json"
    try:
        card = _card(path, path.stat().st_mtime_ns)
    except OSError:
        card = {}
    trained_on = card.get("trained_on") if str(card.get("name"))[:NAME_LENGTH] == name else None
    return {"name": name, "trained_on": trained_on if isinstance(trained_on, str) else None}


@lru_cache(maxsize=4)
def _card(path: Path, changed: int) -> dict[str, Any]:
    """The card of a model's folder, read once for each time it was written; empty when it is not one."""
    try:
        card = msgspec.json.decode(path.read_bytes())
    except msgspec.DecodeError:
        return {}
    return card if isinstance(card, dict) else {}

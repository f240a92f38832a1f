"""Which learner had which message when: for the operator, and for training, which may leave those learners out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from engage_backend.models import CourseRun, Delivery, DeliveryState

HAD = (DeliveryState.SENT, DeliveryState.UNCERTAIN)  # for sure, or perhaps
_ROWS = 2_000


class Had(NamedTuple):
    """One message that a learner had; `at` is empty where a crash hid when."""

    user_id: int
    pseudonym: str
    communication: int
    version: int
    subject: str
    automatic: bool
    state: str
    at: str


def had_messages(run: CourseRun) -> Iterator[Had]:
    """Every message that somebody had in the run, in the order of the deliveries."""
    rows = Delivery.objects.filter(communication__course_run=run, state__in=HAD).order_by("pk")
    fields = ("communication", "version__number", "version__subject", "sending__automatic", "state", "finished_at")
    for user_id, pseudonym, communication, version, subject, automatic, state, at in rows.values_list(
        "learner__user_id", "learner__pseudonym", *fields
    ).iterator(chunk_size=_ROWS):
        yield Had(user_id, pseudonym, communication, version, subject, bool(automatic), state, _text(at))


def written_to(run: CourseRun) -> set[int]:
    """User ids of those who had any message in the run."""
    rows = Delivery.objects.filter(communication__course_run=run, state__in=HAD)
    return set(rows.values_list("learner__user_id", flat=True))


def _text(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

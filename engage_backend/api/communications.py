"""Communications as the page gets them: one JSON object each, and what stands in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import Case, Count, F, Value, When

from engage_backend.messaging.cautions import warnings
from engage_backend.messaging.drafts import is_frozen, newest_of
from engage_backend.messaging.said import in_words
from engage_backend.messaging.wording import Wording, WordingProblem
from engage_backend.models import (
    Communication,
    CommunicationVersion,
    CourseRun,
    Delivery,
    DeliveryState,
    Sending,
)

MOST_LISTED = 1_000
_OPEN = (Sending.State.WAITING, Sending.State.SENDING)
WORDS = ("reply_to", "subject", "body")


def listed(run: CourseRun, user_id: int) -> list[dict[str, Any]]:
    """All communications of a course run, the youngest first, without bodies and lists; three queries."""
    versions = list(newest_of(run).defer("body", "pseudonyms"))
    of_run = Sending.objects.filter(communication__course_run=run).order_by("pk")
    sendings = {one.communication_id: one for one in of_run}
    counts = _counts(run)
    return [
        _head(one.communication, one, sendings.get(one.communication_id), counts[one.communication_id], user_id)
        for one in versions
    ]


def detail(
    newest: CommunicationVersion,
    sendings: Sequence[Sending],
    user_id: int,
    shown: CommunicationVersion | None = None,
) -> dict[str, Any]:
    """One communication by its newest version and its sendings, the youngest first, each with its version.

    The words and the list are those of the version `shown`, the newest without. Nothing is asked of what was never
    confirmed; one query otherwise, three where something went wrong and it runs by itself.
    """
    communication, version = newest.communication, shown or newest
    # All that is not the newest was confirmed once, or it would have been changed and not followed.
    versions = {one.version.number: one.version for one in sendings} | {newest.number: newest}
    counts, skipped = _states(communication.pk) if sendings else (dict.fromkeys(DeliveryState.values, 0), {})
    wording = Wording(subject=version.subject, body=version.body)
    head = _head(communication, version, sendings[0] if sendings else None, counts, user_id)
    trouble: list[tuple[str, str, str]] = []
    if counts[DeliveryState.UNCERTAIN] or counts[DeliveryState.FAILED]:
        rows = communication.deliveries.filter(state__in=[DeliveryState.UNCERTAIN, DeliveryState.FAILED]).order_by("pk")
        trouble = list(rows.values_list("learner__pseudonym", "state", "reason")[:MOST_LISTED])
    return {
        **head,
        **{name: getattr(version, name) for name in WORDS},
        "criteria": version.criteria,
        "pseudonyms": version.pseudonyms,
        "frozen": is_frozen(version, sendings),
        "warnings": warned(wording),
        "incomplete": _incomplete(wording),
        "versions": [
            {"number": one.number, "subject": one.subject, "created": text(one.created), "sent_at": text(one.sent_at)}
            for _, one in sorted(versions.items(), reverse=True)
        ],
        "sendings": [sending(one) for one in sendings],
        "in_doubt": [name for name, state, _ in trouble if state == DeliveryState.UNCERTAIN],
        "failed": [
            {"learner": name, "reason": in_words(why)} for name, state, why in trouble if state == DeliveryState.FAILED
        ],
        "skipped": reasons(skipped),
        "matches": None if communication.automation_since is None else _matches(communication),
    }


def sending(one: Sending) -> dict[str, Any]:
    """One confirmation, and how it stands."""
    return {
        "id": one.pk,
        "communication": one.communication_id,
        "version": one.version.number,
        "state": one.state,
        "automatic": one.automatic,
        "selected": one.selected,
        "left_out": reasons(one.left_out),
        "created": text(one.created),
        "send_at": text(one.send_at),
        "released_at": text(one.released_at),
        "latest_at": text(one.latest_at),
        "late": one.late,
        "undo_seconds": _undo_seconds(one),
    }


def reasons(counts: Mapping[str, int]) -> dict[str, int]:
    """How many for which reason, in the reader's language."""
    said: Counter[str] = Counter()
    for reason, count in counts.items():
        said[in_words(reason)] += count
    return dict(said)


def _incomplete(wording: Wording) -> str:
    """What keeps it from being sent as it stands, the field first; empty where nothing does, or it is still to be written."""
    try:
        if wording.subject and wording.body:
            wording.check_complete()
    except WordingProblem as problem:
        return str(problem)
    return ""


def warned(wording: Wording) -> list[dict[str, str]]:
    """What the author is to be warned of."""
    return [one._asdict() for one in warnings(wording)]


def text(when: datetime | None) -> str | None:
    """A moment in ISO 8601, UTC, to the second."""
    return None if when is None else when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _head(
    one: Communication,
    version: CommunicationVersion,
    last: Sending | None,
    counts: dict[str, int],
    user_id: int,
) -> dict[str, Any]:
    state = "draft" if last is None or last.state == Sending.State.UNDONE else last.state
    is_automatic = one.automation != Communication.Automation.OFF
    return {
        "id": one.pk,
        "version": version.number,
        "subject": version.subject,
        "mine": one.author_id == user_id,
        "created": text(one.created),
        "sent_at": text(version.sent_at),
        "state": state,
        "active": is_automatic or state in _OPEN,
        "automation": one.automation,
        "paused_because": in_words(one.paused_because),
        "order": one.order,
        "course_notice": one.course_notice,
        "counts": counts,
        "undo_seconds": _undo_seconds(last) if last is not None else 0,
    }


def _undo_seconds(one: Sending) -> int:
    """For how long it can still be undone."""
    left = (one.undo_until - datetime.now(UTC)).total_seconds()
    return max(0, round(left)) if one.state == Sending.State.WAITING else 0


def counts_of(communication: int) -> dict[str, int]:
    """How many deliveries are in which state; states without any are 0."""
    return _states(communication)[0]


def _states(communication: int) -> tuple[dict[str, int], dict[str, int]]:
    """How many deliveries are in which state, and of those skipped how many for which reason. One query."""
    why = Case(When(state=DeliveryState.SKIPPED, then=F("reason")), default=Value(""))
    rows = Delivery.objects.filter(communication=communication).annotate(why=why).values_list("state", "why")
    counts, skipped = dict.fromkeys(DeliveryState.values, 0), {}
    for state, reason, count in rows.annotate(count=Count("pk")).order_by("-count"):
        counts[state] += count
        if state == DeliveryState.SKIPPED:
            skipped[reason] = count
    return counts, skipped


def _counts(run: CourseRun) -> dict[int, dict[str, int]]:
    """For each communication of a run how many deliveries are in which state; states without any are 0."""
    found: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(DeliveryState.values, 0))
    rows = Delivery.objects.filter(communication__course_run=run).values_list("communication_id", "state")
    for communication_id, state, count in rows.annotate(count=Count("pk")).order_by():
        found[communication_id][state] = count
    return found


def _matches(communication: Communication) -> dict[str, Any] | None:
    """Whom automation found last; None where it has never looked."""
    last = communication.days.order_by("-day").first()
    if last is None:
        return None
    return {"day": last.day.isoformat(), "fresh": len(last.fresh), "decided": last.sending_id is not None}

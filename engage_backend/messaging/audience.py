"""Who of a list may be written to: asked when a list is confirmed, and again when each mail goes out. It only shrinks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext_noop as _

from engage_backend.governance.objections import objecting
from engage_backend.messaging.said import Said
from engage_backend.models import Communication, CourseRun, Delivery, DeliveryState, Learner
from engage_backend.platform.api import get_platform
from engage_backend.platform.protocol import Recipient

# Reasons are kept and passed on in English, and put in words where somebody reads them: see `said.in_words`.
OPTED_OUT, OBJECTS, GONE = _("opted out"), _("objects"), _("no such learner")
# Why somebody is not written to by a communication that they are known to already.
_HAD = {
    DeliveryState.SENT: _("has had it"),
    DeliveryState.UNCERTAIN: _("may have had it"),
    DeliveryState.QUEUED: _("is being written to"),
    DeliveryState.CLAIMED: _("is being written to"),
}
_AT_ONCE = 5_000  # values in one query


class UnknownLearners(ValueError):
    """Pseudonyms that are not of this course run. The text counts them and shows none but the first."""

    def __init__(self, said: Said) -> None:
        super().__init__(said)


@dataclass(frozen=True)
class Audience:
    """Of those selected, who is written to and who is not."""

    selected: int
    learners: list[int] = field(default_factory=list)  # ids, in the order of the list
    left_out: Mapping[str, int] = field(default_factory=dict)  # {reason: count}


def learners_of(run: CourseRun, pseudonyms: Iterable[str]) -> list[int]:
    """The learners by their pseudonyms, each once, in that order. Raises UnknownLearners."""
    wanted = list(dict.fromkeys(pseudonyms))
    known: dict[str, int] = {}
    for at in range(0, len(wanted), _AT_ONCE):
        part = Learner.objects.filter(course_run=run, pseudonym__in=wanted[at : at + _AT_ONCE])
        known |= dict(part.values_list("pseudonym", "pk"))
    if missing := [one for one in wanted if one not in known]:
        said = Said(
            _(
                "{missing} of {wanted} pseudonyms are not of learners of this course run, “{first}” among them."
                " Select them on this course's own page."
            ),
            {"missing": len(missing), "wanted": len(wanted), "first": missing[0][:8]},
        )
        raise UnknownLearners(said)
    return [known[one] for one in wanted]


def audience(run: CourseRun, learners: Iterable[int], communication: Communication | None = None) -> Audience:
    """Who of the learners may be written to now; with a communication, who has not had it."""
    wanted = list(dict.fromkeys(learners))
    had: dict[int, str] = {}
    if communication is not None:
        had = dict(Delivery.objects.filter(communication=communication).values_list("learner_id", "state"))
    users: dict[int, int] = {}
    for at in range(0, len(wanted), _AT_ONCE):
        part = Learner.objects.filter(course_run=run, pk__in=wanted[at : at + _AT_ONCE])
        users |= dict(part.values_list("pk", "user_id"))
    people = reachable(run, users.values())
    kept: list[int] = []
    reasons: Counter[str] = Counter()
    for learner in wanted:
        state = had.get(learner)
        found = people.get(users.get(learner, 0))
        reason = _HAD.get(DeliveryState(state), "") if state else ""
        reason = reason or (GONE if found is None else found.reason)
        if reason:
            reasons[reason] += 1
        else:
            kept.append(learner)
    return Audience(len(wanted), kept, dict(reasons.most_common()))


def reachable(run: CourseRun, user_ids: Iterable[int]) -> dict[int, Recipient]:
    """Those of the users that exist, by id, with the reason why not where one may not be written to."""
    platform = get_platform()
    no = dict.fromkeys(objecting(run), OBJECTS) | dict.fromkeys(platform.opted_out(run.course_key), OPTED_OUT)
    found = platform.recipients(run.course_key, user_ids)
    return {
        one.user_id: one._replace(is_reachable=False, reason=no[one.user_id])
        if one.is_reachable and one.user_id in no
        else one
        for one in found
    }

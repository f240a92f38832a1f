"""Who of a list may be written to: asked when a list is confirmed, and again when each mail goes out. It only shrinks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext_noop as _

from engage_backend.governance.objections import objecting, objections
from engage_backend.messaging.criteria import Criteria
from engage_backend.messaging.said import Said
from engage_backend.messaging.selection import matching
from engage_backend.models import Communication, CourseRun, Delivery, DeliveryState, Learner
from engage_backend.models.course import is_pseudonym
from engage_backend.platform.api import get_platform
from engage_backend.platform.protocol import Recipient

# Reasons are kept and passed on in English, and put in words where somebody reads them: see `said.in_words`.
OBJECTS, GONE = _("objects"), _("no such learner")
# In which states of a delivery somebody has the message, or is about to, and is not written to by the same one again.
HAD = {
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
    pseudonyms: list[str] = field(default_factory=list)  # of those selected who are of the course run
    learners: list[int] = field(default_factory=list)  # ids, in the order of the list
    known: frozenset[int] = frozenset()  # those of them who have a delivery already, that did not reach them
    left_out: Mapping[str, int] = field(default_factory=dict)  # {reason: count}


class _Candidate(NamedTuple):
    """A learner who may be written to, or not."""

    learner: int
    pseudonym: str
    user: int
    objects: bool
    delivery: str | None  # the state of theirs, where the communication is known to them


def check_known(run: CourseRun, pseudonyms: Iterable[str]) -> set[str]:
    """Return those of the pseudonyms that no learner has any more: the person was removed.

    Raises UnknownLearners for what is no pseudonym, or is of another course run.
    """
    wanted = list(dict.fromkeys(pseudonyms))
    return _check_missing(wanted, _found(run, wanted))


def removed(run: CourseRun, pseudonyms: Iterable[str]) -> set[str]:
    """Return those of the pseudonyms that no learner has any more, and pass over what is none or of another course run."""
    wanted = list(dict.fromkeys(pseudonyms))
    found = _found(run, wanted)
    return _of_nobody(one for one in wanted if one not in found)


def of_list(communication: Communication, pseudonyms: Iterable[str]) -> Audience:
    """Who of a list would be written to now by this communication; who was removed is left out. Raises UnknownLearners."""
    wanted = list(dict.fromkeys(pseudonyms))
    run = communication.course_run
    parts = _in_parts(run, "pseudonym", wanted)
    found = {one.pseudonym: one for part in parts for one in _candidates(part, communication)}
    _check_missing(wanted, found)
    return _audience(run, [found.get(one) for one in wanted])


def of_learners(communication: Communication, learners: Iterable[int]) -> Audience:
    """The same of learners by their ids; one who is not of the course run is left out."""
    wanted = list(dict.fromkeys(learners))
    run = communication.course_run
    parts = _in_parts(run, "pk", wanted)
    found = {one.learner: one for part in parts for one in _candidates(part, communication)}
    return _audience(run, [found.get(one) for one in wanted])


def of_criteria(communication: Communication, criteria: Criteria, now: datetime) -> Audience:
    """The same of those who meet criteria now; `now` is the site's clock."""
    run = communication.course_run
    return _audience(run, list(_candidates(matching(run, criteria, now), communication)))


def reachable(run: CourseRun, user_ids: Iterable[int]) -> dict[int, Recipient]:
    """Those of the users that exist, by id, with the reason why not where one may not be written to."""
    objects = objecting(run)
    return {
        one.user_id: _unless(one, one.user_id in objects) for one in get_platform().recipients(run.course_key, user_ids)
    }


def _candidates(learners: QuerySet[Learner], communication: Communication) -> Iterator[_Candidate]:
    theirs = Delivery.objects.filter(communication=communication, learner=OuterRef("pk"))
    objects = Exists(objections(communication.course_run).filter(user_id=OuterRef("user_id")))
    fields = ("pk", "pseudonym", "user_id", objects, Subquery(theirs.values("state")))
    return (_Candidate(*row) for row in learners.values_list(*fields))


def _unless(person: Recipient, objects: bool) -> Recipient:
    return person._replace(is_reachable=False, reason=OBJECTS) if objects and person.is_reachable else person


def _audience(run: CourseRun, candidates: Sequence[_Candidate | None]) -> Audience:
    asked = get_platform().recipients(run.course_key, [one.user for one in candidates if one is not None])
    people = {one.user_id: one for one in asked}
    kept: list[_Candidate] = []
    reasons: Counter[str] = Counter()
    for one in candidates:
        person = None if one is None else people.get(one.user)
        reason = HAD.get(DeliveryState(one.delivery), "") if one is not None and one.delivery else ""
        reason = reason or (GONE if one is None or person is None else _unless(person, one.objects).reason)
        if reason or one is None:
            reasons[reason] += 1
        else:
            kept.append(one)
    return Audience(
        selected=len(candidates),
        pseudonyms=[one.pseudonym for one in candidates if one is not None],
        learners=[one.learner for one in kept],
        known=frozenset(one.learner for one in kept if one.delivery),
        left_out=dict(reasons.most_common()),
    )


def _found(run: CourseRun, wanted: Sequence[str]) -> set[str]:
    parts = _in_parts(run, "pseudonym", wanted)
    return {one for part in parts for one in part.values_list("pseudonym", flat=True)}


def _of_nobody(missing: Iterable[str]) -> set[str]:
    """Return the pseudonyms that no learner of any run has."""
    left = {one for one in missing if is_pseudonym(one)}
    for part in _chunks(sorted(left)):
        left.difference_update(Learner.objects.filter(pseudonym__in=part).values_list("pseudonym", flat=True))
    return left


def _check_missing(wanted: Sequence[str], found: Container[str]) -> set[str]:
    """Return those not found that no learner of any run has. Raises UnknownLearners for the others."""
    missing = [one for one in wanted if one not in found]
    gone = _of_nobody(missing)
    if unknown := [one for one in missing if one not in gone]:
        said = Said(
            _(
                "{missing} of {wanted} pseudonyms are not of learners of this course run, “{first}” among them."
                " Select them on this course's own page."
            ),
            {"missing": len(unknown), "wanted": len(wanted), "first": unknown[0][:8]},
        )
        raise UnknownLearners(said)
    return gone


def _in_parts(run: CourseRun, field: str, wanted: Sequence[Any]) -> Iterator[QuerySet[Learner]]:
    """The learners of the run whose `field` is one of those, in parts that one query can hold."""
    for part in _chunks(wanted):
        yield Learner.objects.filter(course_run=run, **{f"{field}__in": part})


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[at : at + _AT_ONCE] for at in range(0, len(values), _AT_ONCE))

"""Communications as they are written and kept: drafts change, what was confirmed does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, QuerySet
from django.utils.translation import gettext_noop as _

from engage_backend.conf import engage_settings
from engage_backend.messaging.audience import check_known, removed
from engage_backend.messaging.criteria import Criteria
from engage_backend.messaging.rendering import prepare
from engage_backend.messaging.said import Said
from engage_backend.messaging.selection import pseudonyms as selected_pseudonyms
from engage_backend.messaging.wording import Name, Wording, WordingProblem
from engage_backend.models import AutomationDay, Communication, CommunicationVersion, CourseRun, Delivery, Sending
from engage_backend.platform.api import get_platform

FORMAT = "engage-communications"
MOST_IMPORTED = 200
_WORDS = tuple(field.name for field in fields(Wording))


@dataclass(frozen=True)
class Draft:
    """What a version holds besides its number and author."""

    wording: Wording
    criteria: Criteria
    pseudonyms: tuple[str, ...]  # as the author saw them
    no_longer_here: int = 0  # how many of those given were dropped: no learner has their pseudonym any more


class Author(NamedTuple):
    """Who writes, as the platform knows them: what stands in From, and where answers may go."""

    user_id: int
    name: str
    addresses: tuple[str, ...]  # their own first, if it is known, then those of the site


def author_of(run: CourseRun, user_id: int) -> Author:
    """Return the author of what this user writes. One query of the platform's."""
    person = next(iter(get_platform().recipients(run.course_key, [user_id])), None)
    own = person.email if person else ""
    addresses = dict.fromkeys(one for one in (own, *engage_settings().reply_to) if one)
    name = Name.of(person.first_name, person.full_name).full if person else ""
    return Author(user_id, name, tuple(addresses))


def draft(
    run: CourseRun,
    given: Mapping[str, Any],
    now: datetime,
    before: CommunicationVersion | None = None,
    author: Author | None = None,
) -> Draft:
    """Return the draft that `given` makes of the version before: any of the wording, `criteria`, `pseudonyms`.

    New criteria without a list of pseudonyms select by themselves, now. Answers go to one of the author's addresses, or
    where they went before. Pseudonyms of learners who were removed are dropped from the list, and from the criteria. Call it
    inside `holding` or `beginning`, so that nobody is retired until the draft is stored. Raises WordingProblem,
    CriteriaProblem, UnknownLearners.
    """
    words = {name: getattr(before, name) if before else "" for name in _WORDS}
    wording = Wording.checked(**{name: given.get(name, old) for name, old in words.items()})
    allowed = {"", words["reply_to"], *(author.addresses if author else ())}
    if wording.reply_to not in allowed:
        choices = ", ".join(author.addresses) if author and author.addresses else "-"
        raise WordingProblem("reply_to", Said(_("is not one of your addresses here: {choices}"), {"choices": choices}))
    prepare(wording.subject, wording.body)
    criteria = Criteria.from_json(given.get("criteria", before.criteria if before else {"version": 1}))
    gone: set[str] = set()
    if "criteria" in given:
        gone = removed(run, (*criteria.include, *criteria.exclude))
        criteria = criteria.without(gone)
    if "pseudonyms" in given:
        away = check_known(run, given["pseudonyms"])
        gone |= away
        pseudonyms = [one for one in given["pseudonyms"] if one not in away]
    elif "criteria" in given or before is None:
        pseudonyms = selected_pseudonyms(run, criteria, now)
    else:
        pseudonyms = before.pseudonyms
    return Draft(wording, criteria, tuple(dict.fromkeys(pseudonyms)), len(gone))


@contextmanager
def beginning(run: CourseRun) -> Iterator[None]:
    """A transaction that makes communications of the run: a retirement waits for its end, or has ended before."""
    with transaction.atomic():
        CourseRun.objects.select_for_update().get(pk=run.pk)
        yield


def create(run: CourseRun, author: Author, made: Draft, *, course_notice: bool = False) -> CommunicationVersion:
    """Make the first version of a new communication; nothing is sent. Inside `beginning`, where a page gave the draft."""
    with transaction.atomic():
        communication = Communication.objects.create(
            course_run=run, author_id=author.user_id, order=_next_order(run), course_notice=course_notice
        )
        version = _first_version(communication, author, made)
        version.save()
    return version


@dataclass
class Held:
    """A communication that nobody else changes, confirms or deletes until the transaction ends."""

    version: CommunicationVersion  # the newest
    sendings: list[Sending]  # the youngest first, each with its version

    @property
    def communication(self) -> Communication:
        return self.version.communication

    @property
    def is_frozen(self) -> bool:
        """Whether the newest version stays as it is for good: somebody has confirmed it."""
        return is_frozen(self.version, self.sendings)

    def confirmed_by(self, key: str) -> Sending | None:
        """What was confirmed with this idempotency key. Capitals do not count: MySQL does not tell them apart."""
        return next((one for one in self.sendings if one.key.lower() == key.lower()), None)


@contextmanager
def holding(course_key: str, pk: int) -> Iterator[Held]:
    """A transaction that writes on a communication of the course run. Three queries. Raises Communication.DoesNotExist."""
    with transaction.atomic():
        lock(course_key, pk)
        # Read behind the lock: what another one has changed or confirmed a moment before is seen.
        version = newest(pk)
        yield Held(version, sendings_of(version.communication))


def lock(course_key: str, pk: int) -> None:
    """One at a time writes on this communication, until the transaction ends. Raises Communication.DoesNotExist.

    Its row alone: a consumer waits for the course run's while it holds learners, and deliveries wait for learners.
    """
    of_run = CourseRun.objects.filter(course_key=course_key)
    Communication.objects.select_for_update().get(pk=pk, course_run__in=of_run)


def change(held: Held, author_id: int, made: Draft, *, author: Author | None = None) -> None:
    """Save changes: in the newest version while it is a draft, else in a new one. The same again changes nothing.

    `author`: who wrote them, and is named in From; without, the one before stays named.
    """
    if _values(held.version) == _fields(made):
        return
    name = author.name if author else held.version.from_name
    if held.is_frozen:
        held.version = CommunicationVersion(communication=held.communication, number=held.version.number + 1)
    head = {"author_id": author_id, "from_name": name, "model": held.communication.course_run.model}
    for field, value in {**_fields(made), **head}.items():
        setattr(held.version, field, value)
    held.version.save()


def discard(course_key: str, pk: int) -> bool:
    """Throw a draft away for good; False where it was confirmed. Raises Communication.DoesNotExist."""
    with transaction.atomic():
        lock(course_key, pk)
        confirmed = Sending.objects.filter(communication=pk).exclude(state=Sending.State.UNDONE)
        is_known = Exists(confirmed) | Exists(Delivery.objects.filter(communication=pk))
        if Communication.objects.filter(is_known, pk=pk).exists():
            return False
        # One statement a table: Django's own deletion would first read everything that could hang on every row.
        for rows in (
            AutomationDay.objects.filter(communication=pk),
            Sending.objects.filter(communication=pk),
            CommunicationVersion.objects.filter(communication=pk),
            Communication.objects.filter(pk=pk),
        ):
            rows._raw_delete(rows.db)
    return True


def newest(communication: int) -> CommunicationVersion:
    """The version that would be sent, with its communication and course run. Raises CommunicationVersion.DoesNotExist."""
    versions = CommunicationVersion.objects.select_related("communication__course_run")
    return versions.filter(communication=communication).order_by("-number")[:1].get()


def newest_of(run: CourseRun) -> QuerySet[CommunicationVersion]:
    """The same of all communications of a course run, the youngest first."""
    newer = CommunicationVersion.objects.filter(communication=OuterRef("communication"), number__gt=OuterRef("number"))
    versions = CommunicationVersion.objects.filter(~Exists(newer), communication__course_run=run)
    return versions.select_related("communication").order_by("-communication")


def sendings_of(communication: Communication) -> list[Sending]:
    """All that was confirmed of a communication, the youngest first, each with the head of its version."""
    sendings = communication.sendings.select_related("version").defer("version__body", "version__pseudonyms")
    return list(sendings.order_by("-pk"))


def is_frozen(version: CommunicationVersion, sendings: Iterable[Sending]) -> bool:
    """Whether this version was confirmed, and that not undone in time; `sendings` are all of its communication."""
    confirmed = any(one.version_id == version.pk and one.state != Sending.State.UNDONE for one in sendings)
    return version.sent_at is not None or confirmed


def export(run: CourseRun) -> dict[str, Any]:
    """What can be taken to the next run: words and criteria, without any learner."""
    found = []
    for version in newest_of(run).reverse():
        criteria = {key: value for key, value in version.criteria.items() if key not in ("include", "exclude")}
        words = {name: getattr(version, name) for name in _WORDS}
        found.append({**words, "criteria": criteria, "course_notice": version.communication.course_notice})
    return {"format": FORMAT, "version": 1, "communications": found}


class NotAnExport(ValueError):
    """What was given to import is not what `export` writes; the text says what is wrong, to whoever reads it."""

    def __init__(self, said: Said) -> None:
        super().__init__(said)


def take_in(run: CourseRun, author: Author, given: Any, now: datetime) -> list[Communication]:
    """Make drafts of what another run exported; automation is off, and nobody is selected until somebody looks.

    Answers go to the author where the file names an address that is not theirs to choose. All or none. Raises
    NotAnExport, WordingProblem, CriteriaProblem.
    """
    if not isinstance(given, dict) or given.get("format") != FORMAT or given.get("version") != 1:
        raise NotAnExport(
            Said(
                _("This file is none that “Export” writes: it needs the format {format}, version 1."),
                {"format": FORMAT},
            )
        )
    listed = given.get("communications")
    if not isinstance(listed, list) or len(listed) > MOST_IMPORTED:
        raise NotAnExport(Said(_("communications: has to be a list of at most {most}"), {"most": MOST_IMPORTED}))
    taken: list[tuple[dict[str, Any], bool]] = []
    for number, one in enumerate(listed):
        # `from_name` stands in files of before November 2026: From is not chosen any more.
        if not isinstance(one, dict) or set(one) - {*_WORDS, "criteria", "course_notice", "from_name"}:
            raise NotAnExport(
                Said(_("communications[{number}]: holds something else than words and criteria"), {"number": number})
            )
        notice = one.get("course_notice", False)
        if not isinstance(notice, bool):
            raise NotAnExport(
                Said(_("communications[{number}].course_notice: has to be true or false"), {"number": number})
            )
        own = {} if one.get("reply_to") in author.addresses else {"reply_to": (*author.addresses, "")[0]}
        taken.append(({**one, **own, "pseudonyms": []}, notice))
    with beginning(run):
        drafts = [draft(run, words, now, author=author) for words, _notice in taken]
        communications = _begin(run, author.user_id, [notice for _words, notice in taken])
        CommunicationVersion.objects.bulk_create(
            _first_version(one, author, made) for one, made in zip(communications, drafts, strict=True)
        )
    return communications


def _begin(run: CourseRun, author_id: int, notices: Sequence[bool]) -> list[Communication]:
    """New communications, without a version yet, behind those that the run has. In the transaction that makes versions."""
    Communication.objects.bulk_create(
        Communication(course_run=run, author_id=author_id, order=order, course_notice=notice)
        for order, notice in enumerate(notices, _next_order(run))
    )
    # MySQL tells no ids here. But whatever else has no version yet, the transaction that makes it alone can see.
    begun = list(Communication.objects.filter(course_run=run, author_id=author_id, versions=None).order_by("order"))
    for one in begun:
        one.course_run = run
    return begun


def _next_order(run: CourseRun) -> int:
    return (Communication.objects.filter(course_run=run).aggregate(last=Max("order"))["last"] or 0) + 1


def _first_version(communication: Communication, author: Author, made: Draft) -> CommunicationVersion:
    """Not saved yet."""
    return CommunicationVersion(
        communication=communication,
        number=1,
        author_id=author.user_id,
        from_name=author.name,
        model=communication.course_run.model,
        **_fields(made),
    )


def _fields(made: Draft) -> dict[str, Any]:
    return {**asdict(made.wording), "criteria": made.criteria.to_json(), "pseudonyms": list(made.pseudonyms)}


def _values(version: CommunicationVersion) -> dict[str, Any]:
    return {name: getattr(version, name) for name in (*_WORDS, "criteria", "pseudonyms")}

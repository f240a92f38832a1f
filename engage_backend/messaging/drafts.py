"""Communications as they are written and kept: drafts change, what was confirmed does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_noop as _

from engage_backend.messaging.audience import learners_of
from engage_backend.messaging.criteria import Criteria
from engage_backend.messaging.rendering import prepare
from engage_backend.messaging.said import Said
from engage_backend.messaging.selection import select
from engage_backend.messaging.wording import Wording
from engage_backend.models import Communication, CommunicationVersion, CourseRun, Learner, Sending

FORMAT = "engage-communications"
MOST_IMPORTED = 200
_WORDS = tuple(field.name for field in fields(Wording))


@dataclass(frozen=True)
class Draft:
    """What a version holds besides its number and author."""

    wording: Wording
    criteria: Criteria
    pseudonyms: tuple[str, ...]  # as the author saw them


def draft(run: CourseRun, given: Mapping[str, Any], now: datetime, before: CommunicationVersion | None = None) -> Draft:
    """The draft that `given` makes of the version before: any of the wording, `criteria`, `pseudonyms`.

    New criteria without a list of pseudonyms select by themselves, now. Raises WordingProblem, CriteriaProblem,
    UnknownLearners.
    """
    words = {name: getattr(before, name) if before else "" for name in _WORDS}
    wording = Wording.checked(**{name: given.get(name, old) for name, old in words.items()})
    prepare(wording.subject, wording.body)
    criteria = Criteria.from_json(given.get("criteria", before.criteria if before else {"version": 1}))
    if "pseudonyms" in given:
        pseudonyms = given["pseudonyms"]
        learners_of(run, pseudonyms)
    elif "criteria" in given or before is None:
        pseudonyms = pseudonyms_of(select(run, criteria, now))
    else:
        pseudonyms = before.pseudonyms
    return Draft(wording, criteria, tuple(dict.fromkeys(pseudonyms)))


def pseudonyms_of(learners: Iterable[int]) -> list[str]:
    """The pseudonyms of learners, ascending by their ids."""
    wanted = sorted(learners)
    return [
        name
        for at in range(0, len(wanted), 5_000)
        for name in Learner.objects.filter(pk__in=wanted[at : at + 5_000])
        .order_by("pk")
        .values_list("pseudonym", flat=True)
    ]


def create(run: CourseRun, author_id: int, made: Draft, *, course_notice: bool = False) -> CommunicationVersion:
    """The first version of a new communication; nothing is sent."""
    with transaction.atomic():
        last = Communication.objects.filter(course_run=run).aggregate(last=Max("order"))["last"] or 0
        communication = Communication.objects.create(
            course_run=run, author_id=author_id, order=last + 1, course_notice=course_notice
        )
        return _add_version(communication, 1, author_id, made)


def change(communication: Communication, author_id: int, made: Draft) -> CommunicationVersion:
    """Save changes: in the newest version while it is a draft, else in a new one. The same again changes nothing."""
    with transaction.atomic():
        Communication.objects.select_for_update().get(pk=communication.pk)
        version = newest(communication)
        if _values(version) == _fields(made):
            return version
        if is_frozen(version):
            return _add_version(communication, version.number + 1, author_id, made)
        for name, value in {**_fields(made), "author_id": author_id, "model": communication.course_run.model}.items():
            setattr(version, name, value)
        version.save()
        return version


def newest(communication: Communication) -> CommunicationVersion:
    """The version that would be sent."""
    return communication.versions.order_by("-number")[0]


def is_frozen(version: CommunicationVersion) -> bool:
    """Whether somebody has confirmed it: then it stays as it is for good, unless that was undone in time."""
    return version.sent_at is not None or version.sendings.exclude(state=Sending.State.UNDONE).exists()


def export(communications: Iterable[Communication]) -> dict[str, Any]:
    """What can be taken to the next run: words and criteria, without any learner."""
    found = []
    for one in communications:
        version = newest(one)
        criteria = {key: value for key, value in version.criteria.items() if key not in ("include", "exclude")}
        words = {name: getattr(version, name) for name in _WORDS}
        found.append({**words, "criteria": criteria, "course_notice": one.course_notice})
    return {"format": FORMAT, "version": 1, "communications": found}


class NotAnExport(ValueError):
    """What was given to import is not what `export` writes; the text says what is wrong, to whoever reads it."""

    def __init__(self, said: Said) -> None:
        super().__init__(said)


def take_in(run: CourseRun, author_id: int, given: Any, now: datetime) -> list[Communication]:
    """Drafts of what another run exported; automation is off, and nobody is selected until somebody looks.

    All or none. Raises NotAnExport, WordingProblem, CriteriaProblem.
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
    made = []
    with transaction.atomic():
        for number, one in enumerate(listed):
            if not isinstance(one, dict) or set(one) - {*_WORDS, "criteria", "course_notice"}:
                raise NotAnExport(
                    Said(
                        _("communications[{number}]: holds something else than words and criteria"), {"number": number}
                    )
                )
            notice = one.get("course_notice", False)
            if not isinstance(notice, bool):
                raise NotAnExport(
                    Said(_("communications[{number}].course_notice: has to be true or false"), {"number": number})
                )
            version = create(run, author_id, draft(run, {**one, "pseudonyms": []}, now), course_notice=notice)
            made.append(version.communication)
    return made


def _add_version(communication: Communication, number: int, author_id: int, made: Draft) -> CommunicationVersion:
    return CommunicationVersion.objects.create(
        communication=communication,
        number=number,
        author_id=author_id,
        model=communication.course_run.model,
        **_fields(made),
    )


def _fields(made: Draft) -> dict[str, Any]:
    return {**asdict(made.wording), "criteria": made.criteria.to_json(), "pseudonyms": list(made.pseudonyms)}


def _values(version: CommunicationVersion) -> dict[str, Any]:
    return {name: getattr(version, name) for name in (*_WORDS, "criteria", "pseudonyms")}

"""When an automatic message has to pause. Pure: facts in, reasons out; each is put in words when somebody reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from django.utils.translation import gettext_noop as _

from engage_backend.messaging.said import Said
from engage_backend.messaging.said import counted as ngettext  # by this name `makemessages` finds both texts

MOST_SILENCE = timedelta(hours=24)  # without a click in the log, or between two
LEAST_KNOWN = 0.6  # share of the latest events that the parts of the model that are heard understand
MOST_SHARE = 0.05  # of the course's learners in a day
ALWAYS_FEW = 3  # matches a day that are few in a course of any size
MOST_TIMES = 3  # as many as the median of the week before
LEAST_DAYS = 3  # of which a median is worth something
MOST_FAILING = 0.1  # share of the deliveries of the last seven days


@dataclass(frozen=True)
class Health:
    """Whether the data under the predictions can be trusted, as it is now."""

    lag: timedelta | None  # since the youngest click of any course; None: there has never been one
    longest_gap: timedelta = timedelta()  # between two clicks of the last three days, of any course
    gaps: int = 0  # how often records were lost, ever
    is_missing: bool = True  # whether some of them are lost still: neither backfilled nor given up
    known_share: float | None = None  # of the latest clicks, what the model understands; None: nothing to tell from


@dataclass(frozen=True)
class Past:
    """What the days before say."""

    days_since: int | None = None  # since the last look; None: this is the first
    model: str = ""
    gaps: int = 0
    fresh: Sequence[int] = ()  # how many on each of the last seven days that there are
    taken: int = 0  # deliveries of the last seven days
    failing: int = 0  # of these, failed or in doubt


@dataclass(frozen=True)
class Today:
    """What this day's look has found."""

    model: str
    fresh: int  # learners that would be written to
    learners: int  # of the course
    is_in_doubt: bool = False  # whether the model no longer sees what it was trained on


def data_problems(health: Health, past: Past, today: Today) -> Iterator[Said]:
    """Why no match can be trusted today."""
    if past.days_since is not None and past.days_since > 1:
        yield ngettext(
            "nobody looked at the course for {n} day: the consumer stood still",
            "nobody looked at the course for {n} days: the consumer stood still",
            {"n": past.days_since - 1},
        )
    if health.lag is None:
        yield Said(_("no click has ever been read"))
    elif health.lag > MOST_SILENCE:
        yield Said(
            _("no click has come for {span}: the log stands still, or is read too late"), {"span": _span(health.lag)}
        )
    elif health.longest_gap > MOST_SILENCE:
        yield Said(_("the log has a gap of {span} in the last three days"), {"span": _span(health.longest_gap)})
    if past.days_since is not None and health.gaps > past.gaps and health.is_missing:
        yield Said(_("records of the log were lost since yesterday"))
    if past.model and past.model != today.model:
        yield Said(_("the model has changed: look at whom it selects now"))
    if not today.model:
        yield Said(_("there is no model"))
    if today.is_in_doubt:
        yield Said(_("what the model reads of this course has changed, and its figures are in doubt"))
    if health.known_share is not None and health.known_share < LEAST_KNOWN:
        share = round(100 * health.known_share)
        yield Said(_("the model knows only {share}% of the latest clicks for what they are"), {"share": share})


def delivery_problems(past: Past) -> Iterator[Said]:
    """Why mails are not getting through."""
    if past.failing and past.failing > MOST_FAILING * past.taken:
        yield Said(
            _("{failing} of {taken} messages of the last seven days did not get through for sure"),
            {"failing": past.failing, "taken": past.taken},
        )


def volume_problems(past: Past, today: Today) -> Iterator[Said]:
    """Why so many at once are not written to without being asked about."""
    if today.fresh > max(ALWAYS_FEW, MOST_SHARE * today.learners):
        yield ngettext(
            "{n} learner matches, more than {share}% of the course",
            "{n} learners match, more than {share}% of the course",
            {"n": today.fresh, "share": round(100 * MOST_SHARE)},
        )
    if len(past.fresh) >= LEAST_DAYS:
        usual = max(1.0, float(median(past.fresh)))
        if today.fresh > MOST_TIMES * usual:
            yield Said(
                _("{n} learners match, more than three times the usual {usual} a day"),
                {"n": today.fresh, "usual": int(usual) if usual.is_integer() else usual},
            )


def _span(gap: timedelta) -> Said:
    hours = gap.total_seconds() / 3600
    if hours >= 48:
        return ngettext("{n} day", "{n} days", {"n": round(hours / 24)})
    return ngettext("{n} hour", "{n} hours", {"n": round(hours)})

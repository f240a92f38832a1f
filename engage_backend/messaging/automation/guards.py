"""When an automatic message has to pause. Pure: facts in, reasons out; each as its author reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

MOST_SILENCE = timedelta(hours=24)  # without a click in the log, or between two
LEAST_KNOWN = 0.6  # share of the latest events whose kind the model knows
MOST_SHARE = 0.05  # of the course's learners in a day
MOST_TIMES = 3  # as many as the median of the week before
LEAST_DAYS = 3  # of which a median is worth something
MOST_FAILING = 0.1  # share of the deliveries of the last seven days


@dataclass(frozen=True)
class Health:
    """Whether the data under the predictions can be trusted, as it is now."""

    lag: timedelta | None  # since the youngest click of any course; None: there has never been one
    longest_gap: timedelta = timedelta()  # between two clicks of the last three days, of any course
    gaps: int = 0  # how often records were lost, ever
    known_share: float | None = None  # None: nothing to tell from


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


def data_problems(health: Health, past: Past, today: Today) -> Iterator[str]:
    """Why no match can be trusted today."""
    if past.days_since is not None and past.days_since > 1:
        yield f"nobody looked at the course for {past.days_since - 1} days: the consumer stood still"
    if health.lag is None:
        yield "no click has ever been read"
    elif health.lag > MOST_SILENCE:
        yield f"no click has come for {_span(health.lag)}: the log stands still, or is read too late"
    elif health.longest_gap > MOST_SILENCE:
        yield f"the log has a gap of {_span(health.longest_gap)} in the last three days"
    if past.days_since is not None and health.gaps > past.gaps:
        yield "records of the log were lost since yesterday"
    if past.model and past.model != today.model:
        yield "the model has changed: look at whom it selects now"
    if not today.model:
        yield "there is no model"
    if health.known_share is not None and health.known_share < LEAST_KNOWN:
        yield f"the model knows only {health.known_share:.0%} of the latest clicks by their kind"


def delivery_problems(past: Past) -> Iterator[str]:
    """Why mails are not getting through."""
    if past.failing and past.failing > MOST_FAILING * past.taken:
        yield f"{past.failing} of {past.taken} messages of the last seven days did not get through for sure"


def volume_problems(past: Past, today: Today) -> Iterator[str]:
    """Why so many at once are not written to without being asked about."""
    if today.fresh > MOST_SHARE * today.learners:
        yield f"{today.fresh} learners match, more than {MOST_SHARE:.0%} of the course"
    if len(past.fresh) >= LEAST_DAYS:
        usual = max(1.0, float(median(past.fresh)))
        if today.fresh > MOST_TIMES * usual:
            yield f"{today.fresh} learners match, more than three times the usual {usual:g} a day"


def _span(gap: timedelta) -> str:
    hours = gap.total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} hours"

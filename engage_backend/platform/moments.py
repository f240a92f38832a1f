"""Between moments and how they are told: microseconds since 1970, UTC, in schedules and events, exact both ways; whole
minutes where pages and criteria count; text in answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_microseconds(when: datetime) -> int:
    """Microseconds since 1970, UTC, of a moment that knows its time zone."""
    gap = when - _EPOCH
    return (gap.days * 86_400 + gap.seconds) * 1_000_000 + gap.microseconds


def from_microseconds(time: int) -> datetime:
    """The moment, time zone aware, UTC."""
    seconds, rest = divmod(time, 1_000_000)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest)


def to_minutes(when: datetime) -> int:
    """Whole minutes since 1970, UTC, cut off."""
    return (when - _EPOCH) // timedelta(minutes=1)


def from_minutes(minutes: int) -> datetime:
    """The moment at which that minute begins, time zone aware, UTC."""
    return _EPOCH + timedelta(minutes=minutes)


def to_text(when: datetime | None) -> str | None:
    """The moment as our answers tell it: `2024-03-01T12:00:00Z`, with milliseconds where it has parts of a second."""
    if when is None:
        return None
    spec = "milliseconds" if when.microsecond else "seconds"
    return when.astimezone(UTC).isoformat(timespec=spec).replace("+00:00", "Z")

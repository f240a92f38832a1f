"""Between moments and the microseconds since 1970, UTC, in which schedules and events tell time; exact both ways."""

from __future__ import annotations

from datetime import UTC, datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_microseconds(when: datetime) -> int:
    """Microseconds since 1970, UTC, of a moment that knows its time zone."""
    gap = when - _EPOCH
    return (gap.days * 86_400 + gap.seconds) * 1_000_000 + gap.microseconds


def from_microseconds(time: int) -> datetime:
    """The moment, time zone aware, UTC."""
    seconds, rest = divmod(time, 1_000_000)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest)

"""What a source of records is: something that is read in batches and told how far its reader has come."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple, Protocol

# Records taken in at once, at most: with a backlog, four times as fast as batches of a tenth of it.
MAX_BATCH = 100_000


class Batch(NamedTuple):
    """Some records, and the position behind them: whoever starts there gets what follows them."""

    records: list[bytes]
    position: dict[str, Any]  # JSON-able


class Source(Protocol):
    """Records from outside, at least once each, in the order in which they came."""

    name: str  # as the checkpoint is called
    has_one_reader: bool  # each process that reads gets every record; else they share them

    @property
    def unreachable_since(self) -> datetime | None:
        """Since when the place of the records has not answered (wall clock, UTC); None while it does."""
        ...

    def read(self, max_records: int, max_wait: float) -> Batch:
        """At most `max_records`; none after `max_wait` seconds without any. Never raises for bad records."""
        ...

    def commit(self, position: dict[str, Any]) -> None:
        """What lies before `position` is stored and need not come again."""
        ...

    def close(self) -> None:
        """Let go of files and connections; a later `read` is an error."""
        ...

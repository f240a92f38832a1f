"""The marks that a worker makes at its mails: that the next few begin, and that those before were taken.

Both in one commit, which is most of what a mail costs here. What a crash interrupts is in doubt, so only as many mails are
begun together as leave within a fiftieth of a second: eight to a quick server, one to any other. Raw SQL: the ORM takes longer
to write such a statement than the database to do it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from django.db import connection, transaction

from engage_backend.models import Delivery, DeliveryState
from engage_backend.platform.api import get_platform

TOGETHER = 8  # mails begun together, at most
SECONDS = 0.02  # within which they leave
_UPDATE = f"UPDATE {Delivery._meta.db_table} SET"
# A row that was used before, for a mail that did not go out, has an end that is older than this beginning.
_BEGUN = (
    f"{_UPDATE} finished_at = NULL, begun_at = %s WHERE batch = %s AND state = 'claimed' AND begun_at IS NULL AND id IN"
)
# A worker that was held up may find its rows marked as in doubt: now it is known.
_KNOWN = "batch = %s AND state IN ('claimed', 'uncertain') AND id IN"
_SENT = f"{_UPDATE} state = 'sent', reason = '', finished_at = %s WHERE {_KNOWN}"


def together(seconds: float) -> int:
    """How many mails to begin together where one takes so many seconds."""
    return max(1, min(TOGETHER, int(SECONDS / max(seconds, 1e-6))))


class Marks:
    """The marks of one batch. A row is only marked while it is in this batch: then nobody else has it."""

    def __init__(self, batch: str) -> None:
        self._batch = batch
        self._taken: list[int] = []

    def begin(self, pks: Collection[int]) -> set[int]:
        """Write down that these mails begin to go out; those of them that are still ours. The others must not."""
        world = datetime.now(UTC)
        with transaction.atomic():
            if self._taken:
                self._mark(_SENT, get_platform().now(), self._taken)
            count = self._mark(_BEGUN, world, pks)
        self._taken = []
        if count == len(pks):
            return set(pks)
        mine = Delivery.objects.filter(pk__in=pks, batch=self._batch, begun_at=world)
        return set(mine.values_list("pk", flat=True))

    def not_begun(self, pks: Collection[int]) -> None:
        """Take back that these have begun: nothing of them has gone out."""
        mine = Delivery.objects.filter(pk__in=pks, batch=self._batch, state=DeliveryState.CLAIMED)
        mine.update(begun_at=None)

    def taken(self, pk: int) -> None:
        """A mail was taken; written down with the next mark, whose time by the site's clock is when it ended."""
        self._taken.append(pk)

    def write(self) -> None:
        """Write down what is not yet: before a wait, and in the end."""
        if self._taken:
            self._mark(_SENT, get_platform().now(), self._taken)
        self._taken = []

    def _mark(self, statement: str, at: datetime, pks: Collection[int]) -> int:
        """How many rows it marked."""
        places = ", ".join(["%s"] * len(pks))
        with connection.cursor() as cursor:
            when = connection.ops.adapt_datetimefield_value(at)
            cursor.execute(f"{statement} ({places})", [when, self._batch, *pks])
            return int(cursor.rowcount)

"""The marks that a worker makes at each mail: that the next one begins, and that the one before was taken.

Both in one statement and one commit, which is half of what a mail costs here. Between the answer of the server and that
statement a crash leaves one mail in doubt, as it would in any case between the two. Raw SQL: the ORM takes longer to write
such a statement than the database to do it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection

from engage_backend.models import Delivery, DeliveryState

_TABLE = Delivery._meta.db_table
_BEGIN = f"UPDATE {_TABLE} SET begun_at = %s WHERE id = %s AND batch = %s AND state = 'claimed' AND begun_at IS NULL"
_BOTH = f"""
UPDATE {_TABLE} SET
    state = CASE WHEN id = %s THEN 'sent' ELSE state END,
    reason = CASE WHEN id = %s THEN '' ELSE reason END,
    finished_at = CASE WHEN id = %s THEN %s ELSE finished_at END,
    begun_at = CASE WHEN id = %s THEN %s ELSE begun_at END
WHERE batch = %s AND (
    id = %s AND state IN ('claimed', 'uncertain') OR id = %s AND state = 'claimed' AND begun_at IS NULL
)"""


class Marks:
    """The marks of one batch. A row is only marked while it is in this batch: then nobody else has it."""

    def __init__(self, batch: str) -> None:
        self._batch = batch
        self._taken: tuple[int, datetime] | None = None

    def begin(self, pk: int) -> bool:
        """Write down that a mail begins to go out; False where the row is not ours any more, and it must not."""
        world, adapt = datetime.now(UTC), connection.ops.adapt_datetimefield_value
        begun = adapt(world)
        if self._taken is None:
            with connection.cursor() as cursor:
                cursor.execute(_BEGIN, [begun, pk, self._batch])
                return bool(cursor.rowcount)
        before, at = self._taken
        with connection.cursor() as cursor:
            cursor.execute(_BOTH, [before, before, before, adapt(at), pk, begun, self._batch, before, pk])
            count = cursor.rowcount
        self._taken = None
        # One of the two only: which one is in the row.
        return count == 2 or Delivery.objects.filter(pk=pk, batch=self._batch, begun_at=world).exists()

    def taken(self, pk: int, at: datetime) -> None:
        """A mail was taken, at this time by the site's clock; written down with the next mark."""
        self._taken = (pk, at)

    def write(self) -> None:
        """Write down what is not yet: before a wait, and in the end."""
        if self._taken is None:
            return
        pk, at = self._taken
        # A worker that was held up may find its row marked as in doubt: now it is known.
        ours = Delivery.objects.filter(
            pk=pk, batch=self._batch, state__in=[DeliveryState.CLAIMED, DeliveryState.UNCERTAIN]
        )
        ours.update(state=DeliveryState.SENT, reason="", finished_at=at)
        self._taken = None

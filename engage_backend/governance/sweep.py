"""What a retirement leaves to the clock: the streams in Redis, quarantine files, and rows that a consumer wrote meanwhile."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction

from engage_backend.clickstream.quarantine import erase as erase_quarantined
from engage_backend.clickstream.whose import users_in
from engage_backend.conf import EngageSettings, engage_settings
from engage_backend.governance.retirement import remove_learner
from engage_backend.models import Learner, Tombstone

log = logging.getLogger(__name__)

# How long a tap, or a consumer with an old roster, may still bring something of somebody who was retired.
AFTERMATH = timedelta(minutes=10)


class Sweep:
    """One process's part: streams and rows are everybody's and done once, the quarantine file is of this machine."""

    def __init__(self) -> None:
        self._searched: tuple[frozenset[int], int, int] | None = None  # for whom, and the file's size and time then

    def run(self) -> None:
        """Do what is to be done. Raises nothing for what Redis or the disk does; it is tried again next time."""
        graves = list(Tombstone.objects.values_list("user_id", "retired_at", "swept_at"))
        due = {
            user for user, retired, swept in graves if swept is None or swept < retired + AFTERMATH <= datetime.now(UTC)
        }
        settings = engage_settings()
        if due and _streams(settings, due):
            with transaction.atomic():
                remove_learner(Learner.objects.filter(user_id__in=due))
                Tombstone.objects.filter(user_id__in=due).update(swept_at=datetime.now(UTC))
        if settings.quarantine is not None and graves:
            self._file(settings.quarantine, {user: retired for user, retired, _ in graves})

    def _file(self, path: Path, retired: dict[int, datetime]) -> None:
        """Search the file when somebody new is to be taken out of it, or something new is in it."""
        users = frozenset(retired)
        try:
            found = path.stat()
            searched = (users, found.st_size, found.st_mtime_ns)
            if searched == self._searched:
                return
            before = self._searched[0] if self._searched else frozenset()
            until = max((retired[user] for user in users - before), default=datetime.min.replace(tzinfo=UTC))

            def unwanted(record: dict[str, Any]) -> bool:
                """Of one of these; or of nobody that can be told, and old enough to be of one who was just retired."""
                named = users_in(str(record.get("text", "")).encode())
                return not named.isdisjoint(users) if named else _when(record) <= until + AFTERMATH

            erase_quarantined(path, unwanted)
            found = path.stat()  # writing over it has changed its time
            self._searched = (users, found.st_size, found.st_mtime_ns)
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("%s: retired people could not be taken out: %s", path, error.strerror)


def _when(record: dict[str, Any]) -> datetime:
    """When a record was put aside; long ago where that cannot be read."""
    try:
        return datetime.fromisoformat(str(record.get("at"))).astimezone(UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _streams(settings: EngageSettings, users: set[int]) -> bool:
    """Whether these people are out of the streams, if there are any."""
    if settings.stream is None:
        return True
    from redis import RedisError

    from engage_backend.clickstream.stream_erase import erase

    try:
        erase(settings.stream, users)
    except (RedisError, OSError, ValueError) as error:
        log.warning(
            "Redis at %s: %d retired people could not be taken out yet: %s",
            settings.stream.place,
            len(users),
            type(error).__name__,
        )
        return False
    return True

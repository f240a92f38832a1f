"""What a retirement leaves to the clock: the streams in Redis, quarantine files, and rows that a consumer wrote meanwhile;
people whom the platform retired without our hearing of it; and those who have asked to be retired.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Max, Q

from engage_backend.clickstream.quarantine import erase as erase_quarantined
from engage_backend.clickstream.whose import users_in
from engage_backend.conf import EngageSettings, engage_settings
from engage_backend.engagement.live.changes import read_again_soon
from engage_backend.governance.retirement import known_users, remove_learner, retire
from engage_backend.models import Learner, LearnerStatus, Tombstone
from engage_backend.platform.api import get_platform

log = logging.getLogger(__name__)

# How long a tap, or a consumer with an old roster, may still bring something of somebody who was retired.
AFTERMATH = timedelta(minutes=10)
USERS_AT_ONCE = 5_000  # users that one search asks the platform about; more are reached by and by
_IN_ONE_QUERY = 500


class RetirementSearch:
    """Asks the platform, and relies on no signal: one may have been missed, or sent before Engage was installed."""

    def __init__(self) -> None:
        self._after: int | None = None  # the last user that was asked about; None: none yet
        self._leaving: set[int] = set()

    def run(self) -> None:
        """Erase who was retired. Have those read again who asked for it, or have cancelled that.

        The platform's roster omits whoever has asked: they are shown to nobody and nothing of them is deleted.
        """
        platform = get_platform()
        for user_id in sorted(platform.retired(self._next_users())):
            retire(user_id)
        leaving = platform.retiring()
        places = _places(leaving, ~Q(state=LearnerStatus.LEFT)) | _places(
            self._leaving - leaving, Q(state=LearnerStatus.LEFT)
        )
        for course_key, user_id in sorted(places):
            read_again_soon(course_key, user=user_id)
        self._leaving = leaving

    def _next_users(self) -> list[int]:
        """Return the next part of the users that we know; all of them where they are few."""
        if self._after is None:  # anywhere, so that processes that run once (`engage_tick`) reach everybody in turn
            last = Learner.objects.aggregate(last=Max("user_id"))["last"] or 0
            self._after = random.randint(0, last)
        part = known_users(self._after, USERS_AT_ONCE)
        if len(part) < USERS_AT_ONCE:
            first = known_users(0, USERS_AT_ONCE - len(part))
            self._after = first[-1] if first else 0
            return sorted({*part, *first})
        self._after = part[-1]
        return part


def _places(users: Collection[int], standing: Q) -> set[tuple[str, int]]:
    """Return the keys of the course runs in which these users are learners and stand like this, each with the user."""
    wanted = sorted(users)
    found: set[tuple[str, int]] = set()
    for at in range(0, len(wanted), _IN_ONE_QUERY):
        rows = Learner.objects.filter(standing, user_id__in=wanted[at : at + _IN_ONE_QUERY])
        found.update(rows.values_list("course_run__course_key", "user_id"))
    return found


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

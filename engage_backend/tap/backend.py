"""The event-tracking backend that an LMS is given: `EVENT_TRACKING_BACKENDS["engage"]`."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from typing import Any

from engage_backend.clickstream import whose
from engage_backend.conf import engage_settings, site_secret
from engage_backend.streams import shard_of
from engage_backend.tap.record import TooLong, pack
from engage_backend.tap.sender import QUIET, Sender

log = logging.getLogger(__name__)


class TrackingBackend:
    """Takes every event of the LMS aside. Does nothing where `ENGAGE["STREAM"]` is not set.

    The settings are read at the first event of each process: a site's own file may come after ours. A forked process
    gets a queue and a thread of its own, and takes nothing over from the one it came from.
    """

    def __init__(self) -> None:
        self._senders: dict[int, Sender | None] = {}  # by process id; never more than this process's own for long
        self._failed_at = float("-inf")

    def send(self, event: Mapping[str, Any]) -> None:
        """Take a record of the event, which is only read. Never raises, never waits."""
        sender: Sender | None = None
        try:
            pid = os.getpid()
            sender = self._senders[pid] if pid in self._senders else self._open(pid)
            if sender is None:
                return
            packed = pack(event)
            if packed is not None:
                sender.put(shard_of(packed.learner, sender.stream.shards), packed.record)
        except TooLong:
            if sender is not None:
                sender.drop("too long")
        except Exception as error:  # an event may hold anything, and the learner's request must not hear of it
            if sender is not None:
                sender.drop("not readable")
            if time.monotonic() - self._failed_at >= QUIET:
                self._failed_at = time.monotonic()
                log.warning("a tracking event was not taken: %s: %s", type(error).__name__, error)

    def close(self, timeout: float = 1.0) -> bool:
        """Send what waits in this process, for at most `timeout` seconds; True when nothing is left."""
        sender = self._senders.pop(os.getpid(), None)
        return sender is None or sender.close(timeout)

    def _open(self, pid: int) -> Sender | None:
        sender: Sender | None = None
        try:
            stream = engage_settings().stream
            if stream is not None:
                whose.set_key(whose.key_of(site_secret()))
                sender = Sender(stream)
        except Exception as error:
            log.warning("no tracking events are taken in this process: %s: %s", type(error).__name__, error)
        # One answer for all threads, without a lock that a fork could leave held for ever.
        sender = self._senders.setdefault(pid, sender)
        for other in [known for known in self._senders if known != pid]:
            self._senders.pop(other, None)
        return sender

"""A process with the event tracking of an LMS, as edx-platform sets it up: python -m tests.clickstream.lms_process DEED N.

ENGAGE comes from the environment, as JSON. What the process has to say it prints as one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from django.conf import settings

import engage_backend.settings.lms as plugin

COURSE = "course-v1:GymX+G101+2026"


def platform_settings() -> dict[str, Any]:
    """The part of lms/envs/common.py that matters here."""
    router = {"ENGINE": "eventtracking.backends.routing.RoutingBackend"}
    logger = {"ENGINE": "eventtracking.backends.logger.LoggerBackend", "OPTIONS": {"name": "tracking"}}
    return {
        "EVENT_TRACKING_ENABLED": True,
        "EVENT_TRACKING_BACKENDS": {"tracking_logs": {**router, "OPTIONS": {"backends": {"logger": logger}}}},
        "EVENT_TRACKING_PROCESSORS": [],
        "ENGAGE": json.loads(os.environ.get("ENGAGE", "{}")),
        "INSTALLED_APPS": ["eventtracking.django"],
        "USE_TZ": True,
    }


def emit(first: int, count: int) -> list[int]:
    """So many events of the learners `first`, `first` + 1, ...; nanoseconds that each took."""
    from eventtracking import tracker

    took = []
    for learner in range(first, first + count):
        context = {"user_id": learner, "course_id": COURSE, "path": "/event", "username": "MARKED"}
        with tracker.get_tracker().context("request", context):
            start = time.perf_counter_ns()
            tracker.emit("play_video", {"id": "v1", "currentTime": 1.5})
            took.append(time.perf_counter_ns() - start)
    return took


def forked(count: int) -> None:
    """A server that has sent something before it forks two workers, which then send at the same time as it does."""
    emit(1, count)
    children = []
    for number in (1, 2):
        child = os.fork()
        if not child:
            from eventtracking import tracker

            emit(number * 1000 + 1, count)
            done = tracker.get_tracker().get_backend("engage").close(5.0)
            os._exit(0 if done else 1)  # as a server's worker ends: without what happens at exit
        children.append(child)
    emit(3001, count)
    states = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    sys.stdout.write(json.dumps({"children": states}) + "\n")


def main(deed: str, count: int) -> None:
    for name, value in platform_settings().items():
        setattr(holder, name, value)
    plugin.plugin_settings(holder)
    settings.configure(**vars(holder))
    import django

    django.setup()
    if deed == "fork":
        forked(count)
    else:
        took = emit(1, count)
        import threading

        names = [thread.name for thread in threading.enumerate()]
        sys.stdout.write(json.dumps({"seconds": sum(took) / 1e9, "threads": names}))
        sys.stdout.write("\n")


class Holder:
    """Stands for the settings module that the platform hands to its plugins."""


holder: Any = Holder()

if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

"""Our settings: one dict `ENGAGE`, merged over the defaults each time it is read.

Merged at read time because a site's own file may come after `plugin_settings` and replace the dict whole. What is not
usable is reported by `manage.py check` and the default taken in its place: a slip in our settings never stops an LMS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, cast

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from engage_backend.presets import MOST_PRESETS, PRESETS, Preset
from engage_backend.streams import MOST_SHARDS, Stream

BASE_MODEL = Path(__file__).resolve().parent / "base_model"


@dataclass(frozen=True)
class Retention:
    """For how many days data about people is kept; None: for ever."""

    learners: int | None = 730
    messages: int | None = 730
    access_records: int | None = 730
    quarantine: int | None = 30


@dataclass(frozen=True)
class EngageSettings:
    """What a site can decide; the key in `ENGAGE` is the field's name in capitals."""

    # .. setting_name: ENGAGE["PLATFORM"]
    # .. setting_default: "auto"
    # .. setting_description: What Engage runs on: "edx" (an LMS or Studio), "standalone" (its own small tables), or
    #    "auto": "edx" where edx-platform is installed, else "standalone".
    platform: Literal["auto", "edx", "standalone"] = "auto"

    # .. setting_name: ENGAGE["MODEL"]
    # .. setting_default: None
    # .. setting_description: Path of the folder of a trained model (`engage train ... --out FOLDER`). None: the base
    #    model that ships with the package.
    model: Path = BASE_MODEL

    # .. setting_name: ENGAGE["COURSES"]
    # .. setting_default: None
    # .. setting_description: The course runs that Engage predicts for: a list of course keys, in which * stands for any
    #    characters, such as ["course-v1:OrgX+*"]. Nothing is taken in for the others. None: every course run of the
    #    site.
    courses: tuple[str, ...] | None = None

    # .. setting_name: ENGAGE["POLL_MILLISECONDS"]
    # .. setting_default: 2000
    # .. setting_description: How often an open Communicator asks for what changed; 250 to 600000.
    poll_milliseconds: int = 2000

    # .. setting_name: ENGAGE["ACTIVE_DAYS"]
    # .. setting_default: 14
    # .. setting_description: After how many days of silence a learner counts as gone; 1 to 365. The base model was
    #    trained and judged with 14.
    active_days: int = 14

    # .. setting_name: ENGAGE["PRESETS"]
    # .. setting_default: the five of engage_backend/presets.py
    # .. setting_description: The selections that the Communicator offers by name, 20 at most: a list of
    #    {"NAME": "Silent for a week", "CRITERIA": {"days_inactive": [7, None]}}. CRITERIA are those of the API (see
    #    docs/openapi.yaml) without `version`: ranges in per mille, both ends included. With "TASK_DUE_HOURS": 48 those are
    #    meant who have not handed in the task that is due next, and the preset is there only while one is due within so
    #    many hours (1 to 1440). An empty list: no presets.
    presets: tuple[Preset, ...] = PRESETS

    # .. setting_name: ENGAGE["STREAM"]
    # .. setting_default: None
    # .. setting_description: The Redis that takes records from the LMS to `engage_consume --source redis`:
    #    {"URL": "redis://host:6379/5", "PREFIX": "lms", "SHARDS": 1, "MAXLEN": 1000000}. URL is needed; PREFIX (letters,
    #    digits, - and _) tells sites apart that share a Redis; SHARDS (1 to 64) is how many consumers can share the
    #    work; MAXLEN is how many records wait for the consumer at most. None: the LMS sends nothing, and the consumer
    #    follows the tracking log. The LMS reads it once, at the first event of each process.
    stream: Stream | None = None

    # .. setting_name: ENGAGE["QUARANTINE"]
    # .. setting_default: None
    # .. setting_description: Path of a file in which consumer and backfill keep broken records, with reason and
    #    position: at most 10 MB of them and the 10 MB before. It holds what the log held, names included. None: they are
    #    counted, not kept.
    quarantine: Path | None = None

    # .. setting_name: ENGAGE["RETENTION_DAYS"]
    # .. setting_default: {"LEARNERS": 730, "MESSAGES": 730, "ACCESS_RECORDS": 730, "QUARANTINE": 30}
    # .. setting_description: For how many days data about people is kept; None: for ever. Keys that are left out keep
    #    their default. LEARNERS: clicks, kept states, predictions, snapshots and what was handed in, counted from the
    #    end of the course run, or where it has no end, from a learner's last click. Raise it before you backfill an
    #    older run. MESSAGES: which learner had which message, counted from the end of the course run. ACCESS_RECORDS:
    #    who of the course team looked at what. QUARANTINE: broken records. What is older is deleted by the consumer's
    #    clock, by `engage_tick` and by `engage_retention`.
    retention_days: Retention = Retention()

    # .. setting_name: ENGAGE["LEARNERS_SEE_PREDICTIONS"]
    # .. setting_default: false
    # .. setting_description: Whether learners see their own three figures on their page: False, True, or a list of the
    #    course keys where they do. Off unless a course team asks for it, since being told that one is likely to fail
    #    can make one fail. The figures are part of what `engage_export_learner` gives in any case.
    learners_see_predictions: bool | frozenset[str] = False

    # .. setting_name: ENGAGE["ROOT_URL"]
    # .. setting_default: None
    # .. setting_description: Where learners reach this site, "https://courses.example.org", for the links in messages.
    #    None: the platform's LMS_ROOT_URL. Without either nothing is sent: every message needs an unsubscribe link.
    root_url: str | None = None

    # .. setting_name: ENGAGE["FROM_EMAIL"]
    # .. setting_default: None
    # .. setting_description: The address that messages come from; the author's name stands before it. None: the
    #    platform's BULK_EMAIL_DEFAULT_FROM_EMAIL, else DEFAULT_FROM_EMAIL.
    from_email: str | None = None

    # .. setting_name: ENGAGE["REPLY_TO"]
    # .. setting_default: []
    # .. setting_description: Addresses that an author may choose for answers to a message, beside their own: a list, such
    #    as that of a help desk.
    reply_to: tuple[str, ...] = ()

    # .. setting_name: ENGAGE["CHANNEL"]
    # .. setting_default: "mail"
    # .. setting_description: How messages leave the site: "mail" (Django's EMAIL_BACKEND: SMTP, or any provider that
    #    django-anymail knows) or "ace" (edx-ace, as the platform has set it up, for sites on Braze or Sailthru).
    channel: Literal["mail", "ace"] = "mail"

    # .. setting_name: ENGAGE["QUEUE"]
    # .. setting_default: "engage"
    # .. setting_description: The Celery queue for messages: `celery -A lms.celery worker -Q engage`. A queue of its own,
    #    so that a message to 20,000 learners is in nobody's way.
    queue: str = "engage"

    # .. setting_name: ENGAGE["MAILS_PER_SECOND"]
    # .. setting_default: 10
    # .. setting_description: How many messages leave the site in a second at most, by all workers together; 1 to 10000,
    #    or None for no limit. What your provider allows.
    mails_per_second: int | None = 10

    # .. setting_name: ENGAGE["RETRY_SECONDS"]
    # .. setting_default: 60
    # .. setting_description: How long a message waits that a server has put off (4xx), and how long all of them wait
    #    while the provider throttles; it grows from one time to the next. 1 to 3600.
    retry_seconds: int = 60

    # .. setting_name: ENGAGE["WORKER_SECONDS"]
    # .. setting_default: 300
    # .. setting_description: After how long without a sign of life a worker counts as lost. What it had not begun is
    #    given to another one; what it had begun is shown as uncertain. 1 to 3600, and above the time one mail may take.
    worker_seconds: int = 300

    # .. setting_name: ENGAGE["MESSAGES_PER_DAY"]
    # .. setting_default: 1
    # .. setting_description: How many messages a learner gets in 24 hours at most before automatic ones are held back;
    #    1 to 100. Course notices are exempt.
    messages_per_day: int = 1

    # .. setting_name: ENGAGE["MESSAGES_PER_WEEK"]
    # .. setting_default: 2
    # .. setting_description: The same in seven days; 1 to 100.
    messages_per_week: int = 2

    # .. setting_name: ENGAGE["QUIET_HOURS"]
    # .. setting_default: [21, 8]
    # .. setting_description: From which to which hour no message goes out, in the course's time zone; two whole numbers
    #    from 0 to 23, the same twice for no quiet hours. What an author sends then waits for their end, unless the author
    #    says "now anyway" or has chosen the time.
    quiet_hours: tuple[int, int] = (21, 8)

    def covers(self, course_key: str) -> bool:
        """Whether the site wants predictions for this course run."""
        return self.courses is None or any(fnmatchcase(course_key, pattern) for pattern in self.courses)


@dataclass(frozen=True)
class _Key:
    """How the value of one key is read: `convert` returns what the field holds, or raises ValueError."""

    field: str
    expected: str
    convert: Callable[[Any], Any]
    secret: bool = False  # the value may hold a password, and a report of what is wrong must not show it


def _whole_number(low: int, high: int) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError
        return value

    return convert


def _platform(value: Any) -> str:
    if value not in ("auto", "edx", "standalone"):
        raise ValueError
    return cast(str, value)


def _model(value: Any) -> Path:
    if value is None:
        return BASE_MODEL
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError
    return Path(value)


def _stream(value: Any) -> Stream | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or not set(value) <= {"URL", "PREFIX", "SHARDS", "MAXLEN"}:
        raise ValueError
    url, prefix = value.get("URL"), value.get("PREFIX", Stream.prefix)
    if not isinstance(url, str) or not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError
    if not isinstance(prefix, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", prefix):
        raise ValueError
    return Stream(
        url=url,
        prefix=prefix,
        shards=_whole_number(1, MOST_SHARDS)(value.get("SHARDS", Stream.shards)),
        maxlen=_whole_number(1_000, 1_000_000_000)(value.get("MAXLEN", Stream.maxlen)),
    )


def _courses(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    # No brackets and question marks, which `fnmatch` would read as more than themselves.
    if not isinstance(value, list | tuple) or not all(
        isinstance(pattern, str) and re.fullmatch(r"[^\s\[\]?]+", pattern) for pattern in value
    ):
        raise ValueError
    return tuple(value)


def _presets(value: Any) -> tuple[Preset, ...]:
    if not isinstance(value, list | tuple) or len(value) > MOST_PRESETS:
        raise ValueError
    return tuple(Preset.from_setting(one) for one in value)


def _file(value: Any) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError
    return Path(value)


def _retention(value: Any) -> Retention:
    known = {field.name.upper(): field.name for field in fields(Retention)}
    if not isinstance(value, Mapping) or not set(value) <= set(known):
        raise ValueError
    days = _whole_number(1, 36_500)
    return Retention(**{known[key]: None if given is None else days(given) for key, given in value.items()})


def _some_courses(value: Any) -> bool | frozenset[str]:
    if isinstance(value, bool):
        return value
    if not isinstance(value, list | tuple | set | frozenset) or not all(isinstance(key, str) for key in value):
        raise ValueError
    return frozenset(value)


def _root_url(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~/-]*)?", value):
        raise ValueError
    return value.rstrip("/")


def _address(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", value):
        raise ValueError
    return value


def _addresses(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or None in value:
        raise ValueError
    return tuple(str(_address(one)) for one in value)


def _channel(value: Any) -> str:
    if value not in ("mail", "ace"):
        raise ValueError
    return cast(str, value)


def _queue(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", value):
        raise ValueError
    return value


def _rate(value: Any) -> int | None:
    return None if value is None else _whole_number(1, 10_000)(value)


def _hours(value: Any) -> tuple[int, int]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError
    begin, end = (_whole_number(0, 23)(hour) for hour in value)
    return begin, end


_KEYS: dict[str, _Key] = {
    "PLATFORM": _Key("platform", '"auto", "edx" or "standalone"', _platform),
    "MODEL": _Key("model", "the path of a model's folder, or None for the base model", _model),
    "COURSES": _Key(
        "courses", "a list of course keys, in which * stands for any characters, or None for all", _courses
    ),
    "POLL_MILLISECONDS": _Key("poll_milliseconds", "a whole number from 250 to 600000", _whole_number(250, 600_000)),
    "PRESETS": _Key(
        "presets",
        'a list of at most 20 {"NAME": a text, "CRITERIA": {...}}, some of them with "TASK_DUE_HOURS": 1 to 1440',
        _presets,
    ),
    "STREAM": _Key(
        "stream",
        'None, or {"URL": "redis://...", "PREFIX": letters and digits, "SHARDS": 1 to 64, "MAXLEN": 1000 or more}',
        _stream,
        secret=True,
    ),
    "ACTIVE_DAYS": _Key("active_days", "a whole number from 1 to 365", _whole_number(1, 365)),
    "QUARANTINE": _Key("quarantine", "the path of a file, or None", _file),
    "RETENTION_DAYS": _Key(
        "retention_days",
        'a dict of days (1 to 36500) or None: {"LEARNERS": 730, "MESSAGES": 730, "ACCESS_RECORDS": 730, "QUARANTINE": 30}',
        _retention,
    ),
    "LEARNERS_SEE_PREDICTIONS": _Key(
        "learners_see_predictions", "True, False, or a list of course keys", _some_courses
    ),
    "ROOT_URL": _Key("root_url", 'an address like "https://courses.example.org", or None', _root_url),
    "FROM_EMAIL": _Key("from_email", "one mail address without a name, or None", _address),
    "REPLY_TO": _Key("reply_to", "a list of mail addresses without names", _addresses),
    "CHANNEL": _Key("channel", '"mail" or "ace"', _channel),
    "QUEUE": _Key("queue", "the name of a Celery queue: letters, digits, dots, dashes", _queue),
    "MAILS_PER_SECOND": _Key("mails_per_second", "a whole number from 1 to 10000, or None for no limit", _rate),
    "RETRY_SECONDS": _Key("retry_seconds", "a whole number from 1 to 3600", _whole_number(1, 3600)),
    "WORKER_SECONDS": _Key("worker_seconds", "a whole number from 1 to 3600", _whole_number(1, 3600)),
    "MESSAGES_PER_DAY": _Key("messages_per_day", "a whole number from 1 to 100", _whole_number(1, 100)),
    "MESSAGES_PER_WEEK": _Key("messages_per_week", "a whole number from 1 to 100", _whole_number(1, 100)),
    "QUIET_HOURS": _Key("quiet_hours", "two whole numbers from 0 to 23, like [21, 8]", _hours),
}
assert {key.field for key in _KEYS.values()} == {field.name for field in fields(EngageSettings)}


def engage_settings() -> EngageSettings:
    """The settings as they stand now; the default wherever `ENGAGE` says nothing, or nothing usable."""
    values, _ = _read(getattr(settings, "ENGAGE", None))
    return EngageSettings(**values)


def check_settings(app_configs: object = None, **kwargs: object) -> list[checks.CheckMessage]:
    """Django system check: what is wrong with `ENGAGE`, and how to mend it."""
    _, messages = _read(getattr(settings, "ENGAGE", None))
    return list(messages)


def _read(given: object) -> tuple[dict[str, Any], Iterable[checks.CheckMessage]]:
    """The usable values by field, and what is to be said of the others."""
    if given is None:
        return {}, []
    if not isinstance(given, Mapping):
        return {}, [
            checks.Error(
                f"ENGAGE is a {type(given).__name__}, and has to be a dict; Engage runs on its defaults.",
                hint='For example: ENGAGE = {"POLL_MILLISECONDS": 2000}.',
                id="engage.E001",
            )
        ]
    values: dict[str, Any] = {}
    messages: list[checks.CheckMessage] = []
    for name, value in given.items():
        key = _KEYS.get(name)
        if key is None:
            messages.append(
                checks.Warning(
                    f"ENGAGE has a key {name!r} that Engage does not know; it is ignored.",
                    hint=f"Remove it, or correct its spelling. Known keys: {', '.join(_KEYS)}.",
                    id="engage.W001",
                )
            )
            continue
        try:
            values[key.field] = key.convert(value)
        except ValueError:
            given_as = "not usable" if key.secret else repr(value)
            messages.append(
                checks.Error(
                    f"ENGAGE[{name!r}] is {given_as}; Engage takes the default in its place.",
                    hint=f"Set it to {key.expected}, or leave it out.",
                    id="engage.E002",
                )
            )
    return values, messages


def site_secret() -> str:
    """Return the secret that the processes of this site share; empty where it has none."""
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:
        return ""

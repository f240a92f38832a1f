"""Is this site set up so that Engage works? Each question is asked of the real thing, and each answer says what to do.

It differs from `engage_status`, which tells how a running site fares: the doctor is for the day of installing, and for the day
on which nothing comes. Nothing is changed and nothing is sent.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, NamedTuple

from django.conf import settings
from django.core import checks
from django.core.mail.backends.filebased import EmailBackend as FileBackend
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from engage_backend.clickstream.parse import parse_lines
from engage_backend.clickstream.quarantine import BROKEN
from engage_backend.conf import check_settings, engage_settings
from engage_backend.engagement.live.lease import database_time
from engage_backend.platform.api import get_platform, is_edx
from engage_backend.settings.common import OUR_PATHS
from engage_backend.settings.lms import TAB_STEP, TABS_FILTER, TAP, steps

APART = 5.0  # seconds by which two clocks may differ; events are told apart by microseconds, days by the clock
TAIL = 256 * 1024  # bytes of a log that are looked at
SILENT = 3_600.0  # seconds without a line after which a log looks as if nothing wrote to it
LOST_MARK = 0.01  # share of lines that are broken
MAIL_SECONDS = 5
BLOCKS = "engage_xblock"  # the package whose public files the blocks load


class Finding(NamedTuple):
    """One answer. `wrong` keeps Engage from working here; a `note` is worth knowing."""

    about: str
    state: Literal["ok", "note", "wrong"]
    says: str
    do: str = ""


Question = Callable[[Path | None], Iterator[Finding]]


def examine(log: Path | None = None) -> Iterator[Finding]:
    """Ask everything. `log`: the tracking log that a consumer on this machine is to follow."""
    for question in QUESTIONS:
        about = question.__name__.strip("_")
        try:
            yield from question(log)
        except Exception as error:  # the doctor goes on: one answer more or less must not hide the others
            says = f"this could not be asked: {type(error).__name__}: {error}"
            yield Finding(about, "wrong", says, "look at the line above in the log, and report it if it is ours")


def _settings(log: Path | None) -> Iterator[Finding]:
    found = check_settings()
    for message in found:
        state: Literal["note", "wrong"] = "wrong" if message.level >= checks.ERROR else "note"
        yield Finding("settings", state, message.msg, message.hint or "")
    if not found:
        yield Finding("settings", "ok", "ENGAGE can be read")
    if not settings.USE_TZ:
        yield Finding("settings", "wrong", "USE_TZ is off", "set USE_TZ = True, as Open edX has it")


def _platform(log: Path | None) -> Iterator[Finding]:
    platform = get_platform()
    courses = sum(1 for _ in platform.courses())
    kind = "edx-platform" if is_edx() else "the standalone site"
    if courses:
        yield Finding("platform", "ok", f"{kind}, {courses:,} course runs that are going on")
    else:
        do = "enrol somebody in a course run that is not over; then look again"
        yield Finding("platform", "note", f"{kind}, and no course run that is going on", do)


def _plugin(log: Path | None) -> Iterator[Finding]:
    """What a settings file may have undone."""
    try:
        reverse("engage:predictions", kwargs={"course_key": "course-v1:a+b+c"})
        yield Finding("plugin", "ok", "the addresses are mounted under /engage/")
    except NoReverseMatch:
        do = "install openedx-engage into the environment of LMS and Studio, and restart them"
        yield Finding("plugin", "wrong", "the addresses are not mounted", do)
    blocks = {point.name for point in importlib.metadata.entry_points(group="xblock.v1")}
    if "engage_communicator" not in blocks:
        do = "pip install openedx-engage in this environment: a checkout on the path is not enough"
        yield Finding("plugin", "wrong", "XBlock does not know engage_communicator", do)
    if is_edx():
        patterns = [str(pattern) for pattern in getattr(settings, "TRACKING_IGNORE_URL_PATTERNS", None) or ()]
        if not any(re.match(pattern, "/engage/api/v1/") for pattern in patterns):
            do = f"add {OUR_PATHS!r} to TRACKING_IGNORE_URL_PATTERNS, where a settings file replaced the list"
            yield Finding("plugin", "wrong", "every poll of a page becomes a line of the tracking log", do)
        yield from _tap()
        yield from _tab()


def _tap() -> Iterator[Finding]:
    if engage_settings().stream is None or settings.ROOT_URLCONF == "cms.urls":
        return
    backends = getattr(settings, "EVENT_TRACKING_BACKENDS", None) or {}
    if any(isinstance(one, dict) and one.get("ENGINE") == TAP for one in backends.values()):
        yield Finding("plugin", "ok", "the tap is among the event-tracking backends")
    else:
        do = f'add {{"engage": {{"ENGINE": "{TAP}", "OPTIONS": {{}}}}}} to EVENT_TRACKING_BACKENDS'
        yield Finding("plugin", "wrong", "a stream is configured and the LMS does not write to it", do)


def _static(log: Path | None) -> Iterator[Finding]:
    """Outside DEBUG the platform serves a block's files from where `collectstatic` put them, and from nowhere else."""
    if not is_edx() or settings.DEBUG:
        return
    from django.contrib.staticfiles.storage import staticfiles_storage

    public = Path(str(files(BLOCKS))) / "public"
    # As `xblock_local_resource_url` names them: openedx/core/lib/xblock_utils.
    packaged = {f"xblock/resources/{BLOCKS}/public/{one.relative_to(public).as_posix()}": one for one in _below(public)}
    missing, older = [], []
    for name, file in sorted(packaged.items()):
        try:
            served = staticfiles_storage.stored_name(name) if hasattr(staticfiles_storage, "stored_name") else name
            if not staticfiles_storage.exists(served):
                raise ValueError(served)
        except ValueError:  # also from a storage with hashed names, which has none for what was not collected
            missing.append(name)
            continue
        # A hashed copy may be rewritten; the one beside it is as it was packaged.
        if staticfiles_storage.exists(name):
            with staticfiles_storage.open(name) as collected:
                if collected.read() != file.read_bytes():
                    older.append(name)
    do = "./manage.py lms collectstatic --noinput, and the same with cms; on Tutor: tutor images build openedx"
    if missing:
        says = f"{len(missing)} of {len(packaged)} files of the blocks are not where {settings.STATIC_URL}{missing[0]} points"
        yield Finding("static", "wrong", f"{says}: the page would be its title alone", do)
    elif older:
        yield Finding("static", "wrong", f"{settings.STATIC_URL}{older[0]} is not of the installed version", do)
    else:
        yield Finding("static", "ok", f"all {len(packaged)} files of the blocks are collected")


def _below(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _tab() -> Iterator[Finding]:
    if settings.ROOT_URLCONF != "cms.urls" and TAB_STEP not in steps(settings):
        says = "the instructor dashboard (Verawood on) gets no tab of ours: a settings file replaced OPEN_EDX_FILTERS_CONFIG"
        yield Finding("plugin", "note", says, f'add "{TAB_STEP}" to the pipeline of {TABS_FILTER} there')


def _database(log: Path | None) -> Iterator[Finding]:
    try:
        executor = MigrationExecutor(connection)
        targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] == "engage"]
        waiting = executor.migration_plan(targets)
        moment = database_time()
    except DatabaseError as error:
        yield Finding("database", "wrong", f"it does not answer: {error}", "look at DATABASES and at the server")
        return
    if waiting:
        names = ", ".join(migration.name for migration, _ in waiting)
        yield Finding("database", "wrong", f"migrations are missing: {names}", "./manage.py lms migrate engage")
    else:
        yield Finding("database", "ok", f"{connection.display_name}, all migrations applied")
    yield _clock("the database", moment.timestamp())


def _clock(whose: str, seconds: float) -> Finding:
    apart = abs(datetime.now(UTC).timestamp() - seconds)
    if apart <= APART:
        return Finding("time", "ok", f"this machine and {whose} agree")
    return Finding("time", "wrong", f"this machine and {whose} are {apart:,.0f} s apart", "let NTP keep both clocks")


def _redis(log: Path | None) -> Iterator[Finding]:
    from redis import RedisError

    from engage_backend.clickstream.sources.redis_stream import OLDEST
    from engage_backend.clickstream.stream_status import evicting_policy, version_of
    from engage_backend.streams import connect

    stream = engage_settings().stream
    if stream is None:
        yield Finding("redis", "note", 'none is configured (ENGAGE["STREAM"]): the consumer follows the tracking log')
        return
    client: Any = connect(stream.url, timeout=2.0, connect_timeout=1.0)
    try:
        version, policy, (seconds, micros) = version_of(client), evicting_policy(client), client.time()
    except (RedisError, OSError) as error:
        yield Finding("redis", "wrong", f"{stream.place} does not answer: {error}", "start it, or mend its address")
        return
    finally:
        client.close()
    if version < OLDEST:
        needed = ".".join(map(str, OLDEST))
        yield Finding("redis", "wrong", f"{stream.place} is too old", f"Redis {needed} or newer is needed")
    if policy:
        says = f"{stream.place} has maxmemory-policy {policy}: under pressure it throws the stream away, and its group with it"
        yield Finding("redis", "wrong", says, "use a Redis of its own with `maxmemory-policy noeviction`")
    else:
        yield Finding("redis", "ok", f"{stream.place} answers and keeps what it has")
    yield _clock(f"Redis at {stream.place}", seconds + micros / 1e6)


def _model(log: Path | None) -> Iterator[Finding]:
    folder = engage_settings().model
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        name = str(card["name"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        do = 'leave ENGAGE["MODEL"] out for the base model, or train one with `engage train`'
        yield Finding("model", "wrong", f"{folder} holds none that can be read: {error}", do)
        return
    from engage_backend.engagement.live.understanding import weights_trouble

    if trouble := weights_trouble(folder):
        yield Finding("model", "wrong", trouble, "copy the whole folder of the model again, or train it again")
        return
    needed = {"numpy": "worker", "safetensors": "worker"} | ({"torch": "lstm"} if card.get("lstm") else {})
    missing = [package for package in needed if importlib.util.find_spec(package) is None]
    if not missing:
        from engage_backend.engagement.folder import ModelRefused, load_model

        try:
            load_model(folder)
        except ModelRefused as refused:
            yield Finding("model", "wrong", str(refused), "copy the whole folder of the model again, or train it again")
            return
    yield Finding("model", "ok", f"{name} in {folder}")
    if missing:
        extras = ",".join(sorted({needed[package] for package in missing}))
        do = f"fine in LMS and Studio; where engage_consume runs: pip install 'openedx-engage[{extras}]'"
        yield Finding("model", "note", f"not installed here: {', '.join(missing)}", do)


def _mail(log: Path | None) -> Iterator[Finding]:
    """Opens a connection and closes it; no mail is sent."""
    from django.core.mail import get_connection

    from engage_backend.messaging.unsubscribe import root_url

    if root_url() is None:
        do = 'set LMS_ROOT_URL, or ENGAGE["ROOT_URL"]: "https://courses.example.org"'
        yield Finding("mail", "wrong", "nothing is sent while nobody knows where this site is reached", do)
    if engage_settings().channel == "ace":
        yield Finding(
            "mail", "note", "messages leave through edx-ace", "its channels are the platform's: not asked here"
        )
        return
    backend = settings.EMAIL_BACKEND
    if backend.endswith((".dummy.EmailBackend", ".console.EmailBackend", ".locmem.EmailBackend")):
        do = "fine for a trial; to reach learners set EMAIL_BACKEND and EMAIL_HOST, or use django-anymail"
        yield Finding("mail", "note", f"{backend} sends nothing to anybody", do)
        return
    if issubclass(import_string(backend), FileBackend):
        yield _mail_folder(Path(getattr(settings, "EMAIL_FILE_PATH", "") or "."))
        return
    options: dict[str, Any] = {"timeout": MAIL_SECONDS} if backend.endswith(".smtp.EmailBackend") else {}
    try:
        outlet = get_connection(**options)
        outlet.open()
        outlet.close()
    except Exception as error:  # whatever a backend raises
        do = "look at EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER and EMAIL_USE_TLS"
        yield Finding("mail", "wrong", f"{backend} cannot be reached: {error}", do)
        return
    yield Finding("mail", "ok", f"{backend} can be reached")


def _mail_folder(folder: Path) -> Finding:
    """Look at the folder alone: the backend creates it when it is made, and a file when it is opened."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if there.is_dir() and os.access(there, os.W_OK):
        do = "fine for a trial; to reach learners set EMAIL_BACKEND and EMAIL_HOST, or use django-anymail"
        return Finding("mail", "note", f"messages are written to files in {folder}, and sent to nobody", do)
    return Finding(
        "mail", "wrong", f"EMAIL_FILE_PATH: {folder} cannot be written", f"let the mail worker write to {there}"
    )


def _permissions(log: Path | None) -> Iterator[Finding]:
    quarantine = engage_settings().quarantine
    if quarantine is not None:
        if os.access(quarantine.parent, os.W_OK):
            yield Finding("permissions", "ok", f"{quarantine} can be written")
        else:
            do = f"let the consumer's user write to {quarantine.parent}, or leave it out"
            yield Finding("permissions", "wrong", f'ENGAGE["QUARANTINE"]: {quarantine} cannot be written', do)
    if log is None:
        return
    if not log.is_file():
        yield Finding("permissions", "wrong", f"there is no {log} on this machine", "name the tracking log of the LMS")
    elif not os.access(log, os.R_OK):
        user = os.geteuid()
        do = f"let user id {user} read it: it belongs to user id {log.stat().st_uid}"
        yield Finding("permissions", "wrong", f"{log} cannot be read", do)
    else:
        yield Finding("permissions", "ok", f"{log} can be read")


def _log(log: Path | None) -> Iterator[Finding]:
    if log is None:
        do = "give the path: engage_doctor --log /edx/var/log/tracking/tracking.log"
        if engage_settings().stream is None:
            yield Finding("log", "note", "no log was looked at", do)
        return
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL))
            lines = file.read().splitlines()[1 if size > TAIL else 0 :]
    except OSError:
        return  # said under permissions
    if not lines:
        yield Finding("log", "note", f"{log} is empty", "open a page of a course in a browser, and look again")
        return
    events, refused = parse_lines(lines)
    broken = sum(count for reason, count in refused.items() if reason in BROKEN)
    if broken > LOST_MARK * len(lines):
        do = "each line has to hold one JSON object, bare or behind a prefix of the logger; `engage inspect` tells more"
        yield Finding("log", "wrong", f"{broken:,} of the last {len(lines):,} lines are no tracking records", do)
    elif not events:
        do = "open a unit of a course as an enrolled learner, and look again"
        yield Finding("log", "note", f"the last {len(lines):,} lines hold no learner's click", do)
    else:
        yield Finding("log", "ok", f"{len(events):,} clicks in the last {len(lines):,} lines")
    silent = datetime.now(UTC).timestamp() - log.stat().st_mtime
    if silent > SILENT:
        yield Finding("log", "note", f"nothing was written for {silent / 3600:,.0f} h", "is this the log of this LMS?")


def _consumer(log: Path | None) -> Iterator[Finding]:
    from engage_backend.models import Checkpoint

    try:
        seen = Checkpoint.objects.order_by("-updated").values_list("updated", flat=True).first()
    except DatabaseError:
        return  # said under database
    if seen is None:
        do = "./manage.py lms engage_consume PATH_OF_TRACKING_LOG, or --source redis"
        yield Finding("consumer", "note", "none has run yet: there are no predictions before one does", do)
        return
    seconds = (datetime.now(UTC) - seen).total_seconds()
    if seconds > 60.0:
        yield Finding("consumer", "wrong", f"last seen {seen:%Y-%m-%d %H:%M} UTC", "start engage_consume again")
    else:
        yield Finding("consumer", "ok", "running; `engage_status` tells how it fares")


QUESTIONS: tuple[Question, ...] = (
    _settings,
    _platform,
    _plugin,
    _static,
    _database,
    _redis,
    _model,
    _mail,
    _permissions,
    _log,
    _consumer,
)

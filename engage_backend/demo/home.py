"""A site's home: one folder with database, log, model and keys, made ready for a package's course."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

SAMPLE = Path(__file__).with_name("data") / "OUx-BBB-2013B"
# What a fresh start removes; anything else in the folder is not ours.
_OURS = (
    "db.sqlite3",
    "db.sqlite3-wal",
    "db.sqlite3-shm",
    "tracking.log",
    "replay.json",
    "replay.new",
    "quarantine.jsonl",
    "quarantine.jsonl.1",
    "model",
    "logs",
    "outbox",
    "queue",
    "queue-control",
)


class HomeError(Exception):
    """A home that cannot be used. One line: what, where, what to do."""


@dataclass(frozen=True)
class Home:
    """A home, and where its parts lie."""

    folder: Path

    @property
    def tracking_log(self) -> Path:
        """The log that the consumer follows."""
        return self.folder / "tracking.log"

    @property
    def model(self) -> Path:
        """The folder of the model that predicts here."""
        return self.folder / "model"

    @property
    def logs(self) -> Path:
        """Where each process says how it fares."""
        return self.folder / "logs"


def claim(folder: Path, name: str = "lock") -> IO[str]:
    """Make the folder, and keep it for this process until the file is closed. Raises HomeError when it is taken.

    `name` says for what: several processes may use one folder for different things.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / name).open("w", encoding="ascii")
    except OSError as error:
        raise HomeError(f"{folder}: cannot be written ({error.strerror}); give another folder with --home") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise HomeError(f"{folder}: in use by another `engage`; stop it, or give another folder with --home") from None
    return lock


def check_ours(folder: Path) -> None:
    """Raise HomeError when `clear` would remove what no `engage` wrote: each folder that one used holds its lock."""
    there = [name for name in _OURS if (folder / name).exists()]
    if there and not (folder / "lock").is_file():
        raise HomeError(
            f"{folder}: holds {there[0]}, which is not of an `engage demo`; give another folder with --home"
        )


def clear(folder: Path) -> None:
    """Remove what an earlier site left in the folder, and nothing else."""
    for name in _OURS:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def start_django(folder: Path) -> Home:
    """Load Django with the standalone settings on this home, in this process. Once a process."""
    os.environ["ENGAGE_HOME"] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "engage_backend.demo.settings"
    import django

    django.setup()
    return Home(folder)


def migrate(home: Home) -> None:
    """Bring the database's tables up to date, and put the base model where this site's model lies."""
    from django.core.management import call_command

    from engage_backend.conf import BASE_MODEL

    is_new = not (home.folder / "db.sqlite3").exists()
    call_command("migrate", verbosity=0, interactive=False)
    for folder in (home.logs, home.folder / "queue", home.folder / "queue-control"):
        folder.mkdir(exist_ok=True)
    if is_new and not home.model.exists() and (BASE_MODEL / "card.json").exists():
        shutil.copytree(BASE_MODEL, home.model, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    home.tracking_log.touch(mode=0o600)


def other_course(course_key: str) -> str | None:
    """The key of a course that this site holds already and that is not this one."""
    from engage_backend.platform.api import get_platform

    return next((key for key in get_platform().courses() if key != course_key), None)


def last_lines(path: Path, count: int = 12) -> str:
    """The end of a text file, for a message about what went wrong."""
    with suppress(OSError):
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])
    return ""

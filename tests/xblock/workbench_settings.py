"""The workbench's own settings, with its database in a folder of the test's and nothing written elsewhere."""

import os
from pathlib import Path

from workbench.settings import *  # noqa: F403

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(os.environ.get("WORKBENCH_FOLDER", ".")) / "workbench.db",
    }
}
LOGGING: dict[str, object] = {"version": 1, "disable_existing_loggers": False}
ENGAGE = {"POLL_MILLISECONDS": 750}

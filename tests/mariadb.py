"""How Django reaches the tests' MariaDB: with mysqlclient as Open edX does where it is installed, else with PyMySQL."""

from __future__ import annotations

import os
from typing import Any

try:
    import MySQLdb  # noqa: F401
except ImportError:
    import pymysql

    pymysql.install_as_MySQLdb()

PORT, NAME = "ENGAGE_TEST_MARIADB_PORT", "ENGAGE_TEST_MARIADB_NAME"  # environment variables


def database() -> dict[str, Any]:
    """The entry of DATABASES; the isolation is Django's own, READ COMMITTED."""
    return {
        "ENGINE": "django.db.backends.mysql",
        "HOST": "127.0.0.1",
        "PORT": int(os.environ[PORT]),
        "NAME": os.environ.get(NAME, "engage"),
        "USER": "engage",
        "OPTIONS": {"charset": "utf8mb4"},
    }

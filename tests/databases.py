"""How Django reaches the database servers of the tests. The environment says which one: a process has one database."""

from __future__ import annotations

import os
from typing import Any

SERVERS = ("mariadb", "postgresql")
KIND, PORT, NAME = "ENGAGE_TEST_DATABASE", "ENGAGE_TEST_DATABASE_PORT", "ENGAGE_TEST_DATABASE_NAME"  # environment


def environment(kind: str, port: int, name: str) -> dict[str, str]:
    """The variables that `database` reads."""
    return {KIND: kind, PORT: str(port), NAME: name}


def database() -> dict[str, Any]:
    """The entry of DATABASES. The isolation is Django's own, READ COMMITTED on both servers."""
    entry = {"HOST": "127.0.0.1", "PORT": int(os.environ[PORT]), "NAME": os.environ[NAME], "USER": "engage"}
    if os.environ[KIND] == "postgresql":
        return {**entry, "ENGINE": "django.db.backends.postgresql"}
    try:  # mysqlclient, as Open edX has it, where it is installed; else PyMySQL
        import MySQLdb  # noqa: F401
    except ImportError:
        import pymysql

        pymysql.install_as_MySQLdb()
    return {**entry, "ENGINE": "django.db.backends.mysql", "OPTIONS": {"charset": "utf8mb4"}}

"""Settings of a standalone site on disk whose database is a real MariaDB or PostgreSQL."""

from engage_backend.demo.settings import *  # noqa: F403
from tests.databases import database

DATABASES = {"default": database()}

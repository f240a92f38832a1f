"""Settings of tests that run on a real MariaDB or PostgreSQL: those of the others, but for the database."""

from tests.databases import database
from tests.settings import *  # noqa: F403

DATABASES = {"default": {**database(), "ATOMIC_REQUESTS": True}}

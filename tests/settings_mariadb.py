"""Settings of tests that run on a real MariaDB: those of the others, but for the database."""

from tests.mariadb import database
from tests.settings import *  # noqa: F403

DATABASES = {"default": {**database(), "ATOMIC_REQUESTS": True}}

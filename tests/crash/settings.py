"""Settings of a standalone site on disk whose database is a real MariaDB."""

from engage_backend.demo.settings import *  # noqa: F403
from tests.mariadb import database

DATABASES = {"default": database()}

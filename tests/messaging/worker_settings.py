"""Settings of a standalone site on disk whose Celery has a real Redis, and whose mail server is the test's."""

import os

from engage_backend.demo.settings import *  # noqa: F403
from engage_backend.demo.settings import ENGAGE as DEMO
from tests.databases import KIND, database

if KIND in os.environ:
    DATABASES = {"default": database()}
CELERY_BROKER_URL = os.environ["ENGAGE_TEST_BROKER"]
CELERY_BROKER_TRANSPORT_OPTIONS = {}
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST, EMAIL_PORT = "127.0.0.1", int(os.environ["ENGAGE_TEST_SMTP_PORT"])
ENGAGE = {
    **DEMO,
    "ROOT_URL": "https://courses.example",
    "MAILS_PER_SECOND": None,
    "RETRY_SECONDS": 1,
    "QUIET_HOURS": [0, 0],  # the tests run at any hour
    "WORKER_SECONDS": int(os.environ.get("ENGAGE_TEST_WORKER_SECONDS", "3")),
}

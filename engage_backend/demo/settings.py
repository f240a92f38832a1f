"""Django settings of the standalone site. Everything it keeps lies in one folder, its home: $ENGAGE_HOME or ./var."""

import os
import secrets
from pathlib import Path
from typing import Any

HOME = Path(os.environ.get("ENGAGE_HOME") or "var").resolve()
TRACKING_LOG = HOME / "tracking.log"


def _secret_key(path: Path) -> str:
    """The key of this home, made at its first use. Without a home there are no sessions to keep: any key will do."""
    if not path.parent.is_dir():
        return secrets.token_urlsafe(50)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        key = secrets.token_urlsafe(50)
        file.write(key)
    return key


SECRET_KEY = _secret_key(HOME / "secret_key")
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "engage_backend.demo.urls"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "engage_backend",
    "engage_backend.platform.standalone",
    "engage_backend.demo",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "engage_backend.demo.policy.ContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
# Site, consumer and replay write to one SQLite: a reader never waits (WAL), and a writer waits for its turn instead of
# failing, which needs the lock from the start of a transaction (IMMEDIATE) and not from its first write.
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "engage_backend.demo.sqlite",
        "NAME": HOME / "db.sqlite3",
        "OPTIONS": {"timeout": 30},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "enter"
# Messages: a worker process takes its tasks from a folder and puts the mails into another one, which a page shows.
OUTBOX = HOME / "outbox"
QUEUE = HOME / "queue"
EMAIL_BACKEND = "engage_backend.demo.outbox.FolderBackend"
DEFAULT_FROM_EMAIL = "course-team@example.org"
CELERY_BROKER_URL = "filesystem://"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "data_folder_in": str(QUEUE),
    "data_folder_out": str(QUEUE),
    "control_folder": str(HOME / "queue-control"),
    "polling_interval": 0.5,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
SESSION_COOKIE_NAME = "engage_session"
SESSION_COOKIE_SAMESITE = "Lax"

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"engage_backend": {"level": "INFO"}},
}

ENGAGE: dict[str, Any] = {
    "PLATFORM": "standalone",
    "MODEL": str(HOME / "model"),
    "POLL_MILLISECONDS": 500,
    "QUARANTINE": str(HOME / "quarantine.jsonl"),
    "ROOT_URL": os.environ.get("ENGAGE_ADDRESS"),
    "MAILS_PER_SECOND": None,
}

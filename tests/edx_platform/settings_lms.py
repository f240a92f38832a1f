"""Django settings of an LMS of stand-ins, into which Engage is plugged as an LMS plugs it in."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_name("src")))

from edx_django_utils.plugins import add_plugins, get_plugin_apps

PROJECT = "lms.djangoapp"

SECRET_KEY = "for tests only"
USE_TZ = True
TIME_ZONE = "America/New_York"  # as lms/envs/common.py has it
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "lms.urls"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
FEATURES = {"ENABLE_MASQUERADE": True}
STATIC_URL = "/static/"
PIPELINE = {"PIPELINE_ENABLED": True}
REQUIRE_DEBUG = False
LMS_ROOT_URL = "https://courses.example.org"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "common.djangoapps.student",
    "lms.djangoapps.courseware",
    "lms.djangoapps.grades",
    "lms.djangoapps.certificates",
    "lms.djangoapps.bulk_email",
    "openedx.core.djangoapps.content.course_overviews",
    "openedx.core.djangoapps.course_groups",
    "openedx.core.djangoapps.user_api",
    "openedx_authz",
    "submissions",
    "edx_when",
    "openedx.core.djangoapps.schedules",
    *get_plugin_apps(PROJECT),
]
SESSION_SERIALIZER = "openedx.core.lib.session_serializers.PickleSerializer"  # masquerades are objects
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "ATOMIC_REQUESTS": True},
}
STATIC_URL = "/static/"
STATICFILES_FINDERS = ["openedx.core.lib.xblock_pipeline.finder.XBlockPipelineFinder"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EVENT_TRACKING_BACKENDS: dict[str, object] = {}

add_plugins(__name__, PROJECT, "common")
add_plugins(__name__, PROJECT, "production")

"""What a site gets when it installs us: entry points, settings, migrations, checks, and nothing heavy in its processes."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
import types
from dataclasses import is_dataclass
from importlib.metadata import entry_points, requires
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.checks import ERROR, WARNING
from django.core.management import call_command
from django.urls import resolve, reverse
from edx_django_utils.plugins import add_plugins, get_plugin_apps, get_plugin_url_patterns

from engage_backend.conf import BASE_MODEL, EngageSettings, check_settings, engage_settings
from engage_backend.presets import PRESETS
from engage_backend.settings import common, production
from tests.services import PATIENCE

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "numpy", "pandas", "sklearn", "xgboost", "scipy")
OUR_APPS = ("engage", "engage_standalone", "engage_demo")


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("xblock.v1", "engage_communicator"),
        ("lms.djangoapp", "engage_backend"),
        ("cms.djangoapp", "engage_backend"),
        ("console_scripts", "engage"),
    ],
)
def test_every_entry_point_can_be_loaded(group: str, name: str) -> None:
    (found,) = entry_points(group=group, name=name)
    assert callable(found.load())


def test_a_base_install_brings_nothing_heavy() -> None:
    base = [line for line in requires("openedx-engage") or [] if "extra ==" not in line]
    names = {re.split(r"[^A-Za-z0-9_.-]", line)[0].lower() for line in base}
    assert "django" in names
    assert names.isdisjoint({*HEAVY, "xgboost-cpu", "scikit-learn", "safetensors", "edx-django-utils"})


def test_torch_comes_with_the_lstm_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}
    # As setup.py says it today: what was installed may be older.
    stand_in = types.SimpleNamespace(setup=lambda **words: told.update(words), find_packages=lambda **words: [])
    monkeypatch.setitem(sys.modules, "setuptools", stand_in)
    runpy.run_path(str(ROOT / "setup.py"))
    with_torch = {extra for extra, needs in told["extras_require"].items() if any("torch" in need for need in needs)}
    assert with_torch == {"lstm", "test", "lint"}
    assert {"worker", "demo", "train"} <= set(told["extras_require"])


@pytest.mark.parametrize("project", ["lms.djangoapp", "cms.djangoapp"])
def test_lms_and_studio_find_the_app_its_addresses_and_its_settings(project: str) -> None:
    assert "engage_backend.apps.EngageConfig" in get_plugin_apps(project)
    patterns = [p for p in get_plugin_url_patterns(project) if getattr(p, "namespace", None) == "engage"]
    assert [str(p.pattern) for p in patterns] == ["^engage/"]
    assert patterns[0].resolve("engage/api/v1/courses/a/b/c/predictions").url_name == "predictions"
    module = types.ModuleType("settings_of_some_lms")
    module.TRACKING_IGNORE_URL_PATTERNS = ["^/event"]
    sys.modules[module.__name__] = module
    try:
        for kind in ("common", "production"):
            add_plugins(module.__name__, project, kind)
    finally:
        del sys.modules[module.__name__]
    assert module.TRACKING_IGNORE_URL_PATTERNS == ["^/event", "^/engage/"]
    assert module.ENGAGE == {}


@pytest.mark.parametrize("before", [["^/event"], ("^/event",), [], None, ["^/event", "^/engage/"]])
@pytest.mark.parametrize("plugin", [common, production])
def test_the_platforms_list_is_added_to_once_and_never_changed_in_place(before: Any, plugin: Any) -> None:
    settings = types.SimpleNamespace(TRACKING_IGNORE_URL_PATTERNS=before)
    shared = list(before or ())
    plugin.plugin_settings(settings)
    plugin.plugin_settings(settings)
    after = settings.TRACKING_IGNORE_URL_PATTERNS
    assert after == [p for p in shared if p != "^/engage/"] + ["^/engage/"]
    assert list(before or ()) == shared
    assert any(re.match(pattern, reverse("engage:predictions", args=["a/b/c"])) for pattern in after)


def test_what_a_site_decided_is_left_as_it_is() -> None:
    settings = types.SimpleNamespace(ENGAGE={"ACTIVE_DAYS": 7}, ENV_TOKENS={})
    production.plugin_settings(settings)
    assert settings.ENGAGE == {"ACTIVE_DAYS": 7}
    settings.ENV_TOKENS = {"ENGAGE": {"POLL_MILLISECONDS": 5000}}
    production.plugin_settings(settings)
    assert settings.ENGAGE == {"POLL_MILLISECONDS": 5000}


def test_defaults_are_merged_when_a_setting_is_read(settings: Any) -> None:
    del settings.ENGAGE
    assert engage_settings() == EngageSettings(
        platform="auto", model=BASE_MODEL, poll_milliseconds=2000, active_days=14
    )
    settings.ENGAGE = {"POLL_MILLISECONDS": 500, "MODEL": "/models/ours"}
    assert engage_settings() == EngageSettings(model=Path("/models/ours"), poll_milliseconds=500)
    settings.ENGAGE = None  # what an empty `ENGAGE:` in a YAML file is
    assert engage_settings() == EngageSettings()


def test_every_setting_is_documented_and_its_default_is_the_one_in_force(settings: Any) -> None:
    settings.ENGAGE = {}
    source = (ROOT / "engage_backend" / "conf.py").read_text(encoding="utf-8")
    told = dict(re.findall(r'setting_name: ENGAGE\["(\w+)"\]\n    # \.\. setting_default: (.+)\n', source))
    in_force = engage_settings()
    assert set(told) == {name.upper() for name in EngageSettings.__dataclass_fields__}
    assert told.pop("PRESETS") == "the five of engage_backend/presets.py" and len(PRESETS) == 5
    assert in_force.presets == PRESETS
    for name, default in told.items():
        value = getattr(in_force, name.lower())
        if is_dataclass(value):
            value = {field.upper(): one for field, one in vars(value).items()}
        value = list(value) if isinstance(value, tuple) else value
        assert (None if value == BASE_MODEL else value) == (None if default == "None" else json.loads(default))


@pytest.mark.parametrize(
    ("given", "level", "says", "mends"),
    [
        ({"POLL_MILISECONDS": 500}, WARNING, "'POLL_MILISECONDS'", "POLL_MILLISECONDS"),
        ({"POLL_MILLISECONDS": "500"}, ERROR, "'500'", "whole number from 250"),
        ({"POLL_MILLISECONDS": 1}, ERROR, "ENGAGE['POLL_MILLISECONDS'] is 1", "from 250"),
        ({"ACTIVE_DAYS": True}, ERROR, "True", "from 1 to 365"),
        ({"PLATFORM": "moodle"}, ERROR, "'moodle'", '"standalone"'),
        ({"PLATFORM": ["edx"]}, ERROR, "['edx']", '"standalone"'),
        ({"MODEL": 7}, ERROR, "7", "path"),
        ({"RETENTION_DAYS": {"LEARNERS": 0}}, ERROR, "0", "days"),
        ({"RETENTION_DAYS": {"CLICKS": 30}}, ERROR, "CLICKS", "QUARANTINE"),
        ({"LEARNERS_SEE_PREDICTIONS": "yes"}, ERROR, "'yes'", "course keys"),
        ([("ACTIVE_DAYS", 3)], ERROR, "list", "ENGAGE = {"),
    ],
)
def test_a_check_says_what_is_wrong_and_how_to_mend_it(
    settings: Any, given: Any, level: int, says: str, mends: str
) -> None:
    settings.ENGAGE = given
    (message,) = check_settings()
    assert message.level == level
    assert says in message.msg
    assert mends in (message.hint or "")
    assert engage_settings() == EngageSettings()


def test_the_check_is_part_of_manage_py_check(settings: Any) -> None:
    settings.ENGAGE = {"PLATFORM": "standalone", "ACTIVE_DAY": 3}
    told = StringIO()
    call_command("check", stdout=told, stderr=told)
    assert "ACTIVE_DAY" in told.getvalue()


def test_a_usable_setup_has_nothing_to_report() -> None:
    assert check_settings() == []


@pytest.mark.django_db
def test_migrations_are_up_to_date_whatever_the_sites_default_key_is() -> None:
    call_command("makemigrations", *OUR_APPS, check=True, dry_run=True, verbosity=0)


def test_every_table_bears_our_name() -> None:
    names = [model._meta.db_table for label in OUR_APPS for model in apps.get_app_config(label).get_models()]
    assert len(names) == len(set(names)) > 10
    assert all(len(name) <= 60 and name.startswith("engage_") for name in names)


def test_migrations_can_be_undone_and_done_again() -> None:
    told = run_alone(
        """
        from django.core.management import call_command
        from django.db import connection
        call_command("migrate", verbosity=0)
        def ours():
            return sorted(t for t in connection.introspection.table_names() if t.startswith("engage"))
        there = ours()
        for app in ("engage_demo", "engage_standalone", "engage"):
            call_command("migrate", app, "zero", verbosity=0)
        undone = ours()
        call_command("migrate", verbosity=0)
        answer = [len(there), undone, ours() == there]
        """
    )
    tables, undone, again = told
    assert tables > 10
    assert undone == []
    assert again


def test_a_web_process_that_serves_block_and_api_has_loaded_nothing_heavy() -> None:
    status, loaded = run_alone(
        f"""
        import sys
        from django.core.management import call_command
        from django.contrib.auth.models import User
        from django.test import Client
        from engage_backend.models import CourseRun, Learner, Prediction
        from engage_backend.platform.protocol import CourseSchedule
        from engage_backend.platform.standalone.models import Course
        import engage_backend.urls
        from engage_xblock import CommunicatorXBlock
        call_command("migrate", verbosity=0)
        key, now = "course-v1:a+b+c", __import__("datetime").datetime(2024, 1, 1, tzinfo=__import__("datetime").UTC)
        Course.objects.create(key=key, schedule=CourseSchedule(key, "A", 0, None).to_json())
        run = CourseRun.objects.create(course_key=key, start=now, model="engage-base/1")
        learner = Learner.objects.create(course_run=run, user_id=1, enrolled_at=now)
        Prediction.objects.create(learner=learner, course_run=run, certify=1, as_of=now, version=0)
        client = Client()
        client.force_login(User.objects.create_user("staff", is_staff=True))
        status = client.get(f"/engage/api/v1/courses/{{key}}/predictions").status_code
        answer = [status, [name for name in {HEAVY!r} if name in sys.modules]]
        """
    )
    assert status == 200
    assert loaded == []


def test_our_addresses_lie_under_our_own_prefix() -> None:
    assert resolve("/engage/api/v1/courses/a/b/c/predictions").namespace == "engage"


def run_alone(code: str) -> Any:
    """Run code in a Python process of its own, Django set up on an empty database; give back its `answer`."""
    lines = code.strip("\n").split("\n")
    indent = len(lines[0]) - len(lines[0].lstrip())
    body = "\n".join(line[indent:] for line in lines)
    program = f"import django, json\ndjango.setup()\n{body}\nprint(json.dumps(answer))\n"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])

"""The tab in the instructor dashboard, through the real filter and its pipeline runner."""

from __future__ import annotations

import copy
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
from crum import set_current_request
from django.conf import settings as django_settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, transaction
from django.test import RequestFactory
from lms.djangoapps.courseware.access import has_access
from openedx_filters import PipelineStep
from openedx_filters.tooling import OpenEdxPublicFilter

from engage_backend.management.doctor import examine
from engage_backend.settings import common, lms, lms_production, production
from tests.edx_platform.course import KEY, OTHER
from tests.lms.test_access import LET_IN, MASQUERADES, client_of

try:
    from openedx_filters.learning.filters import InstructorDashboardTabsRequested as Filter
except ImportError:  # before 3.4, the runner is the same; Teak and Ulmo have 2.1, and never run it

    class Filter(OpenEdxPublicFilter):  # type: ignore[no-redef]
        filter_type = lms.TABS_FILTER

        @classmethod
        def run_filter(cls, **given: Any) -> Any:
            data = cls.run_pipeline(**given)
            return data["tabs"], data["user"], data["course_key"]


STUDIO = django_settings.ROOT_URLCONF == "cms.urls"
THEIRS = [{"tab_id": "course_info", "title": "Course Info", "url": "/instructor/x/course_info", "sort_order": 10}]
OURS = {
    "tab_id": "engage_communicator",
    "title": "Communicator",
    "url": f"https://courses.example.org/engage/courses/{KEY}/",
    "sort_order": 105,
}
lms_only = pytest.mark.skipif(STUDIO, reason="the instructor dashboard is the LMS's")


class Other(PipelineStep):  # type: ignore[misc]
    """Somebody else's step."""

    def run_filter(self, tabs: Any, **kwargs: Any) -> dict[str, Any]:
        return {"tabs": [*tabs, {"tab_id": "other", "title": "Other", "url": "/other", "sort_order": 5}]}


OTHER_STEP = f"{__name__}.Other"


@pytest.fixture(autouse=True)
def no_request() -> Iterator[None]:
    yield
    set_current_request(None)


def asked(user: Any, tabs: Any = THEIRS, key: Any = KEY) -> Any:
    """What the dashboard gets: tabs, user and key."""
    return Filter.run_filter(tabs=copy.deepcopy(tabs), user=user, course_key=key)


def request_of(run: Any, who: str) -> Any:
    """The dashboard's request as the platform's middleware leaves it, and as `crum` knows it."""
    client = client_of(run, who)
    request = RequestFactory().get(f"/api/instructor/v2/courses/{KEY}")
    request.user = AnonymousUser() if who == "anonymous" else run.users["staff" if who in MASQUERADES else who]
    request.session = client.session
    set_current_request(request)
    return request


@lms_only
@pytest.mark.parametrize("who", list(LET_IN))
def test_the_tab_is_for_whom_the_page_is_for(run: Any, who: str) -> None:
    user = request_of(run, who).user
    assert asked(user) == ([*THEIRS, OURS] if LET_IN[who] is None else THEIRS, user, KEY)


@lms_only
def test_the_tabs_address_is_the_pages(run: Any) -> None:
    (*_, tab), _, _ = asked(run.users["staff"])
    assert tab["url"].startswith("https://"), "what begins with a slash the front end takes for a page of its own"
    assert client_of(run, "staff").get(tab["url"].removeprefix("https://courses.example.org")).status_code == 200


@lms_only
def test_asking_leaves_the_dashboards_own_user_as_it_was(run: Any) -> None:
    request = request_of(run, "masquerading")
    assert asked(request.user)[0] == THEIRS
    assert has_access(request.user, "staff", KEY), "the dashboard's next question is answered as before"
    assert not hasattr(request.user, "masquerade_settings")


@lms_only
def test_outside_of_a_request_and_in_somebody_elses_the_user_alone_counts(run: Any) -> None:
    assert asked(run.users["staff"])[0][-1] == OURS
    assert asked(run.users["learner"])[0] == THEIRS
    request_of(run, "masquerading")
    assert asked(run.users["instructor"])[0][-1] == OURS
    request_of(run, "staff")
    assert asked(run.users["learner"])[0] == THEIRS


@lms_only
def test_steps_of_others_keep_their_place_and_a_second_run_adds_no_second_tab(run: Any, settings: Any) -> None:
    settings.OPEN_EDX_FILTERS_CONFIG = {lms.TABS_FILTER: {"pipeline": [OTHER_STEP], "fail_silently": False}}
    lms.plugin_settings(settings)
    tabs, _, _ = asked(run.users["staff"])
    assert [tab["tab_id"] for tab in tabs] == ["course_info", "other", "engage_communicator"]
    assert [tab["tab_id"] for tab in asked(run.users["staff"], [*THEIRS, OURS])[0]].count("engage_communicator") == 1


@lms_only
@pytest.mark.parametrize(
    "broken",
    ["no platform", "no database", "no addresses", "no user", "no course", "a tab that is none"],
)
def test_a_step_that_breaks_breaks_no_dashboard(
    run: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    settings.OPEN_EDX_FILTERS_CONFIG = {lms.TABS_FILTER: {"pipeline": [lms.TAB_STEP], "fail_silently": False}}
    user, key, tabs = run.users["staff"], KEY, THEIRS

    def raises(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("marked")

    def spoils(*args: Any, **kwargs: Any) -> Any:
        User.objects.update(first_name="spoiled")
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM there_is_no_such_table")

    if broken in ("no platform", "no database"):
        from lms.djangoapps.courseware import access

        monkeypatch.setattr(access, "has_access", raises if broken == "no platform" else spoils)
    elif broken == "no addresses":
        settings.ROOT_URLCONF = "tests.edx_platform.urls_bare"
    elif broken == "no user":
        user = None
    elif broken == "no course":
        key = "nonsense"
    else:
        tabs = [None]  # type: ignore[list-item]
    with transaction.atomic():
        assert asked(user, tabs, key) == (tabs, user, key)
        # The transaction of the dashboard goes on, without anything that the step began.
        assert not User.objects.filter(first_name="spoiled").exists()


@lms_only
def test_no_tab_where_the_site_has_no_address_or_leaves_the_course_out(run: Any, settings: Any) -> None:
    settings.ENGAGE = {"COURSES": [str(OTHER)]}
    assert asked(run.users["staff"])[0] == THEIRS
    settings.ENGAGE = {"ROOT_URL": "https://learn.example.org/"}
    assert asked(run.users["staff"])[0][-1]["url"].startswith("https://learn.example.org/engage/")
    settings.ENGAGE, settings.LMS_ROOT_URL = {}, None
    assert asked(run.users["staff"])[0] == THEIRS


# -- The setting. ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plugin", [lms, lms_production])
@pytest.mark.parametrize(
    ("given", "made"),
    [
        (None, {"fail_silently": True, "pipeline": [lms.TAB_STEP]}),
        ({}, {"fail_silently": True, "pipeline": [lms.TAB_STEP]}),
        ([], {"fail_silently": True, "pipeline": [lms.TAB_STEP]}),
        (["a.B"], ["a.B", lms.TAB_STEP]),
        ("a.B", ["a.B", lms.TAB_STEP]),
        ({"pipeline": ["a.B"], "x": 1}, {"pipeline": ["a.B", lms.TAB_STEP], "x": 1}),
        ({"pipeline": "a.B"}, {"pipeline": ["a.B", lms.TAB_STEP]}),
        ({"fail_silently": False}, {"fail_silently": False, "pipeline": [lms.TAB_STEP]}),
        ({"pipeline": [lms.TAB_STEP, "a.B"]}, {"pipeline": [lms.TAB_STEP, "a.B"]}),
        (7, 7),
    ],
)
def test_our_step_joins_the_others_once(plugin: types.ModuleType, given: Any, made: Any) -> None:
    theirs = {"another.filter": {"pipeline": ["c.D"]}, lms.TABS_FILTER: given}
    before = copy.deepcopy(theirs)
    holder = types.SimpleNamespace(OPEN_EDX_FILTERS_CONFIG=theirs)
    for _ in range(2):
        plugin.plugin_settings(holder)
        found = holder.OPEN_EDX_FILTERS_CONFIG
        assert found == {"another.filter": {"pipeline": ["c.D"]}, lms.TABS_FILTER: made}
    assert theirs == before, "what the site may share is not changed"


@pytest.mark.parametrize("plugin", [lms, lms_production])
@pytest.mark.parametrize("there", [True, False])
def test_without_a_default_ours_is_the_first(plugin: types.ModuleType, there: bool) -> None:
    holder = types.SimpleNamespace(**({"OPEN_EDX_FILTERS_CONFIG": None} if there else {}))
    plugin.plugin_settings(holder)
    assert holder.OPEN_EDX_FILTERS_CONFIG[lms.TABS_FILTER]["pipeline"] == [lms.TAB_STEP]


@pytest.mark.parametrize("plugin", [common, production])
def test_studio_gets_no_filter(plugin: types.ModuleType) -> None:
    holder = types.SimpleNamespace()
    plugin.plugin_settings(holder)
    assert not hasattr(holder, "OPEN_EDX_FILTERS_CONFIG")


def test_the_doctor_says_where_a_settings_file_has_undone_it(run: Any, settings: Any) -> None:
    def notes() -> list[str]:
        return [one.do for one in examine() if one.about == "plugin" and "OPEN_EDX_FILTERS_CONFIG" in one.says]

    assert notes() == []
    settings.OPEN_EDX_FILTERS_CONFIG = {lms.TABS_FILTER: {"pipeline": [OTHER_STEP]}}
    assert [lms.TAB_STEP in note for note in notes()] == ([] if STUDIO else [True])


@pytest.mark.parametrize("project", ["lms.djangoapp", "cms.djangoapp"])
def test_a_configuration_file_that_replaces_the_dict_loses_neither_ours_nor_theirs(project: str) -> None:
    from edx_django_utils.plugins import add_plugins

    module: Any = types.ModuleType("settings_of_a_platform_with_filters")
    sys.modules[module.__name__] = module
    try:
        add_plugins(module.__name__, project, "common")
        module.OPEN_EDX_FILTERS_CONFIG = {
            lms.TABS_FILTER: {"pipeline": ["from.yaml"]}
        }  # `production.py` replaces it whole
        add_plugins(module.__name__, project, "production")
    finally:
        del sys.modules[module.__name__]
    steps = module.OPEN_EDX_FILTERS_CONFIG[lms.TABS_FILTER]["pipeline"]
    assert steps == (["from.yaml", lms.TAB_STEP] if project == "lms.djangoapp" else ["from.yaml"])


def test_a_process_that_runs_no_such_filter_never_loads_the_step() -> None:
    import subprocess

    code = (
        "import django; django.setup()\n"
        "from django.urls import get_resolver; get_resolver().url_patterns\n"
        "import sys; print('engage_backend.api.instructor_tab' in sys.modules)"
    )
    env = {"DJANGO_SETTINGS_MODULE": f"tests.edx_platform.settings_{'cms' if STUDIO else 'lms'}", "PYTHONPATH": "."}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=120, check=True
    )
    assert done.stdout.split() == ["False"]

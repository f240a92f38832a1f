"""The Communicator as a whole page in an LMS: who sees it, where its files come from, and that it needs no block."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import translation

from engage_backend.models import CourseRun
from tests.api.counting import questions
from tests.edx_platform.course import KEY
from tests.lms.test_access import LET_IN, MARKS, client_of
from tests.lms.test_cost import MOST

STUDIO = django_settings.ROOT_URLCONF == "cms.urls"
ADDRESS = f"/engage/courses/{KEY}/"
CDN = "https://cdn.example.net"

lms_only = pytest.mark.skipif(STUDIO, reason="Studio has no such page")


@pytest.fixture
def staff(run: Any) -> Client:
    return client_of(run, "staff")


@lms_only
@pytest.mark.parametrize("who", list(LET_IN))
def test_it_is_for_whom_the_api_is_for(run: Any, who: str) -> None:
    response = client_of(run, who).get(ADDRESS)
    page = response.content.decode()
    if who == "anonymous":
        assert response.status_code == 302
        assert unquote(response["Location"]).endswith(f"?next={ADDRESS}")
        return
    assert response.status_code == (LET_IN[who] or 200)
    assert response["Content-Type"].startswith("text/html")
    assert ("data-engage-config" in page) == ("<script" in page) == (LET_IN[who] is None)
    assert not MARKS.search(response.content)
    if LET_IN[who] is not None:
        told = "as a learner would" if who.startswith("masquerading") else "for the course team"
        assert told in page
        assert "Testing" not in page, "not even the course's name"


@lms_only
def test_the_page_and_its_links_and_files_without_a_block_or_a_consumer(staff: Client) -> None:
    assert not CourseRun.objects.exists()
    page = staff.get(ADDRESS).content.decode()
    assert "<title>Communicator · Testing</title>" in page
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert re.findall(r'<a href="([^"]+)"', page) == [f"/courses/{KEY}/course/", f"/courses/{KEY}/instructor"]
    files = re.findall(r'(?:<script src|rel="stylesheet" href)="([^"]+)"', page)
    place = "/static/xblock/resources/engage_xblock/public"
    assert files == [f"{place}/communicator.css", f"{place}/communicator.js"]
    assert "<style" not in page
    assert not re.search(r"<script(?! src=)|\son\w+=", page), "nothing inline"


@lms_only
def test_a_name_is_text(staff: Client) -> None:
    CourseRun.objects.create(course_key=str(KEY), start="2024-01-01T00:00Z", display_name="A <b>&'\"{{ x }}")
    page = staff.get(ADDRESS).content.decode()
    assert "<h1>A &lt;b&gt;&amp;&#x27;&quot;{{ x }}</h1>" in page


@lms_only
def test_it_needs_few_queries_and_may_be_stored_nowhere(staff: Client) -> None:
    CourseRun.objects.create(course_key=str(KEY), start="2024-01-01T00:00Z", display_name="Testing")
    staff.get(ADDRESS)
    with questions() as asked:
        response = staff.get(ADDRESS)
    assert len(asked) <= MOST
    assert "no-store" in response["Cache-Control"]
    assert "csrftoken" in response.cookies, "what the page sends, it sends with this"


@lms_only
@pytest.mark.parametrize(("static", "files"), [("/static/", "'self'"), (f"{CDN}/static/", f"'self' {CDN}")])
def test_the_policy_allows_its_own_files_and_no_other(staff: Client, settings: Any, static: str, files: str) -> None:
    settings.STATIC_URL = static
    response = staff.get(ADDRESS)
    policy = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == files
    assert policy["connect-src"] == "'self'"
    assert "unsafe" not in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "DENY"


@lms_only
def test_without_collectstatic_the_files_come_from_the_lms_itself(staff: Client, settings: Any) -> None:
    settings.PIPELINE, settings.REQUIRE_DEBUG = {"PIPELINE_ENABLED": False}, True  # lms/envs/devstack.py
    page = staff.get(ADDRESS).content.decode()
    assert '<script src="/xblock/resource/engage_communicator/public/communicator.js" defer>' in page


@lms_only
def test_it_speaks_the_viewers_language(staff: Client) -> None:
    with translation.override("de-at"):
        page = staff.get(ADDRESS).content.decode()
    assert '<html lang="de-at">' in page
    assert "Zurück zum Kurs" in page
    assert re.findall(r"js/translations/(\w+)/text.js", page) == ["de"]
    assert page.index("text.js") < page.index("communicator.js")


@lms_only
@pytest.mark.parametrize("who", ["global_staff", "stranger"])
def test_an_address_that_names_no_course_run_is_not_found(run: Any, who: str) -> None:
    client = client_of(run, who)
    for key in ("nonsense", "library-v1:TestX+Lib", "a/b"):
        assert client.get(f"/engage/courses/{key}/").status_code == 404
    unknown = "/engage/courses/course-v1:No+Such+Run/"
    assert client.get(unknown).status_code == (404 if who == "global_staff" else 403)


@lms_only
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_is_written_there(staff: Client, method: str) -> None:
    assert getattr(staff, method)(ADDRESS).status_code == 405


def test_no_request_of_the_page_is_a_click() -> None:
    config = re.compile("|".join(django_settings.TRACKING_IGNORE_URL_PATTERNS))
    for path in (ADDRESS, ADDRESS.rstrip("/"), "/engage/courses/OldX/Old/2013/", f"/engage/api/v1/courses/{KEY}/count"):
        assert config.match(path)


@pytest.mark.skipif(not STUDIO, reason="the LMS has it")
def test_studio_has_no_such_page(run: Any) -> None:
    assert client_of(run, "global_staff").get(ADDRESS).status_code == 404

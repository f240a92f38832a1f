"""The Communicator as a whole page on the standalone site: the same page as in an LMS, and the same permission."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from engage_backend.models import CourseRun
from engage_backend.platform.standalone.models import Course, CourseStaff
from tests.api.test_access import TABLE
from tests.conftest import COURSE
from tests.xblock.test_communicator import STAFF, block_for, page_of

ADDRESS = f"/engage/courses/{COURSE}/"


def section(page: str) -> str:
    """Return the Communicator's element."""
    found = re.search(r'<section class="engage-communicator".*</section>', page, re.DOTALL)
    assert found is not None
    return found[0]


@pytest.mark.parametrize(("who", "seen_as", "status"), TABLE)
def test_the_page_is_for_whom_the_api_is_for(
    site: Any, client: Client, who: str | None, seen_as: str | None, status: int
) -> None:
    if who is not None:
        client.force_login(site.users[who])
    if seen_as is not None:
        session = client.session
        session["engage_view_as"] = seen_as
        session.save()
    response = client.get(ADDRESS)
    assert response.status_code == {401: 302}.get(status, status)
    assert (b"data-engage-config" in response.content) == (status == 200)


def test_its_element_is_the_one_of_a_block_with_default_settings(staff_client: Client) -> None:
    page = staff_client.get(ADDRESS).content.decode()
    found = re.search(r'data-engage-config="([^"]*)"', page)
    assert found is not None
    wanted = page_of(block_for(STAFF))
    assert wanted is not None
    block = str(wanted["course"])
    assert json.loads(html.unescape(found[1])) == json.loads(json.dumps(wanted).replace(block, COURSE))
    of_block = block_for(STAFF).render("student_view").content
    assert section(page) == section(of_block).replace(block, COURSE)


@pytest.mark.parametrize("key", ["OldX/Old_101/2013_Fall", "course-v1:New.X+T-101+2024_x"])
def test_old_and_new_keys_have_a_page(site: Any, staff_client: Client, key: str) -> None:
    course = Course.objects.create(key=key, schedule={**site.course.schedule, "course": key, "display_name": "Old"})
    CourseStaff.objects.create(course=course, user=site.users["staff"])
    address = reverse("engage:course_page", kwargs={"course_key": key})
    assert address == f"/engage/courses/{key}/"
    assert "<title>Communicator · Old</title>" in staff_client.get(address).content.decode()


def test_the_name_of_a_course_run_that_is_known_is_not_asked_of_the_platform(site: Any, staff_client: Client) -> None:
    CourseRun.objects.update(display_name="As it was read")
    assert "<h1>As it was read</h1>" in staff_client.get(ADDRESS).content.decode()
    CourseRun.objects.update(display_name="")
    assert f"<h1>{COURSE}</h1>" in staff_client.get(ADDRESS).content.decode()

"""The site's pages, over HTTP: who sees what, and what a click leaves behind."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

import pytest
import requests

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.parse import parse
from tests.demo.conftest import COURSE, Site
from tests.services import PATIENCE

JSON = {"Accept": "application/json"}
PREDICTIONS = f"/engage/api/v1/courses/{COURSE}/predictions"


class Visitor:
    """A browser without JavaScript."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.session = requests.Session()
        self.get("/")

    def get(self, path: str) -> requests.Response:
        return self.session.get(f"{self.site.address}{path}", timeout=PATIENCE)

    def post(self, path: str, **kwargs: object) -> requests.Response:
        headers = {"X-CSRFToken": self.session.cookies["csrftoken"], **kwargs.pop("headers", {})}  # type: ignore[dict-item]
        return self.session.post(f"{self.site.address}{path}", headers=headers, timeout=PATIENCE, **kwargs)  # type: ignore[arg-type]

    def be(self, who: str) -> requests.Response:
        return self.post(f"/be/{who}/")


def test_who_comes_is_course_staff_and_meets_the_block(running: Site) -> None:
    page = Visitor(running).get("/course/")
    assert page.status_code == 200
    assert "data-engage-config" in page.text
    assert "Testing" in page.text


def test_the_switch_makes_one_a_learner_who_is_shown_no_predictions(running: Site) -> None:
    visitor = Visitor(running)
    page = visitor.be("learner")
    assert page.status_code == 200
    assert "for the course team" in page.text
    assert "data-engage-config" not in page.text
    assert visitor.get(PREDICTIONS).status_code == 403
    assert visitor.get("/now/").json()["row"] is None


def test_the_switch_makes_one_a_stranger_who_finds_nothing(running: Site) -> None:
    visitor = Visitor(running)
    assert visitor.be("stranger").status_code == 404
    assert "data-engage-config" not in visitor.get("/course/").text
    assert visitor.get(PREDICTIONS).status_code == 403
    assert visitor.get("/studio/").status_code == 404


def test_the_switch_leads_back_to_the_course_staff(running: Site) -> None:
    visitor = Visitor(running)
    visitor.be("stranger")
    assert "data-engage-config" in visitor.be("staff").text


def test_a_poll_of_the_page_before_that_comes_late_takes_no_one_s_place_away(running: Site) -> None:
    visitor = Visitor(running)
    before = visitor.session.cookies.copy()
    visitor.be("learner")
    late = requests.get(f"{running.address}{PREDICTIONS}", cookies=before, timeout=PATIENCE)
    assert late.status_code == 403
    visitor.session.cookies.update(late.cookies)
    assert "engage_session" not in late.headers.get("Set-Cookie", "")
    assert "for the course team" in visitor.get("/course/").text


def test_one_cannot_become_somebody_whom_the_switch_does_not_name(running: Site) -> None:
    assert Visitor(running).be("anna").status_code == 404


@pytest.mark.parametrize("path", ["/be/learner/", "/learn/unit/", "/learn/away/"])
def test_a_post_without_a_csrf_token_is_refused(running: Site, path: str) -> None:
    visitor = Visitor(running)
    before = datetime.fromisoformat(visitor.get("/now/").json()["time"])
    assert visitor.session.post(f"{running.address}{path}", timeout=PATIENCE).status_code == 403
    assert datetime.fromisoformat(visitor.get("/now/").json()["time"]) - before < timedelta(hours=1)
    assert running.log == []


@pytest.mark.parametrize(
    ("action", "kinds"),
    [
        ("unit", {"courseware", "xblock_view:vertical"}),
        ("video", {"play_video", "pause_video"}),
        ("right", {"problem_check_correct"}),
        ("wrong", {"problem_check_incorrect"}),
    ],
)
def test_a_click_leaves_lines_of_you_in_the_log(running: Site, action: str, kinds: set[str]) -> None:
    visitor = Visitor(running)
    answer = visitor.post(f"/learn/{action}/", headers=JSON).json()
    assert [line.decode() for line in running.log] == answer["lines"]
    events = [event for event in map(parse, running.log) if isinstance(event, ClickEvent)]
    assert kinds <= {event.kind for event in events}
    you = int(running.python("from django.contrib.auth.models import User\nprint(User.objects.get(username='you').pk)"))
    assert {(event.course, event.learner) for event in events} == {(COURSE, you)}


def test_a_click_changes_no_prediction_history_or_learner(running: Site) -> None:
    counts = (
        "from engage_backend import models\n"
        "print([getattr(models, name).objects.count() for name in models.__all__ if hasattr(getattr(models, name), 'objects')])"
    )
    before = running.python(counts)
    visitor = Visitor(running)
    for action in ("unit", "wrong", "right", "video", "away"):
        assert visitor.post(f"/learn/{action}/", headers=JSON).ok
    assert running.python(counts) == before


def test_going_away_moves_the_clock_by_three_days_and_writes_nothing(running: Site) -> None:
    visitor = Visitor(running)
    before = datetime.fromisoformat(visitor.get("/now/").json()["time"])
    after = datetime.fromisoformat(visitor.post("/learn/away/", headers=JSON).json()["time"])
    assert 3 * 86400 <= (after - before).total_seconds() < 3 * 86400 + 60
    assert running.log == []


def test_the_buttons_work_without_javascript(running: Site) -> None:
    visitor = Visitor(running)
    form = visitor.get("/course/").text
    unit = visitor.get("/now/").json()["unit"]
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    assert token is not None
    assert 'formaction="/learn/unit/"' in form
    answer = visitor.session.post(
        f"{running.address}/learn/unit/", data={"csrfmiddlewaretoken": token[1], "page": "learn"}, timeout=PATIENCE
    )
    assert answer.url.endswith("/learn/")
    assert f"unit <b data-unit>{unit + 1}</b>" in answer.text
    assert running.log


def test_what_you_have_done_is_remembered_whoever_looks(running: Site) -> None:
    visitor = Visitor(running)
    done = visitor.post("/learn/unit/", headers=JSON).json()
    visitor.be("learner")
    assert visitor.get("/now/").json()["unit"] == done["unit"] > 1


def test_studio_saves_the_display_name_and_the_course_shows_it(running: Site) -> None:
    visitor = Visitor(running)
    assert 'name="display_name"' in visitor.get("/studio/").text
    answer = visitor.post("/xblock/handler/submit/", data=json.dumps({"display_name": "Who <b>passes?"}))
    assert answer.status_code == 200
    assert "Who &lt;b&gt;passes?" in visitor.get("/course/").text


def test_only_course_staff_reach_the_blocks_handlers(running: Site) -> None:
    visitor = Visitor(running)
    visitor.be("learner")
    answer = visitor.post("/xblock/handler/submit/", data=json.dumps({"display_name": "mine"}))
    assert answer.status_code == 404


def test_every_answer_forbids_inline_scripts_and_other_hosts(running: Site) -> None:
    visitor = Visitor(running)
    for path in ("/course/", "/learn/", "/now/", "/static/engage_demo/demo.js", PREDICTIONS, "/nowhere/"):
        policy = visitor.get(path).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/static/../settings.py", "/static/%2e%2e/settings.py", "/static/", "/static/x.js"])
def test_only_public_files_are_served(running: Site, path: str) -> None:
    request = requests.Request("GET", running.address).prepare()
    request.url = f"{running.address}{path}"
    assert requests.Session().send(request, timeout=PATIENCE).status_code == 404


def test_a_file_that_the_browser_has_already_is_not_sent_again(running: Site) -> None:
    visitor = Visitor(running)
    for path in ("/static/engage_demo/demo.css", "/xblock/resource/public/communicator.js"):
        first = visitor.get(path)
        assert first.status_code == 200
        again = visitor.session.get(
            f"{running.address}{path}", headers={"If-None-Match": first.headers["ETag"]}, timeout=PATIENCE
        )
        assert (again.status_code, again.content) == (304, b"")


def test_another_hosts_name_is_refused(running: Site) -> None:
    answer = requests.get(f"{running.address}/course/", headers={"Host": "evil.example"}, timeout=PATIENCE)
    assert answer.status_code == 400


def test_source_and_licence_of_the_data_are_named_only_where_they_are_that_datas(running: Site) -> None:
    assert "CC BY" not in Visitor(running).get("/course/").text


def test_a_web_process_has_not_loaded_torch(running: Site) -> None:
    loaded = running.python(
        "import sys\nfrom django.urls import get_resolver\nget_resolver().url_patterns\n"
        "print(sorted(set(sys.modules) & {'torch', 'xgboost', 'sklearn', 'pandas'}))"
    )
    assert loaded == "[]"

"""What every request that writes costs the database. Counted are SELECT, INSERT, UPDATE and DELETE: transaction control
(BEGIN, SAVEPOINT, RELEASE, ROLLBACK, COMMIT) is no query. The platform's own for session, user, role and whether mail may
be sent are among them.

Where a request cannot do its work with nine, its number stands in `WRITES` with the reason; more fails, and so does fewer,
so that the number here stays true.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from common.djangoapps.student.models import CourseEnrollment
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from lms.djangoapps.bulk_email.models import BulkEmailFlag

from engage_backend.engagement.history import Row, pack
from engage_backend.engagement.live.roster import sync_run
from engage_backend.messaging.unsubscribe import token
from engage_backend.models import (
    AutomationDay,
    Communication,
    CommunicationVersion,
    DailySnapshot,
    Delivery,
    HistoryChunk,
    Kind,
    Learner,
    Prediction,
    Segment,
    Sending,
)
from tests.api.counting import questions
from tests.edx_platform.course import KEY
from tests.lms.test_access import ALL, COURSE, MY_PAGE
from tests.lms.test_cost import MOST

pytestmark = pytest.mark.skipif(django_settings.ROOT_URLCONF == "cms.urls", reason="Studio sends nothing")

API = f"/engage/api/v1/courses/{KEY}"
ONE = "communications/<int:communication>"
UNSUBSCRIBE = "unsubscribe/<str:token>"
CRITERIA = {"version": 1, "states": ["active", "never_started"]}
START = 1_704_067_200_000_000
DAY = "2024-03-01"


class World:
    """A course run whose team may send, with learners who have addresses; a member of the team, and one of the learners."""

    def __init__(self, run: Any, platform: Any) -> None:
        BulkEmailFlag.objects.create(enabled=True, require_course_email_auth=False)
        self.platform, self.learners, self.names = platform, [], []
        self.enrol(10)
        self.team, self.learner, self.number = Client(), Client(), 0
        self.team.force_login(run.users["staff"])
        self.learner.force_login(User.objects.get(id=5_000))
        self.team.get(f"{API}/communications")  # what the platform writes into a new session
        self.learner.get(f"{API}/me")

    def enrol(self, count: int) -> None:
        """So many more learners."""
        first = len(self.learners)
        users = User.objects.bulk_create(
            User(id=5_000 + n, username=f"l{n}", email=f"l{n}@people.example") for n in range(first, first + count)
        )
        CourseEnrollment.objects.bulk_create(CourseEnrollment(user=user, course_id=KEY) for user in users)
        sync_run(self.platform, str(KEY))
        Prediction.objects.update(certify=500, complete=500, leave=500)
        self.learners = list(Learner.objects.filter(user_id__lt=100_000).order_by("pk"))
        self.names = [one.pseudonym for one in self.learners]

    def bring_to(self, stands: str) -> None:
        """A message: `draft`, `confirmed`, `sent` (to most), or `troubled`: sent, not to all, and running by itself. The
        learner: `objects`."""
        if stands == "objects":
            self.learner.post(f"{API}/me/objection", {"objects": True}, "application/json")
        if stands in ("nothing", "objects"):
            return
        words = {"subject": "Hello", "body": "Dear all,", "pseudonyms": self.names, "criteria": CRITERIA}
        self.number = self.team.post(f"{API}/communications", words, "application/json").json()["id"]
        if stands == "draft":
            return
        path = f"{API}/communications/{self.number}/send"
        assert self.team.post(path, {"key": "press-0001"}, "application/json").status_code == 202
        if stands == "confirmed":
            return
        now = datetime.now(UTC)
        Sending.objects.update(state="done")
        CommunicationVersion.objects.update(sent_at=now)
        Delivery.objects.update(state="sent", finished_at=now)
        Delivery.objects.filter(learner__in=self.learners[:2]).update(state="skipped", reason="no address")
        if stands == "troubled":
            Delivery.objects.filter(learner__in=self.learners[2:4]).update(state="failed", reason="550 unknown")
            Communication.objects.update(automation="ask", automation_since=now)
            found = [one.pk for one in self.learners]
            AutomationDay.objects.create(communication_id=self.number, day=DAY, at=now, matched=found, fresh=found)


class Write(NamedTuple):
    """A request that writes."""

    route: str  # behind the course's, or the whole of it
    method: str
    body: Callable[[World], Any] = lambda world: {}
    stands: str = "draft"  # the message, before
    status: int = 200
    most: int = MOST
    why: str = ""  # it takes more


SENDS = (
    "it locks the message, reads it and what was confirmed of it, asks the platform whether the course may send and whom it"
    " reaches, asks who had it and who objects, and writes the confirmation, the deliveries and the record; of the thirteen"
    " seven are ours"
)
WRITES = {
    "a draft to a list": Write(
        "communications", "post", lambda w: {"subject": "a", "pseudonyms": w.names}, "nothing", 201
    ),
    "a draft by criteria": Write("communications", "post", lambda w: {"criteria": CRITERIA}, "nothing", 201),
    "words": Write(ONE, "patch", lambda w: {"subject": "Another"}),
    "words and list": Write(ONE, "patch", lambda w: {"subject": "Another", "pseudonyms": w.names[:2]}),
    "criteria": Write(ONE, "patch", lambda w: {"criteria": {"version": 1, "states": ["gone"]}}),
    "order": Write(ONE, "patch", lambda w: {"order": 3}),
    "automation": Write(ONE, "patch", lambda w: {"automation": "ask"}),
    "words and list of what was confirmed": Write(
        ONE, "patch", lambda w: {"subject": "Another", "pseudonyms": w.names[:2]}, "confirmed"
    ),
    "words and list of what was sent": Write(
        ONE, "patch", lambda w: {"subject": "Another", "pseudonyms": w.names[:2]}, "sent"
    ),
    "order of what failed and runs by itself": Write(ONE, "patch", lambda w: {"order": 3}, "troubled"),
    "words and list of what failed and runs by itself": Write(
        ONE,
        "patch",
        lambda w: {"subject": "Another", "pseudonyms": w.names[:2]},
        "troubled",
        most=11,
        why="it locks, checks the list, and answers with failures and matches",
    ),
    "throw a draft away": Write(ONE, "delete", status=204),
    "throw away what was confirmed": Write(ONE, "delete", stands="confirmed", status=409),
    "preview to one": Write(f"{ONE}/preview", "post", lambda w: {"pseudonym": w.names[0], "audience": False}),
    "preview to whom": Write(f"{ONE}/preview", "post"),
    "preview to whom now": Write(f"{ONE}/preview", "post", lambda w: {"now": True}, "sent"),
    "preview of both": Write(f"{ONE}/preview", "post", lambda w: {"pseudonym": w.names[0]}),
    "test": Write(f"{ONE}/test", "post", status=202),
    "send": Write(f"{ONE}/send", "post", lambda w: {"key": "press-0002"}, status=202, most=13, why=SENDS),
    "send once more": Write(f"{ONE}/send", "post", lambda w: {"key": "press-0001"}, "confirmed", 202),
    "send to the matches of a day": Write(
        f"{ONE}/send",
        "post",
        lambda w: {"key": "press-0002", "matches": DAY},
        "troubled",
        202,
        16,
        f"{SENDS}; and it reads the day's matches, decides on them, and keeps how the deliveries were that it takes up",
    ),
    "resend": Write(
        f"{ONE}/resend",
        "post",
        lambda w: {"key": "press-0002"},
        "troubled",
        202,
        16,
        f"{SENDS}; and it writes the next version, and takes up the deliveries of those whom it did not reach, and keeps how"
        " they were",
    ),
    "undo": Write(f"{ONE}/undo", "post", stands="confirmed"),
    "stop": Write(f"{ONE}/stop", "post", stands="confirmed"),
    "take a message in": Write("communications/export", "post", lambda w: export(1), "nothing", 201),
    "take three messages in": Write("communications/export", "post", lambda w: export(3), "nothing", 201),
    "take twenty messages in": Write("communications/export", "post", lambda w: export(20), "nothing", 201),
    "keep a segment": Write("segments", "post", lambda w: {"name": "some", "criteria": CRITERIA}, "nothing", 201),
    "forget a segment": Write("segments/<int:number>", "delete", stands="nothing", status=204),
    "count": Write("count", "post", lambda w: {"criteria": CRITERIA}, "nothing"),
    "look up": Write("lookup", "post", lambda w: {"query": "l1"}, "nothing"),
    "object": Write("me/objection", "post", lambda w: {"objects": True}, "nothing", 204),
    "object everywhere": Write("me/objection", "post", lambda w: {"objects": True, "everywhere": True}, "nothing", 204),
    "object on the page": Write(MY_PAGE, "post", lambda w: {"say": "not_here"}, "nothing", 303),
    "no longer object": Write("me/objection", "post", lambda w: {"objects": False}, "objects", 204),
    "opt out": Write(UNSUBSCRIBE, "post", stands="nothing"),
}


def export(count: int) -> dict[str, Any]:
    words = {"reply_to": "", "subject": "Hello", "body": "Dear all,"}
    one = {**words, "criteria": {"version": 1}, "course_notice": False}
    return {"format": "engage-communications", "version": 1, "communications": [one] * count}


@pytest.fixture
def may_send(settings: Any) -> None:
    settings.LMS_ROOT_URL = "https://courses.example"


def test_every_address_that_writes_is_here() -> None:
    of_course = {(one.route.removeprefix(COURSE), one.method) for one in ALL if one.route.startswith(COURSE)}
    writing = {one for one in of_course if one[1] != "get"} | {(MY_PAGE, "post"), (UNSUBSCRIBE, "post")}
    assert {(one.route, one.method) for one in WRITES.values()} == writing


@pytest.mark.usefixtures("may_send")
@pytest.mark.parametrize("name", WRITES)
def test_a_write_takes_few_queries(run: Any, platform: Any, name: str) -> None:
    write, world = WRITES[name], World(run, platform)
    world.bring_to(write.stands)
    asked = ask(world, write)
    if write.why:
        assert len(asked) == write.most > MOST, "\n".join(asked)
    else:
        assert len(asked) <= MOST, "\n".join(asked)


@pytest.mark.usefixtures("may_send")
@pytest.mark.parametrize(
    "name",
    [
        "a draft to a list",
        "a draft by criteria",
        "words and list of what was sent",
        "preview to whom",
        "send",
        "resend",
    ],
)
def test_only_recipients_and_deliveries_grow_with_a_list_and_by_hundreds(run: Any, platform: Any, name: str) -> None:
    """A database holds so many values in a statement: people are asked about 500 at a time, deliveries written 2,000 at a
    time (SQLite: 76)."""
    write, world = WRITES[name], World(run, platform)
    counted = []
    for more in (0, 1_400):
        world.enrol(more)
        world.bring_to(write.stands)
        counted.append(Counter(_statement(sql) for sql in ask(world, write)))
    grown = counted[1] - counted[0]
    assert grown["SELECT auth_user"] <= 2
    assert grown["INSERT engage_delivery"] <= 1_400 / 76 + 1
    assert set(grown) <= {"SELECT auth_user", "INSERT engage_delivery"}


@pytest.mark.parametrize("who", ["team", "learner"])
def test_all_about_a_learner_takes_few_queries(run: Any, platform: Any, who: str) -> None:
    world = World(run, platform)
    one = Learner.objects.get(user_id=5_000)
    Kind.objects.create(number=1, name="play_video")
    rows = [Row(START + n * 86_400_000_000, 1, 0, 0, -1.0, -1.0, -1) for n in range(10)]
    HistoryChunk.objects.create(
        learner=one, number=0, events=10, first=rows[0].time, last=rows[-1].time, data=pack(rows)
    )
    DailySnapshot.objects.create(learner=one, day=datetime(2024, 1, 9), model="m", certify=1, complete=2, leave=3)
    address = f"{API}/learners/{one.pseudonym}" if who == "team" else f"{API}/me"
    client = world.team if who == "team" else world.learner
    for most in (MOST + 1, MOST, MOST):  # what a kind is called, a process asks once
        with questions() as asked:
            answer = client.get(address)
        assert sum(week["kinds"]["video"] for week in answer.json()["activity"]) == 10
        assert len(asked) <= most, "\n".join(asked)


def ask(world: World, write: Write) -> list[str]:
    """Make the request; what it asked the database."""
    is_learners = write.route.startswith("me/")
    client, course = (world.learner if is_learners else world.team), not write.route.startswith((UNSUBSCRIBE, MY_PAGE))
    if "<int:number>" in write.route:
        run = Learner.objects.all()[0].course_run
        world.number = Segment.objects.create(course_run=run, name="some", criteria=CRITERIA, author_id=1).pk
    path = f"{API}/{write.route}" if course else f"/engage/{write.route}"
    path = path.replace("<path:course_key>", str(KEY)).replace("<str:token>", token(world.learners[0].pk))
    path = re.sub(r"<int:[a-z]+>", str(world.number), path)
    body, kind = write.body(world), {"content_type": "application/json"} if course else {}
    with questions() as asked:
        answer = getattr(client, write.method)(path, body, **kind)
    assert answer.status_code == write.status, answer.content
    return asked


def _statement(sql: str) -> str:
    """Its verb, and the table that it reads or writes."""
    while sql != (outer := re.sub(r"\([^()]*\)", "", sql)):  # what is in brackets is of another query
        sql = outer
    table = re.search(r'(?:FROM|INTO|UPDATE) "(\w+)"', sql)
    return f"{sql.split()[0]} {table[1] if table else ''}"

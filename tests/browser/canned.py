"""A small real HTTP server for the page: the bundle as it ships, under a strict policy, and the REST contract from memory.

It stands where the LMS stands, at the network: everything in the browser is the real thing.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from playwright.sync_api import Page

from tests.browser.beside import Beside

PUBLIC = Path(__file__).resolve().parents[2] / "engage_xblock" / "public"
COURSE = "course-v1:OUx+BBB+2013B"
COURSE_URL = f"/engage/api/v1/courses/{COURSE}/"
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'"
START = """
for (const node of document.querySelectorAll(".xblock")) new window.EngageCommunicator({}, node);
"""
# As the Learning MFE does it: a frame as high as its content says, in a page that scrolls.
FRAMED = """<!doctype html><title>Unit</title><p>Above</p>
<iframe src="/" width="1000" height="300" style="border: 0"></iframe>
<script>
addEventListener("message", ({ data }) => {
  if (data.type === "plugin.resize") document.querySelector("iframe").height = data.payload.height;
});
</script>"""
MIRRORED = "lang=he dir=rtl"  # the mirrored test language has no name that browsers know: dates are Hebrew ones
# What stands around a block in an LMS; its rules are in lms.css.
AROUND = (
    '<div class="course-wrapper"><section class="course-content"><div id="seq_content"><div class="vert-mod">'
    '<div class="vert">{}</div></div></div></section></div>'
)
LMS_LINK = '<link rel="stylesheet" href="/lms.css">'
LMS_STYLE = Path(__file__).with_name("lms.css")
TYPES = {".js": "text/javascript", ".css": "text/css"}


@dataclass
class Row:
    """One learner, as the server knows them: state, three per mille (or None), level and expected level (or None)."""

    state: str
    certify: int | None
    complete: int | None
    leave: int | None
    level: int | None = None
    expected_level: int | None = None


@dataclass
class CannedCourse:
    """What the server answers. Change it between requests; `put` raises the version as a consumer would."""

    rows: dict[str, Row] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    version: int = 1
    last_removal: int = 0  # the version under which learners were last deleted
    as_of: str | None = "2013-04-11T09:00:00Z"
    model: dict[str, str] | None = field(default_factory=lambda: {"name": "engage-base", "trained_on": "four runs"})
    calibrated: bool = False
    understood: float | None = None
    expected_pass_rate: float | None = None
    leave_correction: dict[str, float] | None = None  # None: `leave` is a rank
    leave_fact: dict[str, Any] | None = None
    drift: str | None = "green"
    silent_seconds: float | None = 1.0  # since the consumer's last report; None: it never ran
    unreachable_since: str | None = None  # since when the consumer's source has not answered it
    status: int = 200  # anything else is answered in place of the predictions
    garbled: bool = False
    delay_seconds: float = 0.0  # before the predictions are answered
    beside: Beside | None = None  # what stands beside the predictions; None: a server that does not have it (404)
    changed: dict[int, tuple[str, ...]] = field(default_factory=dict)  # version -> who changed in it
    total: tuple[int, int] = (-1, 0)  # version, and how many were enrolled then
    requests: list[tuple[str, int]] = field(default_factory=list)  # query and status of each answer
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, rows: dict[str, Row]) -> None:
        """New or changed learners, in one version."""
        with self.lock:
            self.version += 1
            self.rows.update(rows)
            self.versions.update(dict.fromkeys(rows, self.version))
            self.changed[self.version] = tuple(rows)

    def remove(self, names: Iterable[str]) -> None:
        """Learners are deleted: whoever holds an older cursor has to ask for everyone again."""
        with self.lock:
            self.version += 1
            self.last_removal = self.version
            self.changed[self.version] = ()
            for name in names:
                del self.rows[name], self.versions[name]

    def restore(self, rows: dict[str, Row]) -> None:
        """A database brought back from a copy: other rows, an older version."""
        with self.lock:
            self.version = 1
            self.last_removal = 0
            self.total = (-1, 0)
            self.changed = {}
            self.rows = dict(rows)
            self.versions = dict.fromkeys(rows, 1)

    def answer(self, query: str, if_none_match: str | None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for one request."""
        threading.Event().wait(self.delay_seconds)
        with self.lock:
            status, headers, body = self._answer(query, if_none_match)
            self.requests.append((query, status))
            return status, headers, body

    def _answer(self, query: str, if_none_match: str | None) -> tuple[int, dict[str, str], bytes]:
        if self.status != 200:
            return self.status, {}, b'{"type": "about:blank", "title": "refused"}'
        if self.garbled:
            return 200, {}, b'{"cursor": "9", "learners": ["a", "b"], "state": ["act'
        since = int(parse_qs(query).get("since", ["-1"])[0])
        if "since" in query and not self.last_removal <= since <= self.version:
            return 410, {}, b'{"type": "about:blank", "title": "cursor of another time"}'
        leave = (self.leave_fact, self.leave_correction)
        etag = f'"{self.version}-{self.model is not None}-{self.as_of}-{self.unreachable_since}-{hash(str(leave))}"'
        if if_none_match == etag:
            return 304, {"ETag": etag}, b""
        # As the API: everyone but those who left; with a cursor, what is newer than it.
        if since < 0:
            names = [name for name, row in self.rows.items() if row.state != "left"]
        elif all(version in self.changed for version in range(since + 1, self.version + 1)):
            newer = (self.changed[version] for version in range(since + 1, self.version + 1))
            names = list(dict.fromkeys(name for some in newer for name in some))
        else:
            names = [name for name in self.rows if self.versions[name] > since]
        if self.total[0] != self.version:
            self.total = (self.version, sum(row.state != "left" for row in self.rows.values()))
        rows = [self.rows[name] for name in names]
        now = datetime.now(UTC)
        seen = None if self.silent_seconds is None else (now - timedelta(seconds=self.silent_seconds)).isoformat()
        body = {
            "as_of": self.as_of,
            "cursor": str(self.version),
            "model": self.model,
            "calibrated": self.calibrated,
            "understood_share": self.understood,
            "expected_pass_rate": self.expected_pass_rate,
            "leave_shown_as": "rank" if self.leave_correction is None else "share",
            "leave_correction": self.leave_correction,
            "drift": self.drift,
            "leave_fact": self.leave_fact,
            "total": self.total[1],
            "consumer": {
                "last_seen": seen,
                "lag_seconds": self.silent_seconds,
                "unreachable_since": self.unreachable_since,
            },
            "learners": names,
            "state": [row.state for row in rows],
            "certify": [row.certify for row in rows],
            "complete": [row.complete for row in rows],
            "leave": [row.leave for row in rows],
            "level": [row.level for row in rows],
            "expected_level": [row.expected_level for row in rows],
        }
        return 200, {"ETag": etag}, json.dumps(body).encode()


class CannedSite:
    """The server: `url`, and the `course` whose answers it gives. `stop` and `start` as a server goes and comes back."""

    def __init__(self, course: CannedCourse, *, poll_ms: int = 100, heading: bool = True) -> None:
        self.course = course
        self.heading = heading  # the page has titles above the block, as a unit has
        self.poll_ms = poll_ms
        self.port = 0
        self.start()

    def start(self) -> None:
        """Listen, on the same port as before."""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                split = urlsplit(self.path)
                self._say(*site._respond(unquote(split.path), split.query, self.headers.get("If-None-Match")))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._say(*site._change("POST", unquote(self.path), body))

            def do_DELETE(self) -> None:
                self._say(*site._change("DELETE", unquote(self.path), b"{}"))

            def _say(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Quiet: what was asked is in `course.requests`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Answer nothing more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _change(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        beside = self.course.beside
        if beside is None or not path.startswith(COURSE_URL):
            return 404, {}, b""
        status, answer = beside.change(method, path.removeprefix(COURSE_URL), json.loads(body))
        return status, {"Content-Type": "application/json"}, json.dumps(answer).encode() if answer is not None else b""

    def _respond(self, path: str, query: str, if_none_match: str | None) -> tuple[int, dict[str, str], bytes]:
        if path == f"{COURSE_URL}predictions":
            status, headers, body = self.course.answer(query, if_none_match)
            return status, {"Content-Type": "application/json", "Cache-Control": "private, no-cache", **headers}, body
        if path.startswith(COURSE_URL) and self.course.beside is not None:
            name = path.removeprefix(COURSE_URL)
            status, answer = self.course.beside.answer(name, {k: v[0] for k, v in parse_qs(query).items()})
            return status, {"Content-Type": "application/json"}, json.dumps(answer).encode()
        if path == "/framed":
            return 200, {"Content-Type": "text/html; charset=utf-8"}, FRAMED.encode()
        if path == "/":
            headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": POLICY}
            return (
                200,
                headers,
                self._page({k: v[0] for k, v in parse_qs(query, keep_blank_values=True).items()}).encode(),
            )
        if path == "/start.js":
            return 200, {"Content-Type": TYPES[".js"]}, START.encode()
        if path == "/lms.css":
            return 200, {"Content-Type": TYPES[".css"]}, LMS_STYLE.read_bytes()
        file = (PUBLIC / path.removeprefix("/public/")).resolve()
        if path.startswith("/public/") and file.is_relative_to(PUBLIC) and file.is_file():
            return 200, {"Content-Type": TYPES[file.suffix] + "; charset=utf-8"}, file.read_bytes()
        return 404, {}, b""

    def _page(self, query: dict[str, str]) -> str:
        """The page around the block. `?twice`: two blocks; `?lang=de`: in that language, as an LMS would; `?around`: in an
        LMS's elements, `?around=lms`: under its rules, too."""
        config = {"course": COURSE, "courseUrl": COURSE_URL, "pollMs": self.poll_ms}
        block = (
            f'<div class="xblock"><section class="engage-communicator" data-engage-config="{escape(json.dumps(config))}">'
            '<h3 class="engage-title">Communicator</h3></section></div>'
        )
        block *= 2 if "twice" in query else 1
        language = query.get("lang", "en")
        catalogue = f'<script src="/public/js/translations/{language}/text.js"></script>' if language != "en" else ""
        return (
            f"<!doctype html><html {MIRRORED if language == 'rtl' else f'lang={language} dir=ltr'}>"
            '<head><meta charset="utf-8"><title>Communicator</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"{LMS_LINK if query.get('around') == 'lms' else ''}"
            '<link rel="stylesheet" href="/public/communicator.css"></head><body><main>'
            f"{'<h1>Unit</h1><h2>Course team</h2>' if self.heading else ''}"
            f"{AROUND.format(block) if 'around' in query else block}</main>{catalogue}"
            '<script src="/public/communicator.js"></script><script src="/start.js"></script></body></html>'
        )


def answer_composer(page: Page) -> None:
    """From now on the server of this page says that nothing was written yet: so the page offers to write."""

    sender = {"from": "Ada Byron via OUx <course@example.edu>", "reply_to": ["ada@example.edu"]}
    page.route("**/communications", lambda route: route.fulfill(json={"communications": []}))
    page.route("**/templates", lambda route: route.fulfill(json={"templates": [], "sender": sender}))


@contextmanager
def serving(course: CannedCourse, *, poll_ms: int = 100, heading: bool = True) -> Iterator[CannedSite]:
    """A running CannedSite, stopped at the end."""
    site = CannedSite(course, poll_ms=poll_ms, heading=heading)
    try:
        yield site
    finally:
        site.stop()


def learners(count: int, *, seed: int = 1) -> dict[str, Row]:
    """So many learners of a course in its tenth week, the same for the same seed."""
    random_ = random.Random(seed)
    return {name: _learner(random_) for name in _pseudonyms(random_, count)}


def _learner(random_: random.Random) -> Row:
    fate = random_.random()
    if fate < 0.16:
        return Row("never_started", None, None, None)
    if fate < 0.35:
        return Row("gone", int(1000 * random_.betavariate(1, 16)), int(1000 * random_.betavariate(1.2, 12)), None)
    if fate < 0.4:
        return Row("finished", 1000, 1000, None)
    diligence = random_.betavariate(1.1, 0.9)
    certify = min(1000, max(0, int(1000 * diligence + random_.gauss(0, 60))))
    complete = min(1000, max(0, int(1000 * diligence**0.7 + random_.gauss(0, 50))))
    leave = min(1000, max(0, int(1000 * (1 - diligence) ** 2 * 0.9 + abs(random_.gauss(0, 40)))))
    expected = min(400, int(certify**2 / 2_500))
    return Row("active", certify, complete, None if random_.random() < 0.01 else leave, round(expected / 100), expected)


def _pseudonyms(random_: random.Random, count: int) -> Iterable[str]:
    names: dict[str, None] = {}
    while len(names) < count:
        names["".join(random_.choices("abcdefghijklmnopqrstuvwxyz234567", k=8))] = None
    return names

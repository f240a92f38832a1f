"""The pages of the standalone site: the course with its block, being a learner, and whom one is just now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, login
from django.contrib.auth.models import User
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from xblock.django.request import django_to_webob_request, webob_to_django_response
from xblock.exceptions import NoSuchHandlerError

from engage_backend.demo import log
from engage_backend.demo.clock import advance, speed
from engage_backend.demo.learner import Clicks, Progress, open_task
from engage_backend.demo.models import Kept
from engage_backend.demo.people import LEARNER, STAFF, STRANGER
from engage_backend.demo.runtime import communicator, own_page
from engage_backend.governance.me import leave_rank
from engage_backend.models import Learner, Prediction
from engage_backend.platform.api import get_platform
from engage_backend.platform.moments import from_microseconds, to_microseconds
from engage_backend.platform.protocol import CourseSchedule, Role

ROLES = {"staff": STAFF, "learner": LEARNER, "stranger": STRANGER}
AWAY = timedelta(days=3)
PROGRESS = "progress of you"
DAY = timedelta(days=1)


@require_GET
def enter(request: HttpRequest) -> HttpResponse:
    """Who comes to the demo comes as course staff: there is nothing here that has to be kept from anybody."""
    _become(request, STAFF)
    return HttpResponseRedirect(reverse("course"))


@require_POST
def be(request: HttpRequest, who: str) -> HttpResponse:
    """Be somebody else from now on: `staff`, `learner` or `stranger`."""
    if who not in ROLES:
        raise Http404(who)
    _become(request, ROLES[who])
    return HttpResponseRedirect(reverse("course"))


@never_cache
@ensure_csrf_cookie
@require_GET
def course(request: HttpRequest) -> HttpResponse:
    """The course page with the block, as whoever is looking meets it; 404 to a stranger, as in an LMS."""
    if not request.user.is_authenticated:
        return HttpResponseRedirect(reverse("enter"))
    schedule = the_schedule()
    page = every_page(request, schedule)
    if page["role"] == Role.STRANGER:
        return render(request, "engage_demo/course.html", page, status=404)
    blocks = [communicator(request, schedule.course)]
    if page["role"] in (Role.LEARNER, Role.MASQUERADER):
        blocks.append(own_page(request, schedule.course))
    page |= _rendered(*(block.render("student_view") for block in blocks))
    return render(request, "engage_demo/course.html", page)


@never_cache
@ensure_csrf_cookie
@require_GET
def learn(request: HttpRequest) -> HttpResponse:
    """Being a learner, on a page of its own: for a second window, or a telephone."""
    if not request.user.is_authenticated:
        return HttpResponseRedirect(reverse("enter"))
    return render(request, "engage_demo/learn.html", every_page(request, the_schedule()))


@never_cache
@ensure_csrf_cookie
@require_GET
def studio(request: HttpRequest) -> HttpResponse:
    """The block as Studio shows it in its outline, and its editor; course staff only."""
    schedule = the_schedule()
    page = every_page(request, schedule)
    if page["role"] != Role.STAFF:
        raise Http404
    block = communicator(request, schedule.course, studio=True)
    outline, editor = _rendered(block.render("author_view")), _rendered(block.render("studio_view"))
    page |= {kind: sorted({*outline[kind], *editor[kind]}) for kind in ("styles", "scripts")}
    page |= {"outline": outline["communicator"], "editor": editor["communicator"]}
    return render(request, "engage_demo/studio.html", page)


@require_http_methods(["GET", "POST"])
def handler(request: HttpRequest, handler: str, suffix: str) -> HttpResponse:
    """A handler of the block, which only its editor in Studio calls; course staff only."""
    schedule = the_schedule()
    if get_platform().role(request, schedule.course) is not Role.STAFF:
        raise Http404(handler)
    block = communicator(request, schedule.course, studio=True)
    try:
        answer = block.handle(handler, django_to_webob_request(request), suffix)
    except NoSuchHandlerError:
        raise Http404(handler) from None
    block.save()
    response: HttpResponse = webob_to_django_response(answer)
    return response


@never_cache
@require_GET
def now(request: HttpRequest) -> HttpResponse:
    """The clock, "you", and what the course team sees of "you" (to course staff)."""
    return JsonResponse(_status(request, the_schedule()))


@require_POST
def click(request: HttpRequest, action: str) -> HttpResponse:
    """Do something as "you", whoever is looking: `unit`, `wrong`, `right` or `video` writes log lines, and nothing
    else; `away` moves the clock, and nothing else."""
    schedule = the_schedule()
    if action == "away":
        advance(AWAY)
        lines = []
    elif action in ("unit", "wrong", "right", "video"):
        lines = _click(schedule, action)
    else:
        raise Http404(action)
    if "application/json" not in request.headers.get("Accept", ""):
        return HttpResponseRedirect(reverse("learn" if request.POST.get("page") == "learn" else "course"))
    return JsonResponse({**_status(request, schedule), "lines": [line.decode() for line in lines]})


def _click(schedule: CourseSchedule, action: str) -> list[bytes]:
    """Write the lines of one click; returns them. One click at a time: the log keeps their order."""
    you = User.objects.get(username=LEARNER)
    with transaction.atomic():
        kept = Kept.objects.select_for_update().get_or_create(name=PROGRESS, defaults={"value": {}})[0]
        progress = Progress.from_json(kept.value)
        when = get_platform().now()
        clicks = Clicks(schedule, user_id=you.pk, username=LEARNER, session=f"{when:%Y%m%d}{you.pk:024x}", now=when)
        if action == "unit":
            lines = clicks.open_next_unit(progress)
        elif action == "video":
            lines = clicks.watch_video(progress)
        else:
            lines = clicks.answer(progress, right=action == "right")
        log.append(settings.TRACKING_LOG, lines)
        kept.value = vars(progress)
        kept.save()
    return lines


def _become(request: HttpRequest, username: str) -> None:
    """Go on as somebody else, in the same session.

    In a new one, a poll of the page before that is still on its way would find its session gone, and Django would answer
    it by taking the new cookie away.
    """
    user = User.objects.get(username=username)
    if not request.user.is_authenticated:
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        return
    request.session[SESSION_KEY] = str(user.pk)
    request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()


def the_schedule() -> CourseSchedule:
    platform = get_platform()
    key = next(platform.courses(), None)
    schedule = platform.schedule(key) if key else None
    if schedule is None:
        raise Http404("No course is loaded.")
    return schedule


def every_page(request: HttpRequest, schedule: CourseSchedule) -> dict[str, Any]:
    """What every page shows."""
    return {
        "schedule": schedule,
        "role": get_platform().role(request, schedule.course),
        "roles": [("staff", "Course staff"), ("learner", "Learner"), ("stranger", "Stranger")],
        "status": _status(request, schedule),
        "is_sample": schedule.course.startswith("course-v1:OUx+"),
        "tracking_log": settings.TRACKING_LOG,
    }


def _rendered(*fragments: Any) -> dict[str, Any]:
    """The fragments' HTML, and the addresses of the files they need; what is inline is left out, as our policy would."""
    files = {(r.kind, r.mimetype, r.data) for fragment in fragments for r in fragment.resources}
    return {
        # The blocks' own markup, which escapes what it is given.
        "communicator": mark_safe("\n".join(fragment.content for fragment in fragments)),
        "styles": sorted(data for kind, mimetype, data in files if kind == "url" and mimetype == "text/css"),
        "scripts": sorted(data for kind, mimetype, data in files if kind == "url" and "javascript" in mimetype),
    }


def _status(request: HttpRequest, schedule: CourseSchedule) -> dict[str, Any]:
    """The clock, the course's week, what is open for "you", and, to course staff, what is predicted of "you"."""
    when = get_platform().now()
    kept = Kept.objects.filter(name=PROGRESS).first()
    progress = Progress.from_json(kept.value if kept else {})
    task = open_task(schedule, progress, when)
    learner = Learner.objects.filter(course_run__course_key=schedule.course, user_id=_id_of_you()).first()
    return {
        "time": when.isoformat(),
        "speed": speed(),
        "week": max(1, (when - from_microseconds(schedule.start)) // (7 * DAY) + 1),
        "over": schedule.end is not None and to_microseconds(when) > schedule.end,
        "pseudonym": learner.pseudonym if learner else None,
        "unit": progress.unit + 1,
        "video": progress.video + 1,
        "solved": len(progress.solved),
        "task": task
        and {
            "number": [block.block for block in sorted(schedule.graded, key=_by_due)].index(task.block) + 1,
            "of": len(schedule.graded),
            "percent": round(task.points * 100),
            "due": task.due and from_microseconds(task.due).isoformat(),
        },
        "row": _row(learner) if get_platform().role(request, schedule.course) is Role.STAFF else None,
    }


def _row(learner: Learner | None) -> dict[str, Any] | None:
    """What the course team sees of a learner: a state, and per mille where the learner is predicted for."""
    if learner is None:
        return None
    prediction = Prediction.objects.filter(learner=learner).first()
    return {
        "state": learner.state,
        "certify": prediction and prediction.certify,
        "complete": prediction and prediction.complete,
        "leave": prediction and prediction.leave,
        "leave_rank": (rank := leave_rank(prediction)) and [rank.above + 1, rank.total],
    }


def _by_due(block: Any) -> tuple[int, str]:
    return (block.due or 1 << 62, block.block)


def _id_of_you() -> int:
    return User.objects.values_list("pk", flat=True).get(username=LEARNER)

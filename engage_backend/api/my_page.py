"""The learner's page at its own address: what is held and said of them, and "do not predict me". Needs no JavaScript."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.template import Context, Engine
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_GET, require_http_methods

from engage_backend.api.access import key_or_404
from engage_backend.api.me import with_subjects
from engage_backend.api.problems import needs_tables
from engage_backend.engagement.activity import GROUPS
from engage_backend.governance.me import LeaveRank, Me, is_held, say, told_to
from engage_backend.models import LearnerStatus
from engage_backend.platform.api import get_platform
from engage_backend.platform.protocol import Role

PAGE, PART = "engage_backend/me.html", "engage_backend/me_part.html"
_FOLDER = Path(__file__).resolve().parents[1] / "templates"
# Nothing is loaded but our style sheet, nobody frames the page, and its forms go to this site alone.
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
WEEKS_SHOWN = 8  # the latest; the others unfold
# What a button of the page says: (objects, everywhere).
WORDS = {
    "not_here": (True, False),
    "not_anywhere": (True, True),
    "again": (False, False),
    "again_everywhere": (False, True),
}
ASKS = ("not_here", "not_anywhere")  # words that the page asks about before they are said (`?ask=`)
_STYLE = _FOLDER / "engage_backend" / "me.css"


class Week(NamedTuple):
    """A row of the table of what was counted."""

    number: int
    kinds: list[int]
    total: int


@cache
def templates() -> Engine:
    """Return an engine of our own: an LMS has its own loaders (themes, Mako) and context processors, not needed here."""
    return Engine(dirs=[str(_FOLDER)], libraries={"i18n": "django.templatetags.i18n"})


@require_GET
@cache_control(max_age=3_600)
def style(request: HttpRequest) -> HttpResponse:
    """The page's style sheet: with the page, so that a site needs to collect nothing."""
    return HttpResponse(_STYLE.read_bytes(), content_type="text/css; charset=utf-8")


@transaction.non_atomic_requests  # see `say`
@csrf_protect
@never_cache
@needs_tables
@require_http_methods(["GET", "HEAD", "POST"])
def me(request: HttpRequest, course_key: str) -> HttpResponseBase:
    """The page (GET), its inner part alone (`?part=1`, for the block), and the learner's word (POST `say`).

    `?ask=` one of `ASKS` asks whether the learner is sure, and says what will go.
    """
    key = key_or_404(course_key)
    if not request.user.is_authenticated:
        from django.contrib.auth.views import redirect_to_login  # a quarter of what we cost a process that starts

        return redirect_to_login(request.get_full_path())
    role, user_id = get_platform().role(request, key), request.user.pk
    if role is Role.STRANGER and user_id is not None and is_held(user_id, key):
        role = Role.LEARNER  # of before: they see and decide as long as anything is kept
    if role not in (Role.LEARNER, Role.MASQUERADER, Role.STAFF) or user_id is None:
        raise Http404(_("You are not enrolled in this course run."))
    if request.method == "POST":
        return _said(request, role, key, user_id)
    part = request.GET.get("part") == "1"
    told, asking = with_subjects(told_to(user_id, key), user_id), request.GET.get("ask", "")
    page = {**_page(told, role, asking), "csrf_token": get_token(request)}
    response = HttpResponse(templates().get_template(PART if part else PAGE).render(Context(page)))
    response["Content-Security-Policy"] = POLICY
    response["X-Frame-Options"] = "DENY"
    response["Referrer-Policy"] = "same-origin"  # CSRF protection asks for it on our own pages; others are told nothing
    return response


def _said(request: HttpRequest, role: Role, key: str, user_id: int) -> HttpResponseBase:
    word = WORDS.get(request.POST.get("say", ""))
    if role is not Role.LEARNER or word is None:
        return HttpResponse(_("Only learners say that, with the buttons of their page."), status=400)
    objects, everywhere = word
    if not say(get_platform(), user_id, key, objects=objects, everywhere=everywhere):
        raise Http404(_("There is no such course run."))
    response = HttpResponseRedirect(reverse("engage:my_page", kwargs={"course_key": key}) + "#choice")
    response.status_code = 303
    return response


def _page(me: Me, role: Role, asking: str = "") -> dict[str, Any]:
    """What the template shows: words and numbers, no decision left."""
    weeks = [
        Week(number, [kinds[group] for group in GROUPS], kinds.total())
        for number, kinds in reversed(list(me.weeks.items()))
    ]
    return {
        "me": me,
        "asking": asking if asking in ASKS else "",
        "name": me.display_name or me.course_key,
        "is_team": role is Role.STAFF,
        "may_say": role is Role.LEARNER,
        "state": _states().get(me.state, ""),
        "groups": [pgettext("engage", name) for name in ("Videos", "Problems", "Forum", "Other")],
        "latest": weeks[:WEEKS_SHOWN],
        "earlier": weeks[WEEKS_SHOWN:],
        "predictions": _predictions(me),
    }


def _predictions(me: Me) -> list[tuple[str, str | None]]:
    """What is predicted, and the figure as text; None: there is none. The level is left out where there is none."""
    found: list[tuple[str, str | None]] = []
    for target, what in _targets().items():
        value = me.predictions.get(target)
        found.append(
            (what, None if value is None else _rank(me.leave_rank) if target == "leave" else f"{round(value / 10)} %")
        )
    level = me.predictions.get("level")
    if level is not None:
        words = (_("no days"), _("1 day"), _("2 days"), _("3–4 days"), _("5–7 days"))
        found.append((_("Days on which you will be active, of the next seven"), words[level]))
    return found


def _rank(rank: LeaveRank | None) -> str | None:
    """How `leave` is told: as a percentage it does not hold."""
    if rank is None:
        return None
    if not rank.tenths:
        return _("less likely than nearly everybody here")
    return _("more likely than for {n} of 10 learners here").format(n=rank.tenths)


def _states() -> dict[str, str]:
    """Where a learner stands, to the learner. LEFT is told by the choice they made, or not at all."""
    return {
        LearnerStatus.ACTIVE: _("active in the last days"),
        LearnerStatus.NEVER_STARTED: _("not started yet"),
        LearnerStatus.GONE: _("not seen for some time"),
        LearnerStatus.FINISHED: pgettext("engage", "passed"),
    }


def _targets() -> dict[str, str]:
    return {
        "certify": _("You earn a certificate"),
        "complete": _("You hand in enough to be able to pass"),
        "leave": _("You do not come back after this"),
    }

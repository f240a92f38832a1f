"""The page behind the link in every message: no login, one click. Mail programs post to it by themselves (RFC 8058).

A GET changes nothing: scanners of mail follow every link.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from engage_backend.api.problems import needs_tables
from engage_backend.messaging.unsubscribe import learner_of
from engage_backend.platform.api import get_platform

# An engine of our own: which templates a site finds, and by what, is its own affair (an LMS has Mako before Django).
_ENGINE = Engine(dirs=[str(Path(__file__).parents[1] / "templates")], libraries={"i18n": "django.templatetags.i18n"})


@csrf_exempt  # the token is what proves the wish, and a mail program has no cookie
@never_cache
@needs_tables
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask (GET), and write the platform's own opt-out, or take it back (POST)."""
    learner = learner_of(token)
    if learner is None:
        return _page("unknown", status=404)
    platform, run = get_platform(), learner.course_run
    if request.method == "POST":
        platform.opt_out(run.course_key, learner.user_id, request.POST.get("again") != "1")
    is_out = platform.has_opted_out(run.course_key, learner.user_id)
    return _page("out" if is_out else "in", course=run.display_name or run.course_key)


def _page(state: str, *, status: int = 200, **said: Any) -> HttpResponse:
    page = _ENGINE.get_template("engage_backend/unsubscribe.html").render(Context({"state": state, **said}))
    response = HttpResponse(page, status=status)
    # The address is as good as a password: it is not told to whatever one goes to from here.
    response["Referrer-Policy"] = "no-referrer"
    return response

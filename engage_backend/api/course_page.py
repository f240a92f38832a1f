"""The Communicator at its own address, as a whole page: for every course, whether a block was added to it or not.

The instructor dashboard's tab leads here (`instructor_tab`). Element, script and style are the block's; its settings are the
defaults.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template import Context
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from engage_backend.api.access import key_or_404
from engage_backend.api.my_page import templates
from engage_backend.api.problems import needs_tables
from engage_backend.models import CourseRun
from engage_backend.platform.api import get_platform
from engage_backend.platform.protocol import Platform, Role

TEMPLATE = "engage_backend/course_page.html"
# `{files}`: where the block's files come from, this site or the host of a static URL elsewhere.
POLICY = (
    "default-src 'none'; script-src {files}; style-src {files}; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@never_cache
@needs_tables
@ensure_csrf_cookie  # the page's script sends with it, and no form of ours is here to set it
@require_safe
def course_page(request: HttpRequest, course_key: str) -> HttpResponseBase:
    """Return the page to the course team. Others: login, 403 in words; 404 where there is no such course run."""
    key = key_or_404(course_key)
    if not request.user.is_authenticated:
        from django.contrib.auth.views import redirect_to_login  # costs a starting process, see `my_page`

        return redirect_to_login(request.get_full_path())
    platform = get_platform()
    role = platform.role(request, key)
    if role is not Role.STAFF:
        return _rendered(platform, key, status=403, refusal=_refusal(role))
    from engage_xblock.language import catalogue_path
    from engage_xblock.shell import SCRIPT, TITLE, page_config, shell

    scripts = [path for path in (catalogue_path(), SCRIPT) if path is not None]
    return _rendered(
        platform,
        key,
        scripts=[platform.block_file_url(path) for path in scripts],
        name=_name(platform, key),
        shell=shell(TITLE, page_config(key), _),
    )


def _rendered(platform: Platform, key: str, *, status: int = 200, scripts: Any = (), **page: Any) -> HttpResponse:
    """Return the template, with the links out of the page and the headers that guard it."""
    from engage_xblock.shell import STYLE, TITLE

    style = platform.block_file_url(STYLE)
    page |= {"title": TITLE, "pages": platform.pages(key), "style": style, "scripts": scripts}
    response = HttpResponse(templates().get_template(TEMPLATE).render(Context(page)), status=status)
    response["Content-Security-Policy"] = POLICY.format(files=" ".join(["'self'", *_hosts([style, *scripts])]))
    response["X-Frame-Options"] = "DENY"
    response["Referrer-Policy"] = "same-origin"
    return response


def _name(platform: Platform, key: str) -> str:
    """Return the course's name, from the platform only while no consumer has met the course run."""
    run = CourseRun.objects.filter(course_key=key).only("display_name").first()
    if run is not None:
        return run.display_name or key
    schedule = platform.schedule(key)
    if schedule is None:
        raise Http404(_("There is no course run {key}.").format(key=key))
    return schedule.display_name or key


def _refusal(role: Role) -> str:
    if role is Role.MASQUERADER:
        return _("You are looking at this course as a learner would. Stop that in the course to open this page.")
    return _("This is for the course team of this course run.")


def _hosts(urls: list[str]) -> list[str]:
    """Return the origins of those addresses that lie on another host."""
    found = {(parts.scheme, parts.netloc) for parts in map(urlsplit, urls) if parts.netloc}
    return sorted(f"{scheme}://{host}" if scheme else host for scheme, host in found)

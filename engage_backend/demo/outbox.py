"""The demo's provider: what a real one would carry away lies in a folder here, and on a page."""

from __future__ import annotations

import mailbox
from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage as Letter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from engage_backend.demo.views import every_page, the_schedule
from engage_backend.platform.api import get_platform
from engage_backend.platform.protocol import Role

MOST_SHOWN = 200


class FolderBackend(BaseEmailBackend):
    """EMAIL_BACKEND of the standalone site: one file a mail, in a Maildir."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Keep them; how many."""
        box = mailbox.Maildir(settings.OUTBOX, create=True)
        for message in email_messages:
            box.add(message.message().as_bytes())
        return len(email_messages)


@never_cache
@require_GET
def outbox(request: HttpRequest) -> HttpResponse:
    """All mails that were sent, the youngest first; course staff only, as they are the learners'."""
    shown = every_page(request, the_schedule())
    if shown["role"] != Role.STAFF:
        raise Http404
    files = _files()
    letters = [_letter(file) for file in files[:MOST_SHOWN]]
    shown |= {"count": len(files), "letters": letters, "outbox": settings.OUTBOX}
    return render(request, "engage_demo/outbox.html", shown)


@never_cache
@require_GET
def letter(request: HttpRequest, name: str) -> HttpResponse:
    """The HTML part of one mail, as a mail program would show it."""
    if get_platform().role(request, the_schedule().course) is not Role.STAFF:
        raise Http404
    for file in _files():
        if file.name == name:
            return HttpResponse(_part(_read(file), "html"))
    raise Http404(name)


def _files() -> list[Path]:
    return sorted(Path(settings.OUTBOX).glob("new/*"), key=lambda file: (-file.stat().st_mtime_ns, file.name))


def _letter(file: Path) -> dict[str, Any]:
    found = _read(file)
    headers = {name: str(found[name] or "").strip() for name in ("From", "Reply-To", "List-Unsubscribe")}
    return {
        "name": file.name,
        "to": found["To"],
        "subject": found["Subject"],
        "at": datetime.fromtimestamp(file.stat().st_mtime, UTC),
        "headers": {name: value for name, value in headers.items() if value},
        "text": _part(found, "plain"),
    }


def _read(file: Path) -> Letter:
    return message_from_bytes(file.read_bytes(), policy=policy.default)


def _part(found: Letter, kind: Any) -> str:
    body = found.get_body((kind,))
    return str(body.get_content()) if body is not None else ""

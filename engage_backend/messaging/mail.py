"""One mail to one learner: parts, head, footer, and the link with which to say no (RFC 2369, RFC 8058)."""

from __future__ import annotations

import html
from contextlib import AbstractContextManager
from dataclasses import dataclass
from email.utils import formataddr
from functools import cached_property
from typing import NamedTuple

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils import translation
from django.utils.translation import check_for_language
from django.utils.translation import gettext as _

from engage_backend.conf import engage_settings
from engage_backend.messaging.quick_mail import QuickMail
from engage_backend.messaging.rendering import Parts, Rendered, prepare, render
from engage_backend.messaging.unsubscribe import token
from engage_backend.messaging.wording import Name
from engage_backend.models import CommunicationVersion, CourseRun
from engage_backend.platform.api import get_platform
from engage_backend.platform.protocol import MailFrom, Recipient

_TOKEN = "LEARNERS-OWN-TOKEN"  # stands in an address for a learner's own


@dataclass(frozen=True)
class Letter:
    """What a channel takes: one message to one address."""

    user_id: int
    address: str
    course_key: str
    sender: str  # as it stands in From
    reply_to: str
    rendered: Rendered
    unsubscribe: str  # "": a message to the course team, that cannot be unsubscribed from

    @property
    def headers(self) -> dict[str, str]:
        """What stands in the head beside the usual."""
        if not self.unsubscribe:
            return {"Auto-Submitted": "auto-generated"}
        return {
            "List-Unsubscribe": f"<{self.unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }

    @cached_property
    def email(self) -> EmailMultiAlternatives:
        """As Django's mail backends take it; `message()` of it is written down once."""
        mail = QuickMail(
            subject=self.rendered.subject,
            body=self.rendered.text,
            from_email=self.sender,
            to=[self.address],
            reply_to=[self.reply_to] if self.reply_to else None,
            headers=self.headers,
        )
        mail.attach_alternative(self.rendered.html, "text/html")
        return mail


class Writer:
    """Writes the letters of one version: what is the same for everybody is done once."""

    def __init__(self, run: CourseRun, version: CommunicationVersion, root: str) -> None:
        """`root`: where learners reach the site. Raises WordingProblem where the version cannot be rendered."""
        self._run, self._version, self._root = run, version, root
        self._parts: Parts = prepare(version.subject, version.body)
        self._sender = sender(run, version.from_name)
        self._course = run.display_name or run.course_key
        self._link = root + reverse("engage:unsubscribe", args=[_TOKEN])
        self._own_page = root + reverse("engage:my_page", kwargs={"course_key": run.course_key})
        self._footers: dict[str, Footer] = {}

    def _footer(self, language: str) -> Footer:
        if language not in self._footers:
            with in_language_of(language):
                self._footers[language] = _footer(self._course, self._link, self._own_page)
        return self._footers[language]

    def letter(self, person: Recipient, learner_id: int) -> Letter:
        """The letter to a learner."""
        own, footer = token(learner_id), self._footer(person.language)
        made = render(self._parts, Name.of(person.first_name, person.full_name))
        return Letter(
            user_id=person.user_id,
            address=person.email,
            course_key=self._run.course_key,
            sender=self._sender,
            reply_to=self._version.reply_to,
            rendered=Rendered(
                made.subject,
                made.text + footer.text.replace(_TOKEN, own),
                made.html + footer.html.replace(_TOKEN, own),
            ),
            unsubscribe=self._link.replace(_TOKEN, own),
        )


class Footer(NamedTuple):
    """What stands below every message, in one language, `_TOKEN` for a learner's own: why it came, how to get no more of
    them, and where a learner sees what is said of them."""

    text: str
    html: str


def _footer(course: str, no_more: str, own_page: str) -> Footer:
    why = _("You get this message because you are enrolled in %(course)s.") % {"course": course}
    said = (_("No more messages of this course"), no_more), (_("What is held and said about you"), own_page)
    links = " · ".join(f'<a href="{html.escape(to)}">{html.escape(words)}</a>' for words, to in said)
    return Footer(
        "\n\n-- \n" + why + "".join(f"\n{words}: {to}" for words, to in said) + "\n",
        f'<hr />\n<p style="color:#555;font-size:90%">{html.escape(why)} {links}</p>\n',
    )


def in_language_of(language: str) -> AbstractContextManager[None]:
    """Within, texts are in the language of whoever reads them (`Recipient.language`), else in the site's."""
    return translation.override(language if check_for_language(language) else settings.LANGUAGE_CODE)


def sender(run: CourseRun, author: str) -> str:
    """Return the From of a message: the author's name with the site's address, or the course where the platform says so.

    `author` is a name, or empty. What nobody types nobody can use to write in another's name.
    """
    own = engage_settings().from_email
    site = MailFrom("", own) if own else get_platform().mail_from(run.course_key, run.display_name or run.course_key)
    via = site.name or str(getattr(settings, "PLATFORM_NAME", "") or "")
    if site.is_course or not author:
        name = site.name
    else:
        name = _("%(author)s via %(site)s") % {"author": author, "site": via} if via else author
    return formataddr((name, site.address)) if name else site.address

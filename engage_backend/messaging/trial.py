"""A preview for the author, and a test: the message as mail, to the author alone."""

from __future__ import annotations

import html
from dataclasses import dataclass

from django.utils.translation import gettext as _

from engage_backend.messaging.channels import Fate, send_alone
from engage_backend.messaging.mail import Letter, in_language_of, sender
from engage_backend.messaging.rendering import Rendered, prepare, render
from engage_backend.messaging.wording import Name, Wording
from engage_backend.models import CourseRun, Learner
from engage_backend.platform.api import get_platform


@dataclass(frozen=True)
class Preview:
    """How a learner would see it. The name is masked: nobody finds out by previews who is who."""

    to: str
    rendered: Rendered


def preview(run: CourseRun, wording: Wording, pseudonym: str | None) -> Preview:
    """The message to one learner, or to one without a name. Raises WordingProblem, and Learner.DoesNotExist."""
    name = Name("", "")
    if pseudonym is not None:
        learner = Learner.objects.get(course_run=run, pseudonym=pseudonym)
        for person in get_platform().recipients(run.course_key, [learner.user_id]):
            name = Name.of(person.first_name, person.full_name).masked
    return Preview(name.full, render(prepare(wording.subject, wording.body), name))


def send_trial(course_key: str, user_id: int, wording: Wording) -> bool:
    """Mail the message to a member of the course team; whether it was taken. Raises WordingProblem, Unreachable."""
    person = next(iter(get_platform().recipients(course_key, [user_id])), None)
    if person is None or not person.email:
        return False
    run = CourseRun.objects.get(course_key=course_key)
    name = Name.of(person.first_name, person.full_name)
    made = render(prepare(wording.subject, wording.body), name)
    with in_language_of(person.language):
        subject = _("[Test] {subject}").format(subject=made.subject)
        note = _("In the learners' messages the link to get no more of them stands here.")
    letter = Letter(
        user_id=user_id,
        address=person.email,
        course_key=course_key,
        sender=sender(run, name.full),
        reply_to=wording.reply_to,
        rendered=Rendered(
            subject,
            f"{made.text}\n\n-- \n{note}\n",
            f"{made.html}<hr />\n<p>{html.escape(note)}</p>\n",
        ),
        unsubscribe="",
    )
    return send_alone(letter).fate is Fate.TAKEN

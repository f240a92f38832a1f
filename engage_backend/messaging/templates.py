"""Messages for the common cases, in neutral words: what is offered, never what is thought of the learner."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _


class Template(NamedTuple):
    """A message to begin from."""

    name: str
    title: str
    subject: str
    body: str
    course_notice: bool = False

    def in_words(self) -> dict[str, object]:
        """The template with its texts in the language of whoever writes."""
        said = {"title": gettext(self.title), "subject": gettext(self.subject), "body": gettext(self.body)}
        return {**self._asdict(), **said}


TEMPLATES = (
    Template(
        "welcome-back",
        _("Welcome back after a pause"),
        _("Pick up where you left off"),
        _(
            "Hello [:firstname:],\n\nthe course goes on, and there is still time to go on with it. A good place to start again"
            " is the unit you opened last; it is marked on the course page.\n\nIf something keeps you from the course, answer"
            " this message. I read every answer.\n"
        ),
    ),
    Template(
        "office-hours",
        _("Invitation to office hours"),
        _("Questions? Office hours this week"),
        _(
            "Hello [:firstname:],\n\nthis week there are office hours for everything about the course: the tasks, the videos,"
            " how to plan your time.\n\n- When: \n- Where: \n\nNo need to prepare anything. Bring the question that"
            " you have, or just listen.\n"
        ),
    ),
    Template(
        "deadline",
        _("A deadline is coming"),
        _("Due soon: "),
        _(
            "Hello [:firstname:],\n\na reminder of what is due soon:\n\n- \n\nWhat is handed in by then counts towards the"
            " grade. If you have handed it in already, there is nothing to do.\n"
        ),
        course_notice=True,
    ),
    Template(
        "first-steps",
        _("First steps for those who have not begun"),
        _("How to begin"),
        _(
            "Hello [:firstname:],\n\nyou are enrolled, and everything is ready for you. The first unit takes about a quarter of"
            " an hour and shows how the course works.\n\nYou can begin at any time, in your own order.\n"
        ),
    ),
    Template(
        "next-step",
        _("Something more for those who do well"),
        _("Something more, if you like"),
        _(
            "Hello [:firstname:],\n\nthank you for your work in this course. If you would like to go further, here are some"
            " suggestions:\n\n- \n\nIn the forum you can also help others: explaining is a good way to learn.\n"
        ),
    ),
    Template(
        "feedback",
        _("Ask for feedback"),
        _("May I ask you something?"),
        _(
            "Hello [:firstname:],\n\nI would like to make this course better. What helped you so far, and what was in the way?"
            "\n\nOne sentence in answer to this message is enough.\n"
        ),
    ),
)

"""The Communicator: the course team's page about its learners, as a block of the course."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import quote

from django.utils.html import format_html
from web_fragments.fragment import Fragment
from xblock.completable import XBlockCompletionMode
from xblock.core import XBlock
from xblock.exceptions import JsonHandlerError
from xblock.fields import Boolean, Scope, String

from engage_backend.conf import engage_settings
from engage_xblock.viewer import is_author, is_course_staff

LONGEST_NAME = 120  # characters of a display name
API = "/engage/api/v1"  # where the plugin's URLs are mounted, in LMS and standalone site alike

# The class names are those of Studio's own editors: it lays them out, and hides its own buttons for `.xblock-actions`.
STUDIO_FORM = """
<form class="engage-studio editor-with-buttons" data-failed="{failed}">
  <div class="wrapper-comp-settings is-active">
    <ul class="list-input settings-list">
      <li class="field comp-setting-entry is-set">
        <label class="label setting-label"><span>{label}</span>
          <input class="input setting-input" type="text" name="display_name" value="{value}" maxlength="{longest}" required>
        </label>
        <span class="tip setting-help">{help}</span>
      </li>
    </ul>
    <p class="engage-studio-problem" role="alert"></p>
  </div>
  <div class="xblock-actions">
    <ul>
      <li class="action-item"><button type="submit" class="button action-primary save-button">{save}</button></li>
      <li class="action-item"><button type="button" class="button cancel-button">{cancel}</button></li>
    </ul>
  </div>
</form>
"""
PAGE = '<section class="engage-communicator" data-engage-config="{}"><h3 class="engage-title">{}</h3></section>'
TEXT = '<section class="engage-communicator"><h3 class="engage-title">{}</h3><p class="engage-lead">{}</p></section>'

JsonHandler = Callable[[Any, Any, str], Mapping[str, Any]]


def authors_only(handler: JsonHandler) -> JsonHandler:
    """Refuses a handler, with 403, to whoever may not change the block: learners, strangers, and everyone in the LMS.

    The runtimes do not do this for us: an LMS hands a handler to users who are not enrolled, and Studio to anyone logged in.
    """

    @wraps(handler)
    def guarded(block: Any, data: Any, suffix: str = "") -> Mapping[str, Any]:
        if not is_author(block):
            raise JsonHandlerError(403, block.gettext("Only authors of this course can change this block, in Studio."))
        return handler(block, data, suffix)

    return guarded


@XBlock.needs("i18n")
@XBlock.wants("user")
@XBlock.wants("studio_user_permissions")
class CommunicatorXBlock(XBlock):
    """Shows course staff who will certify, complete or leave; shows nothing to anyone else."""

    display_name = String(
        display_name="Display name",
        help="The title of the page, which only the course team sees.",
        default="Communicator",
        scope=Scope.settings,
    )
    # Hides the block and its handlers from learners in the LMS ...
    visible_to_staff_only = Boolean(
        display_name="Visible to staff only",
        help="The Communicator is for the course team.",
        default=True,
        scope=Scope.settings,
    )
    # ... but completion does not look at a default, and a learner's unit would never be complete without this.
    completion_mode = XBlockCompletionMode.EXCLUDED

    has_score = False
    has_author_view = True  # Studio asks for it before it calls `author_view`
    icon_class = "other"
    show_in_read_only_mode = True  # staff who masquerade meet the text, not an error

    def student_view(self, context: Mapping[str, Any] | None = None) -> Fragment:
        """The page for course staff; for anyone else a short text, without a script or an address."""
        if not is_course_staff(self):
            text = self.gettext("This page is for the course team. There is nothing for you to do here.")
            return self._text(self.display_name, text)
        # Everything that the script needs is on the element, so that any runtime, and two blocks on a page, will do.
        fragment = Fragment(
            format_html(
                PAGE,
                json.dumps(self._page_config()),
                self.display_name,
            )
        )
        self._add_style(fragment)
        fragment.add_javascript_url(self.runtime.local_resource_url(self, "public/communicator.js"))
        fragment.initialize_js("EngageCommunicator")
        return fragment

    def author_view(self, context: Mapping[str, Any] | None = None) -> Fragment:
        """What Studio shows in its outline: which page this is, and where to see it. Studio knows no learners."""
        text = self.gettext(
            "Here the course team sees, in the LMS, how likely each learner is to earn a certificate, to complete and to "
            "leave. Learners do not see this block, and it does not count towards completion. Publish it, then choose "
            "“View live version”."
        )
        return self._text(f"{self.display_name} · {self.gettext('for the course team only')}", text)

    def studio_view(self, context: Mapping[str, Any] | None = None) -> Fragment:
        """Studio's form: the display name."""
        fragment = Fragment(
            format_html(
                STUDIO_FORM,
                failed=self.gettext("The display name was not saved."),
                label=self.gettext("Display name"),
                value=self.display_name,
                longest=LONGEST_NAME,
                help=self.gettext("The title of the page, which only the course team sees."),
                save=self.gettext("Save"),
                cancel=self.gettext("Cancel"),
            )
        )
        fragment.add_javascript_url(self.runtime.local_resource_url(self, "public/studio.js"))
        fragment.initialize_js("EngageCommunicatorStudio")
        return fragment

    @XBlock.json_handler
    @authors_only
    def submit(self, data: Any, suffix: str = "") -> Mapping[str, Any]:
        """Saves the display name: `{"display_name": text}`. 400 with the reason when it cannot be one."""
        name = data.get("display_name") if isinstance(data, dict) else None
        if not isinstance(name, str) or not name.strip():
            raise JsonHandlerError(400, self.gettext("Give the page a name."))
        name = " ".join(name.split())
        if len(name) > LONGEST_NAME:
            problem = self.gettext("The name is too long: {longest} characters at most.")
            raise JsonHandlerError(400, problem.format(longest=LONGEST_NAME))
        self.display_name = name
        return {"display_name": name}

    @staticmethod
    def workbench_scenarios() -> list[tuple[str, str]]:
        """For the XBlock SDK: add `?student=staff` to the address to see what the course team sees."""
        return [
            ("Communicator", "<engage_communicator/>"),
            (
                "Communicator, twice on one page",
                '<vertical_demo><engage_communicator/><engage_communicator display_name="The other one"/></vertical_demo>',
            ),
        ]

    def gettext(self, text: str) -> str:
        """The text in the language of whoever is looking."""
        return str(self.runtime.service(self, "i18n").gettext(text))

    def _page_config(self) -> dict[str, Any]:
        """What the page needs: course, where its predictions are (None outside a course run), how often to ask (ms)."""
        context = getattr(self.scope_ids.usage_id, "context_key", None)
        course = str(context) if context is not None and context.is_course else None
        url = f"{API}/courses/{quote(course, safe=':+@/')}/predictions" if course else None
        return {"course": course, "predictionsUrl": url, "pollMs": engage_settings().poll_milliseconds}

    def _text(self, title: str, text: str) -> Fragment:
        """A fragment that only says something."""
        fragment = Fragment(format_html(TEXT, title, text))
        self._add_style(fragment)
        return fragment

    def _add_style(self, fragment: Fragment) -> None:
        fragment.add_css_url(self.runtime.local_resource_url(self, "public/communicator.css"))

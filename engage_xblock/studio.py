"""The block in Studio: the form with its settings, and what an author sees of the page in the outline."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.utils.html import format_html, format_html_join
from web_fragments.fragment import Fragment
from xblock.core import XBlock
from xblock.exceptions import JsonHandlerError

from engage_xblock.shell import TARGETS
from engage_xblock.viewer import is_author

LONGEST_NAME = 120  # characters of a display name
SWITCHES = ("presets_allowed", "automation_allowed")

# The class names are those of Studio's own editors: it lays them out, and hides its own buttons for `.xblock-actions`.
FORM = """
<form class="engage-studio editor-with-buttons" data-failed="{failed}">
  <div class="wrapper-comp-settings is-active">
    <ul class="list-input settings-list">{settings}</ul>
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
NAME = """
<li class="field comp-setting-entry is-set">
  <label class="label setting-label"><span>{label}</span>
    <input class="input setting-input" type="text" name="display_name" value="{value}" maxlength="{longest}" required>
  </label>
  <span class="tip setting-help">{help}</span>
</li>
"""
RATE = """
<li class="field comp-setting-entry is-set">
  <label class="label setting-label"><span>{label}</span>
    <input class="input setting-input" type="number" name="expected_pass_rate" value="{value}" min="1" max="99" step="1">
  </label>
  <span class="tip setting-help">{help}</span>
</li>
"""
GROUP = """
<li class="field comp-setting-entry is-set">
  <fieldset><legend class="label setting-label">{legend}</legend>{boxes}</fieldset>
  <span class="tip setting-help">{help}</span>
</li>
"""
BOX = '<label class="engage-studio-box"><input type="checkbox" name="{}" value="{}"{}> <span>{}</span></label> '
# Without a script it says what the block is; with it, what the page shows of this course, or a sample that says it is one.
AUTHOR = """
<section class="engage-communicator engage-author" data-engage-author="{config}">
  <h3 class="engage-title">{title}</h3>
  <p class="engage-lead">{text}</p>
  <div class="engage-author-preview"></div>
</section>
"""

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


class StudioViews:
    """What Studio asks of the block. The fields are the block's."""

    def author_view(self: Any, context: Mapping[str, Any] | None = None) -> Fragment:
        """What Studio shows in its outline: what the course team will see, from this course's own figures or a sample.

        The figures come from the API, which asks for itself who is looking.
        """
        text = self.gettext(
            "Here the course team sees, in the LMS, how likely each learner is to earn a certificate, to complete and to "
            "leave. Learners do not see this block, and it does not count towards completion. Publish it, then choose "
            "“View live version”."
        )
        page = self.page_config()
        url = page["courseUrl"] and f"{page['courseUrl']}predictions"
        config = {"course": page["course"], "predictionsUrl": url, "targets": page["targets"], "words": self._words()}
        title = f"{self.display_name} · {self.gettext('for the course team only')}"
        fragment = Fragment(format_html(AUTHOR, config=json.dumps(config), title=title, text=text))
        self.add_style(fragment)
        fragment.add_javascript_url(self.runtime.local_resource_url(self, "public/author.js"))
        fragment.initialize_js("EngageCommunicatorAuthor")
        return fragment

    def _words(self: Any) -> dict[str, Any]:
        """What the author's preview says, in the author's language; `{n}` is a number."""
        gettext = self.gettext
        return {
            "certify": gettext("Earns a certificate"),
            "complete": gettext("Completes"),
            "leave": gettext("Leaves"),
            "live": gettext("{n} learners of this course, as the course team sees them now."),
            "sample": gettext("A sample: there are no predictions for this course yet. These are not your learners."),
            "failed": gettext("A sample: the figures of this course cannot be read here. These are not your learners."),
            "chart": gettext("{target}: how many learners there are at each probability"),
        }

    def studio_view(self: Any, context: Mapping[str, Any] | None = None) -> Fragment:
        """Studio's form: the name, which charts there are, and what the page offers."""
        gettext, words = self.gettext, self._words()
        chosen = self.page_config()["targets"]
        charts = [("targets", target, _checked(target in chosen), words[target]) for target in TARGETS]
        offers = [
            ("presets_allowed", "", _checked(self.presets_allowed), gettext("Groups that are chosen beforehand")),
            ("automation_allowed", "", _checked(self.automation_allowed), gettext("Automatic messages")),
        ]
        settings = [
            format_html(
                NAME,
                label=gettext("Display name"),
                value=self.display_name,
                longest=LONGEST_NAME,
                help=gettext("The title of the page, which only the course team sees."),
            ),
            format_html(
                GROUP,
                legend=gettext("Charts"),
                boxes=format_html_join("", BOX, charts),
                help=gettext("Which probabilities the page shows."),
            ),
            format_html(
                GROUP,
                legend=gettext("The page offers"),
                boxes=format_html_join("", BOX, offers),
                help=gettext("Automatic messages go to learners who come to match later."),
            ),
        ]
        settings.append(
            format_html(
                RATE,
                label=gettext("Expected pass rate (%)"),
                value="" if self.expected_pass_rate is None else self.expected_pass_rate,
                help=gettext(
                    "Of a hundred who begin, how many will earn a certificate? The probabilities are shifted to it until a "
                    "finished run of this site has calibrated them. Empty: they stay as the model says them."
                ),
            )
        )
        fragment = Fragment(
            format_html(
                FORM,
                failed=gettext("The settings were not saved."),
                settings=format_html_join("", "{}", ((setting,) for setting in settings)),
                save=gettext("Save"),
                cancel=gettext("Cancel"),
            )
        )
        self.add_style(fragment)
        fragment.add_javascript_url(self.runtime.local_resource_url(self, "public/studio.js"))
        fragment.initialize_js("EngageCommunicatorStudio")
        return fragment

    @XBlock.json_handler
    @authors_only
    def submit(self: Any, data: Any, suffix: str = "") -> Mapping[str, Any]:
        """Saves the settings given: `display_name`, `targets` (at least one), `presets_allowed`, `automation_allowed`,
        `expected_pass_rate` (per cent, or null).

        All or none; 400 with the reason when one cannot be.
        """
        if not isinstance(data, dict) or not data:
            raise JsonHandlerError(400, self.gettext("There is nothing to save."))
        read: dict[str, Callable[[Any], Any]] = {
            "display_name": self._name,
            "targets": self._targets,
            "expected_pass_rate": self._rate,
            **dict.fromkeys(SWITCHES, self._switch),
        }
        if unknown := sorted(set(data) - set(read)):
            raise JsonHandlerError(400, self.gettext("There is no setting {name}.").format(name=str(unknown[0])[:50]))
        saved = {name: read[name](value) for name, value in data.items()}
        for name, value in saved.items():
            setattr(self, name, value)
        return saved

    def _name(self: Any, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise JsonHandlerError(400, self.gettext("Give the page a name."))
        name = " ".join(value.split())
        if len(name) > LONGEST_NAME:
            problem = self.gettext("The name is too long: {longest} characters at most.")
            raise JsonHandlerError(400, problem.format(longest=LONGEST_NAME))
        return name

    def _targets(self: Any, value: Any) -> list[str]:
        if not isinstance(value, list) or not value or not all(target in TARGETS for target in value):
            raise JsonHandlerError(400, self.gettext("Choose at least one chart."))
        return [target for target in TARGETS if target in value]

    def _rate(self: Any, value: Any) -> int | None:
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 99:
            raise JsonHandlerError(
                400, self.gettext("The expected pass rate is a whole number from 1 to 99, or nothing.")
            )
        return value

    def _switch(self: Any, value: Any) -> bool:
        if not isinstance(value, bool):
            raise JsonHandlerError(400, self.gettext("Presets and automation are either on or off."))
        return value


def _checked(on: bool) -> str:
    return " checked" if on else ""

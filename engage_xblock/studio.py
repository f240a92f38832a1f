"""The blocks in Studio: the form with their settings, and what an author sees of the page in the outline."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from web_fragments.fragment import Fragment
from xblock.core import XBlock
from xblock.exceptions import JsonHandlerError

from engage_xblock.shell import STYLE, TARGETS, render, unloaded
from engage_xblock.viewer import is_author

LONGEST_NAME = 120  # characters of a display name
SWITCHES = ("presets_allowed", "automation_allowed")

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


class StudioForm:
    """The settings of a block in Studio. A block says its fields, and how values are read, by the fields' names."""

    def gettext(self: Any, text: str) -> str:
        """The text in the language of whoever is looking."""
        return str(self.runtime.service(self, "i18n").gettext(text))

    def add_style(self: Any, fragment: Fragment) -> None:
        fragment.add_css_url(self.runtime.local_resource_url(self, STYLE))

    def studio_intro(self) -> str:
        """Return what stands above the settings; empty: nothing."""
        return ""

    def studio_fields(self) -> list[dict[str, Any]]:
        """Return the settings, as templates/engage_xblock/studio.html shows them."""
        raise NotImplementedError

    def studio_readers(self: Any) -> dict[str, Callable[[Any], Any]]:
        """Return by setting what makes the value to save of the value given; it raises JsonHandlerError(400)."""
        return {"display_name": self._name}

    def studio_view(self: Any, context: Mapping[str, Any] | None = None) -> Fragment:
        """Return Studio's form."""
        gettext = self.gettext
        fragment = Fragment(
            render(
                "studio.html",
                fields=self.studio_fields(),
                intro=self.studio_intro(),
                failed=gettext("The settings were not saved."),
                save=gettext("Save"),
                cancel=gettext("Cancel"),
                unloaded=unloaded(gettext),
            )
        )
        self.add_style(fragment)
        fragment.add_javascript_url(self.runtime.local_resource_url(self, "public/studio.js"))
        fragment.initialize_js("EngageCommunicatorStudio")
        return fragment

    @XBlock.json_handler
    @authors_only
    def submit(self: Any, data: Any, suffix: str = "") -> Mapping[str, Any]:
        """Save the settings given, and return them as saved: all or none.

        Raises JsonHandlerError 400 with the reason when one cannot be saved.
        """
        if not isinstance(data, dict) or not data:
            raise JsonHandlerError(400, self.gettext("There is nothing to save."))
        readers = self.studio_readers()
        if unknown := sorted(set(data) - set(readers)):
            raise JsonHandlerError(400, self.gettext("There is no setting {name}.").format(name=str(unknown[0])[:50]))
        saved = {name: readers[name](value) for name, value in data.items()}
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


def name_field(block: Any, value: str, help_text: str) -> dict[str, Any]:
    """Return the setting `display_name` as the form shows it."""
    field = {"name": "display_name", "type": "text", "longest": LONGEST_NAME}
    return {**field, "label": block.gettext("Display name"), "value": value, "help": help_text}


class StudioViews(StudioForm):
    """What Studio asks of the Communicator. The fields are the block's."""

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
        fragment = Fragment(
            render("author.html", config=json.dumps(config), title=title, text=text, unloaded=unloaded(self.gettext))
        )
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
            "ends": {
                target: ["0 %", "100 %"] if target != "leave" else [gettext("least likely"), gettext("most likely")]
                for target in TARGETS
            },
            "live": gettext("{n} learners of this course, as the course team sees them now."),
            "sample": gettext("A sample: there are no predictions for this course yet. These are not your learners."),
            "failed": gettext("A sample: the figures of this course cannot be read here. These are not your learners."),
            "chart": gettext("{target}: how many learners there are at each probability"),
        }

    def studio_fields(self: Any) -> list[dict[str, Any]]:
        """The name, which charts there are, what the page offers, and the expected pass rate."""
        gettext, words = self.gettext, self._words()
        chosen = self.page_config()["targets"]
        offers = {
            "presets_allowed": gettext("Groups that are chosen beforehand"),
            "automation_allowed": gettext("Automatic messages"),
        }
        rate = self.expected_pass_rate
        return [
            name_field(self, self.display_name, gettext("The title of the page, which only the course team sees.")),
            {
                "name": "targets",
                "label": gettext("Charts"),
                "choices": [
                    {"name": "targets", "value": target, "is_on": target in chosen, "label": words[target]}
                    for target in TARGETS
                ],
                "help": gettext("Which probabilities the page shows."),
            },
            {
                "name": "offers",
                "label": gettext("The page offers"),
                "choices": [
                    {"name": name, "value": "", "is_on": getattr(self, name), "label": label}
                    for name, label in offers.items()
                ],
                "help": gettext("Automatic messages go to learners who come to match later."),
            },
            {
                "name": "expected_pass_rate",
                "type": "number",
                "least": 1,
                "most": 99,
                "label": gettext("Expected pass rate (%)"),
                "value": "" if rate is None else rate,
                "help": gettext(
                    "Of a hundred who begin, how many will earn a certificate? The probabilities are shifted to it until a "
                    "finished run of this site has calibrated them. Empty: they stay as the model says them."
                ),
            },
        ]

    def studio_readers(self: Any) -> dict[str, Callable[[Any], Any]]:
        """`display_name`, `targets` (at least one), `presets_allowed`, `automation_allowed`, `expected_pass_rate` (per cent,
        or null)."""
        return {
            **super().studio_readers(),
            "targets": self._targets,
            "expected_pass_rate": self._rate,
            **dict.fromkeys(SWITCHES, self._switch),
        }

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

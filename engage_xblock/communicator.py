"""The Communicator: the course team's page about its learners, as a block of the course."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_noop as _
from web_fragments.fragment import Fragment
from xblock.completable import XBlockCompletionMode
from xblock.core import XBlock
from xblock.fields import Boolean, Integer, List, Scope, String

from engage_xblock.language import catalogue_url
from engage_xblock.shell import SCRIPT, TARGETS, TITLE, page_config, render, shell
from engage_xblock.studio import StudioViews
from engage_xblock.viewer import is_course_staff


class AlwaysSet(Boolean):
    """A field whose default counts as set by an author.

    The course blocks API and the learner's outline look at what is set on a block and not at its class
    (`get_field_on_block`, lms/djangoapps/course_blocks/transformers/utils.py): they would list a block that only hides by
    default.
    """

    def is_set_on(self, xblock: Any) -> bool:
        # The platform also asks a child's field of the block's ancestors (`InheritingFieldData.default`,
        # xmodule/modulestore/inheritance.py), and would take the unit's False for ours.
        return xblock.fields.get(self.name) is self or bool(super().is_set_on(xblock))


@XBlock.needs("i18n")
@XBlock.wants("user")
@XBlock.wants("studio_user_permissions")
class CommunicatorXBlock(StudioViews, XBlock):
    """Shows course staff who will certify, complete or leave; shows nothing to anyone else. Keeps no learner's state."""

    display_name = String(
        display_name=_("Display name"),
        help=_("The title of the page, which only the course team sees."),
        default=TITLE,
        scope=Scope.settings,
    )
    targets = List(
        display_name=_("Charts"),
        help=_("Which probabilities the page shows."),
        default=list(TARGETS),
        scope=Scope.settings,
    )
    presets_allowed = Boolean(
        display_name=_("Presets"),
        help=_("Whether the page offers groups of learners that are chosen beforehand."),
        default=True,
        scope=Scope.settings,
    )
    automation_allowed = Boolean(
        display_name=_("Automation"),
        help=_("Whether the page offers to write to learners who come to match later."),
        default=True,
        scope=Scope.settings,
    )
    expected_pass_rate = Integer(
        display_name=_("Expected pass rate"),
        help=_("Per cent of those who begin; the figures are shifted to it until a finished run has calibrated them."),
        default=None,
        scope=Scope.settings,
    )
    # Hides the block and its handlers from learners in the LMS, and from their outline ...
    visible_to_staff_only = AlwaysSet(
        display_name=_("Visible to staff only"),
        help=_("The Communicator is for the course team."),
        default=True,
        scope=Scope.settings,
    )
    # ... but completion does not look at a default, and a learner's unit would never be complete without this.
    completion_mode = XBlockCompletionMode.EXCLUDED

    i18n_js_namespace = "EngageI18N"  # what the platform calls the catalogue that it makes for the page's script
    has_score = False
    has_author_view = True  # Studio asks for it before it calls `author_view`
    icon_class = "other"
    show_in_read_only_mode = True  # staff who masquerade meet the text, not an error

    def student_view(self, context: Mapping[str, Any] | None = None) -> Fragment:
        """The page for course staff; for anyone else a short text, without a script or an address."""
        if not is_course_staff(self):
            text = self.gettext("This page is for the course team. There is nothing for you to do here.")
            return self._text(self.display_name, text)
        fragment = Fragment(shell(self.display_name, self.page_config(), self.gettext))
        self.add_style(fragment)
        if url := catalogue_url(self):
            fragment.add_javascript_url(url)
        fragment.add_javascript_url(self.runtime.local_resource_url(self, SCRIPT))
        fragment.initialize_js("EngageCommunicator")
        return fragment

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

    def page_config(self) -> dict[str, Any]:
        """Return what the page's script needs, from the block's course and settings."""
        context = getattr(self.scope_ids.usage_id, "context_key", None)
        return page_config(
            str(context) if context is not None and context.is_course else None,
            targets=self.targets,
            presets_allowed=self.presets_allowed,
            automation_allowed=self.automation_allowed,
        )

    def _text(self, title: str, text: str) -> Fragment:
        """A fragment that only says something."""
        fragment = Fragment(render("text.html", title=title, text=text))
        self.add_style(fragment)
        return fragment

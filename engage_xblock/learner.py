"""The learner's page as a block of the course, where a course team puts one: what is held and said of whoever looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext_noop as _
from web_fragments.fragment import Fragment
from xblock.completable import XBlockCompletionMode
from xblock.core import XBlock
from xblock.fields import Scope, String

from engage_xblock.shell import render
from engage_xblock.studio import StudioForm, name_field

PAGE = "/engage/me"  # where the plugin's URLs are mounted, in LMS and standalone site alike


@XBlock.needs("i18n")
@XBlock.wants("user")
@XBlock.wants("studio_user_permissions")
class LearnerXBlock(StudioForm, XBlock):
    """Shows learners their own page. Knows nobody and keeps nothing: the page asks for itself who is looking."""

    display_name = String(
        display_name=_("Display name"),
        help=_("The title of the block."),
        default=_("Your data and predictions"),
        scope=Scope.settings,
    )
    # A learner's unit is complete without it: nobody has to look at what is predicted of them.
    completion_mode = XBlockCompletionMode.EXCLUDED

    has_score = False
    has_author_view = True
    icon_class = "other"

    def student_view(self, context: Mapping[str, Any] | None = None) -> Fragment:
        """A text, the link to the page at its own address, and room for what stands there."""
        context_key = getattr(self.scope_ids.usage_id, "context_key", None)
        if context_key is None or not context_key.is_course:
            return Fragment(render("mine_text.html", title=self._title(), text=self._what_it_is()))
        url = f"{PAGE}/{quote(str(context_key), safe=':+@/')}"
        fragment = Fragment(
            render(
                "mine.html",
                url=url,
                title=self._title(),
                text=self.gettext("What is held and said about you in this course, and “do not predict me”."),
                link=self.gettext("Open it as a page of its own"),
            )
        )
        fragment.add_css_url(f"{PAGE}/style.css")
        fragment.add_javascript_url(self.runtime.local_resource_url(self, "public/mine.js"))
        fragment.initialize_js("EngageMine")
        return fragment

    def author_view(self, context: Mapping[str, Any] | None = None) -> Fragment:
        """What Studio shows in its outline: Studio knows no learners."""
        return Fragment(render("mine_text.html", title=self._title(), text=self._what_it_is()))

    def _title(self) -> str:
        """What the course team calls the block; else its own name, in the language of whoever is looking."""
        is_named = self.fields["display_name"].is_set_on(self)
        return str(self.display_name) if is_named else self.gettext(self.display_name)

    def _what_it_is(self) -> str:
        return self.gettext(
            "Here each learner sees, in the LMS, what is held and said about them, and can say “do not predict me”. "
            "Nobody sees anybody else's. It does not count towards completion."
        )

    @staticmethod
    def workbench_scenarios() -> list[tuple[str, str]]:
        """For the XBlock SDK."""
        return [("Learner's own page", "<engage_learner/>")]

    def studio_intro(self) -> str:
        return self._what_it_is()

    def studio_fields(self) -> list[dict[str, Any]]:
        return [name_field(self, self._title(), self.gettext("The title of the block."))]

"""What the server renders of the blocks; the Communicator's is shared with the page at its own address.

The element carries all that its script needs, so any runtime, and two of them on one page, will do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.template import Context, Engine
from django.utils.safestring import SafeString

from engage_backend.conf import engage_settings

API = "/engage/api/v1"  # where the plugin's URLs are mounted, in LMS and standalone site alike
TITLE = "Communicator"
TARGETS = ("certify", "complete", "leave")  # in the order in which pages show them

# Files of the block, as paths below its package; what serves them differs between the block and the page.
STYLE = "public/communicator.css"
SCRIPT = "public/communicator.js"


@cache
def _templates() -> Engine:
    """An engine of our own: LMS, Studio and workbench differ in their loaders, themes and context processors."""
    return Engine(dirs=[str(Path(__file__).with_name("templates"))])


def render(template: str, **context: Any) -> SafeString:
    """Return the HTML of one of this package's templates; all values are escaped. Raises TemplateDoesNotExist."""
    return _templates().get_template(f"engage_xblock/{template}").render(Context(context))


def shell(title: str, config: dict[str, Any], gettext: Callable[[str], str] = str) -> SafeString:
    """Return the element that the script fills; `config` is what `page_config` returns."""
    return render("page.html", config=json.dumps(config), title=title, unloaded=unloaded(gettext))


def unloaded(gettext: Callable[[str], str]) -> dict[str, str]:
    """Return what is said until the script runs, which takes the text away: where it does not load, the text stays.

    Outside DEBUG the scripts are there only after `collectstatic`.
    """
    return {
        "waiting": gettext(
            "Loading. If this text stays, the script of this page did not load: reload the page. If that does not help, "
            "ask the people who run this platform to publish the static files of Engage (the command is collectstatic)."
        ),
        "no_script": gettext("JavaScript is switched off in this browser. This page needs it."),
    }


def page_config(
    course: str | None,
    *,
    targets: Sequence[str] | None = TARGETS,
    presets_allowed: bool = True,
    automation_allowed: bool = True,
) -> dict[str, Any]:
    """Return what the script needs: the course's endpoints (None outside a course run), how often to ask (ms), and the
    settings that an author of the course left on the block. The defaults are the block's.
    """
    return {
        "course": course,
        "courseUrl": f"{API}/courses/{quote(course, safe=':+@/')}/" if course else None,
        "pollMs": engage_settings().poll_milliseconds,
        # An import may have brought anything: unknown charts are left out, and none left means all.
        "targets": [target for target in TARGETS if target in (targets or ())] or list(TARGETS),
        "presetsAllowed": presets_allowed,
        "automationAllowed": automation_allowed,
    }

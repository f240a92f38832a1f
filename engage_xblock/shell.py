"""What the server renders of the Communicator, shared by the block and by the page at its own address.

The element carries all that its script needs, so any runtime, and two of them on one page, will do.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from django.utils.html import format_html
from django.utils.safestring import SafeString

from engage_backend.conf import engage_settings

API = "/engage/api/v1"  # where the plugin's URLs are mounted, in LMS and standalone site alike
TITLE = "Communicator"
TARGETS = ("certify", "complete", "leave")  # in the order in which pages show them

# Files of the block, as paths below its package; what serves them differs between the block and the page.
STYLE = "public/communicator.css"
SCRIPT = "public/communicator.js"

PAGE = '<section class="engage-communicator" data-engage-config="{}"><h3 class="engage-title">{}</h3></section>'


def shell(title: str, config: dict[str, Any]) -> SafeString:
    """Return the element that the script fills; `config` is what `page_config` returns."""
    return format_html(PAGE, json.dumps(config), title)


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

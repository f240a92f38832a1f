"""Write `docs/what-counts.md` from the table of kinds: `python -m engage_backend.clickstream.kind_page > docs/what-counts.md`.

A test compares the page with what this writes, so that the two cannot drift apart.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence

from engage_backend.clickstream import kind_table
from engage_backend.clickstream.event import Reason
from engage_backend.clickstream.kinds import rows

_HEAD = """# What counts as a click

Made from `engage_backend/clickstream/kind_table.py` by `python -m engage_backend.clickstream.kind_page`; do not edit.

A tracking record is one of three things: a **click** (activity of the learner in the course), a **fact** about a score or an
enrolment, or **neither**. Where several rows match, the most exact one decides. A request that no row names is no activity.
`engage inspect tracking.log` counts what is left out of a log, by the reasons below.

Beyond the kind of the record, a click counts only

- by its owner: the record's user name is the user name of its user id. Staff who masquerade as a learner write the learner's id
  and their own name; that is nobody's click and nobody's score, and is counted as "user name of somebody else". A record
  without a name is judged by the id alone. Of a learner who was renamed, records from before the new name are left out, too;
- while enrolled: not before the enrolment was made, and not by who is on the roster no more, or on the course team;
- once the course is open: units that were asked for before its start were refused with 404. What a beta tester's player or
  problem wrote counts. Where a site's logger adds `status` to its records, a request with 400 or more is none;
- not later than the moment of reading by more than five minutes, by the site's clock; `received_at` bounds a mobile app's time.
  What is later is quarantined.

A fact is about the user that the event names (`event.user_id`), whoever caused it. It never makes anybody active.

In a path `{course}` is a course key, `{usage}` a usage key, `{id}` one segment, `{hex}` one of hexadecimal digits, `{document}`
the rest of a path that ends like a document (pdf, zip, docx and the like), `{rest}` any letters, `**` any rest.
"""


def page() -> str:
    """Return the page as Markdown."""
    named = {reason.value: reason.name for reason in Reason}
    parts = [_HEAD, "## Requests that are clicks\n", *_table(("path", "kind"), _requests(clicks=True))]
    parts.append("\n## Requests that are none\n")
    refused = list(_requests(clicks=False))
    for reason in Reason:
        if found := [(path,) for path, kind in refused if kind == f"`!{reason.name}`"]:
            parts += [f"\n### {reason.value[0].upper()}{reason.value[1:]}\n", *_table(("path",), found)]
    parts += [
        "\n## Handlers of blocks that are none\n",
        "Every other handler is a click, `handler:TYPE:HANDLER`: blocks of third parties often write nothing else.\n",
        *_table(("block", "handler", "why", "what counts, or why not"), _handlers()),
        "\n## Named events\n",
        "An event written in a request that is a click, whose name stands in no row, is the same click as that request.\n",
        *_table(("name", "counts as", "where it is written"), _events()),
        "\n## Why a record is left out\n",
        *_table(
            ("what `engage inspect` says", "in the table"), ((value, f"`{name}`") for value, name in named.items())
        ),
    ]
    return "\n".join(parts) + "\n"


def _requests(*, clicks: bool) -> Iterable[tuple[str, str]]:
    return ((f"`{row.pattern}`", f"`{row.kind}`") for row in rows() if (row.kind[0] != "!") == clicks)


def _handlers() -> Iterable[tuple[str, ...]]:
    for block, handler, why, note in _cells(kind_table.HANDLERS):
        yield ("any" if block == "*" else block, f"`{handler}`", _meaning(why), note)


def _events() -> Iterable[tuple[str, ...]]:
    for name, kind, note in _cells(kind_table.EVENTS):
        yield (f"`{name}`", _meaning(kind), note)


def _meaning(cell: str) -> str:
    if cell[0] == "!":
        return f"none: {Reason[cell[1:]].value}"
    return f"a fact about the {cell[1:]}" if cell[0] == "=" else f"a click: `{cell}`"


def _cells(table: str) -> Iterable[list[str]]:
    return (re.split(r"\s{2,}", line) for line in table.strip().splitlines())


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cells)} |"

    return [line(head), line(["---"] * len(head)), *map(line, body)]


if __name__ == "__main__":
    sys.stdout.write(page())

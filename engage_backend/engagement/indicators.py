"""What is counted of how a learner learns, each with its definition and source. No text of anybody is read.

Emotional indicators are never inferred. Without numpy: pages and API read these from the counters that are kept.
"""

from __future__ import annotations

from typing import NamedTuple

from engage_backend.engagement.categories import Category
from engage_backend.engagement.counters import SECOND, Counters, Plan, regularity


class Indicator(NamedTuple):
    """One indicator, as `docs/indicators.md` has it."""

    name: str
    sort: str  # behavioural or cognitive
    definition: str
    source: str


_BOROUJENI = "Boroujeni et al., How to Quantify Student's Regularity? EC-TEL 2016"
INDICATORS = (
    Indicator(
        "sessions",
        "behavioural",
        "Visits: clicks that lie no more than 30 minutes apart are one visit.",
        "Le et al., AIED 2018; Taylor et al., Likely to Stop? 2014 (x2)",
    ),
    Indicator(
        "hours", "behavioural", "Time within visits, from the first to the last click of each.", "Taylor et al., x2"
    ),
    Indicator("active_days", "behavioural", "Days (UTC) with a click in the course.", "second seed document"),
    Indicator(
        "weekday_regularity",
        "behavioural",
        "PWD: how much the days with a click keep to few days of the week, (log 7 - entropy) x the largest count.",
        _BOROUJENI,
    ),
    Indicator(
        "hour_regularity",
        "behavioural",
        "PDH: how much the hours with a click keep to few hours of the day, (log 24 - entropy) x the largest count.",
        _BOROUJENI,
    ),
    Indicator(
        "latency_days",
        "behavioural",
        "Mean days from the opening of a graded task, or the enrolment after it, to the first hand-in.",
        "first seed document",
    ),
    Indicator("forum_read", "behavioural", "Clicks that read in the discussion.", "first seed document"),
    Indicator(
        "forum_written", "behavioural", "Posts, answers and comments, and changes to them.", "first seed document"
    ),
    Indicator(
        "retries_after_wrong",
        "cognitive",
        "Answers to a problem whose answer before was wrong.",
        "first seed document",
    ),
    Indicator(
        "wheel_spinning",
        "cognitive",
        "Problems answered wrong three times in a row and not right in the next two answers.",
        "Beck, Gong, Wheel-Spinning: Students Who Fail to Master a Skill, AIED 2013 (there: ten tries)",
    ),
    Indicator(
        "videos_rewatched",
        "cognitive",
        "Times that a video of an earlier visit was played again in a later one.",
        "Li et al., How do In-video Interactions Reflect Perceived Video Difficulty? 2015",
    ),
)


def indicators(counters: Counters, plan: Plan) -> dict[str, float | None]:
    """Return each of INDICATORS by its name; None: it cannot be told."""
    latency = counters.latency(plan)
    found: dict[str, float | None] = {
        "sessions": counters.sessions,
        "hours": counters.time_on_task / (3600 * SECOND),
        "active_days": counters.active_days,
        "weekday_regularity": regularity(counters.by_weekday),
        "hour_regularity": regularity(counters.by_hour),
        "latency_days": None if latency < 0 else latency,
        "forum_read": counters.by_category[Category.FORUM],
        "forum_written": counters.by_category[Category.POST],
        "retries_after_wrong": counters.retried,
        "wheel_spinning": counters.spinning,
        "videos_rewatched": counters.rewatched,
    }
    return {name: None if value is None else round(value, 2) for name, value in found.items()}


def page() -> str:
    """Return `docs/indicators.md`."""
    rows = [f"| `{one.name}` | {one.sort} | {one.definition} | {one.source} |" for one in INDICATORS]
    return "\n".join([_HEAD, "| name | sort | what is counted | source |", "| --- | --- | --- | --- |", *rows, ""])


_HEAD = """# Indicators of how a learner learns

Made from `engage_backend/engagement/indicators.py` by `python -m engage_backend.engagement.indicators`; do not edit.

The API gives them for one learner (`GET .../learners/{pseudonym}`, `indicators`), from what the worker keeps of each learner:
constant work an event, nothing about anybody else. They are counts, not verdicts. **Emotions are never inferred**, and no text
of a post or an answer is read. Times of day and days of the week are UTC. At most 512 different blocks of a learner are told
apart.
"""

if __name__ == "__main__":
    print(page(), end="")  # noqa: T201

"""The page of a trial, in whole sentences for somebody who runs a department: the template has the words, this the figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.template import Context, Engine

from engage_backend import __version__
from engage_backend.engagement.dataset import WEEK
from engage_backend.engagement.trial import (
    CLICKS,
    LOT,
    MODEL,
    SILENCE,
    SURE,
    WAYS,
    Group,
    Outcome,
    Trial,
    Week,
    half_way,
    shown,
)

TEMPLATES = Path(__file__).resolve().parents[1] / "templates" / "engage_backend"
FIRST_TOLD = 4  # the week of the headline, where it can be judged and somebody left
WAY_HEADS = ("Engage", "Longest silent", "Fewest clicks", "By lot")
NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
Part = dict[str, Any]  # of the template's context: texts, flags, and lists of these


def html_page(trials: Sequence[Trial], unread: Sequence[tuple[str, str]] = (), *, seed: int) -> str:
    """Return the page as one HTML document that needs nothing beside itself.

    `unread`: courses that are not on it, each with the reason.
    """
    context = {
        "count": len(trials),
        "courses_in_words": NUMBERS[len(trials)] if len(trials) < len(NUMBERS) else str(len(trials)),
        "each_of_others": all(trial.of_others for trial in trials),
        "summary": _summary(trials),
        "overview": _overview(trials) if len(trials) > 1 else None,
        "courses": [_course(trial, trials) for trial in trials],
        "unread": [{"name": name, "why": why} for name, why in unread],
        "version": __version__,
        "seed": str(seed),
    }
    # Both False: else the template would ask for Django's settings, which a command that works on files does not have.
    return (
        Engine(dirs=[str(TEMPLATES)]).get_template("trial.html").render(Context(context, use_l10n=False, use_tz=False))
    )


def headline_week(weeks: Sequence[Week]) -> Week | None:
    """Return the week of the first sentence: the fourth, or the next in which it happened to somebody.

    Of a course that is too short for it, one from the middle on. What the lists found has no say in it.
    """
    happened = [week for week in weeks if week.happened]
    later = [week for week in happened if week.week >= FIRST_TOLD]
    return next(iter(later or [week for week in happened if week.week >= half_way(weeks)] or happened), None)


def _summary(trials: Sequence[Trial]) -> Part:
    """Return what the head of the page says, over the courses whose figures count as proof."""
    proof = [trial for trial in trials if not trial.own]
    leave = [(trial, week) for trial in proof if (week := headline_week(trial.leave.weeks))]
    certify = [week for trial in proof if (week := headline_week(trial.certify.weeks))]
    return {
        "proof": bool(proof),
        "left_out": str(len(trials) - len(proof)) if len(proof) < len(trials) else "",
        "headline": _headline([week for _, week in leave], _sizes([trial for trial, _ in leave])) if leave else "",
        "wrong": _wrong([week for _, week in leave]),
        "no_leave": "; ".join(sorted({trial.leave.why_not for trial in proof})),
        "certify": _named(certify) if certify else None,
    }


def _headline(weeks: Sequence[Week], size: str) -> str:
    """Return "In week 4 the 20 named first held 14 of the 22 who left; silence alone finds 9."."""
    named, held = _named(weeks), "held" if len(weeks) == 1 else f"in each of {len(weeks)} courses held"
    found, silence = _sum(weeks, MODEL), _sum(weeks, SILENCE)
    when = named["when"] if len({week.week for week in weeks}) == 1 else "the week shown below"
    beside = str(silence) if silence < found else "as many" if silence == found else f"more: {silence}"
    return (
        f"In {when} the {size} named first {held} {found:,} of the {named['happened']} who left; "
        f"silence alone finds {beside}."
    )


def _named(weeks: Sequence[Week]) -> Part:
    """Return how many were named in these weeks (of different courses), and rightly."""
    numbers, lot = sorted({week.week for week in weeks}), sum(week.found[LOT] for week in weeks)
    return {
        "when": f"week {numbers[0]}" if len(numbers) == 1 else f"weeks {numbers[0]} to {numbers[-1]}",
        "places": f"{sum(week.size for week in weeks):,}",
        "happened": f"{sum(week.happened for week in weeks):,}",
        "found": f"{_sum(weeks, MODEL):,}",
        "silence": f"{_sum(weeks, SILENCE):,}",
        "lot": f"about {lot:,.0f}" if lot >= 1 else "hardly anybody",
    }


def _wrong(weeks: Sequence[Week]) -> Part | None:
    """Return how often the lists of these weeks were wrong: who was named and came back, who left and was not named."""
    if not weeks:
        return None
    places, happened, found = sum(week.size for week in weeks), sum(week.happened for week in weeks), _sum(weeks, MODEL)
    missed = happened - found
    return _named(weeks) | {
        "back": f"{places - found:,}",
        "missed": f"{missed:,}" if missed else "",
        "one": missed == 1,
    }


def _overview(trials: Sequence[Trial]) -> Part:
    rows = []
    for trial in trials:
        week, name = headline_week(trial.leave.weeks), _title(trial) + (" (no proof)" if trial.own else "")
        rows.append([name, str(week.week), *_cells(week)] if week else [name, "", *[""] * 5])
    caption = f"How many of those who left stood among the {_sizes(trials)} named first"
    return {"caption": caption, "head": ["Course", "Week", "Left", *WAY_HEADS], "rows": rows}


def _course(trial: Trial, trials: Sequence[Trial]) -> Part:
    week, leave, certify, schedule = headline_week(trial.leave.weeks), trial.leave, trial.certify, trial.schedule
    return {
        "title": _title(trial),
        "about": _about(trial),
        "own": trial.own,
        "size": str(trial.size),
        "headline": _headline([week], str(week.size)) if week else "",
        "wrong": _wrong([week] if week else []),
        "bars": _bars(week) if week else [],
        "leave": _outcome(leave, "Left", f"Of the {trial.size} named first at each week's end, how many left"),
        "certify": _outcome(
            certify,
            "Earned none",
            f"Of the {trial.size} named as least likely to earn a certificate, how many earned none",
        ),
        "everyone": _named([trial.everyone])
        | {"needless": _sum([trial.everyone], SILENCE) >= _sum([trial.everyone], MODEL) - 1}
        if trial.everyone
        else None,
        "groups": _group_table(trial),
        "worse": [
            line
            for outcome, what in ((leave, "who would leave"), (certify, "who would earn no certificate"))
            for group in outcome.groups
            for line in _worse(group, what)
        ],
        "withheld": str(max(leave.withheld, certify.withheld) or ""),
        "grouped": trial.grouped,
        "judged": not (leave.why_not and certify.why_not),
        "messages": _messages(trial),
        "cards": _card_table(trial),
        "never_came": f"{trial.never_came:,}" if trial.never_came else "",
        "dated": trial.dated,
        "undated": f"{trial.undated:,}" if trial.undated else "",
        "later": any(
            one.schedule.start > schedule.start
            for one in trials
            if one is not trial and _title(one) in trial.learnt_from
        ),
        "graded": bool(schedule.graded),
        "due": any(block.due is not None for block in schedule.graded),
        "self_paced": schedule.self_paced,
        "stops": _stops(trial),
        "notes": trial.notes,
        "learnt_from": "; ".join(trial.learnt_from),
    }


def _outcome(outcome: Outcome, happened: str, caption: str) -> Part:
    """Return what the page says of the lists for one outcome over the whole course."""
    if outcome.why_not:
        return {"why_not": outcome.why_not}
    against = {}
    for way in (SILENCE, CLICKS):
        gaps = [round(week.found[MODEL]) - round(week.found[way]) for week in outcome.weeks]
        against[way] = {"more": str(sum(gap > 0 for gap in gaps)), "fewer": str(sum(gap < 0 for gap in gaps))}
    reached = {way: f"{count:,.0f}" for way, count in outcome.reached.items()}
    return {
        "table": _table(outcome, happened, caption),
        "weeks": str(len(outcome.weeks)),
        "against": against,
        "better": outcome.sure > SURE,
        "worse": outcome.sure < -SURE,
        "wrong": _of_100(1 - outcome.found[MODEL] / max(outcome.places, 1)),
        "lot_wrong": _of_100(1 - outcome.found[LOT] / max(outcome.places, 1)),
        "people": f"{outcome.people:,}",
        "done": f"{outcome.people - outcome.lost:,}" if outcome.people > outcome.lost else "",
        "lost": f"{outcome.lost:,}",
        "reached": reached,
        "steady": outcome.reached[MODEL] < outcome.reached[SILENCE],
        "technical": _technical(outcome),
    }


def _title(trial: Trial) -> str:
    return trial.schedule.display_name or trial.name


def _about(trial: Trial) -> str:
    schedule = trial.schedule
    parts = [f"{_day(schedule.start)} to {_day(schedule.end)}" if schedule.end else f"from {_day(schedule.start)}"]
    parts.append(f"{trial.enrolled:,} enrolled")
    if trial.certified:
        parts.append(f"{trial.certified:,} earned a certificate")
    if days := len({block.due for block in schedule.graded if block.due is not None}):
        parts.append(f"graded work due on {days} day{'s' * (days != 1)}")
    return " · ".join(parts)


def _bars(week: Week) -> list[Part]:
    """Return the bars below the headline: how many of those who left each way's list held."""
    names = (
        f"The {week.size} that Engage named",
        f"The {week.size} silent longest",
        f"The {week.size} with the fewest clicks",
        f"{week.size} drawn by lot",
    )
    most = min(week.happened, week.size)
    values = [
        round(week.found[MODEL]),
        round(week.found[SILENCE]),
        round(week.found[CLICKS]),
        round(week.found[LOT], 1),
    ]
    return [
        {"name": name, "value": _plain(value), "width": f"{100 * value / most:.1f}", "ours": not at}
        for at, (name, value) in enumerate(zip(names, values, strict=True))
    ]


def _table(outcome: Outcome, happened: str, caption: str) -> Part:
    middle = half_way(outcome.weeks) if len(outcome.weeks) > len(shown(outcome.weeks)) else None
    rows = [
        [f"{week.week}" + (" (half-way)" if week.week == middle else ""), f"{week.asked:,}", *_cells(week)]
        for week in shown(outcome.weeks)
    ]
    total = f"{sum(week.happened for week in outcome.weeks):,}"
    rows.append(["All weeks", "", total, *(f"{outcome.found[way]:,.0f}" for way in WAYS)])
    return {"caption": caption, "head": ["Week", "Active", happened, *WAY_HEADS], "rows": rows}


def _cells(week: Week) -> list[str]:
    found = (f"{round(week.found[way])}" for way in (MODEL, SILENCE, CLICKS))
    return [f"{week.happened:,}", *found, _plain(round(week.found[LOT], 1))]


def _group_table(trial: Trial) -> Part | None:
    leave = {(group.attribute, group.name): group for group in trial.leave.groups}
    certify = {(group.attribute, group.name): group for group in trial.certify.groups}
    rows = []
    for key in dict.fromkeys([*leave, *certify]):
        mine, other = leave.get(key), certify.get(key)
        learners = max(group.learners for group in (mine, other) if group)
        cells = (mine.wrong if mine else None, mine.found if mine else None, other.wrong if other else None)
        rows.append([_group_name(*key), f"about {round(learners, -1):,}", *map(_of_100, cells)])
    head = ["Group", "Learners", "Of 100 named, came back", "Of 100 who left, were named"]
    head += ["Of 100 named for the certificate, earned one"]
    return {"caption": "By what learners said of themselves", "head": head, "rows": rows} if rows else None


def _group_name(attribute: str, name: str) -> str:
    return f"Aged {name}" if attribute == "age" else name[:1].upper() + name[1:]


def _worse(group: Group, what: str) -> list[str]:
    """Return what is clearly different about a group."""
    name, lines = _group_name(group.attribute, group.name), []
    if group.wrong_differs:
        often = "more" if group.wrong_differs > 0 else "less"
        lines.append(f"{name}: the lists of {what} were wrong clearly {often} often than for the others.")
    if group.found_differs:
        often = "more" if group.found_differs > 0 else "fewer"
        lines.append(f"{name}: of those {what}, clearly {often} were named than of the others.")
    return lines


def _messages(trial: Trial) -> Part | None:
    if not (total := sum(trial.messages)):
        return None
    return {
        "total": f"{total:,}",
        "weeks": str(len(trial.messages)),
        "mean": f"{total / len(trial.messages):,.0f}",
        "most": f"{max(trial.messages):,}",
        "each": f"{total / trial.reached:,.0f}",
        "reached": f"{trial.reached:,}",
    }


def _card_table(trial: Trial) -> Part:
    rows = []
    for card in trial.cards:
        weeks = max(len(card.messages), 1)
        cells = [f"{sum(card.messages):,}", f"{sum(card.messages) / weeks:,.0f}", f"{max(card.messages, default=0):,}"]
        rows.append(
            [card.name, *cells, _of_100(card.uncertified)] if not card.why_not else [card.name, *["not known"] * 4]
        )
    head = ["Reason to write", "Messages in all", "In a week", "Most in one week"]
    head += ["Of 100, to people who earned no certificate"]
    return {"caption": "Messages by reason", "head": head, "rows": rows}


def _stops(trial: Trial) -> str:
    """Return by how many weeks the log ends before the course, where these are two or more."""
    schedule = trial.schedule
    if schedule.self_paced or not schedule.end:
        return ""
    weeks = (schedule.end - schedule.start) // WEEK - trial.weeks
    return str(weeks) if weeks >= 2 else ""


def _technical(outcome: Outcome) -> Part:
    head = ["Week", "Learners", "Of this outcome", "AUC, Engage", "AUC, days silent", "AUC, few clicks"]
    rows = [
        [
            str(row["week"]),
            f"{row['learners']:,}",
            f"{row['happened']:,}",
            *(_three(row[way]) for way in (MODEL, SILENCE, CLICKS)),
        ]
        + [_three(row[name]) for name in ("plain", "debiased") if name in row]
        for row in outcome.technical
    ]
    calibrated = any("plain" in row for row in outcome.technical)
    return {"head": head + ["Calibration error", "the same, debiased"] * calibrated, "rows": rows}


def _sizes(trials: Sequence[Trial]) -> str:
    sizes = sorted({trial.size for trial in trials})
    return str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"


def _sum(weeks: Sequence[Week], way: str) -> int:
    """Return how many the lists held, each rounded: people are whole, also where some were level."""
    return sum(round(week.found[way]) for week in weeks)


def _plain(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"


def _of_100(share: float | None) -> str:
    return "too few" if share is None else f"{share * 100:.0f}"


def _three(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _day(moment: int) -> str:
    when = datetime.fromtimestamp(moment / 1e6, UTC)
    return f"{when.day} {when:%B %Y}"

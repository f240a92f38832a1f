"""The report on the engagement level for people who build courses and products: as one HTML page, and as Markdown.

Both are made of the same sections, whose every figure stands in level.json.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from engage_backend.engagement.comparison import figures
from engage_backend.engagement.comparison.level_figures import AIMS, AMONG, MEAN, OURS, PERSISTENCE, mean_row
from engage_backend.engagement.comparison.page import PAGE
from engage_backend.engagement.comparison.tables import not_dated

TITLE = "How active will learners be next week?"
LEVEL_WORDS = ("no days", "1 day", "2 days", "3–4 days", "5–7 days")
_WHO = {"enrolled": "all who are enrolled", "active_14d": "those active in the last 14 days"}
_FIGURES = {
    "kappa": "kappa",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "auc": "AUC",
    "log_loss": "log loss",
}
_MODELS = {
    "last_week": "last week's level again",
    "transition_table": "transition table: what followed last week's level",
    "ordinal_regression": "ordinal logistic regression",
    "xgboost": "XGBoost, five classes",
    "document_recipe": "the document's recipe: SMOTE, XGBoost, grid search",
    "engage_likeliest": "ours, the likeliest level as label",
    "engage": "ours",
}
_GROUPS = {
    "silence": "how long ago the last visit was",
    "recent": "activity of the last four weeks",
    "habit": "the habit so far: visits, sessions, hours, pages",
    "tasks": "tasks handed in, missed and open",
    "scores": "scores",
    "forum": "the discussion",
    "video": "videos",
    "clock": "where the course stands: its week, what is due next",
}
_FEATURES = {
    "days_since_start": "days since the course began",
    "share_of_course": "share of the course that is over",
    "days_to_end": "days until the course ends",
    "days_silent": "days since the last visit",
    "days_since_first_event": "days since the first visit",
    "events": "clicks so far",
    "events_per_day": "clicks a day so far",
    "events_1d": "clicks today",
    "events_3d": "clicks in three days",
    "events_7d": "clicks in seven days",
    "events_14d": "clicks in 14 days",
    "events_28d": "clicks in 28 days",
    "trend_7d": "more or fewer clicks than the week before",
    "active_days": "active days so far",
    "active_days_7d": "active days in seven",
    "active_days_14d": "active days in 14",
    "active_days_28d": "active days in 28",
    "active_days_share": "share of days that were active",
    "longest_silence_days": "longest pause, in days",
    "sessions": "sessions so far",
    "hours": "hours in the course",
    "content_events": "pages of the course",
    "video_events": "clicks in videos",
    "forum_events": "visits to the discussion",
    "forum_posts": "posts in the discussion",
    "problem_events": "clicks in problems",
    "progress_events": "looks at the own progress",
    "blocks_handed_in": "tasks handed in",
    "attempts_per_block": "attempts a task",
    "points_attempted": "points tried for",
    "points_earned": "points earned",
    "points_due": "points that were due by now",
    "points_missed": "points missed",
    "points_open": "points still to be had",
    "points_due_7d": "points due in the next seven days",
    "points_reachable": "points that can still be reached",
    "missing_to_pass": "points missing to pass",
    "attempted_of_due": "share of what was due that was handed in",
    "score_of_attempted": "score in what was handed in",
    "last_score": "score of the last task",
    "days_since_handed_in": "days since the last task was handed in",
    "days_to_next_due": "days until the next task is due",
}
_MOST_FEATURES = 20


class Table(NamedTuple):
    """Rows of text; the first cell names the row. `strong`: rows that stand out."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    strong: Sequence[str] = ()


class Section(NamedTuple):
    """A title (of the first: none), paragraphs, tables, and paragraphs below them."""

    title: str
    text: Sequence[str]
    tables: Sequence[Table] = ()
    below: Sequence[str] = ()


def html_page(found: Mapping[str, Any]) -> str:
    """Return the page; it needs nothing beside itself."""
    light, dark = figures.colour_rules()
    parts = [
        PAGE.replace("{title}", TITLE).replace("{light}", light).replace("{dark}", dark),
        f"<h1>{TITLE}</h1>",
    ]
    for section in sections(found):
        parts.append(f"<h2>{escape(section.title)}</h2>" if section.title else "")
        parts += [f"<p>{escape(text)}</p>" for text in section.text]
        parts += [_html_table(table) for table in section.tables]
        parts += [f"<p class='note'>{escape(text)}</p>" for text in section.below]
    return "".join(parts) + "</main></html>\n"


def _html_table(table: Table) -> str:
    head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in table.head)
    rows = "".join(
        f"<tr{' class=ours' if row[0] in table.strong else ''}><th scope='row'>{escape(row[0])}</th>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in table.rows
    )
    return (
        f"<div class='scroll' tabindex='0' role='region' aria-label='{escape(table.caption, quote=True)}'><table>"
        f"<caption><span>{escape(table.caption)}</span></caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def markdown_page(found: Mapping[str, Any], command: str) -> str:
    """Return the same as Markdown, with the command that wrote it."""
    lines = [f"# {TITLE}", "", "Written by this command, from its `level.json`; not by hand:", "", f"    {command}", ""]
    for section in sections(found):
        lines += [f"## {section.title}", ""] if section.title else []
        for text in section.text:
            lines += [text, ""]
        for table in section.tables:
            lines += [f"{table.caption}:", "", _line(table.head), _line(["---"] + ["---:"] * (len(table.head) - 1))]
            lines += [
                _line([f"**{cell}**" if row[0] in table.strong and cell else cell for cell in row])
                for row in table.rows
            ]
            lines.append("")
        for text in section.below:
            lines += [text, ""]
    return "\n".join(lines).rstrip() + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def sections(found: Mapping[str, Any]) -> list[Section]:
    """Return what both pages say."""
    return [
        _short(found),
        _aims(found),
        _compared(found),
        _mixed_up(found),
        _calibrated(found),
        _moves(found),
        _by_week(found),
        _warnings(found),
        _method(found),
    ]


def _short(found: Mapping[str, Any]) -> Section:
    table = _confusion(found, OURS, "enrolled")
    total = sum(map(sum, table))
    exact, near = (
        sum(n for at, row in enumerate(table) for to, n in enumerate(row) if abs(at - to) <= off) / total
        for off in (0, 1)
    )
    before = _confusion(found, PERSISTENCE, "enrolled")
    hit = sum(row[at] for at, row in enumerate(before)) / total
    return Section(
        "",
        [
            "For each learner the model says in how many of the next seven days they will be active: none, 1, 2, 3 to 4, or "
            "5 to 7. It looks at the past alone. Every course run here was predicted by models that had learned from the "
            "other runs.",
            f"Of 100 labels {exact * 100:.0f} are exactly right and {near * 100:.0f} are right or one step off. Saying that "
            f"the next week will be as the last one was is exactly right for {hit * 100:.0f}.",
        ],
        [
            Table(
                "The course runs: learners at the ends of weeks, and how often each level came",
                ["course run", "learners", "judged weeks", "of them active in 14 days", *LEVEL_WORDS],
                [
                    [
                        run["name"],
                        f"{run['learners']:,}",
                        f"{run['examples']:,}",
                        f"{run['active_14d']:,}",
                        *(f"{share * 100:.0f} %" for share in run["levels"]),
                    ]
                    for run in found["runs"]
                ],
            )
        ],
    )


def _aims(found: Mapping[str, Any]) -> Section:
    rows = [
        [
            f"{_FIGURES[aim['figure']]}, {_WHO[aim['among']]}",
            _three(aim["aim"]),
            _three(aim["ours"]),
            "reached" if aim["reached"] else "not reached",
        ]
        for aim in found["aims"]
    ]
    missed = sum(not aim["reached"] for aim in found["aims"])
    gain = next(iter(AIMS.values()))["macro_f1"]
    said = "All aims are reached." if not missed else f"{missed} of {len(rows)} aims are not reached."
    return Section(
        "What was aimed at",
        [
            f"{said} The aim for macro F1 is that of last week's level plus {_three(gain)}. Kappa counts how far off a label "
            "is (quadratic weights; 1 is perfect, 0 is chance). Macro F1 counts each level alike, weighted F1 as often as it "
            "comes. AUC is the mean over the five levels, each against all others (one-vs-rest, macro)."
        ],
        [Table("Means over the course runs", ["aim", "at least", "ours", ""], rows)],
    )


def _compared(found: Mapping[str, Any]) -> Section:
    tables = []
    for among in AMONG:
        rows = [
            [_MODELS[row["model"]], *(_three(row[name]) for name in _FIGURES), str(row["seeds"])]
            for row in found["rows"]
            if row["among"] == among and row["run"] == MEAN
        ]
        tables.append(
            Table(
                f"Among {_WHO[among]}, means over runs and seeds",
                ["model", *_FIGURES.values(), "seeds"],
                rows,
                [_MODELS[OURS]],
            )
        )
    for among in AMONG:
        rows = [
            [row["run"], *(_three(row[name]) for name in _FIGURES)]
            for row in found["rows"]
            if row["model"] == OURS and row["among"] == among and row["run"] != MEAN
        ]
        tables.append(Table(f"Ours, run by run, among {_WHO[among]}", ["course run", *_FIGURES.values()], rows))
    spread = mean_row(found["rows"], OURS, "enrolled").get("spread")
    below = [
        "Log loss: what a probability costs when something else comes; lower is better. Last week's level gives no "
        "probabilities, so it has none, and its AUC is that of a label alone."
    ]
    if spread:
        below.append(
            "From seed to seed ours moves little: standard deviations "
            + ", ".join(f"{_FIGURES[name]} {value:.4f}" for name, value in spread.items())
            + "."
        )
    return Section("Beside other ways of saying it", [], tables, below)


def _mixed_up(found: Mapping[str, Any]) -> Section:
    tables = []
    for among in AMONG:
        rows = []
        for words, row in zip(LEVEL_WORDS, _confusion(found, OURS, among), strict=True):
            total = max(sum(row), 1)
            rows.append([words, *(f"{n / total * 100:.0f} %" for n in row), f"{sum(row):,}"])
        caption = f"Among {_WHO[among]}: in a row what came, in a column what was said; all runs together"
        tables.append(Table(caption, ["came", *(f"said: {words}" for words in LEVEL_WORDS), "weeks"], rows))
    return Section("What is mixed up with what", [], tables)


def _calibrated(found: Mapping[str, Any]) -> Section:
    steps = sorted({row["at_least"] for row in found["calibration"]})
    rows = []
    for model in dict.fromkeys(row["model"] for row in found["calibration"]):
        mine = {row["at_least"]: row for row in found["calibration"] if row["model"] == model}
        rows.append(
            [_MODELS[model], *(f"{_three(mine[step]['ece'])} ({_three(mine[step]['ece_debiased'])})" for step in steps)]
        )
    return Section(
        "Are the chances true?",
        [
            "How far the chance of at least so many active days lies from what came, on average over ten groups of learners "
            "of a run, and over runs: 0 is true. In brackets what is left when the part that chance brings is taken off."
        ],
        [
            Table(
                "Calibration error, all who are enrolled",
                ["model", *(f"at least {step}" for step in steps)],
                rows,
                [_MODELS[OURS]],
            )
        ],
    )


def _moves(found: Mapping[str, Any]) -> Section:
    groups = [row for row in found["importance"] if "group" in row]
    features = [row for row in found["importance"] if "feature" in row][:_MOST_FEATURES]
    head = ["moves the level (SHAP)", "loss without it (permutation)", "share of gain"]

    def cells(row: Mapping[str, Any]) -> list[str]:
        return [_three(row["shap"]), f"{row['permutation']:+.3f}", f"{row['gain'] * 100:.0f} %"]

    return Section(
        "What it goes by",
        [
            "Three ways of asking what matters, on runs that the model had not seen. SHAP: how far a learner's values move the "
            "log-odds of a step, on average. Permutation: how much the log loss rises when the values are dealt to other "
            "learners. Gain: how much of the trees' learning came from it. They tell what the model goes by, not what would "
            "make learners come back: a course that asks for more clicks does not get more active learners by that."
        ],
        [
            Table(
                "By what it is about",
                ["what", *head],
                [[_GROUPS.get(row["group"], row["group"]), *cells(row)] for row in groups],
            ),
            Table(
                f"The {len(features)} strongest counters",
                ["counter", *head, "more of it means"],
                [[_named(row["feature"]), *cells(row), _direction(row["direction"])] for row in features],
            ),
        ],
        [
            "Counters that say nearly the same share what they move, and one can stand in for another when it is dealt "
            "anew: the first table asks for all of a kind at once."
        ],
    )


def _by_week(found: Mapping[str, Any]) -> Section:
    weeks = sorted({row["week"] for row in found["weeks"]})
    by_key = {(row["week"], row["model"]): row for row in found["weeks"]}
    rows = []
    for week in weeks:
        before, mine = by_key[week, PERSISTENCE], by_key[week, OURS]
        rows.append(
            [
                f"week {week}",
                _three(before["kappa"]),
                _three(mine["kappa"]),
                _three(before["macro_f1"]),
                _three(mine["macro_f1"]),
                _three(mine["auc"]),
                str(mine["runs"]),
            ]
        )
    head = [
        "",
        "kappa, last week's level",
        "kappa, ours",
        "macro F1, last week's level",
        "macro F1, ours",
        "AUC, ours",
        "runs",
    ]
    behind = [week for week in weeks if by_key[week, OURS]["kappa"] < by_key[week, PERSISTENCE]["kappa"]]
    below = (
        [f"Ours agrees less (kappa) than last week's level in week {', '.join(map(str, behind))}."] if behind else []
    )
    return Section("Week by week", [], [Table("Among all who are enrolled, first seed", head, rows)], below)


def _warnings(found: Mapping[str, Any]) -> Section:
    ours, plain, recipe = (mean_row(found["rows"], model, "enrolled") for model in (OURS, "xgboost", "document_recipe"))
    hidden = found["this_week"]
    by_model: dict[str, list[float]] = {}
    for row in found["calibration"]:
        by_model.setdefault(row["model"], []).append(row["ece"])
    errors = [
        f"{_three(sum(each) / len(each))} ({_MODELS[model]})"
        for model, each in sorted(by_model.items(), key=lambda pair: sum(pair[1]))
    ]
    worse = "lowered" if recipe["auc"] < plain["auc"] else "raised"
    return Section(
        "Two warnings",
        [
            "A figure hides its label. The seed document gives .60 (F1) and .86 (AUC) and does not say which week is meant. "
            "The level of the week that is over stands in the counters already: asked for that, the same XGBoost reaches "
            f"{_three(hidden['weighted_f1'])} (weighted F1) and {_three(hidden['auc'])} (AUC) here, which says nothing of the "
            f"week to come. Of the next week, which is what is asked, ours has {_three(ours['weighted_f1'])} and "
            f"{_three(ours['auc'])}.",
            f"SMOTE, which makes up learners of the rarer levels, {worse} AUC here: {_three(recipe['auc'])} beside "
            f"{_three(plain['auc'])} for XGBoost without it and {_three(ours['auc'])} for ours, and the log loss is "
            f"{_three(recipe['log_loss'])} beside {_three(plain['log_loss'])} and {_three(ours['log_loss'])}. Its chances are "
            "of a course in which every level is as frequent as the others. What ships is chosen by its chances: averaged over "
            f"the four steps, the calibration error is {'; '.join(errors)}.",
        ],
    )


def _method(found: Mapping[str, Any]) -> Section:
    seeds = ", ".join(str(seed) for seed in found["seeds"])
    return Section(
        "How this was done",
        [
            "Each run is left out once; cuts and calibration come from inner folds of the other runs. Judged are ends of weeks "
            "of those enrolled at that moment by dated events, where the seven days that follow lie before the end of the "
            "course and of its log. An active day has at least one event of the learner's own; days are spans of 24 hours "
            "from the moment asked. Every model reads the same counters.",
            "Ours: boosted trees for each of at least 1, 2, 3, 5 active days, never lower for more activity; for one learner "
            "in five the due dates are hidden in training, so that it holds in courses without any; calibrated; the label is "
            "the expected level between four cuts that were fitted on what was said of runs not seen (kappa plus macro F1).",
            "The document's recipe: SMOTE to equal classes inside the training folds, a grid of four settings searched by "
            "threefold cross-validation grouped by learner for weighted F1, on about 15,000 weeks; the likeliest class.",
            f"Seeds: {seeds}; what costs much, or uses no chance, was asked once.",
            *not_dated(found["runs"]),
        ],
    )


def _confusion(found: Mapping[str, Any], model: str, among: str) -> list[list[int]]:
    rows = (row["table"] for row in found["confusion"] if (row["model"], row["among"]) == (model, among))
    table: list[list[int]] = next(rows)
    return table


def _named(feature: str) -> str:
    return _FEATURES.get(feature, feature.replace("_", " "))


def _direction(value: float) -> str:
    return "more active days" if value > 0.2 else "fewer active days" if value < -0.2 else "now more, now fewer"


def _three(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"

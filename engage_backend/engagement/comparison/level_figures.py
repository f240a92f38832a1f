"""From what the models said of the engagement level to level.json: how well they agree, rank and are calibrated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.names import is_activity
from engage_backend.engagement.calibration import Doubles
from engage_backend.engagement.comparison import level_models
from engage_backend.engagement.comparison.level_models import CLASSES, Rows, Said, WeekEnds
from engage_backend.engagement.counters import FEATURES
from engage_backend.engagement.dataset import WEEK, clicks_of, run_of
from engage_backend.engagement.encoder import Floats, KindTable
from engage_backend.engagement.enrolments import Enrolments
from engage_backend.engagement.labels import active_days_between
from engage_backend.engagement.level import FLOORS, Integers, chances
from engage_backend.engagement.level_fit import READ, LevelFit
from engage_backend.engagement.metrics import (
    auc,
    calibration_error,
    confusion,
    macro_f1,
    quadratic_kappa,
    weighted_f1,
)
from engage_backend.engagement.package import Package
from engage_backend.engagement.reasons import GROUPS

FORMAT = 1
FIGURES = ("kappa", "macro_f1", "weighted_f1", "auc", "log_loss")
AMONG = ("enrolled", "active_14d")
OURS, PERSISTENCE = "engage", "last_week"
MEAN = "mean"
# Of the mean over runs. Macro F1: above that of last week's level.
AIMS = {
    "enrolled": {"kappa": 0.70, "macro_f1": 0.05, "auc": 0.785},
    "active_14d": {"kappa": 0.65, "macro_f1": 0.05, "auc": 0.745},
}
ONCE = ("last_week", "transitions", "ordinal_regression", "recipe")  # asked with the first seed alone
SHOWN_WEEKS = (1, 2, 4, 8, 12, 16, 20, 24, 28, 32)
_FOR_EVER = 2**62  # µs: after every event
_EXPLAINED = 3_000  # examples a run, for what moves the level
_SURE = 1e-6  # the least chance that counts in the log loss

Found = dict[str, Any]
Flags = npt.NDArray[np.bool_]


def load_week_ends(
    package: Package, kinds: KindTable, *, seed: int, progress: Callable[[int], object] = lambda lines: None
) -> WeekEnds:
    """Read a package's log. `progress` is called with a count of lines just read."""
    times: dict[int, list[int]] = {}

    def overheard() -> Iterable[ClickEvent]:
        for event in clicks_of(package, progress):
            if is_activity(event.kind) and event.course == package.course:
                times.setdefault(event.learner, []).append(event.time)
            yield event

    enrolments = Enrolments()
    run = run_of(package, overheard(), kinds, seed=seed, enrolments=enrolments)
    sorted_times = [sorted(times.get(user, ())) for user in run.learners.tolist()]
    before = [
        active_days_between(sorted_times[who], clock - WEEK, clock)
        for who, clock in zip(run.who.tolist(), run.clock.tolist(), strict=True)
    ]
    gone = {learner.user_id for learner in package.learners if not learner.is_active}
    undated = sum(user in gone and bool(enrolments.at(user, [_FOR_EVER])[0]) for user in run.learners.tolist())
    return WeekEnds.of(run, np.array(before, dtype=np.int8), dated=enrolments.are_dated, undated=undated)


def evaluate_level(
    runs: Sequence[WeekEnds], *, seeds: Sequence[int], progress: Callable[[int, int, str], object]
) -> Found:
    """Let every model speak of each run after learning from the others, and judge it. Needs two runs.

    Raises ValueError where the other runs lack a level, so that it cannot be learned.
    """
    answers: dict[str, list[list[Said]]] = {}  # model -> run -> one a seed
    moved: list[Found] = []
    hidden: list[Found] = []
    for number, test in enumerate(runs):
        train = [other for other in runs if other is not test]
        for seed in seeds:
            name = f"{test.run.name} left out, seed {seed}"
            progress(number, len(runs), name)
            asked: list[Rows] = [
                say(train, test, seed) for say in level_models.BASELINES if seed == seeds[0] or say.__name__ not in ONCE
            ]
            fit = level_models.fit_ours(train, seed)
            if fit is None:
                raise ValueError(
                    f"{', '.join(one.run.name for one in train)}: not every level occurs, so none is learned"
                )
            asked.append(level_models.ours(fit, test))
            for model, said in (pair for rows in asked for pair in rows.items()):
                answers.setdefault(model, [[] for _ in runs])[number].append(said)
            if seed == seeds[0]:
                moved += _importance(fit, test, seed)
                said = level_models.this_week(train, test, seed)
                hidden.append(figures(test.last_week, said))
    progress(len(runs), len(runs), "figures")
    rows = _rows(runs, answers)
    return {
        "format": FORMAT,
        "seeds": list(seeds),
        "runs": [_described(run) for run in runs],
        "rows": rows,
        "aims": _aims(rows),
        "confusion": _confusion(runs, answers),
        "calibration": _calibration(runs, answers),
        "weeks": _weeks(runs, answers),
        "importance": _mean_importance(moved),
        "this_week": {name: _mean([one[name] for one in hidden]) for name in ("weighted_f1", "auc")},
    }


def figures(truths: Integers, said: Said) -> Found:
    """Return the figures of one model over some examples.

    AUC is the mean over the five levels, each against all others (one-vs-rest, macro). Labels alone rank as 0 and 1.
    """
    table = confusion(truths, said.labels, CLASSES)
    scores = np.eye(CLASSES)[said.labels] if said.chances is None else said.chances
    areas = [auc((truths == level).astype(np.float64), scores[:, level]) for level in range(CLASSES)]
    known = [area for area in areas if area is not None]
    loss = None
    if said.chances is not None:
        loss = -float(np.log(np.maximum(said.chances[np.arange(len(truths)), truths], _SURE)).mean())
    return {
        "kappa": quadratic_kappa(table),
        "macro_f1": macro_f1(table),
        "weighted_f1": weighted_f1(table),
        "auc": float(np.mean(known)) if known else None,
        "log_loss": loss,
    }


def _part(said: Said, chosen: Flags) -> Said:
    return Said(said.labels[chosen], None if said.chances is None else said.chances[chosen])


def _among(run: WeekEnds, among: str) -> Flags:
    return run.recent if among == "active_14d" else np.ones(len(run.at), dtype=bool)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 4) if known else None


def _rows(runs: Sequence[WeekEnds], answers: dict[str, list[list[Said]]]) -> list[Found]:
    """By model and group: a row a run, means over the seeds, and their mean; with the spread of that over the seeds."""
    rows = []
    for among in AMONG:
        chosen = [_among(run, among) for run in runs]
        for model, by_run in answers.items():
            each = [
                [figures(run.truths[mine], _part(one, mine)) for one in said]
                for run, mine, said in zip(runs, chosen, by_run, strict=True)
            ]
            key = {"model": model, "among": among}
            for run, mine, told in zip(runs, chosen, each, strict=True):
                means = {name: _mean([one[name] for one in told]) for name in FIGURES}
                rows.append({**key, "run": run.run.name, "examples": int(mine.sum()), "seeds": len(told), **means})
            by_seed = [
                {name: _mean([told[at][name] for told in each]) for name in FIGURES} for at in range(len(each[0]))
            ]
            row: Found = {**key, "run": MEAN, "examples": int(sum(map(np.sum, chosen))), "seeds": len(by_seed)}
            row |= {name: _mean([one[name] for one in by_seed]) for name in FIGURES}
            if len(by_seed) > 1:
                row["spread"] = {
                    name: round(float(np.std(values, ddof=1)), 4)
                    for name in FIGURES
                    if len(values := [value for one in by_seed if (value := one[name]) is not None]) > 1
                }
            rows.append(row)
    return rows


def mean_row(found_rows: Sequence[Found], model: str, among: str) -> Found:
    """Return the row of the means over runs."""
    return next(row for row in found_rows if (row["model"], row["among"], row["run"]) == (model, among, MEAN))


def _aims(rows: Sequence[Found]) -> list[Found]:
    found = []
    for among, aims in AIMS.items():
        ours, before = (mean_row(rows, model, among) for model in (OURS, PERSISTENCE))
        for name, aim in aims.items():
            wanted = round(aim + (before[name] if name == "macro_f1" else 0.0), 4)
            found.append(
                {"among": among, "figure": name, "aim": wanted, "ours": ours[name], "reached": ours[name] >= wanted}
            )
    return found


def _together(runs: Sequence[WeekEnds], said: Sequence[Sequence[Said]], among: str) -> tuple[Integers, Said]:
    """The examples of all runs, with what was said with the first seed."""
    chosen = [_among(run, among) for run in runs]
    parts = [_part(one[0], mine) for one, mine in zip(said, chosen, strict=True)]
    truths = np.concatenate([run.truths[mine] for run, mine in zip(runs, chosen, strict=True)])
    labels = np.concatenate([part.labels for part in parts])
    told = [part.chances for part in parts if part.chances is not None]
    return truths, Said(labels, np.concatenate(told) if told else None)


def _confusion(runs: Sequence[WeekEnds], answers: dict[str, list[list[Said]]]) -> list[Found]:
    """Of all runs together, first seed: rows are what came, columns what was said."""
    found = []
    for among in AMONG:
        for model, by_run in answers.items():
            truths, said = _together(runs, by_run, among)
            table = confusion(truths, said.labels, CLASSES).astype(int).tolist()
            found.append({"model": model, "among": among, "table": table})
    return found


def _calibration(runs: Sequence[WeekEnds], answers: dict[str, list[list[Said]]]) -> list[Found]:
    """For each step, how far the chance that it is reached lies from what came: means over runs, first seed, enrolled."""
    found = []
    for model, by_run in answers.items():
        if by_run[0][0].chances is None or model == "engage_likeliest":  # the same chances as ours
            continue
        for at, floor in enumerate(FLOORS, start=1):
            plain, debiased = [], []
            for run, said in zip(runs, by_run, strict=True):
                told = said[0].chances
                assert told is not None, "a model gives chances of every run, or of none"
                error = calibration_error((run.truths >= at).astype(np.float64), told[:, at:].sum(axis=1))
                plain.append(error.plain)
                debiased.append(error.debiased)
            row = {"model": model, "at_least": floor, "ece": _mean(plain), "ece_debiased": _mean(debiased)}
            found.append(row)
    return found


def _weeks(runs: Sequence[WeekEnds], answers: dict[str, list[list[Said]]]) -> list[Found]:
    """Agreement by week, over those enrolled: means over runs, first seed."""
    found = []
    for week in SHOWN_WEEKS:
        chosen = [run.run.week[run.at] == week for run in runs]
        for model in (PERSISTENCE, OURS):
            each = [
                figures(run.truths[mine], _part(said[0], mine))
                for run, mine, said in zip(runs, chosen, answers[model], strict=True)
                if mine.any()
            ]
            if each:
                means = {name: _mean([one[name] for one in each]) for name in ("kappa", "macro_f1", "auc")}
                found.append({"model": model, "week": week, "runs": len(each), **means})
    return found


def _described(run: WeekEnds) -> Found:
    counts = np.bincount(run.truths, minlength=CLASSES)
    return {
        "name": run.run.name,
        "learners": len(np.unique(run.run.who[run.at])),
        "examples": len(run.at),
        "active_14d": int(run.recent.sum()),
        "dated": run.dated,
        "undated": run.undated,
        "levels": [round(float(share), 4) for share in counts / max(counts.sum(), 1)],
    }


def _importance(fit: LevelFit, test: WeekEnds, seed: int) -> list[Found]:
    """What moves the level on one run that was left out: by feature, and by group of features.

    `gain`: the share of what the trees' questions gained in training. `permutation`: by how much the log loss rises when the
    values are shuffled among the learners. `shap`: how far the values move the log-odds, on average over learners and steps
    (TreeSHAP, by xgboost itself); `direction`: how the values go with what they move, -1 to 1.
    """
    chance = np.random.default_rng(seed)
    some = chance.permutation(len(test.at))[:_EXPLAINED]
    features, truths = test.features[some], test.truths[some]
    gained = np.zeros(len(READ))
    for booster in fit.boosters:
        for name, gain in booster.get_score(importance_type="total_gain").items():
            gained[int(name[1:])] += gain
    asked = xgboost.DMatrix(features[:, READ])
    told = [booster.predict(asked, pred_contribs=True)[:, :-1].astype(np.float64) for booster in fit.boosters]
    shap = np.mean([np.abs(one).mean(axis=0) for one in told], axis=0)
    together = np.sum(told, axis=0)
    before = _loss(fit, features, truths)
    order = chance.permutation(len(features))
    found = []
    for at, place in enumerate(READ):
        found.append(
            {
                "feature": FEATURES[place],
                "gain": gained[at] / gained.sum(),
                "permutation": _shuffled(fit, features, truths, [place], order) - before,
                "shap": shap[at],
                "direction": _correlation(features[:, place], together[:, at]),
            }
        )
    for group, names in GROUPS.items():
        mine = [at for at, place in enumerate(READ) if FEATURES[place] in names]
        if not mine:
            continue
        found.append(
            {
                "group": group,
                "gain": gained[mine].sum() / gained.sum(),
                "permutation": _shuffled(fit, features, truths, [READ[at] for at in mine], order) - before,
                "shap": np.mean([np.abs(one[:, mine].sum(axis=1)).mean() for one in told]),
            }
        )
    return found


def _loss(fit: LevelFit, features: Floats, truths: Integers) -> float:
    loss = figures(truths, Said(truths, chances(fit.reaching(features))))["log_loss"]
    return float(loss)


def _shuffled(fit: LevelFit, features: Floats, truths: Integers, columns: Sequence[int], order: Integers) -> float:
    mixed = np.array(features)
    mixed[:, columns] = features[order][:, columns]
    return _loss(fit, mixed, truths)


def _correlation(values: Floats, moved: Doubles) -> float:
    if not values.std() or not moved.std():
        return 0.0
    return float(np.corrcoef(values, moved)[0, 1])


def _mean_importance(each: Sequence[Found]) -> list[Found]:
    """Means over runs; the strongest first, by SHAP."""
    found = []
    for kind in ("group", "feature"):
        names = dict.fromkeys(one[kind] for one in each if kind in one)
        rows = []
        for name in names:
            mine = [one for one in each if one.get(kind) == name]
            rows.append(
                {kind: name} | {column: _mean([one[column] for one in mine]) for column in mine[0] if column != kind}
            )
        found += sorted(rows, key=lambda row: -row["shap"])
    return found

"""The reasons of a prediction in words. The engine keeps them as groups of counters with an effect and a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from django.utils.translation import gettext, ngettext

from engage_backend.models import Prediction


def in_words(prediction: Prediction | None) -> dict[str, list[dict[str, Any]]]:
    """Target -> `{text, effect}`, the strongest first; effects are on the log-odds, against the mean learner.

    Nothing of a target that is not shown, of a group that this version has no words for, or of broken text.
    """
    if prediction is None or not prediction.reasons:
        return {}
    try:
        kept = msgspec.json.decode(prediction.reasons, type=dict[str, list[tuple[str, float, float]]])
    except msgspec.DecodeError:
        return {}
    return {
        target: [{"text": _WORDS[group](value), "effect": effect} for group, effect, value in those if group in _WORDS]
        for target, those in kept.items()
        if getattr(prediction, target, None) is not None
    }


def _silence(days: float) -> str:
    if days < 1:
        return gettext("active within the last day")
    return ngettext("no activity for %(n)d day", "no activity for %(n)d days", int(days)) % {"n": int(days)}


def _recent(days: float) -> str:
    return gettext("active on %(n)d of the last 14 days") % {"n": int(days)}


def _habit(days: float) -> str:
    return ngettext("active on %(n)d day so far", "active on %(n)d days so far", int(days)) % {"n": int(days)}


def _tasks(share: float) -> str:
    if share < 0:
        return gettext("what has been handed in so far")
    return gettext("%(n)d %% of the points that were due handed in") % {"n": round(share * 100)}


def _scores(share: float) -> str:
    if share < 0:
        return gettext("no scores yet")
    return gettext("scored %(n)d %% in what was handed in") % {"n": round(share * 100)}


def _forum(events: float) -> str:
    if events < 1:
        return gettext("not seen in the discussion")
    return ngettext("%(n)d visit to the discussion", "%(n)d visits to the discussion", int(events)) % {"n": int(events)}


def _video(events: float) -> str:
    if events < 1:
        return gettext("no video watched")
    return ngettext("%(n)d click in videos", "%(n)d clicks in videos", int(events)) % {"n": int(events)}


def _coverage(units: float) -> str:
    return ngettext("opened %(n)d part of the course", "opened %(n)d parts of the course", int(units)) % {
        "n": int(units)
    }


def _rhythm(_: float) -> str:
    return gettext("the hours and days of their visits")


_WORDS: dict[str, Callable[[float], str]] = {
    "silence": _silence,
    "recent": _recent,
    "habit": _habit,
    "tasks": _tasks,
    "scores": _scores,
    "forum": _forum,
    "video": _video,
    "coverage": _coverage,
    "rhythm": _rhythm,
}

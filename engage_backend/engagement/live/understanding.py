"""What share of the latest clicks a model understands: by its parts, each of which reads something else.

The trees read counters, which know a click by its sort (`engagement.categories`). An LSTM, where there is one, reads the kinds
themselves, those of the model's vocabulary. Does not load the model: only what its card says.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from engage_backend.clickstream.names import is_activity
from engage_backend.engagement.activity import times_and_kinds
from engage_backend.engagement.categories import is_known
from engage_backend.models import HistoryChunk, Kind

_SAMPLE_CHUNKS = 200


def card_in(folder: Path) -> dict[str, Any]:
    """Return what the model's folder says of it; empty where it says nothing that can be read."""
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}


def weights_trouble(folder: Path) -> str:
    """Return what is wrong with the weights that the card of this folder names; empty where they fit, or there is no card."""
    card, path = card_in(folder), folder / "weights.safetensors"
    if not card:
        return ""
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return f"{path}: {error.strerror}"
    if card.get("weights_sha256") in (None, digest):
        return ""
    return f"{path} is damaged, or not the one that card.json was written for"


def latest_clicks(chunks: QuerySet[HistoryChunk]) -> Counter[str]:
    """Return how many of the events in the latest of these chunks are of which kind, {name: count}."""
    seen: Counter[int] = Counter()
    for data in chunks.order_by("-pk").values_list("data", flat=True)[:_SAMPLE_CHUNKS]:
        seen.update(times_and_kinds(bytes(data))[1])
    names = dict(Kind.objects.values_list("number", "name"))
    clicks = {names.get(number, "?"): count for number, count in seen.items()}
    return Counter({name: count for name, count in clicks.items() if is_activity(name)})


def understood_share(card: Mapping[str, Any], clicks: Mapping[str, int]) -> float | None:
    """Return the share of clicks, {kind: count}, that every part of a model understands. None: no clicks, no model."""
    total = sum(clicks.values())
    if not total or not card.get("name"):
        return None
    return round(sum(count for kind, count in clicks.items() if is_known(card, kind)) / total, 4)

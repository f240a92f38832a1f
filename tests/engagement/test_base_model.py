"""The model that ships with the package."""

from __future__ import annotations

import subprocess
import sys

from engage_backend.conf import BASE_MODEL
from engage_backend.engagement.folder import load_model
from engage_backend.engagement.trees import TARGETS


def test_the_base_model_loads_and_says_whose_data_it_stands_on() -> None:
    model, card = load_model(BASE_MODEL)
    assert model.identity.startswith("engage-base/")
    assert "OULAD" in card["attribution"] and "Kuzilek" in card["attribution"] and "CC BY 4.0" in card["attribution"]
    assert card["command"].startswith("engage train OUx-AAA-2013J") and len(card["training_runs"]) == 4


def test_the_base_model_needs_no_torch() -> None:
    code = (
        "import sys; from engage_backend.conf import BASE_MODEL; from engage_backend.engagement.folder import load_model; "
        "model, _ = load_model(BASE_MODEL); print(model.lstm, 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "None False\n"


def test_the_base_model_is_small() -> None:
    assert sum(path.stat().st_size for path in BASE_MODEL.iterdir()) < 2_000_000


def test_the_card_holds_figures_by_week_of_runs_it_had_not_seen() -> None:
    _, card = load_model(BASE_MODEL)
    for target in TARGETS:
        weeks = {row["week"]: row for row in card["metrics"]["weeks"][target]}
        assert {4, 8, 16} <= set(weeks)
        assert weeks[8]["runs"] == 4 and weeks[8]["auc"] > 0.75 and weeks[8]["ece"] < 0.1

"""The report of `engage evaluate` as it is seen: on a desk, on a telephone, in the dark, without a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from engage_backend.engagement.comparison.judging import AMONG, POOLED
from engage_backend.engagement.evaluation import MODELS, Evaluation
from engage_backend.engagement.metrics import FIGURES
from engage_backend.engagement.report import html_report

RUNS = [f"Organisation-LongCourseName101-2024_T{number}" for number in range(4)]
SHARES = ("25 %", "50 %", "75 %")


def evaluation() -> Evaluation:
    """Figures of every kind, as many as a real evaluation has."""
    described = [
        {"name": name, "course": "", "learners": 12_345, "certified": 4_000, "events": 13_600_000, "weeks": 36,
         "known_kinds": 0.326, "week_at": {"25 %": 9, "50 %": 18, "75 %": 27}}
        for name in RUNS
    ]  # fmt: skip
    found = Evaluation(described, MODELS, (1, 2))
    figures = dict.fromkeys(FIGURES, 0.1)
    for target, groups in AMONG.items():
        for number, model in enumerate(MODELS):
            for among in groups:
                key = {"split": "runs", "model": model, "target": target, "among": among}
                for week in range(1, 37):
                    area = {"auc": 0.55 + 0.012 * week - 0.008 * number, "learners": 900, "positives": 300}
                    found.rows += [{**key, **figures, **area, "run": run, "week": week} for run in (*RUNS, POOLED)]
                found.means += [{**key, **figures, "auc": 0.8, "at": at, "runs": 4} for at in (*SHARES, "all weeks")]
            bins = [{"said": 0.1 * n + 0.05, "seen": min(0.12 * n, 1.0), "learners": 90} for n in range(10)]
            found.reliability += [{"model": model, "target": target, "at": at, "bins": bins} for at in SHARES]
            between = {"difference": 0.02, "low": -0.03 * number, "high": 0.06, "runs": 4}
            key = {"target": target, "among": groups[0], "at": "week 8", "model": "engage", "against": model}
            found.differences += [key | between] if model != "engage" else []
        group = {"target": target, "among": groups[0], "at": "50 %", "attribute": "education", "learners": 900}
        group |= {"group": "master's or professional degree", "positives": 300, "auc": [0.8, 0.7, 0.9]}
        found.groups.append(group | {"said_less_seen": [0.01, -0.02, 0.03], "ece_debiased": 0.02, "ece_floor": 0.03})
    return found


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "index.html"
    path.write_text(html_report(evaluation()), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("width", [1280, 400])
def test_the_report_fits_a_desk_and_a_telephone(address: str, open_page: Callable[..., Page], width: int) -> None:
    page = open_page(address, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    wide, narrow = (page.locator(f".{kind} svg") for kind in ("wide", "narrow"))
    assert wide.count() == narrow.count() == 6
    for at in range(6):
        assert wide.nth(at).is_visible() == (width == 1280) and narrow.nth(at).is_visible() == (width == 400)
    # No words are cut off by the edge of a figure, and none are too small to read.
    cut = page.evaluate(
        """() => [...document.querySelectorAll("figure svg text")].filter(text => {
            const box = text.getBoundingClientRect(), edge = text.ownerSVGElement.getBoundingClientRect();
            return box.width && (box.left < edge.left - 1 || box.right > edge.right + 1 || box.bottom > edge.bottom + 1
                                 || box.height < 11);
        }).map(text => text.textContent)"""
    )
    assert cut == []


def test_no_two_words_of_an_axis_lie_over_each_other(address: str, open_page: Callable[..., Page]) -> None:
    for width in (1280, 400):
        page = open_page(address, width=width)
        over = page.evaluate(
            """() => [...document.querySelectorAll("figure svg")].flatMap(svg => {
                const texts = [...svg.querySelectorAll("text")].map(t => [t.textContent, t.getBoundingClientRect()]);
                return texts.flatMap(([a, p], i) => texts.slice(i + 1).filter(([b, q]) => p.width && q.width
                    && p.left < q.right && q.left < p.right && p.top + 3 < q.bottom && q.top + 3 < p.bottom)
                    .map(([b]) => a + " / " + b));
            })"""
        )
        assert over == []


def test_wide_tables_can_be_reached_without_a_mouse(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(address, width=400)
    tables: Any = page.locator(".scroll:has(table)")
    assert tables.count() > 6
    for at in range(tables.count()):
        assert tables.nth(at).get_attribute("tabindex") == "0" and tables.nth(at).get_attribute("aria-label")


def test_the_report_asks_nobody_for_anything(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    assert asked == [address]


def test_the_report_is_dark_where_the_reader_wants_it(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(address)
    colours = """() => [document.body, document.querySelector('.m-engage')].map(element => getComputedStyle(element))
        .map(style => style.backgroundColor + style.stroke)"""
    light = page.evaluate(colours)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(colours)
    assert light[0].startswith("rgb(255, 255, 255)") and not dark[0].startswith("rgb(255, 255, 255)")
    assert light[1] != dark[1]

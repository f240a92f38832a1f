"""What web processes read of a history is what the history holds, without numpy."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engage_backend.engagement.activity import DAY, WEEK, by_week, change_of, times_and_kinds
from engage_backend.engagement.history import NONE, Row, pack

NUMBERS = st.integers(0, 2**32 - 1)
ROWS = st.lists(
    st.builds(
        lambda time, kind, block, score: Row(time, kind, block, 7, score, NONE if score == NONE else 1.0, -1),
        st.integers(-(2**50), 2**55),
        st.integers(0, 2**20),
        st.integers(0, 2**48 - 1),
        st.sampled_from([NONE, 0.0, 0.5]),
    ),
    min_size=1,
    max_size=60,
    unique=True,
)


@given(ROWS)
def test_times_and_kinds_are_those_that_were_packed(rows: list[Row]) -> None:
    rows = sorted(rows)
    times, kinds = times_and_kinds(pack(rows))
    assert times == [row.time for row in rows]
    assert kinds == [row.kind for row in rows]


def test_a_full_chunk_is_read_to_its_end() -> None:
    rows = [Row(1_700_000_000_000_000 + n * 61_000_000, n % 300, n, n, NONE, NONE, -1) for n in range(512)]
    assert times_and_kinds(pack(rows)) == ([row.time for row in rows], [row.kind for row in rows])


def test_weeks_begin_at_the_origin_and_kinds_fall_into_four_groups() -> None:
    origin = 5 * WEEK + 17
    kinds = {
        0: "play_video",
        1: "problem_check_correct",
        2: "problem_show",
        3: "edx.forum.thread.viewed",
        4: "seq_next",
    }
    times = [origin - 1, origin, origin + WEEK - 1, origin + WEEK, origin + WEEK, origin + 3 * WEEK, origin + 3 * WEEK]
    weeks = by_week([(times[:4], [4, 0, 1, 2]), (times[4:], [3, 9, 0])], kinds, origin)
    assert weeks == {
        0: {"other": 1},
        1: {"video": 1, "problem": 1},
        2: {"problem": 1, "forum": 1},
        4: {"other": 1, "video": 1},
    }


def test_reading_activity_loads_no_numpy() -> None:
    code = "import sys, engage_backend.engagement.activity; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("visits", "clock", "change"),
    [
        ([0, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 17, 21, 22, 23, 24, 30], 34, (4, 1)),
        ([0, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 17], 27, (4, 0)),  # three weeks are enough,
        ([0, 1, 2, 3, 7, 8, 9, 10], 20, None),  # two are not
        ([0, 7, 14, 21, 28, 29, 30], 34, (1, 3)),
        ([0, 7, 14, 21, 28, 29], 34, None),  # one more is no change
        ([0, 1, 2, 3], 60, None),  # long gone: nothing changes any more
        ([0, 1, 2, 3, 7, 14, 15, 16, 17, 21, 22, 23, 24], 34, (4, 0)),  # one week off does not move the median
        ([0, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 17, 21, 22, 23, 24, 28, 29, 30, 35], 34, None),  # not of the future
    ],
)
def test_a_change_of_habit_is_told_of_at_least_three_weeks(visits: list[int], clock: int, change: object) -> None:
    assert change_of([day * DAY + 5 for day in visits], 0, clock * DAY + 7) == change

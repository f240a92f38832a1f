"""Events on a pile come back as they were, each learner's together and in the order they came in."""

from __future__ import annotations

from collections import Counter

from engage_backend.clickstream.event import ClickEvent
from engage_backend.engagement.columns import Columns, Pile
from tests.engagement.clicks import clicks


def a_log() -> list[ClickEvent]:
    """Three learners of two runs, mixed as a log has them."""
    events = [event for user in (7, 8, 9) for event in clicks(user, 60)]
    other = [event._replace(course="course-v1:TestX+T102+2024", score=None) for event in clicks(8, 30, seed=1)]
    return sorted([*events, *other], key=lambda event: event.time)


def test_every_event_comes_back_whole_and_learners_are_not_torn_apart() -> None:
    events = a_log()
    pile = Pile()
    for at in range(0, len(events), 50):
        pile.add(Columns.of(events[at : at + 50]))
    pile.add(Columns.of([]))
    assert len(pile) == len(events)
    parts = list(pile.by_learner(70))
    assert len(parts) == 2
    assert Counter(event for part in parts for event in part) == Counter(events)
    places = Counter(owner for part in parts for owner in {(event.course, event.learner) for event in part})
    assert set(places.values()) == {1}
    for part in parts:
        for owner in {(event.course, event.learner) for event in part}:
            theirs = [event for event in part if (event.course, event.learner) == owner]
            assert theirs == [event for event in events if (event.course, event.learner) == owner]


def test_nothing_comes_from_an_empty_pile() -> None:
    assert list(Pile().by_learner(10)) == []

"""A package becomes a course of the standalone site."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from engage_backend.demo.clock import set_clock
from engage_backend.demo.home import SAMPLE
from engage_backend.demo.load import load_package
from engage_backend.engagement.package import read_package
from engage_backend.platform.api import get_platform
from engage_backend.platform.moments import from_microseconds

pytestmark = pytest.mark.django_db


def test_the_sample_is_a_course_of_400_learners_and_you() -> None:
    package = read_package(SAMPLE)
    loaded = load_package(package)
    set_clock(loaded.start + timedelta(weeks=30), speed=0)
    assert loaded.learners == 400
    assert len(list(get_platform().roster(loaded.course_key))) == 401
    assert get_platform().schedule(loaded.course_key) == package.schedule


def test_who_is_made_after_a_load_gets_an_id_of_their_own() -> None:
    load_package(read_package(SAMPLE))
    taken = set(User.objects.values_list("pk", flat=True))
    assert User.objects.create(username="later").pk not in taken


def test_the_sample_has_three_cohorts_and_two_modes_to_filter_by() -> None:
    loaded = load_package(read_package(SAMPLE))
    set_clock(loaded.start + timedelta(weeks=9), speed=0)
    roster = list(get_platform().roster(loaded.course_key))
    cohorts, modes = Counter(e.cohort for e in roster), Counter(e.mode for e in roster)
    assert len(cohorts) == 3
    assert min(cohorts.values()) > 90
    assert set(modes) == {"audit", "verified"}
    assert 60 < modes["verified"] < 140


def test_the_sample_is_small_enough_to_ship() -> None:
    assert sum(file.stat().st_size for file in SAMPLE.parent.rglob("*") if file.is_file()) < 3_000_000


def test_nobody_keeps_a_name_address_or_password_of_the_package(package_folder: Path) -> None:
    load_package(read_package(package_folder))
    for user in User.objects.all():
        assert "Real" not in user.get_full_name()
        assert user.email.endswith("@example.org")
        assert not user.has_usable_password()
        assert not user.is_staff


def test_who_gave_up_later_is_enrolled_until_then(package_folder: Path) -> None:
    loaded = load_package(read_package(package_folder))
    set_clock(datetime(2026, 1, 10, tzinfo=UTC), speed=0)
    assert 102 in {e.user_id for e in get_platform().roster(loaded.course_key)}


def test_who_enrols_later_is_not_there_yet(package_folder: Path) -> None:
    loaded = load_package(read_package(package_folder))
    set_clock(datetime(2026, 1, 6, tzinfo=UTC), speed=0)
    assert 102 not in {e.user_id for e in get_platform().roster(loaded.course_key)}


def test_the_course_team_is_on_no_roster(package_folder: Path) -> None:
    loaded = load_package(read_package(package_folder))
    set_clock(datetime(2026, 1, 10, tzinfo=UTC), speed=0)
    you = User.objects.get(username="you")
    assert {e.user_id for e in get_platform().roster(loaded.course_key)} == {101, 102, you.pk}
    assert you.pk not in (101, 102), "somebody of the package who is called `you` is not you"


def test_a_second_load_changes_nothing(package_folder: Path) -> None:
    package = read_package(package_folder)
    first = load_package(package)
    before = list(User.objects.order_by("pk").values_list("pk", "username"))
    assert load_package(package) == first
    assert list(User.objects.order_by("pk").values_list("pk", "username")) == before


def test_a_package_without_learners_is_refused_with_the_reason(package_folder: Path) -> None:
    table = next(package_folder.glob("*courseenrollment*"))
    table.write_text("user_id\tcourse_id\tcreated\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has no learners"):
        load_package(read_package(package_folder))


def test_times_of_a_schedule_are_utc() -> None:
    assert from_microseconds(0) == datetime(1970, 1, 1, tzinfo=UTC)

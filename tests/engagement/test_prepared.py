"""What `engage prepare` writes: the same runs as the packages hold, and nobody in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engage_backend.cli import main
from engage_backend.engagement.dataset import Run, load_run
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.folder import CARD, WEIGHTS, load_model
from engage_backend.engagement.package import read_package
from engage_backend.engagement.prepared import read_prepared
from tests.engagement.packages import people, write_package

SAME = ("begins", "kinds", "who", "seen", "clock", "week", "features", "labels", "early")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs that have half of their learners in common."""
    place = tmp_path_factory.mktemp("packages")
    return [
        write_package(place, f"run{number}", seed=number // 2, count=30 + 10 * number, clicks=2) for number in range(2)
    ]


@pytest.fixture(scope="module")
def prepared(folders: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "prepared"
    assert main(["prepare", *map(str, folders), "--out", str(out)]) == 0
    return out


def read(folders: list[Path]) -> tuple[list[Run], KindTable]:
    kinds = KindTable()
    return [load_run(read_package(folder), kinds, seed=2013) for folder in folders], kinds


def test_prepared_runs_are_those_of_the_packages(folders: list[Path], prepared: Path) -> None:
    (there, kinds), (found, names) = read(folders), read_prepared(prepared)
    assert names.names == kinds.names
    for first, second in zip(there, found, strict=True):
        assert (first.name, first.course) == (second.name, second.course)
        for name in SAME:
            assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_a_person_is_one_number_in_every_run(folders: list[Path], prepared: Path) -> None:
    (there, _), (found, _) = read(folders), read_prepared(prepared)
    numbers = [
        dict(zip(a.learners.tolist(), b.learners.tolist(), strict=True)) for a, b in zip(there, found, strict=True)
    ]
    both = set(numbers[0]) & set(numbers[1])
    assert len(both) == 30 and all(numbers[0][user] == numbers[1][user] for user in both)
    assert len({*numbers[0].values(), *numbers[1].values()}) == len(set(numbers[0]) | set(numbers[1]))


def test_nobody_can_be_found_in_the_folder(prepared: Path) -> None:
    everything = b"".join(path.read_bytes() for path in prepared.rglob("*") if path.is_file())
    for person in people(40):
        for told in (person.username, f"Number{person.user_id}", "Ada"):
            assert told.encode() not in everything
    assert b"block-v1" not in everything and b"example.org" not in everything
    for run in read_prepared(prepared)[0]:
        assert run.learners.max() < 40  # and no user ids, which begin at a thousand


def test_training_from_a_prepared_folder_gives_the_same_model_as_from_packages(
    folders: list[Path], prepared: Path, tmp_path: Path
) -> None:
    assert main(["train", *map(str, folders), "--out", str(tmp_path / "one"), "--name", "same"]) == 0
    assert main(["train", str(prepared), "--out", str(tmp_path / "two"), "--name", "same"]) == 0
    assert (tmp_path / "one" / WEIGHTS).read_bytes() == (tmp_path / "two" / WEIGHTS).read_bytes()
    cards = [load_model(tmp_path / name)[1] for name in ("one", "two")]
    assert cards[0]["training_runs"] == cards[1]["training_runs"]


def test_the_size_on_disk_is_told(folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", *map(str, folders), "--out", str(tmp_path / "out")]) == 0
    assert "bytes an event" in capsys.readouterr().out


def test_whoever_is_left_out_is_not_in_the_folder(folders: list[Path], tmp_path: Path) -> None:
    gone = tmp_path / "left-out.txt"
    gone.write_text("1000\n1001\n")
    assert main(["prepare", *map(str, folders), "--out", str(tmp_path / "out"), "--leave-out", str(gone)]) == 0
    assert [len(run.learners) for run in read_prepared(tmp_path / "out")[0]] == [28, 38]


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda folder: (folder / "run001" / "kinds.npy").unlink(), "kinds.npy: No such file"),
        (lambda folder: (folder / "run000" / "features.npy").write_bytes(b"no array"), "damaged"),
        (lambda folder: np.save(folder / "run000" / "kinds.npy", np.zeros(3, dtype=np.uint16)), "damaged"),
        (lambda folder: (folder / "prepared.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "prepared.json").write_text('{"format": 0}'), "another version"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused_in_one_line(
    folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], harm: object, words: str
) -> None:
    out = tmp_path / "prepared"
    assert main(["prepare", *map(str, folders), "--out", str(out)]) == 0
    assert callable(harm)
    harm(out)
    assert main(["train", str(out), "--out", str(tmp_path / "model")]) == 1
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert not (tmp_path / "model" / CARD).exists()


def test_what_cannot_be_prepared_or_mixed_is_refused(
    folders: list[Path], prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("mine")
    assert main(["prepare", str(folders[0]), "--out", str(tmp_path / "other")]) == 1
    assert main(["train", str(prepared), str(folders[0]), "--out", str(tmp_path / "model")]) == 1
    gone = tmp_path / "left-out.txt"
    gone.write_text("1000\n")
    assert main(["train", str(prepared), "--leave-out", str(gone), "--out", str(tmp_path / "model")]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert "something else" in said[0] and "one prepared folder" in said[1] and "engage prepare --leave-out" in said[2]
    assert (tmp_path / "other" / "letter.txt").read_text() == "mine"

"""Course runs made ready for training once: a folder of arrays that training maps into memory, and that names nobody.

Of each run there are its events (what kind, and for an LSTM what the encoder carries), the examples with features and labels,
and no user id, name, block or session. A person is a number, the same in every run of the folder. Who holds the logs too could
still tell learners by the gaps between their clicks: it is to be kept as the packages are.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from engage_backend.engagement.counters import FEATURES
from engage_backend.engagement.dataset import Run
from engage_backend.engagement.encoder import CARRIED, KindTable
from engage_backend.engagement.trees import TARGETS

CONTENTS = "prepared.json"
FORMAT = 3
_ARRAYS = tuple(field.name for field in fields(Run) if field.name not in ("name", "course"))
_MADE_FOR = {"format": FORMAT, "features": list(FEATURES), "targets": list(TARGETS)}


class PreparedRefused(Exception):
    """The folder holds no prepared runs that this version of the code can read; one line."""


def is_prepared(folder: Path) -> bool:
    """Whether `engage prepare` has written this folder."""
    return (folder / CONTENTS).is_file()


def write_prepared(runs: Iterable[Run], kinds: KindTable, folder: Path, *, people: Collection[int], seed: int) -> None:
    """Write the runs, one after the other as they come, so that one is in memory at a time.

    `people`: the user ids that can occur; a person's number is their place among these. `kinds` is read after the last run.
    The list of contents comes last: a folder that was not finished is no prepared one.
    """
    everybody = np.unique(np.fromiter(people, dtype=np.int64, count=len(people)))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONTENTS).unlink(missing_ok=True)
    contents, carried = [], 0
    for number, run in enumerate(runs):
        place = folder / f"run{number:03}"
        place.mkdir(exist_ok=True)
        numbered = replace(run, learners=np.searchsorted(everybody, run.learners), kinds=_narrow(run.kinds))
        for name in _ARRAYS:
            (place / f"{name}.npy").unlink(missing_ok=True)
            if (array := getattr(numbered, name)) is not None:
                np.save(place / f"{name}.npy", array, allow_pickle=False)
        carried = CARRIED if run.carried is not None else 0
        contents.append({"name": run.name, "course": run.course, "events": len(run.kinds), "examples": len(run.who)})
    told = {**_MADE_FOR, "carried": carried, "seed": seed, "kinds": kinds.names, "runs": contents}
    (folder / CONTENTS).write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_prepared(folder: Path) -> tuple[list[Run], KindTable]:
    """The runs of the folder, mapped and not read. Raises PreparedRefused with the reason."""
    try:
        told = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
        if {name: told.get(name) for name in _MADE_FOR} != _MADE_FOR or told["carried"] not in (0, CARRIED):
            raise PreparedRefused(f"{folder} was prepared for another version of Engage: prepare it again")
        there = [name for name in _ARRAYS if name != "carried" or told["carried"]]
        runs = [
            Run(
                one["name"],
                one["course"],
                **{name: _mapped(folder / f"run{at:03}" / f"{name}.npy") for name in there},
            )
            for at, one in enumerate(told["runs"])
        ]
        kinds = KindTable(told["kinds"])
    except OSError as missing:
        raise PreparedRefused(f"{missing.filename}: {missing.strerror}") from missing
    except (AttributeError, KeyError, TypeError, ValueError) as broken:
        raise PreparedRefused(f"{folder} is damaged, prepare it again: {str(broken).splitlines()[0]}") from broken
    for run, one in zip(runs, told["runs"], strict=True):
        carried = len(run.kinds if run.carried is None else run.carried)
        if (len(run.kinds), carried, len(run.features)) != (one["events"], one["events"], one["examples"]):
            raise PreparedRefused(f"{folder} is damaged, prepare it again: {run.name} has not the events it tells of")
    return runs, kinds


def size_of(folder: Path) -> int:
    """Bytes on disk."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _narrow(kinds: Any) -> Any:
    """Two bytes a kind, where there are not more kinds than that can tell."""
    return kinds.astype(np.uint16) if not len(kinds) or kinds.max() <= np.iinfo(np.uint16).max else kinds


def _mapped(path: Path) -> Any:
    """An array as it lies on disk."""
    return np.load(path, allow_pickle=False, mmap_mode="r").view(np.ndarray)

"""What a model said of a fold, kept in the report's folder: an evaluation that was interrupted goes on where it was.

Kept are probabilities in the order of the examples and no identities. An answer counts only for the same packages, the same
seed and the same code of the family that gave it.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from engage_backend.engagement.comparison.family import Family, Said, Task


class Cache:
    """A folder of answers."""

    def __init__(self, folder: Path, families: Iterable[Family]) -> None:
        self.folder = folder
        # Read now: what is edited while an evaluation runs is not what runs.
        self._sources = {
            family.name: b"".join(Path(str(module.__file__)).read_bytes() for module in family.modules)
            for family in families
        }

    def load(self, family: Family, task: Task) -> Said | None:
        """The answer that was kept, or None. One that cannot be read counts as none."""
        path = self._path(family, task)
        try:
            with np.load(path, allow_pickle=False) as kept:
                rows = {row: [kept[f"{row} {at}"] for at in range(len(task.fold.test))] for row in family.rows}
                return Said(rows, json.loads(str(kept["why"])))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None

    def save(self, family: Family, task: Task, said: Said) -> None:
        """Keep an answer, all of it or nothing."""
        path = self._path(family, task)
        self.folder.mkdir(parents=True, exist_ok=True)
        begun = path.with_suffix(f".{os.getpid()}.part")
        arrays = {f"{row} {at}": part for row, parts in said.rows.items() for at, part in enumerate(parts)}
        with begun.open("wb") as file:
            np.savez_compressed(file, why=np.array(json.dumps(said.why)), **arrays)
        begun.replace(path)

    def _path(self, family: Family, task: Task) -> Path:
        found = blake2b(digest_size=12)
        told: list[Any] = [task.seed, task.targets]
        for runs in (task.fold.train, task.fold.test):
            told.append([run.digest(family.reads, task.kinds.names) for run in runs])
        found.update(json.dumps(told).encode())
        found.update(self._sources[family.name])
        return self.folder / f"{task.fold.split}-{family.name}-{task.seed}-{found.hexdigest()}.npz"

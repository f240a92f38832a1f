"""The model that predictions stand on: read from its folder, and read again when the folder changes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from engage_backend.engagement.folder import CARD, WEIGHTS, ModelRefused, load_model
from engage_backend.engagement.model import Model

log = logging.getLogger(__name__)

_Signature = tuple[tuple[str, int, int, int], ...]


class ModelWatch:
    """The current model of a folder: the last one that this version could use.

    None while there was none, or where it was taken away; the reason is in `why_none`.
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._seen: _Signature | None = None
        self.model: Model | None = None
        self.calibrated = False  # whether finished runs of this site have calibrated the model
        self.why_none = "not looked yet"

    def look(self) -> Model | None:
        """The model as the folder has it now. Costs two `stat` calls while nothing changed."""
        folder = self._folder()
        signature = _signature(folder)
        if signature == self._seen:
            return self.model
        self._seen = signature
        try:
            self.model, _ = load_model(folder)
            self.calibrated = self.model.calibrated
        except ModelRefused as refused:
            self.why_none = str(refused)
            if self.model is None or not signature:
                self.model, self.calibrated = None, False
                log.warning("no predictions: %s", refused)
            else:
                log.warning("the model before it stays, %s: %s", self.model.identity, refused)
        else:
            log.info("model %s from %s", self.model.identity, folder)
        return self.model


def _signature(folder: Path) -> _Signature:
    found = []
    for name in (CARD, WEIGHTS):
        try:
            stat = (folder / name).stat()
        except OSError:
            continue
        found.append((str(folder / name), stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(found)

"""Appending to the site's tracking log, as several processes of an LMS do: whole lines only."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def append(path: Path, lines: Sequence[bytes]) -> None:
    """Append lines (without their ends) in one write at the end of the file, so that nobody's line is torn.

    Raises OSError where the disk is full or the folder is gone.
    """
    if not lines:
        return
    data = b"\n".join(lines) + b"\n"
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        # A write is cut short only when the disk is full or a signal arrives; the rest follows at once.
        while data:
            data = data[os.write(handle, data) :]
    finally:
        os.close(handle)

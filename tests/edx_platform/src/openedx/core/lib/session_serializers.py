"""openedx/core/lib/session_serializers.py: sessions as pickles, since masquerades are objects."""

from __future__ import annotations

import pickle
from typing import Any


class PickleSerializer:
    """Django's own was removed in 5.0."""

    def dumps(self, obj: Any) -> bytes:
        return pickle.dumps(obj)

    def loads(self, data: bytes) -> Any:
        return pickle.loads(data)

"""The live engine's site, for what people ask of it."""

from tests.engagement.live.conftest import live

__all__ = ["live"]

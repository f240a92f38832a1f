"""Which platform we run on."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from engage_backend.platform.protocol import Platform


def get_platform() -> Platform:
    """The platform of this site, as `ENGAGE["PLATFORM"]` says, or as found.

    Cheap; neither side keeps state between calls.
    """
    if is_edx():
        from engage_backend.platform.edx import EdxPlatform

        return EdxPlatform()
    from engage_backend.platform.standalone.platform import StandalonePlatform

    return StandalonePlatform()


def is_edx() -> bool:
    """Whether this process is an LMS or Studio, as `ENGAGE["PLATFORM"]` says, or as found."""
    from engage_backend.conf import engage_settings

    chosen = engage_settings().platform
    return chosen == "edx" or (chosen == "auto" and edx_platform_is_here())


@cache
def edx_platform_is_here() -> bool:
    """Whether edx-platform's packages can be imported; found without importing them."""
    try:
        return find_spec("lms.djangoapps") is not None and find_spec("openedx.core") is not None
    except ModuleNotFoundError:  # what find_spec raises when the parent package is missing
        return False

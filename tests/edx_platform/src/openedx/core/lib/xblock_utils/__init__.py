"""openedx/core/lib/xblock_utils/__init__.py: where the files of a block are, after `collectstatic` and without it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.templatetags.static import static


def xblock_local_resource_url(block: Any, uri: str) -> str:
    kind = getattr(type(block), "unmixed_class", type(block))
    if settings.PIPELINE["PIPELINE_ENABLED"] or not settings.REQUIRE_DEBUG:
        return static(f"xblock/resources/{kind.__module__.rsplit('.', 1)[0]}/{uri}")
    return f"/xblock/resource/{block.scope_ids.block_type}/{uri}"  # the address named `xblock_resource_url`

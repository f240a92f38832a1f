"""openedx/core/djangoapps/site_configuration/helpers.py."""

from typing import Any

VALUES: dict[str, dict[str, Any]] = {}  # of an organisation, as its site's configuration has them


def get_value_for_org(org: str, val_name: str, default: Any = None) -> Any:
    """What the site of this organisation has configured."""
    return VALUES.get(org, {}).get(val_name, default)

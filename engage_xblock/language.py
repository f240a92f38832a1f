"""In which language the page speaks: the catalogue that its script loads.

The texts of Python come from `translations/*/LC_MESSAGES/text.mo`, where the platform's `i18n` service looks for them
(`openedx/core/lib/xblock_services`, "Teak"); those of the page from a script, as in other blocks of Open edX. Both are made
from `conf/locale` by `npm run strings` in `static/`.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from django.utils.translation import get_language, to_locale


def catalogue_url(block: Any) -> str | None:
    """Where the texts of the page's script are in the language of whoever is looking; None: in English they are in it.

    A platform that pulled translations of its own (`atlas pull`) names its own; else it is the one that ships.
    """
    ask = getattr(block.runtime.service(block, "i18n"), "get_javascript_i18n_catalog_url", None)
    if ask is not None and (url := ask(block)):
        return str(url)
    path = catalogue_path()
    return None if path is None else str(block.runtime.local_resource_url(block, path))


def catalogue_path() -> str | None:
    """Return the file of ours with the script's texts in the language of whoever is looking; None: in English they are
    in it.
    """
    language = get_language() or ""
    for code in (to_locale(language), language, language.partition("-")[0]):
        path = f"public/js/translations/{code}/text.js"
        if code and files("engage_xblock").joinpath(path).is_file():
            return path
    return None

"""Texts that are put in words when somebody reads them, in the reader's language, and that can be kept until then.

Why a message is refused or pauses is found in one process and read in another, by people of several languages. What is
passed on and kept is the English text, as the catalogue knows it, and the values in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, Union

from django.utils import translation
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext

Value: TypeAlias = Union[str, float, "Said", Sequence["Said"]]


@dataclass(frozen=True)
class Said:
    """A text with places, `{name}`, marked for the catalogue by `gettext_noop`; `str` of it is in the reader's language.

    `many`: its plural, where there is one; the value `n` counts. A value is a word, a number, another text, or several of
    them, which are joined with commas.
    """

    text: str
    values: Mapping[str, Value] = field(default_factory=dict)
    many: str = ""

    def __str__(self) -> str:
        many = self.many
        said = ngettext(self.text, many, int(str(self.values["n"]))) if many else gettext(self.text)
        return said.format(**{name: _shown(value) for name, value in self.values.items()}) if self.values else said

    @property
    def english(self) -> str:
        """For logs and the commands of operators, whatever the site's language."""
        with translation.override("en"):
            return str(self)


def counted(one: str, many: str, values: Mapping[str, Value]) -> Said:
    """A text that counts `n`."""
    return Said(one, values, many)


def _shown(value: Value) -> str:
    if isinstance(value, float):
        return str(number_format(value))
    if isinstance(value, str | int | Said):
        return str(value)
    return ", ".join(map(str, value))


def kept(*several: Said) -> str:
    """One or several texts as a row of the database holds them."""
    return json.dumps([_to_json(one) for one in several], ensure_ascii=False)


def in_words(stored: str) -> str:
    """What a row holds, in the reader's language: by `kept`, or a plain text (a reason without values, or an old row).

    What the catalogue does not know is shown as it is.
    """
    if stored.startswith("[{"):
        try:
            return "; ".join(str(_from_json(one)).rstrip(".") for one in json.loads(stored))
        except (ValueError, KeyError, TypeError):
            return stored
    return gettext(stored) if stored else ""


def _to_json(value: Any) -> Any:
    if isinstance(value, Said):
        values = {name: _to_json(one) for name, one in value.values.items()}
        return {"text": value.text, "values": values, "many": value.many}
    return [_to_json(one) for one in value] if isinstance(value, list | tuple) else value


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        return Said(value["text"], {name: _from_json(one) for name, one in value["values"].items()}, value["many"])
    return [_from_json(one) for one in value] if isinstance(value, list) else value

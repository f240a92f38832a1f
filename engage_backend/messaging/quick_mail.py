"""A mail that is written down in one go.

Django builds a tree of objects for each mail and walks it twice, which takes longer than sending does. Ours are all of one
form: a head, a plain text and an HTML. What does not fit that form is left to Django.
"""

from __future__ import annotations

import secrets
import time
from email.header import Header
from email.utils import formatdate, parseaddr
from functools import lru_cache
from typing import Any

from django.core.mail import BadHeaderError, EmailMultiAlternatives

_LONGEST = 998  # bytes of a line, RFC 5322
_PART = """--{boundary}
Content-Type: text/{kind}; charset="utf-8"
MIME-Version: 1.0
Content-Transfer-Encoding: {encoding}

{text}
"""


class Written:
    """The bytes of a mail, with as much of Python's message as mail backends ask for."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def as_bytes(self, unixfrom: bool = False, linesep: str = "\n", **kwargs: Any) -> bytes:
        """The mail, its lines ended by `linesep`."""
        return self._content if linesep == "\n" else self._content.replace(b"\n", linesep.encode("ascii"))

    def as_string(self, unixfrom: bool = False, linesep: str = "\n", **kwargs: Any) -> str:
        """The same as text."""
        return self.as_bytes(linesep=linesep).decode("utf-8")

    __bytes__ = as_bytes


class QuickMail(EmailMultiAlternatives):
    """One recipient, one plain text, one HTML; written down once."""

    _written: Any = None

    def message(self, *args: Any, **kwargs: Any) -> Any:
        """The mail as its backend sends it. Raises BadHeaderError, a ValueError, at a line break in a header."""
        if self._written is None:
            content = self._write()
            self._written = super().message(*args, **kwargs) if content is None else Written(content)
        return self._written

    def _write(self) -> bytes | None:
        """All of it; None where it has something that only Django's way can tell."""
        heads = {"Subject": str(self.subject), "From": self.from_email, "To": self.to[0]}
        if self.reply_to:
            heads["Reply-To"] = self.reply_to[0]
        heads |= {"Date": _date(int(time.time())), "Message-ID": _message_id(self.from_email)}
        heads |= {name: str(value) for name, value in self.extra_headers.items()}
        lines = []
        for name, value in heads.items():
            if "\n" in value or "\r" in value:
                raise BadHeaderError(f"The header {name} would hold a line break")
            if not value.isascii() and name != "Subject":
                return None
            said = value if value.isascii() else Header(value, "utf-8", header_name=name).encode()
            lines.append(f"{name}: {said}")
        texts = {"plain": str(self.body), "html": str(self.alternatives[0][0])}
        if _too_long(lines) or any(_too_long(text.split("\n")) for text in texts.values()):
            return None
        boundary = f"=_{secrets.token_hex(16)}"
        parts = "".join(
            _PART.format(boundary=boundary, kind=kind, encoding="7bit" if text.isascii() else "8bit", text=text)
            for kind, text in texts.items()
        )
        head = "\n".join(lines)
        kind = f'Content-Type: multipart/alternative; boundary="{boundary}"\nMIME-Version: 1.0'
        return f"{kind}\n{head}\n\n{parts}--{boundary}--\n".encode()


def _too_long(lines: list[str]) -> bool:
    """Whether a line is longer than a mail may have. Characters are counted first: most lines have few."""
    return max(map(len, lines)) * 4 > _LONGEST and any(len(line.encode()) > _LONGEST for line in lines)


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, localtime=False)


@lru_cache(maxsize=64)
def _domain(sender: str) -> str:
    return parseaddr(sender)[1].rpartition("@")[2] or "localhost"


def _message_id(sender: str) -> str:
    return f"<{secrets.token_hex(16)}@{_domain(sender)}>"

"""How a letter leaves the site, and what became of it: Django's mail backends, or edx-ace.

A channel says one of four things of a letter. Taken: the other side has answered for it. Put off, or refused: it has said
that it has not. In doubt: nobody knows, and then nobody tries again.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from contextlib import suppress
from email.utils import parseaddr
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.smtp import EmailBackend

from engage_backend.conf import engage_settings
from engage_backend.messaging.hand_over import hand_over
from engage_backend.messaging.mail import Letter

TIMEOUT = 60.0  # seconds for a server to answer, where the site has not said


class Fate(StrEnum):
    """What became of a letter."""

    TAKEN = "taken"
    PUT_OFF = "put off"  # this letter, for a while (4xx)
    THROTTLED = "throttled"  # every letter, for a while; this one has not gone out
    REFUSED = "refused"  # for good (5xx)
    DOUBT = "in doubt"
    CUT = "cut off"  # the connection is gone, and this letter has not gone out


class Outcome(NamedTuple):
    """The fate of a letter, and what the other side said."""

    fate: Fate
    said: str = ""


class Unreachable(Exception):
    """The provider does not answer, or does not let us in."""


class Channel(Protocol):
    """One connection, for the letters of one batch."""

    def open(self) -> None:
        """Connect, where that is not done yet. Raises Unreachable."""
        ...

    def send(self, letter: Letter) -> Outcome:
        """Send one letter. Raises ValueError where it cannot be written down as a mail; it has not gone out then."""
        ...

    def close(self) -> None:
        """Disconnect; never fails."""
        ...


def open_channel() -> Channel:
    """The channel of this site, not connected yet. Raises Unreachable where it is not there."""
    if engage_settings().channel == "ace":
        from engage_backend.messaging.ace import AceChannel

        return AceChannel()
    return MailChannel()


def send_alone(letter: Letter) -> Outcome:
    """Send one letter over a connection of its own. Raises Unreachable."""
    channel = open_channel()
    try:
        channel.open()
        return channel.send(letter)
    finally:
        channel.close()


class MailChannel:
    """The site's EMAIL_BACKEND, with one connection for as long as it holds."""

    def __init__(self) -> None:
        self._backend: Any = None
        self._knows, self._handed_over = False, True

    def open(self) -> None:
        if self._backend is not None:
            return
        backend: Any = get_connection(fail_silently=False)
        if getattr(backend, "timeout", TIMEOUT) is None:
            backend.timeout = TIMEOUT
        try:
            backend.open()
        except (smtplib.SMTPException, OSError) as error:
            with suppress(Exception):
                backend.close()
            raise Unreachable(_said(error)) from error
        self._backend = backend
        # Of smtplib we can know whether a letter was begun to be handed over; of other ways out we cannot.
        connection = getattr(backend, "connection", None)
        self._knows = isinstance(connection, smtplib.SMTP)
        if isinstance(connection, smtplib.SMTP):
            connection.data = self._watched(connection.data)  # type: ignore[method-assign]

    def send(self, letter: Letter) -> Outcome:
        mail = letter.email
        mail.message()  # ValueError (a bad header) before anything has begun
        self._handed_over = not self._knows
        try:
            taken = self._hand_over(letter, mail)
        except Exception as error:
            outcome = classify(error, handed_over=self._handed_over)
            if outcome.fate in (Fate.CUT, Fate.DOUBT, Fate.THROTTLED):
                self.close()
            return outcome
        # A backend that took nothing and did not say why has not opened its connection.
        return Outcome(Fate.TAKEN) if taken else Outcome(Fate.CUT, "nothing was sent")

    def _hand_over(self, letter: Letter, mail: EmailMessage) -> int:
        """How many mails the backend took."""
        if type(self._backend) is not EmailBackend or not letter.address.isascii() or not letter.sender.isascii():
            return int(self._backend.send_messages([mail]) or 0)
        # What Django's own backend does with its connection, but for reading both addresses anew for each mail.
        content = mail.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]  # as Django's does it
        connection: Any = self._backend.connection
        hand_over(connection, _bare(letter.sender), letter.address, content)
        return 1

    def _watched(self, data: Callable[..., Any]) -> Callable[..., Any]:
        def watched(message: Any) -> Any:
            self._handed_over = True
            return data(message)

        return watched

    def close(self) -> None:
        if self._backend is not None:
            with suppress(Exception):
                self._backend.close()
            self._backend = None


@lru_cache(maxsize=64)
def _bare(sender: str) -> str:
    """The address in a From."""
    return parseaddr(sender)[1]


def classify(error: Exception, *, handed_over: bool) -> Outcome:
    """What an error says of the letter. `handed_over`: whether the other side may have had all of it by then."""
    said = _said(error)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = max((int(code) for code, _ in error.recipients.values()), default=550)
        if code == 421:
            return Outcome(Fate.THROTTLED, said)
        return Outcome(Fate.REFUSED if code >= 500 else Fate.PUT_OFF, said)
    if isinstance(error, smtplib.SMTPResponseException) and not isinstance(error, smtplib.SMTPServerDisconnected):
        # To the sender or to the letter as a whole: for the time being that is about all of them.
        return Outcome(Fate.REFUSED if 500 <= error.smtp_code < 600 else Fate.THROTTLED, said)
    # django-anymail: what the provider's API answered.
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and 400 <= status < 500:
        return Outcome(Fate.THROTTLED if status == 429 else Fate.REFUSED, said)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Outcome(Fate.REFUSED, said)
    return Outcome(Fate.DOUBT if handed_over else Fate.CUT, said)


def _said(error: BaseException) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(_answer(code, text) for code, text in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error.smtp_code, error.smtp_error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _answer(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"

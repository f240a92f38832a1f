"""A real SMTP server in the test's process: it keeps what it accepts, and throttles, refuses and drops as it is told."""

from __future__ import annotations

import email
import email.policy
import threading
from collections.abc import Callable
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

# What to do instead of accepting: an answer, or one of these.
DROP = "drop the connection"  # before the letter was taken
SWALLOW = "take the letter, and drop the connection without a word"
Answer = Callable[[str, int], str | None]  # (address, how manieth letter or command) -> what to do, None: as usual


class Server:
    """Keeps every letter that it takes, in order. `at_mail`, `at_rcpt` and `at_data` say what happens to whom."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.addresses: list[str] = []  # of the letters taken
        self.connections = 0
        self.at_connect: Callable[[int], str | None] = lambda number: None
        self.at_mail: Callable[[str], str | None] = lambda sender: None
        self.at_rcpt: Answer = lambda address, number: None
        self.at_data: Answer = lambda address, number: None
        self._lock = threading.Lock()
        self._asked = 0
        self._controller = _Controller(self, hostname="127.0.0.1", port=0, ready_timeout=60.0)

    @property
    def port(self) -> int:
        return int(self._controller.port)

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        what = self.at_mail(address)
        if what is not None:
            return what
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._asked += 1
        what = self.at_rcpt(address, self._asked)
        if what == DROP:
            server.transport.abort()
            return "421 gone"
        if what is not None:
            return what
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        address = envelope.rcpt_tos[0]
        what = self.at_data(address, len(self.letters) + 1)
        if what == DROP:
            server.transport.abort()
            return "421 gone"
        if what is not None and what != SWALLOW:
            return what
        with self._lock:
            self.addresses += envelope.rcpt_tos
            content = cast(bytes, envelope.content)
            self.letters.append(cast(EmailMessage, email.message_from_bytes(content, policy=email.policy.default)))
        if what == SWALLOW:
            server.transport.abort()
        return "250 OK"

    def to(self, address: str) -> EmailMessage:
        """The one letter to an address."""
        (found,) = [letter for letter, to in zip(self.letters, self.addresses, strict=True) if to == address]
        return found

    def __enter__(self) -> Self:
        self._controller.start()
        self.connections = 0  # without the one that asked whether it answers
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()


class _Smtp(SMTP):
    async def _handle_client(self) -> None:
        server: Server = cast(Server, self.event_handler)
        server.connections += 1
        what = server.at_connect(server.connections)
        if what is not None:
            await self.push(what)
            self.transport.close()
            return
        await super()._handle_client()


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Smtp(self.handler, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        # The port that the system gave, where any free one was asked for.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def text_of(letter: EmailMessage) -> str:
    """The plain text part."""
    return _part(letter, "plain")


def html_of(letter: EmailMessage) -> str:
    """The HTML part."""
    return _part(letter, "html")


def _part(letter: EmailMessage, kind: Any) -> str:
    body = letter.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


__all__ = ["DROP", "SWALLOW", "Server", "html_of", "text_of"]

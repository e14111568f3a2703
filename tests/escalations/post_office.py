"""A mail server over real SMTP, that takes, puts off, refuses or hangs up as a test wants."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HANG_UP = "hang up"


class PostOffice:
    """What it was given, and what it says at each stage: one answer after the other, then 250."""

    def __init__(self) -> None:
        self.port = 0
        self.received: list[bytes] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.logins: list[tuple[str, str]] = []
        self.says: dict[str, list[str]] = {"RCPT": [], "DATA": []}

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(content, policy=default) for content in self.received]

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def recipient(self, _server: SMTP, _session: Session, envelope: Envelope, to: str, _: Any) -> str:
        said = self._next("RCPT")
        if said is None:
            envelope.rcpt_tos.append(to)
        return said or "250 OK"

    async def content(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        said = self._next("DATA")
        if said is None or said == HANG_UP:
            self.received.append(envelope.content)
            self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        if said == HANG_UP:
            server.transport.abort()
        return said or "250 2.0.0 OK: queued as 1"

    handle_RCPT = recipient  # noqa: N815 - as aiosmtpd calls them
    handle_DATA = content  # noqa: N815

    def check(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any) -> Any:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"right p@ss", handled=False)

    def _next(self, stage: str) -> str | None:
        return self.says[stage].pop(0) if self.says[stage] else None


@contextlib.asynccontextmanager
async def serving(
    post_office: PostOffice, *, tls: ssl.SSLContext | None = None, at_once: bool = False
) -> AsyncIterator[PostOffice]:
    """Open from now on, until the block ends.

    Args:
        tls: nothing is taken without it.
        at_once: TLS from the first byte, instead of STARTTLS.
    """

    def call() -> SMTP:
        return SMTP(
            post_office,
            hostname="mail.example.com",
            enable_SMTPUTF8=True,
            authenticator=post_office.check,
            auth_require_tls=False,
            tls_context=None if at_once else tls,
            require_starttls=tls is not None and not at_once,
        )

    server = await asyncio.get_running_loop().create_server(
        call, "127.0.0.1", post_office.port, ssl=tls if at_once else None
    )
    post_office.port = server.sockets[0].getsockname()[1]
    try:
        yield post_office
    finally:
        server.close()
        await server.wait_closed()

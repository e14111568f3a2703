"""One mail to one server, and what its answer means: nothing happened, never will, or nobody knows."""

import asyncio
import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from socialsync import later
from socialsync.errors import Permanent, Temporary, UnknownOutcome

if TYPE_CHECKING:
    import aiosmtplib
else:
    aiosmtplib = later.module("aiosmtplib")

ANSWER_WITHIN = 30.0
"""Seconds for each answer of the server."""
PART_WITHIN = 90.0
"""Seconds for what comes before the mail, and for the mail: together less than the soft limit of the job."""
GOODBYE_WITHIN = 2.0
LONGEST_WORDS = 300
_LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|::1")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\s]+")


class MailPostponed(Temporary):
    """The server does not take it now. It has nothing of it."""


class MailRefused(Permanent):
    """The server refuses it, in its own words."""


class MailInDoubt(UnknownOutcome):
    """All of it was written, and no answer came."""


@dataclass(frozen=True)
class Server:
    """Where mails are handed in. Its password shows in no representation."""

    host: str
    port: int | None
    tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine: nobody stands between, and its certificate often proves nothing."""
        return _LOOPBACK.fullmatch(self.host) is not None


def server_of(url: str) -> Server:
    """Of ``smtp://user:password@host:port``, as ``settings`` checked it; ``smtps`` begins with TLS."""
    parts = urlsplit(url)
    return Server(
        host=parts.hostname or "",
        port=parts.port,
        tls=parts.scheme == "smtps",
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password or "") if parts.username else None,
    )


async def deliver(server: Server, mail: EmailMessage, *, sender: str, recipient: str) -> str:
    """Hand it in: the server's answer. STARTTLS is used where it is offered.

    Args:
        sender, recipient: bare addresses, of the envelope.

    Raises:
        MailPostponed, MailRefused, MailInDoubt.
    """
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        use_tls=server.tls,
        start_tls=False if server.tls else None,
        validate_certs=not server.is_here,
        local_hostname=sender.rpartition("@")[2],
        timeout=ANSWER_WITHIN,
    )
    try:
        await _announce(client, server, sender=sender, recipient=recipient)
        answer = await _hand_over(client, mail)
        await _leave(client)
        return answer
    finally:
        client.close()


async def _announce(client: "aiosmtplib.SMTP", server: Server, *, sender: str, recipient: str) -> None:
    """Everything before the first byte of the mail: whatever goes wrong, the server has nothing."""
    try:
        async with asyncio.timeout(PART_WITHIN):
            await client.connect()
            await client.ehlo()
            international = not (sender + recipient).isascii()
            if international and not client.supports_extension("smtputf8"):
                raise MailRefused(f"The mail server takes no addresses like {recipient}, only ASCII letters.")
            await client.mail(sender, options=["SMTPUTF8"] if international else [], encoding="utf-8")
            await client.rcpt(recipient, encoding="utf-8")
    except aiosmtplib.SMTPResponseException as error:
        raise _judged(error) from None
    except aiosmtplib.SMTPNotSupported as error:
        raise MailRefused(f"The mail cannot be handed in: {_told(error)}") from None
    except (aiosmtplib.SMTPException, OSError) as error:
        raise MailPostponed(f"The mail server {server.host} was not reached: {_told(error)}") from None
    except ValueError as error:  # an address that cannot be written down
        raise MailRefused(f"The mail cannot be handed in: {_told(error)}") from None


async def _hand_over(client: "aiosmtplib.SMTP", mail: EmailMessage) -> str:
    try:
        async with asyncio.timeout(PART_WITHIN):
            answer = await client.data(mail.as_bytes())
    except aiosmtplib.SMTPResponseException as error:
        raise _judged(error) from None
    except (aiosmtplib.SMTPException, OSError) as error:
        raise MailInDoubt(f"The mail server gave no answer to the mail: {_told(error)}") from None
    return _flat(f"{answer.code} {answer.message}")


async def _leave(client: "aiosmtplib.SMTP") -> None:
    """A courtesy: the mail is the server's by now."""
    try:
        await client.quit(timeout=GOODBYE_WITHIN)
    except (aiosmtplib.SMTPException, OSError):
        return


def _judged(error: "aiosmtplib.SMTPResponseException") -> MailPostponed | MailRefused:
    words = _flat(f"{error.code} {error.message}")
    if 500 <= error.code < 600:  # noqa: PLR2004 - RFC 5321, 4.2.1
        return MailRefused(f"The mail server refused it: {words}")
    return MailPostponed(f"The mail server does not take it now: {words}")


def _told(error: Exception) -> str:
    return _flat(str(error)) or type(error).__name__


def _flat(words: str) -> str:
    return _UNPRINTABLE.sub(" ", words).strip()[:LONGEST_WORDS]

"""What a mail says: its subject, and the same words as text and as HTML. What people wrote is data: it is
quoted, shortened, and never becomes a header, a tag or a link of ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from html import escape
from typing import Literal
from urllib.parse import quote
from uuid import UUID

Kind = Literal["news", "reminder"]

MOST_SHOWN = 50
"""Escalations that one mail shows; of the others it tells how many there are."""
LONGEST_SUBJECT = 150
_INVISIBLE = dict.fromkeys(
    (*range(32), 127, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), " "
)
_STYLE = "font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 40em"
_QUOTE = "margin: .5em 0; padding: .2em .8em; border-left: 3px solid #bbb; white-space: pre-wrap"


@dataclass(frozen=True)
class Told:
    """One escalation, as a mail tells of it. ``due_at`` is in the zone of its readers."""

    urgency: str
    reason: str
    excerpt: str | None
    url: str
    due_at: datetime


@dataclass(frozen=True)
class Letter:
    """A mail to be written.

    Args:
        told: the most urgent first.
        channel: its name.
        all_url: where all open ones are.
        written_at: when it was decided on, for its Date: each attempt is the same mail.
    """

    id: UUID
    kind: Kind
    told: Sequence[Told]
    channel: str
    all_url: str
    written_at: datetime


def url_of(public_url: str, link: str | None, escalation_id: UUID) -> str:
    """Where a click leads: a link of the outside world as it is, a path of ours, or the escalation."""
    if link and link.startswith(("https://", "http://")):
        return link
    path = link if link and link.startswith("/") else f"/escalations/{escalation_id}"
    return public_url + quote(path, safe="/?&=#%:-._~")


def compose(letter: Letter, *, sender: str, recipient: str) -> EmailMessage:
    """The mail. Its Message-ID is made of its row's id: one that comes twice is known again.

    Args:
        sender: an address, with or without a name.
        recipient: a bare address.
    """
    name, address = parseaddr(sender)
    mail = EmailMessage(policy=SMTP if (address + recipient).isascii() else SMTPUTF8)
    mail["From"] = Address(display_name=name or "SocialSync", addr_spec=address)
    mail["To"] = recipient
    mail["Subject"] = subject(letter)
    mail["Date"] = format_datetime(letter.written_at)
    mail["Message-ID"] = f"<{letter.id}@{address.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office reply comes back
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(text(letter), cte="quoted-printable")
    mail.add_alternative(html(letter), subtype="html", cte="quoted-printable")
    mail.set_boundary(f"=_{letter.id.hex}")  # not by chance: each attempt has the very same bytes
    return mail


def subject(letter: Letter) -> str:
    first = letter.told[0]
    what = first.reason.rstrip(".") if len(letter.told) == 1 else f"{len(letter.told)} need a person"
    again = "Reminder: " if letter.kind == "reminder" else ""
    return _flat(f"[{first.urgency}] {again}{what} ({letter.channel})")[:LONGEST_SUBJECT]


def text(letter: Letter) -> str:
    parts = [_opening(letter)]
    for one in letter.told[:MOST_SHOWN]:
        quoted = [f"> {line}" for line in (one.excerpt or "").splitlines()]
        parts.append("\n".join([f"[{one.urgency}] {_flat(one.reason)}", *quoted, _due(one), one.url]))
    if more := _more(letter):
        parts.append(more)
    parts.append(f"All that is open: {letter.all_url}\n")
    return "\n\n".join(parts)


def html(letter: Letter) -> str:
    parts = [f"<p>{escape(_opening(letter))}</p>"]
    for one in letter.told[:MOST_SHOWN]:
        quoted = f'<blockquote dir="auto" style="{_QUOTE}">{escape(one.excerpt or "")}</blockquote>'
        parts.append(
            f'<p><strong>[{escape(one.urgency)}]</strong> <span dir="auto">{escape(_flat(one.reason))}</span>'
            f"</p>{quoted if one.excerpt else ''}"
            f'<p>{escape(_due(one))} <a href="{escape(one.url)}">Have a look</a></p><hr>'
        )
    if more := _more(letter):
        parts.append(f"<p>{escape(more)}</p>")
    parts.append(f'<p><a href="{escape(letter.all_url)}">All that is open</a></p>')
    return f'<!doctype html><html><body style="{_STYLE}">{"".join(parts)}</body></html>\n'


def _opening(letter: Letter) -> str:
    many = len(letter.told)
    if letter.kind == "reminder":
        what = "Nobody has come yet" if many == 1 else f"Nobody has come yet for these {many}"
        return f"{what}, on the channel {_flat(letter.channel)}."
    what = "A person is needed" if many == 1 else f"A person is needed, {many} times"
    return f"{what} on the channel {_flat(letter.channel)}."


def _due(one: Told) -> str:
    return f"Due {one.due_at:%Y-%m-%d %H:%M} {one.due_at.tzname() or 'UTC'}."


def _more(letter: Letter) -> str:
    rest = len(letter.told) - MOST_SHOWN
    return f"And {rest} more." if rest > 0 else ""


def _flat(words: str) -> str:
    """On one line, without what would turn its direction around."""
    return " ".join(words.translate(_INVISIBLE).split())

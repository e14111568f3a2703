"""What a platform tells us, by webhook or when asked, in words that belong to no platform."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from socialsync.platforms.comments import Comment
from socialsync.platforms.errors import PlatformError

Status = Literal["sent", "delivered", "read", "played", "failed"]
Kind = Literal[
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "button",
    "interactive",
    "order",
    "share",
    "story",
    "referral",
    "system",
    "unsupported",
]


@dataclass(frozen=True)
class StatusUpdate:
    """What became of a message that we sent.

    Args:
        message_id: what the platform calls it.
        tracker: our own id of it, if it was given one and it is one of ours by its form.
        recipient: phone number or business-scoped id, where it is told.
        error: why it failed; only then, and then always.
    """

    message_id: str
    status: Status
    tracker: str | None
    recipient: str | None
    at: datetime
    error: PlatformError | None


@dataclass(frozen=True)
class Person:
    """Somebody out there, by at least one of their ids.

    Args:
        user_id: the platform's own id of the person, valid for this account only.
        phone: in E.164.
        name, username: as they call themselves, where it is told.
    """

    user_id: str | None
    phone: str | None
    name: str | None = None
    username: str | None = None


@dataclass(frozen=True)
class File:
    """A file of a message: by the platform's id of it, or by an address that is good for a while."""

    kind: str
    media_id: str | None = None
    url: str | None = None
    mime_type: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Written:
    """A message between the account and a person.

    Args:
        echo: the account wrote it, through us or from the platform's own app.
        text: what a person reads of it: text, caption, title of a button.
        detail: what else is in it, in the platform's own words.
        reply_to: the platform's id of the message that it answers.
    """

    id: str
    person: Person
    at: datetime
    kind: Kind
    echo: bool = False
    text: str | None = None
    files: Sequence[File] = ()
    reply_to: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Amended:
    """A message has another text now; or none any more, when ``deleted``."""

    id: str
    person: Person
    at: datetime
    echo: bool = False
    deleted: bool = False
    text: str | None = None


@dataclass(frozen=True)
class Reacted:
    """How somebody feels about a message; None takes it back."""

    id: str
    person: Person
    at: datetime
    emoji: str | None
    echo: bool = False


@dataclass(frozen=True)
class Seen:
    """A person has read what was written to them until then, or until the message of that id."""

    person: Person
    at: datetime
    id: str | None = None


@dataclass(frozen=True)
class Moved:
    """A person has another id or phone from now on."""

    before: Person
    after: Person
    at: datetime


@dataclass(frozen=True)
class CommentMade:
    """Somebody commented on a medium of the account, or the account itself did.

    Args:
        media_id: what it is under; of a carousel it may be one of its items, and reading the comment tells
            the carousel.
        comment: as far as it is told: neither its replies nor whether it is hidden. Its time is when the
            platform told it.
    """

    media_id: str | None
    comment: Comment


Told: TypeAlias = Written | Amended | Reacted | Seen | Moved


@dataclass(frozen=True)
class Recalled:
    """A page of recent conversations, asked for instead of told: those with the newest messages first.

    Args:
        told: their messages, echoes included, each conversation's in its order.
        newest_at: when the last message of any of them was written; None of a page without any.
        after: where the next page begins; None on the last.
    """

    told: Sequence[Written]
    newest_at: datetime | None
    after: str | None


@dataclass(frozen=True)
class News:
    """All that is in one body, each with the account (``external_id``) that it is about, in its order.

    Args:
        statuses: of messages that we sent.
        told: what people and the account itself did.
        unread: what we have no reader for (yet), counted by its name: a kind of message, a field.
        problems: sentences about what we should have been able to read.
        comments: under the account's media.
    """

    statuses: Sequence[tuple[str, StatusUpdate]] = ()
    unread: Mapping[str, int] = field(default_factory=dict)
    problems: Sequence[str] = ()
    told: Sequence[tuple[str, Told]] = ()
    comments: Sequence[tuple[str, CommentMade]] = ()

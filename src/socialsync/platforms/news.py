"""What a platform tells us by webhook, in words that belong to no platform."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from socialsync.platforms.errors import PlatformError

Status = Literal["sent", "delivered", "read", "played", "failed"]


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
class News:
    """All that is in one body.

    Args:
        statuses: in the order of the body, each with the account (``external_id``) that sent the message.
        unread: what we have no reader for (yet), counted by its name: a kind of message, a field.
        problems: sentences about what we should have been able to read.
    """

    statuses: Sequence[tuple[str, StatusUpdate]] = ()
    unread: Mapping[str, int] = field(default_factory=dict)
    problems: Sequence[str] = ()

"""Whether a person may be written to now, and in parts of what size.

Meta: for 24 hours after a person's last message the business may write freely; afterwards WhatsApp delivers
templates only, and Instagram what a person of the business writes, for 7 days, tagged HUMAN_AGENT.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from socialsync.errors import Conflict
from socialsync.features.messages.splitting import Size, characters, utf8

OPEN_FOR = timedelta(hours=24)
OPEN_FOR_PEOPLE = timedelta(days=7)


class ReplyWindowClosed(Conflict):
    """The person's last message is too old for a free text."""


@dataclass(frozen=True)
class Measure:
    """How long a text may be: at most ``most`` by ``size``."""

    most: int
    size: Size


MEASURES: Mapping[str, Measure] = {
    "whatsapp": Measure(4_096, characters),
    "instagram": Measure(1_000, utf8),
}
"""By platform. Meta, "Text messages" (4,096 characters); "Instagram messaging" (1,000 bytes of UTF-8)."""


def is_open(last_inbound_at: datetime | None, now: datetime) -> bool:
    """Whether anything may be written, by anybody."""
    return last_inbound_at is not None and now - last_inbound_at < OPEN_FOR


def needs_tag(platform: str, author: str, last_inbound_at: datetime | None, now: datetime) -> bool:
    """Whether a text may be sent only as a person's, with Instagram's tag."""
    return (
        platform == "instagram"
        and author == "operator"
        and last_inbound_at is not None
        and OPEN_FOR <= now - last_inbound_at < OPEN_FOR_PEOPLE
    )


def check(platform: str, author: str, last_inbound_at: datetime | None, now: datetime) -> None:
    """Raises ReplyWindowClosed."""
    if is_open(last_inbound_at, now) or needs_tag(platform, author, last_inbound_at, now):
        return
    fix = (
        "Send an approved template instead."
        if platform == "whatsapp"
        else "Wait until the person writes again."
    )
    raise ReplyWindowClosed(
        "The person's last message is more than 24 hours old, so that no free text is delivered.",
        field="text",
        fix=fix,
    )

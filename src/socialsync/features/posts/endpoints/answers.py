"""What the doors tell of posts, and how it is gathered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.api.schemas import Answer
from socialsync.features.posts import delays, service
from socialsync.features.posts.lifecycle import DeliveryStatus, Status
from socialsync.features.posts.models import Post

SHOWN = 5
"""Recipients of each post that a list shows."""


class Waiting(Answer):
    """What a post waits for that should be out, or on its way out."""

    reason: str
    until: Annotated[
        datetime | None, Field(description="When it goes on; null when that is not known, or up to people.")
    ]


class Deliveries(Answer):
    """How many recipients of a broadcast there are in each state."""

    queued: int = 0
    sending: int = 0
    sent: int = 0
    delivered: int = 0
    read: int = 0
    played: int = 0
    failed: int = 0
    unknown: int = 0


class PostAnswer(Answer):
    """A post as it is now. ``error`` says why the last attempt came to nothing, for a person to read."""

    id: UUID
    channel_id: UUID
    status: Status
    text: str
    media_urls: list[str]
    recipients: Annotated[
        list[str], Field(description="In a list of posts only the first few; `recipient_count` tells of all.")
    ]
    recipient_count: int
    template: dict[str, Any] | None
    media_type: str | None
    alt_texts: list[str]
    publish_at: datetime | None
    not_before: Annotated[
        datetime | None,
        Field(description="It waits until then: for a limit of the platform, or its channel."),
    ]
    recurrence: str | None
    timezone: str | None
    series_id: Annotated[UUID | None, Field(description="The same for all occurrences of a series.")]
    waiting: Annotated[
        Waiting | None,
        Field(
            description="Why a post whose time has come is not out yet: a limit, media being prepared, its"
            " channel, the pause before the next attempt, an outcome that is looked for. Null of all others."
        ),
    ]
    attempt: Annotated[int, Field(description="Attempts so far.")]
    platform_post_id: str | None
    error: str | None
    published_at: datetime | None
    next_check_at: datetime | None
    stop_at: datetime | None
    origin: Annotated[
        Literal["socialsync", "platform"],
        Field(description="`platform`: it was published elsewhere, and is here for its comments."),
    ]
    deliveries: Annotated[
        Deliveries | None, Field(description="Of one broadcast, when it is asked for by itself.")
    ] = None
    created_at: datetime
    updated_at: datetime


class RunAnswer(Answer):
    """One attempt to publish. ``effect_at``: from then on the platform may have seen it. ``doubt``: why
    nobody knows yet whether it has.
    """

    id: UUID
    post_id: UUID
    attempt: int
    status: Literal["running", "success", "failed", "unknown", "cancelled"]
    job_id: int | None
    started_at: datetime | None
    effect_at: datetime | None
    finished_at: datetime | None
    doubt: str | None
    error: str | None


class DeliveryAnswer(Answer):
    """What one recipient got."""

    id: UUID
    recipient: str
    status: DeliveryStatus
    platform_message_id: str | None
    error: str | None
    updated_at: datetime


class RetryAnswer(Answer):
    """How many messages are sent again, in which attempt."""

    post_id: UUID
    status: Status
    attempt: int
    retried: int


_GATHERED = frozenset({"recipients", "recipient_count", "waiting", "deliveries"})
_COLUMNS = tuple(name for name in PostAnswer.model_fields if name not in _GATHERED)


async def show(session: AsyncSession, post: Post, *, now: datetime, counted: bool = False) -> PostAnswer:
    """A post with all its recipients, in the transaction that read or changed it.

    Args:
        counted: with how many of them there are in each state.
    """
    found = await delays.find(session, [post], now=now)
    counts = await service.count_deliveries(session, post) if counted else None
    deliveries = None if counts is None else Deliveries(**counts)
    return _told(post, post.recipients, len(post.recipients), found.get(post.id), deliveries)


async def show_many(session: AsyncSession, posts: Sequence[Post], *, now: datetime) -> dict[UUID, PostAnswer]:
    """Posts of a list by their ids, each with a few of its recipients."""
    found = await delays.find(session, posts, now=now)
    whom = await service.first_recipients(session, posts, SHOWN)
    told = {}
    for post in posts:
        first, count = whom.get(post.id, ([], 0))
        told[post.id] = _told(post, first, count, found.get(post.id))
    return told


def _told(
    post: Post,
    recipients: Sequence[str],
    count: int,
    waiting: delays.Delay | None,
    deliveries: Deliveries | None = None,
) -> PostAnswer:
    told = {name: getattr(post, name) for name in _COLUMNS}
    told |= {"recipients": list(recipients), "recipient_count": count, "deliveries": deliveries}
    return PostAnswer.model_validate(
        {**told, "waiting": None if waiting is None else Waiting.model_validate(waiting)}
    )

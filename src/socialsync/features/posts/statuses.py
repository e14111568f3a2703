"""What the platform tells of messages afterwards, by webhook."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.posts import deliveries, publishing
from socialsync.features.posts.outcomes import sentence
from socialsync.platforms.errors import PlatformError

RECOUNT_AFTER = timedelta(seconds=2)


class StatusUpdate(Protocol):
    """See ``platforms.whatsapp.webhooks``."""

    @property
    def message_id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def tracker(self) -> str | None: ...
    @property
    def at(self) -> datetime: ...
    @property
    def error(self) -> PlatformError | None: ...


async def receive_statuses(
    session: AsyncSession, updates: Sequence[StatusUpdate], *, channel_ids: Collection[UUID], now: datetime
) -> set[int]:
    """Move deliveries forward by what came: duplicates and reorderings are harmless. A message is known by
    our own id first, which the platform gives back, else by the platform's.

    Args:
        session: of a system transaction.
        channel_ids: the channels of the account that it is about.

    Returns:
        the indexes of the updates that were about a delivery.
    """
    if not updates:
        return set()
    given: dict[str, Any] = {
        "numbers": list(range(len(updates))),
        "trackers": [_uuid(update.tracker) for update in updates],
        "message_ids": [update.message_id for update in updates],
        "statuses": [update.status for update in updates],
        "errors": [sentence(update.error) if update.error else None for update in updates],
        "ats": [update.at for update in updates],
    }
    found = await deliveries.receive(session, channel_ids, given, now=now)
    for pair in sorted(found["touched"]):
        workspace_id, post_id = pair.split()
        await publishing.slide_settling(session, UUID(workspace_id), UUID(post_id), at=now + RECOUNT_AFTER)
    refused = [
        tracker
        for update in updates
        if update.error is not None and update.error.said.code == deliveries.OPTED_OUT
        if (tracker := _uuid(update.tracker))
    ]
    if refused:
        await deliveries.opt_out(session, refused, "The platform says so.")
    return set(found["numbers"])


def _uuid(tracker: str | None) -> UUID | None:
    try:
        return UUID(tracker) if tracker else None
    except ValueError:
        return None

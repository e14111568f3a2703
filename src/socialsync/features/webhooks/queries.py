"""Every SQL statement of the room."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.webhooks.models import WebhookEvent

_ADD = text("""
insert into webhook_events (platform, body, digest) values (:platform, :body, :digest)
on conflict (digest) do update set times = webhook_events.times + 1, updated_at = now()
returning id, handled_at, times
""")
_CHANNELS = text("select * from find_channels(:platform, cast(:ids as text[]))")


async def add_event(session: AsyncSession, platform: str, body: bytes) -> RowMapping:
    """Store a body; one that is there already is counted. Twins wait for one another.

    Returns:
        ``id, handled_at, times``.
    """
    digest = hashlib.sha256(platform.encode() + b"\n" + body).digest()
    values = {"platform": platform, "body": body, "digest": digest}
    return (await session.execute(_ADD, values)).mappings().one()


async def lock_event(session: AsyncSession, event_id: UUID) -> WebhookEvent | None:
    query = select(WebhookEvent).where(WebhookEvent.id == event_id).with_for_update()
    return await session.scalar(query, execution_options={"populate_existing": True})


async def set_event(session: AsyncSession, event_id: UUID, **values: Any) -> None:
    await session.execute(update(WebhookEvent).where(WebhookEvent.id == event_id).values(**values))


async def find_channels(
    session: AsyncSession, platform: str, external_ids: Sequence[str]
) -> dict[str, list[UUID]]:
    """The channels of these accounts, in whatever workspaces they are."""
    rows = await session.execute(_CHANNELS, {"platform": platform, "ids": list(external_ids)})
    found: dict[str, list[UUID]] = {}
    for row in rows:
        found.setdefault(row.external_id, []).append(row.channel_id)
    return found


async def take_unhandled(session: AsyncSession, limit: int) -> list[WebhookEvent]:
    """The oldest that wait to be handled, skipping those that somebody has in hand."""
    query = (
        select(WebhookEvent).where(WebhookEvent.handled_at.is_(None)).order_by(WebhookEvent.id).limit(limit)
    )
    return list(await session.scalars(query.with_for_update(skip_locked=True)))


async def list_events(
    session: AsyncSession, *, since: datetime | None, after: UUID | None, limit: int, troubled: bool
) -> list[WebhookEvent]:
    """Oldest first; only those with a problem or unhandled where ``troubled``."""
    query = select(WebhookEvent).order_by(WebhookEvent.id).limit(limit)
    if since is not None:
        query = query.where(WebhookEvent.created_at >= since)
    if after is not None:
        query = query.where(WebhookEvent.id > after)
    if troubled:
        query = query.where(WebhookEvent.problem.is_not(None) | WebhookEvent.handled_at.is_(None))
    return list(await session.scalars(query))


async def prune(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """Delete handled events that are older; how many."""
    old = select(WebhookEvent.id).where(
        WebhookEvent.created_at < before, WebhookEvent.handled_at.is_not(None)
    )
    gone = await session.execute(
        delete(WebhookEvent).where(WebhookEvent.id.in_(old.limit(limit))).returning(WebhookEvent.id)
    )
    return len(gone.all())

"""Tokens that end soon: found, and replaced by what the platform gave for them.

A crash between its answer and ``keep`` costs nothing: the old token is good until its own end, and the next
look renews it again.
"""

import contextlib
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.channels import queries, service, tokens
from socialsync.features.channels.models import Channel
from socialsync.queue import deferring
from socialsync.queue.deferring import AlreadyWaiting, Options

BATCH = 1_000
"""Channels that one look gives their jobs."""
REFRESH = "channels.refresh_token"


async def defer_due(session: AsyncSession, *, now: datetime) -> int:
    """The sweep: every token whose time has come gets a job, of which one a channel waits at most."""
    deferred = 0
    for channel in await queries.list_renewable(session, now=now, limit=BATCH):
        arguments = {"workspace_id": channel.workspace_id, "channel_id": channel.id}
        with contextlib.suppress(AlreadyWaiting):
            await deferring.defer(
                session, REFRESH, arguments, Options(queueing_lock=f"{REFRESH}:{channel.id}")
            )
            deferred += 1
    return deferred


async def find_due(session: AsyncSession, channel_id: UUID, *, now: datetime) -> Channel | None:
    """The channel, if its token's time has come and still is."""
    found = await queries.list_renewable(session, now=now, limit=1, channel_id=channel_id)
    return found[0] if found else None


async def keep(
    session: AsyncSession, channel: Channel, token_encrypted: bytes, *, expires_at: datetime, now: datetime
) -> bool:
    """Store what the platform gave for the token of ``channel`` as it was read; False when the channel has
    another by now, or is no longer active: a person's token is never replaced.
    """
    values = {
        "token_encrypted": token_encrypted,
        "token_set_at": now,
        "token_expires_at": expires_at,
        "token_checked_at": now,
    }
    kept = await queries.update_token(session, channel, values, now=now)
    if kept:
        await service.note(session, channel, "renewed", service.SYSTEM, {"ends": expires_at.isoformat()})
    return kept


async def keep_look(session: AsyncSession, channel: Channel, *, now: datetime) -> None:
    """The token is good and could not be renewed. One that outlives its end had no such end."""
    values: dict[str, Any] = {"token_checked_at": now}
    if tokens.why_ended(channel.token_expires_at, now):
        values["token_expires_at"] = None
    await queries.update_token(session, channel, values, now=now)

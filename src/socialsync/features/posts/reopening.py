"""A channel is resumed, and with it what waits for it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.channels import service as channels
from socialsync.features.posts import planned
from socialsync.queue import deferring

TICK = "posts.enqueue_due_posts"


async def resume_channel(
    session: AsyncSession, channel_id: UUID, *, actor: str, now: datetime
) -> channels.Channel:
    """Let its posts go on: a tick that does not wait for the minute takes those that are due. When it needs
    a new access token as well, they go on waiting.

    Raises:
        NotFound.
    """
    channel = await channels.resume(session, channel_id, actor=actor, now=now)
    if channels.is_open(channel) and await planned.unpark(session, channel_id, now=now):
        await deferring.slide(session, TICK, {}, queueing_lock=f"{TICK}:resumed", at=now)
    return channel

"""What a channel may have missed: noted, given a job, and closed once the platform has told it again.

``missed_since`` of the row remembers, the job reminds. WhatsApp tells nothing a second time: it has no gaps.
"""

import contextlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Conflict
from socialsync.features.channels import queries
from socialsync.features.channels.models import Channel
from socialsync.features.channels.senders import limit_key
from socialsync.queue import deferring
from socialsync.queue.deferring import AlreadyWaiting, Options

CATCH_UP = "conversations.catch_up"
LOOKED_BACK = timedelta(hours=24)
"""As far as anybody is still answered."""
BATCH = 500
"""Channels that one look gives their jobs."""


class TellsNothingAgain(Conflict):
    """The platform tells things by webhook, and never when it is asked."""


def check(channel: Channel) -> None:
    """Raises TellsNothingAgain: it cannot catch up."""
    if channel.platform == "whatsapp":
        raise TellsNothingAgain(
            "WhatsApp cannot be asked what was written.",
            fix="It tells its webhooks again for up to 7 days: see that they get through.",
        )


async def miss_recent(session: AsyncSession, channel: Channel, *, now: datetime) -> None:
    """Whatever was told until now, nobody heard of it."""
    if channel.platform == "instagram":
        noted = await queries.note_gaps(session, now - LOOKED_BACK, channel_id=channel.id, now=now)
        await _defer(session, noted)


async def miss_all(session: AsyncSession, *, since: datetime, now: datetime) -> int:
    """Nobody was there to be told since then: how many channels may have missed something.

    Args:
        session: of a system transaction.
    """
    noted = await queries.note_gaps(session, since, channel_id=None, now=now)
    await _defer(session, noted)
    return len(noted)


async def requeue_stranded(session: AsyncSession, *, now: datetime) -> int:
    """The sweep: channels that missed something and that no job looks after get one, unless they are closed;
    how many.
    """
    stranded = await queries.list_gaps(session, before=now, limit=BATCH)
    await _defer(session, stranded)
    return len(stranded)


async def close(session: AsyncSession, channel: Channel, *, caught_up_at: datetime, now: datetime) -> bool:
    """All was told again that was missed until ``caught_up_at``; False when more is missed than ``channel``,
    as it was read, knew of.
    """
    values = {"missed_since": None, "caught_up_at": caught_up_at}
    return await queries.close_gap(session, channel, values, now=now)


async def give_up(session: AsyncSession, channel: Channel, *, now: datetime) -> bool:
    """It is never told again. False as with ``close``."""
    return await queries.close_gap(session, channel, {"missed_since": None}, now=now)


async def _defer(session: AsyncSession, missed: Iterable[Channel]) -> None:
    for channel in missed:
        arguments = {"workspace_id": channel.workspace_id, "channel_id": channel.id}
        options = Options(queueing_lock=f"{CATCH_UP}:{channel.id}", limit_key=limit_key(channel))
        with contextlib.suppress(AlreadyWaiting):
            await deferring.defer(session, CATCH_UP, arguments, options)

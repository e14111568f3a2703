"""What the platform remembers of the conversations, pulled and stored as if it had just been told.

It only reads: what dies half-way is read again from the beginning, and nothing is stored twice.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from socialsync import clock, telemetry
from socialsync.errors import Permanent, Temporary
from socialsync.features.channels import service as channels
from socialsync.features.conversations import service
from socialsync.features.messages import service as messages
from socialsync.platforms import Sender
from socialsync.platforms.contract import RemembersConversations
from socialsync.platforms.errors import PlatformError, RateLimited, TokenRevoked
from socialsync.platforms.news import Recalled
from socialsync.queue import limits
from socialsync.queue.jobs import Job, still_mine
from socialsync.queue.policies import Wait
from socialsync.resources import Resources

log = telemetry.get_logger(__name__)

PAGES = 200
"""As many as can be read in a job's time; of 10 conversations each."""
SHORT = timedelta(seconds=5)
"""So long a job waits where it is."""
LONGEST_WAIT = timedelta(minutes=2)
LIMITED = timedelta(minutes=1)
"""When the platform says that it is too much, and not for how long."""


@dataclass(frozen=True)
class Errand:
    opened: Resources
    job: Job
    channel: channels.Channel
    sender: Sender


async def catch_up(opened: Resources, job: Job, workspace_id: UUID, channel_id: UUID) -> dict[str, int | str]:
    """Pull what the channel may have missed: ``status``, and how many ``messages`` were looked at.

    Raises:
        Wait: a limit of the account.
        JobLost: another worker has the job.
        Temporary: the policy tries again; after its last try the sweep does.
    """
    async with opened.database.transaction(workspace_id) as session:
        channel = await channels.find_channel(session, channel_id)
    if channel is None or channel.missed_since is None:
        return {"status": "nothing missed"}
    if not channels.is_open(channel):
        return {"status": "waits", "why": channels.why_closed(channel)}
    one = Errand(opened, job, channel, channels.sender_of(channel, opened.cipher))
    began = clock.now()
    try:
        count = await _pull(one, max(channel.missed_since, began - channels.LOOKED_BACK))
    except RateLimited as limited:
        raise Wait(min(limited.retry_after or LIMITED, LONGEST_WAIT)) from limited
    except TokenRevoked:
        return await _look_again(one)
    except Permanent as refused:
        return await _give_up(one, refused)
    async with opened.database.transaction(workspace_id) as session:
        await still_mine(session, job)
        closed = await channels.close_gap(session, channel, caught_up_at=began, now=clock.now())
    log.info(f"[CATCH UP] Channel {channel_id}: {count} messages", channel_id=str(channel_id))
    return {"status": "caught up" if closed else "more was missed", "messages": count}


async def _pull(one: Errand, since: datetime) -> int:
    """Page by page until one has nothing that is newer: how many messages were there."""
    platform = one.opened.platforms[one.channel.platform]
    if not isinstance(platform, RemembersConversations):
        return 0
    count, after = 0, None
    for _ in range(PAGES):
        await _get_leave(one)
        page = await platform.recall(one.sender, after=after)
        await _store(one, page)
        count += len(page.told)
        after = page.after
        if after is None or (page.newest_at is not None and page.newest_at < since):
            return count
    log.warning("[CATCH UP] There is more than can be pulled", channel_id=str(one.channel.id), pages=PAGES)
    return count


async def _get_leave(one: Errand) -> None:
    """Leave for a call. Raises Wait when it takes long."""
    for key in (one.sender.limit_key, channels.conversations_key(one.channel)):
        while wait := await limits.take(one.opened.database, key, blocks=False):
            if wait > SHORT:
                raise Wait(min(wait, LONGEST_WAIT))
            await asyncio.sleep(wait.total_seconds())


async def _store(one: Errand, page: Recalled) -> None:
    channel, now = one.channel, clock.now()
    told = [(channel.external_id, each) for each in page.told]
    async with one.opened.database.transaction(channel.workspace_id) as session:
        await still_mine(session, one.job)
        interventions = await messages.receive(
            session, told, channels={channel.external_id: [channel.id]}, pulled=True, now=now
        )
        await service.step_in(session, interventions, now=now)


async def _look_again(one: Errand) -> dict[str, int | str]:
    """Only a token that is refused twice closes its channel. What was missed is pulled with the next one.

    Raises:
        Temporary: it was not refused again.
    """
    channel = one.channel
    try:
        await one.opened.platforms[channel.platform].check_token(one.sender)
    except TokenRevoked as again:
        async with one.opened.database.transaction(channel.workspace_id) as session:
            await channels.mark_revoked(
                session, channel.id, str(again), now=clock.now(), token_set_at=channel.token_set_at
            )
        return {"status": "waits", "why": str(again)}
    except PlatformError:
        pass
    raise Temporary("The platform refused the channel's access token, but not at a second look.")


async def _give_up(one: Errand, refused: Permanent) -> dict[str, int | str]:
    """The platform does not tell this account: a person reads why, and nobody asks again."""
    async with one.opened.database.transaction(one.channel.workspace_id) as session:
        await still_mine(session, one.job)
        await channels.give_up_gap(session, one.channel, now=clock.now())
        await channels.note(session, one.channel, "not_caught_up", channels.SYSTEM, {"reason": str(refused)})
    log.warning(f"[CATCH UP] Given up: {refused}", channel_id=str(one.channel.id))
    return {"status": "refused", "why": str(refused)}

"""From the outbox to the platform, message by message, in the order of the conversation.

No transaction is open while the network is. A message whose answer is lost stays ``sending`` and is settled
later; those behind it go on, because it is never sent again.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock, telemetry
from socialsync.db import patience
from socialsync.errors import SocialSyncError, Temporary, UnknownOutcome
from socialsync.features.channels import service as channels
from socialsync.features.messages import handover, outbox, reach, withdrawing
from socialsync.features.messages.outbox import Waiting
from socialsync.features.messages.wording import sentence
from socialsync.platforms import Sender
from socialsync.platforms.contract import Template
from socialsync.platforms.errors import PairRateLimited, PlatformError, RateLimited, TokenRevoked
from socialsync.queue import jobs, limits
from socialsync.queue.jobs import Job, still_mine
from socialsync.queue.policies import Wait
from socialsync.resources import Resources

log = telemetry.get_logger(__name__)

LONGEST_WAIT = timedelta(minutes=2)
"""A longer wait goes back to the row."""
LIMITED = timedelta(minutes=1)
"""When the platform says that it is too much, and not for how long."""
MOST_PAUSES = 6
STEPPED_IN = "A person took the conversation over before it was sent."
WAITS_FOR_CHANNEL = "It waits until the channel is connected again."

Step = Literal["sent", "doubt", "failed", "again", "last"]


@dataclass(frozen=True)
class Errand:
    """One message on its way."""

    opened: Resources
    job: Job
    workspace_id: UUID
    waiting: Waiting
    channel: channels.Channel
    sender: Sender
    intended_at: datetime = field(default_factory=clock.now)
    """An outcome is of this intent, and of none that came after it."""


async def send_all(
    opened: Resources, job: Job, workspace_id: UUID, conversation_id: UUID
) -> dict[str, int | str]:
    """Send what waits in this conversation.

    Raises:
        Wait: the next one has to wait for a moment.
        JobLost: another worker has the job.
        Temporary: nothing was sent; the policy tries again.
    """
    counts: dict[str, int | str] = dict.fromkeys(("sent", "doubt", "failed"), 0)
    while True:
        errand = await _next(opened, job, workspace_id, conversation_id)
        if errand is None:
            return counts
        if isinstance(errand, str):
            return {**counts, "waits": errand}
        await limits.take_or_wait(opened.database, errand.sender.limit_key)
        if not await _intend(errand):
            continue
        step = await _send(errand)
        if step == "last":
            return {**counts, "sent": int(counts["sent"]) + 1}
        if step in counts:
            counts[step] = int(counts[step]) + 1


async def _next(
    opened: Resources, job: Job, workspace_id: UUID, conversation_id: UUID
) -> Errand | str | None:
    """The next message, or why it waits; None when there is none."""
    now = clock.now()
    async with opened.database.transaction(workspace_id) as session:
        waiting = await outbox.lock_head(session, workspace_id, conversation_id)
        if waiting is None:
            return None
        if waiting.not_before is not None and waiting.not_before > now:
            if waiting.not_before - now <= LONGEST_WAIT:
                raise Wait(waiting.not_before - now)
            await outbox.wake(session, workspace_id, conversation_id, at=waiting.not_before)
            return "until its time"
        channel = await channels.get_channel_row(session, waiting.channel_id)
        if channel.status == "deleted":
            await outbox.finish(
                session, workspace_id, waiting.id, "failed", error="The channel was deleted.", now=now
            )
            return await _rest_later(session, workspace_id, conversation_id)
        if not channels.is_open(channel):
            return channels.why_closed(channel)
    return Errand(opened, job, workspace_id, waiting, channel, channels.sender_of(channel, opened.cipher))


async def _rest_later(session: AsyncSession, workspace_id: UUID, conversation_id: UUID) -> str:
    await outbox.wake(session, workspace_id, conversation_id, at=clock.now())
    return "for the rest"


async def _intend(errand: Errand) -> bool:
    """Commit the intent; False when it may not be sent (any more), or was changed since it was read.

    Raises:
        JobLost.
    """
    now, one = errand.intended_at, errand.waiting

    def withdraw(session: AsyncSession) -> Awaitable[None]:
        return withdrawing.withdraw(session, errand.workspace_id, one, intended_at=now)

    async with patience.intention(errand.opened.database, errand.workspace_id, withdraw) as session:
        await still_mine(session, errand.job)
        head = await outbox.lock_head(session, errand.workspace_id, one.conversation_id)
        if head is None or head.id != one.id:
            return False
        if head.author == "ai" and head.mode == "human":
            await outbox.drop_of_ai(session, errand.workspace_id, one.conversation_id, STEPPED_IN, now=now)
            return False
        try:
            if head.payload["kind"] == "text":
                reach.check(errand.channel.platform, head.author, head.last_inbound_at, now)
        except reach.ReplyWindowClosed as closed:
            await _fail(session, errand, sentence(closed))
            return False
        return await outbox.intend(session, errand.workspace_id, head, now=now)


async def _send(errand: Errand) -> Step:
    one, now = errand.waiting, clock.now
    try:
        message_id = await _call(errand)
    except UnknownOutcome as lost:
        log.warning(f"[SEND] Message {one.message_id}: {lost}", message_id=str(one.message_id))
        return "doubt"  # it stays ``sending``
    except (Temporary, TokenRevoked) as refused:
        await _again(errand, refused)
        return "again"
    except SocialSyncError as refused:
        why = sentence(refused)
        log.warning(f"[SEND] Message {one.message_id} failed: {why}", message_id=str(one.message_id))
        await store(errand, lambda session: _fail(session, errand, why, intended_at=errand.intended_at))
        return "failed"
    goes_on = True

    async def record(session: AsyncSession) -> None:
        nonlocal goes_on
        goes_on = await outbox.sent(session, errand.workspace_id, one, message_id, now=now())

    await store(errand, record)
    log.info(f"[SEND] Message {one.message_id} sent", message_id=str(one.message_id))
    return "sent" if goes_on else "last"  # what is written from now on has a job of its own


async def _call(errand: Errand) -> str:
    """The platform's id of the message."""
    one, tracker, platforms = errand.waiting, str(errand.waiting.id), errand.opened.platforms
    payload = one.payload
    if payload["kind"] == "template":
        template = Template(payload["name"], payload["language"], payload.get("components") or ())
        return await platforms.whatsapp.send_template(errand.sender, one.person, template, tracker)
    if errand.channel.platform == "whatsapp":
        return await platforms.whatsapp.send_text(errand.sender, one.person, payload["text"], tracker)
    tagged = reach.needs_tag("instagram", one.author, one.last_inbound_at, clock.now())
    return await platforms.instagram.send_text(
        errand.sender, one.person, payload["text"], tracker, tagged=tagged
    )


async def _again(errand: Errand, refused: SocialSyncError) -> None:
    """Nothing was sent: back to the row, and on by the policy, or after a wait for which nobody is to blame.

    Raises:
        Wait, Temporary.
    """
    one, now = errand.waiting, clock.now()
    after = _wait_of(errand, refused)
    if isinstance(refused, TokenRevoked):
        refused = await _second_look(errand)
    if after is None:
        why = sentence(refused)
        await store(errand, lambda session: _give_up(session, errand, why))
        raise refused
    why = sentence(refused)
    await store(
        errand,
        lambda session: outbox.take_back(
            session,
            errand.workspace_id,
            one.id,
            intended_at=errand.intended_at,
            error=why,
            not_before=now + after,
            now=now,
        ),
    )
    if isinstance(refused, RateLimited):
        raise Wait(min(after, LONGEST_WAIT))
    raise refused


def _wait_of(errand: Errand, refused: SocialSyncError) -> timedelta | None:
    """None: it is given up."""
    if isinstance(refused, TokenRevoked):
        return LIMITED
    if isinstance(refused, PairRateLimited):
        pauses = errand.waiting.pauses
        return timedelta(seconds=4 ** (pauses + 1)) if pauses < MOST_PAUSES else None
    if isinstance(refused, RateLimited):
        return refused.retry_after or LIMITED
    return jobs.wait_after(errand.job, refused)


async def _give_up(session: AsyncSession, errand: Errand, why: str) -> None:
    await _fail(session, errand, why, intended_at=errand.intended_at)
    await _rest_later(session, errand.workspace_id, errand.waiting.conversation_id)


async def _fail(
    session: AsyncSession, errand: Errand, why: str, *, intended_at: datetime | None = None
) -> None:
    """It is not delivered, and nobody is left without an answer unseen: a person is asked for."""
    one, now = errand.waiting, clock.now()
    await outbox.finish(
        session, errand.workspace_id, one.id, "failed", error=why, intended_at=intended_at, now=now
    )
    await handover.ask_for_person(
        session, one.conversation_id, f"A message was not delivered. {why}", now=now
    )


async def _second_look(errand: Errand) -> SocialSyncError:
    """Only a token that is refused twice closes its channel: Meta has refused good ones."""
    channel, opened = errand.channel, errand.opened
    try:
        await opened.platforms[channel.platform].check_token(errand.sender)
    except TokenRevoked as again:
        why = sentence(again)
        async with opened.database.transaction(errand.workspace_id) as session:
            await channels.mark_revoked(
                session, channel.id, why, now=clock.now(), token_set_at=channel.token_set_at
            )
        return Temporary(f"{WAITS_FOR_CHANNEL} {why}", retry_after=LIMITED)
    except PlatformError:
        pass
    return Temporary("Meta refused the channel's access token, but not at a second look.")


async def store(errand: Errand, record: Callable[[AsyncSession], Awaitable[None]]) -> None:
    """Store an outcome, patiently while Postgres is away. Should all tries fail, it is settled later."""
    await patience.store(errand.opened.database, errand.workspace_id, record)

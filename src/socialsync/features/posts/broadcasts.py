"""A broadcast on WhatsApp: a delivery for each recipient, sent in chunks, a few at a time.

The intent of a batch is committed before its messages leave, its outcomes in one transaction after. A message
whose answer is lost stays ``sending``: a status that carries its id tells, or else ``posts.settle_run`` calls
it ``unknown``. A refusal of one recipient stops nobody else's message.
"""

import asyncio
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock, platforms, telemetry
from socialsync.errors import SocialSyncError, Temporary, UnknownOutcome
from socialsync.features.channels import service as channels
from socialsync.features.posts import deliveries, outcomes, publishing, queries
from socialsync.features.posts.deliveries import CHUNK, OPTED_OUT, Outcome
from socialsync.features.posts.outcomes import sentence
from socialsync.features.posts.senders import Errand, store, waiting
from socialsync.platforms import Template
from socialsync.platforms.errors import (
    PairRateLimited,
    PermissionMissing,
    PlatformError,
    SenderBlocked,
    TokenRevoked,
)
from socialsync.queue import deferring, limits
from socialsync.queue.jobs import Job, still_mine
from socialsync.queue.policies import Wait

log = telemetry.get_logger(__name__)

SEND = "posts.send_deliveries"
BATCH = 10
"""Messages on their way at once; so many may be in doubt after a crash."""
MOST_PAIR_WAITS = 6
"""How often one recipient is waited for when too much was sent to them: 4 + 16 + ... seconds, over an
hour.
"""
ABOUT_ALL = (Temporary, TokenRevoked, SenderBlocked, PermissionMissing)
"""What every further recipient would get too."""
_LIMITED = timedelta(minutes=2)


@dataclass(frozen=True)
class Sent:
    """How a batch went: what is stored, and what concerns all that come after."""

    outcomes: list[Outcome]
    opted_out: list[UUID]
    trouble: SocialSyncError | None


async def spread(session: AsyncSession, job: Job, post_id: UUID) -> bool:
    """Give each chunk that has somebody to send to a job of its own; False when one chunk holds them all.

    Raises:
        JobLost.
    """
    await still_mine(session, job)
    post = await queries.lock_post(session, post_id)
    if post is None or len(post.recipients) <= CHUNK:
        return False
    chunks = await deliveries.list_open_chunks(session, post_id)
    channel = await channels.get_channel_row(session, post.channel_id)
    key = {"workspace_id": post.workspace_id, "post_id": post_id}
    options = deferring.Options(limit_key=channels.limit_key(channel))
    await deferring.defer_each(session, SEND, [{**key, "chunk_id": chunk} for chunk in chunks], options)
    return bool(chunks)


async def send_chunk(one: Errand, chunk: int) -> str:
    """Send to everybody of a chunk who waits.

    Returns:
        what the post has become, ``sending`` while others are on their way.

    Raises:
        Wait, Held: not now, and nobody is to blame.
        PostEdited, JobLost: stop.
        Temporary, Permanent: everybody who still waits would get the same.
    """
    opened, key = one.opened, one.sender.limit_key
    while count := await _waiting(one, chunk):
        await limits.take_or_wait(opened.database, key, calls=min(BATCH, count))
        async with one.transaction() as session:
            batch = await _next_batch(session, one, chunk)
        if not batch:
            continue
        sent = _judged(batch, await asyncio.gather(*(_send(one, row) for row in batch)))
        await store(opened, one.workspace_id, functools.partial(_store, one=one, sent=sent))
        if sent.trouble is not None:
            raise await waiting(one, sent.trouble) from sent.trouble
    async with one.transaction() as session:
        return await _conclude(session, one)


async def _waiting(one: Errand, chunk: int) -> int:
    """How many wait, somebody of them for nothing but us. Raises Wait when all of them have to wait."""
    now = clock.now()
    async with one.transaction() as session:
        post = await queries.lock_post(session, one.attempt.post_id)
        if post is None:
            return 0
        count, free_at = await deliveries.waiting(session, post, chunk, now=now)
    if count and free_at > now:
        raise Wait(min(free_at - now, _LIMITED))
    return count


async def _next_batch(session: AsyncSession, one: Errand, chunk: int) -> Sequence[RowMapping]:
    """Commit the intent of some messages, and the job that settles them should no outcome come.

    Raises:
        JobLost, PostEdited.
    """
    now = clock.now()
    await still_mine(session, one.job)
    post = await queries.lock_post(session, one.attempt.post_id)
    run = await queries.find_running(session, one.attempt.post_id)
    if post is None or run is None:
        raise publishing.PostEdited("The post ended meanwhile.")
    publishing.check_unchanged(one.attempt, post, run)
    batch = await deliveries.take(session, post, chunk, BATCH, now=now)
    if batch:
        run.effect_at = run.effect_at or now
        await publishing.settle_later(session, post, run, at=now + publishing.SETTLE_AFTER)
    return batch


async def _send(one: Errand, row: RowMapping) -> str | SocialSyncError:
    """The message's id, or why there is none."""
    whatsapp, attempt = one.opened.platforms.whatsapp, one.attempt
    to, tracker = row["recipient"], str(row["id"])
    try:
        if attempt.template:
            return await whatsapp.send_template(one.sender, to, Template(**attempt.template), tracker)
        if attempt.media_type:
            (medium,) = platforms.media_of(
                "whatsapp", media_urls=attempt.media_urls, media_type=attempt.media_type
            )
            return await whatsapp.send_media(one.sender, to, medium, attempt.text, tracker)
        return await whatsapp.send_text(one.sender, to, attempt.text, tracker)
    except SocialSyncError as error:
        return error


def _judged(batch: Sequence[RowMapping], answers: Sequence[str | SocialSyncError]) -> Sent:
    found: list[Outcome] = []
    opted_out: list[UUID] = []
    trouble: SocialSyncError | None = None
    now = clock.now()
    for row, answer in zip(batch, answers, strict=True):
        if isinstance(answer, str):
            found.append(Outcome(row["id"], "sent", message_id=answer))
        elif isinstance(answer, UnknownOutcome):
            continue  # it stays ``sending``
        elif isinstance(answer, PairRateLimited) and row["waits"] < MOST_PAIR_WAITS:
            at = now + timedelta(seconds=4 ** (row["waits"] + 1))
            found.append(Outcome(row["id"], "queued", error=sentence(answer), not_before=at, waits=1))
        elif isinstance(answer, ABOUT_ALL) and not isinstance(answer, PairRateLimited):
            found.append(Outcome(row["id"], "queued"))
            trouble = answer
        else:
            found.append(Outcome(row["id"], "failed", error=sentence(answer)))
            if isinstance(answer, PlatformError) and answer.said.code == OPTED_OUT:
                opted_out.append(row["id"])
    return Sent(found, opted_out, trouble)


async def _store(session: AsyncSession, *, one: Errand, sent: Sent) -> None:
    await deliveries.store(session, one.workspace_id, sent.outcomes, now=clock.now())
    if sent.opted_out:
        await deliveries.opt_out(session, sent.opted_out, "The platform says so.")


async def _conclude(session: AsyncSession, one: Errand) -> str:
    post = await queries.lock_post(session, one.attempt.post_id)
    run = await queries.find_running(session, one.attempt.post_id)
    if post is None or run is None:
        return "ended meanwhile"
    result = await outcomes.conclude(session, post, run, now=clock.now())
    return result.status if result else "sending"

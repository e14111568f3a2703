"""A broadcast on WhatsApp: a delivery for each recipient, sent in chunks, a few at a time.

The intent of a batch is committed before its messages leave, its outcomes in one transaction after. A message
whose answer is lost stays ``sending``: a status that carries its id tells, or else ``posts.settle_run`` calls
it ``unknown``. What goes wrong with one recipient stops nobody else's message: who has to wait is held back,
and gets it from ``posts.send_held_back``.
"""

import asyncio
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from weakref import WeakKeyDictionary, WeakValueDictionary

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock, platforms, telemetry
from socialsync.db import patience
from socialsync.errors import Refused, SocialSyncError, Temporary, UnknownOutcome
from socialsync.features.channels import service as channels
from socialsync.features.posts import batches, deliveries, publishing, queries
from socialsync.features.posts.batches import Outcome, Part
from socialsync.features.posts.deliveries import CHUNK, OPTED_OUT
from socialsync.features.posts.outcomes import sentence
from socialsync.features.posts.senders import Errand, Held, store, waiting
from socialsync.platforms import Template
from socialsync.platforms.errors import (
    PairRateLimited,
    PermissionMissing,
    PlatformError,
    RateLimited,
    SenderBlocked,
    TemplateRefused,
    TokenRevoked,
)
from socialsync.queue import deferring, limits
from socialsync.queue.jobs import Job, still_mine
from socialsync.queue.policies import POLICIES, Wait

log = telemetry.get_logger(__name__)

SEND = "posts.send_deliveries"
BATCH = 10
"""Messages of a chunk on their way at once; so many may be in doubt after a crash."""
MOST_PAIR_WAITS = 6
"""How often one recipient is waited for when too much was sent to them: 4 + 16 + ... seconds, over an
hour.
"""
PAUSES = POLICIES["publish"].waits
"""For how long one recipient is waited for after each passing fault."""
ENDS_ALL = (SenderBlocked, PermissionMissing, TemplateRefused, Refused)
"""What every further recipient would get too, however often it is tried."""
STOPS_ALL = (RateLimited, TokenRevoked)
"""What every further recipient would get too, for now."""
SHORT = timedelta(seconds=2)
"""A shorter wait for leave to call is slept: a round through the queue costs more than it spares."""
MOST_BATCHES = 8
"""On their way at once from this process, of all broadcasts: others need connections too."""
_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
"""By limit key: of the chunks in this process one at a time asks for leave."""
_places: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


@dataclass
class Sent:
    """How a batch went.

    Attributes:
        outcomes: what is stored.
        refused_token: those for whom the token was refused.
        trouble: what concerns all that come after.
        fault: a passing one that met every message of a full batch, so that it would meet the next too.
        mistake: of ours; whether its message left is not known.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    opted_out: list[UUID] = field(default_factory=list)
    refused_token: list[UUID] = field(default_factory=list)
    trouble: SocialSyncError | None = None
    fault: Temporary | None = None
    mistake: BaseException | None = None


async def spread(session: AsyncSession, job: Job, post_id: UUID, *, now: datetime) -> bool:
    """Give each chunk that has somebody to send to a job of its own; False when one chunk holds them all.

    Raises:
        JobLost.
    """
    await still_mine(session, job)
    post = await queries.lock_post(session, post_id)
    run = await queries.find_running(session, post_id)
    if post is None or run is None or len(post.recipients) <= CHUNK:
        return False
    chunks = await deliveries.list_open_chunks(session, post_id)
    channel = await channels.get_channel_row(session, post.channel_id)
    key = {"workspace_id": post.workspace_id, "post_id": post_id}
    options = deferring.Options(limit_key=channels.limit_key(channel))
    await deferring.defer_each(session, SEND, [{**key, "chunk_id": chunk} for chunk in chunks], options)
    if chunks:
        await publishing.go_on(session, post, run, now=now)
    return bool(chunks)


async def send_part(one: Errand, part: Part) -> str:
    """Send to everybody of a part who waits for nothing but us.

    Returns:
        what the post has become, ``sending`` while others are on their way or held back.

    Raises:
        Wait, Held: not now, and nobody is to blame.
        PostEdited, JobLost: stop.
        Temporary, Permanent, Refused: everybody who still waits would get the same.
    """
    async with one.transaction() as session:
        left = await batches.count(session, part, now=clock.now())
    while left > 0:
        await _get_leave(one, min(BATCH, left))
        async with _place():
            taken = await _send_next(one, part)
        left = left - taken if taken == BATCH else 0
        if left <= 0:  # who was added, or set free, meanwhile
            async with one.transaction() as session:
                left = await batches.count(session, part, now=clock.now())
    async with one.transaction() as session:
        return await _conclude(session, one)


def _place() -> asyncio.Semaphore:
    return _places.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(MOST_BATCHES))


async def _send_next(one: Errand, part: Part) -> int:
    """Send the next batch: how many it had."""
    now = clock.now()

    async def withdraw(session: AsyncSession) -> None:
        await still_mine(session, one.job)  # whoever has it now counts on what stands there
        await batches.withdraw(session, part, intended_at=now)

    async with patience.intention(one.opened.database, one.workspace_id, withdraw) as session:
        batch = await _next_batch(session, one, part, now=now)
    if to_send := [row for row in batch if row["status"] == "sending"]:
        await _send_batch(one, part, to_send)
    return len(batch)


async def _get_leave(one: Errand, calls: int) -> None:
    """Leave for so many calls. Raises Wait when it takes long."""
    key = one.sender.limit_key
    async with _turns.setdefault(key, asyncio.Lock()):
        while wait := await limits.take(one.opened.database, key, calls=calls, blocks=False):
            if wait > SHORT:
                raise Wait(wait)
            await asyncio.sleep(wait.total_seconds())


async def _next_batch(
    session: AsyncSession, one: Errand, part: Part, *, now: datetime
) -> Sequence[RowMapping]:
    """Commit the intent of some messages. A job that settles them should no outcome come waits already, or
    does from here on.

    Raises:
        JobLost, PostEdited.
        Held: the channel is not open any more.
    """
    await still_mine(session, one.job)
    run = await batches.find_open(session, part, one.attempt.run_id, one.attempt.revision)
    if run is None:
        raise publishing.PostEdited("The post ended or changed meanwhile.")
    channel = await channels.get_channel_row(session, one.attempt.channel.id)
    if not channels.is_open(channel):  # paused or deleted since: nobody else gets it
        raise Held(channels.why_closed(channel), None)
    batch = await batches.take(session, part, one.attempt.channel.id, BATCH, now=now)
    if batch and not run["begun"]:
        await batches.begin(session, part, one.attempt.run_id, now=now)
    if batch and not run["watched"]:
        await publishing.watch_run(session, part, one.attempt.run_id, now=now)
    return batch


async def _send_batch(one: Errand, part: Part, batch: Sequence[RowMapping]) -> None:
    calls = [asyncio.ensure_future(_send(one, row)) for row in batch]
    try:
        await asyncio.wait(calls)
    except BaseException:  # the process ends, or the job's time: what is known by now is stored all the same
        for call in calls:
            call.cancel()
        await _keep(one, part, batch, await asyncio.gather(*calls, return_exceptions=True))
        raise
    sent = await _keep(one, part, batch, await asyncio.gather(*calls, return_exceptions=True))
    if sent.mistake is not None:
        raise sent.mistake
    if sent.trouble is not None:
        await _stop(one, sent, sent.trouble)


async def _keep(
    one: Errand, part: Part, batch: Sequence[RowMapping], answers: Sequence[str | BaseException]
) -> Sent:
    sent = _judged(part, batch, answers, now=clock.now())
    await store(one.opened, one.workspace_id, functools.partial(_store, one=one, part=part, sent=sent))
    return sent


async def _stop(one: Errand, sent: Sent, trouble: SocialSyncError) -> None:
    """Raise what stops everybody. A token that is good at a second look does not: it was a passing fault of
    those for whom it was refused.
    """
    wait = await waiting(one, trouble)
    if not isinstance(trouble, TokenRevoked) or isinstance(wait, Held):
        raise wait from trouble
    now = clock.now()
    async with one.transaction() as session:
        await batches.hold_back(
            session, one.workspace_id, sent.refused_token, sentence(wait), PAUSES, now=now
        )


async def _send(one: Errand, row: RowMapping) -> str:
    """The message's id."""
    whatsapp, attempt = one.opened.platforms.whatsapp, one.attempt
    to, tracker = row["recipient"], str(row["id"])
    if attempt.template:
        return await whatsapp.send_template(one.sender, to, Template(**attempt.template), tracker)
    if attempt.media_type:
        (medium,) = platforms.media_of(
            "whatsapp", media_urls=attempt.media_urls, media_type=attempt.media_type
        )
        return await whatsapp.send_media(one.sender, to, medium, attempt.text, tracker)
    return await whatsapp.send_text(one.sender, to, attempt.text, tracker)


def _judged(
    part: Part, batch: Sequence[RowMapping], answers: Sequence[str | BaseException], *, now: datetime
) -> Sent:
    sent, faults = Sent(), 0
    for row, answer in zip(batch, answers, strict=True):
        if isinstance(answer, UnknownOutcome | asyncio.CancelledError):
            continue  # it stays ``sending``
        if not isinstance(answer, str | SocialSyncError):
            sent.mistake = answer  # and so does this: it may have left
            continue
        sent.outcomes.append(_outcome(part, row, answer, now=now))
        match answer:
            case PairRateLimited():
                pass
            case RateLimited() | TokenRevoked() | SenderBlocked() | PermissionMissing():
                sent.trouble = _worse(sent.trouble, answer)
            case TemplateRefused() | Refused():
                sent.trouble = _worse(sent.trouble, answer)
            case Temporary():
                faults += 1
                sent.fault = answer if faults == BATCH else None
            case PlatformError() if answer.said.code == OPTED_OUT:
                sent.opted_out.append(row["id"])
        if isinstance(answer, TokenRevoked):
            sent.refused_token.append(row["id"])
    return sent


def _worse(before: SocialSyncError | None, answer: SocialSyncError) -> SocialSyncError:
    return before if isinstance(before, ENDS_ALL) else answer


def _outcome(part: Part, row: RowMapping, answer: str | SocialSyncError, *, now: datetime) -> Outcome:
    if isinstance(answer, str):
        return Outcome(row["id"], "sent", message_id=answer)
    said = sentence(answer)
    if isinstance(answer, PairRateLimited):
        if row["waits"] < MOST_PAIR_WAITS:
            at = now + timedelta(seconds=4 ** (row["waits"] + 1))
            return Outcome(row["id"], "queued", error=said, not_before=at, waits=1)
    elif isinstance(answer, ENDS_ALL + STOPS_ALL):
        return Outcome(row["id"], "queued", not_before=now if part.chunk is None else None)
    elif isinstance(answer, Temporary) and row["faults"] < len(PAUSES):
        at = now + (answer.retry_after or PAUSES[row["faults"]])
        return Outcome(row["id"], "queued", error=said, not_before=at, faults=1)
    return Outcome(row["id"], "failed", error=said)


async def _store(session: AsyncSession, *, one: Errand, part: Part, sent: Sent) -> None:
    now = clock.now()
    some_wait = any(outcome.status == "queued" for outcome in sent.outcomes)
    if some_wait:
        await batches.lock(session, part)
    await batches.store(session, one.workspace_id, sent.outcomes, now=now)
    if sent.opted_out:
        await deliveries.opt_out(session, sent.opted_out, "The platform says so.")
    if sent.fault is not None:
        await batches.hold_back_all(session, part, sentence(sent.fault), PAUSES, now=now)
    if some_wait:
        held_until = await batches.held_until(session, part)
        await batches.take_back(session, part, one.attempt.run_id)
        if held_until is not None:
            await publishing.slide_held_back(session, part.workspace_id, part.post_id, at=held_until)


async def _conclude(session: AsyncSession, one: Errand) -> str:
    post = await queries.lock_post(session, one.attempt.post_id)
    run = await queries.find_running(session, one.attempt.post_id)
    if post is None or run is None:
        return "ended meanwhile"
    result = await publishing.go_on(session, post, run, now=clock.now())
    return result.status if result else "sending"

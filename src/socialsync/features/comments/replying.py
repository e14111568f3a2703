"""From a reply that is written to one that stands there: the intent, the call, the outcome.

No transaction is open while the network is. A reply whose answer is lost stays ``sending`` until
``comments.settle_reply`` has looked for it: nothing is sent again that was not looked for.
"""

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock, telemetry
from socialsync.db import patience
from socialsync.errors import SocialSyncError, Temporary, UnknownOutcome
from socialsync.features.channels import service as channels
from socialsync.features.comments import queries
from socialsync.features.comments.cases import Case
from socialsync.features.comments.models import Comment, CommentReply
from socialsync.features.escalations import service as escalations
from socialsync.features.messages import service as messages
from socialsync.platforms.errors import (
    CommentGone,
    PlatformError,
    PrivateReplyRefused,
    RateLimited,
    TokenRevoked,
)
from socialsync.queue import deferring, jobs, limits
from socialsync.queue.jobs import still_mine
from socialsync.queue.policies import Wait

log = telemetry.get_logger(__name__)

SETTLE = "comments.settle_reply"
SETTLE_AFTER = timedelta(seconds=90)
"""A call and storing its outcome take no longer; by then a reply stands below its comment."""
STALE = timedelta(seconds=20)
"""An intent that is older when its call begins is left to who settles it: the call may take a minute."""
LIMITED = timedelta(minutes=1)
"""When the platform says that it is too much, and not for how long."""
REVOKED = "It waits until the channel is connected again."
NOT_TWICE = "Meta refused the channel's access token, but not at a second look."
DELETED = "The comment was deleted."
ALREADY = "Instagram takes no second private message to a comment, so the first one arrived."

Step = Literal["sent", "doubt", "failed", "nothing to send", "again"]


@dataclass(frozen=True)
class Errand:
    """One reply on its way."""

    case: Case
    reply: CommentReply
    effect_at: datetime


async def send(case: Case) -> Step:
    """Send the reply that waits.

    Raises:
        Wait, Temporary: nothing was sent.
        JobLost.
    """
    await limits.take_or_wait(case.opened.database, case.sender.limit_key)
    if case.comment.hidden:
        await _show(case)
    errand = await _intend(case)
    if isinstance(errand, str):
        return errand
    if clock.now() - errand.effect_at > STALE:
        return "doubt"  # whoever settles it may be looking already
    try:
        reply_id = await _call(errand)
    except UnknownOutcome as lost:
        log.warning(f"[REPLY] Reply {errand.reply.id}: {lost}", reply_id=str(errand.reply.id))
        return "doubt"  # it stays ``sending``
    except (Temporary, TokenRevoked) as refused:
        return await _again(errand, refused)
    except SocialSyncError as refused:
        return await _refused(errand, refused)
    now = clock.now()
    await _store(errand, lambda session: finish(session, errand.reply, reply_id, now=now))
    log.info(f"[REPLY] Replied to comment {case.comment.id}", comment_id=str(case.comment.id))
    return "sent"


async def _show(case: Case) -> None:
    """Nobody can be answered who is hidden. Harmless, and whatever refuses it refuses the reply too.

    Raises:
        Wait: the account is to be left alone.
    """
    try:
        await case.opened.platforms.instagram.hide(
            case.sender, case.comment.platform_comment_id, hidden=False
        )
    except RateLimited as limited:
        raise Wait(limited.retry_after or LIMITED) from limited
    except SocialSyncError as error:
        log.info("[REPLY] Could not show a hidden comment", reason=error.message)
        return
    async with case.opened.database.transaction(case.workspace_id) as session:
        await queries.set_comment(session, case.comment.id, {"hidden": False})


async def _intend(case: Case) -> Errand | Step:
    """Commit the intent, and with it the job that settles it. What a former life began is left to that."""
    now = clock.now()
    withdraw = functools.partial(_withdraw, comment_id=case.comment.id, intended_at=now)
    async with patience.intention(case.opened.database, case.workspace_id, withdraw) as session:
        await still_mine(session, case.job)
        comment = await queries.find_comment(session, case.comment.id, lock=True)
        reply = await queries.find_unfinished(session, case.comment.id)
        if comment is None or comment.work != "send":
            return "nothing to send"  # a person has decided otherwise, and that has a job of its own
        if reply is None:
            await queries.set_comment(session, case.comment.id, {"work": None, "updated_at": now})
            return "nothing to send"
        if reply.status == "sending":
            return "doubt"
        job_id = await settle_at(session, reply, now + SETTLE_AFTER)
        if reply.kind == "private":
            await messages.expect_echo(session, case.workspace_id, case.channel.id, reply.text, now=now)
        values = {"status": "sending", "effect_at": now, "settle_job_id": job_id, "updated_at": now}
        await queries.set_reply(session, reply.id, values)
        session.expunge_all()
        reply.settle_job_id = job_id
    return Errand(case, reply, now)


async def _withdraw(session: AsyncSession, *, comment_id: UUID, intended_at: datetime) -> None:
    """The intent of then, should it stand: nobody has acted on it."""
    await queries.find_comment(session, comment_id, lock=True)
    reply = await queries.find_unfinished(session, comment_id)
    if reply is None or reply.status != "sending" or reply.effect_at != intended_at:
        return
    await queries.set_reply(session, reply.id, {"status": "queued", "effect_at": None})
    if reply.settle_job_id is not None:
        await deferring.cancel_waiting(session, reply.settle_job_id)


async def settle_at(session: AsyncSession, reply: CommentReply, at: datetime) -> int:
    slid = await deferring.slide(
        session,
        SETTLE,
        {"workspace_id": reply.workspace_id, "reply_id": reply.id},
        queueing_lock=f"comment-reply:{reply.id}",
        at=at,
    )
    return slid.id


async def _call(errand: Errand) -> str:
    instagram, sender = errand.case.opened.platforms.instagram, errand.case.sender
    comment_id, text = errand.case.comment.platform_comment_id, errand.reply.text
    if errand.reply.kind == "private":
        return await instagram.reply_privately(sender, comment_id, text)
    return await instagram.reply(sender, comment_id, text)


async def finish(
    session: AsyncSession,
    reply: CommentReply,
    platform_id: str | None,
    *,
    now: datetime,
    note: str | None = None,
) -> None:
    """It stands there. Whoever found that out first has said so."""
    await queries.find_comment(session, reply.comment_id, lock=True)  # always before its replies
    stored = await queries.find_reply(session, reply.id, lock=True)
    if stored is None or stored.status == "sent":
        return
    values: dict[str, Any] = {
        "status": "sent", "platform_reply_id": platform_id, "sent_at": now, "error": note, "updated_at": now,
    }  # fmt: skip
    await queries.set_reply(session, reply.id, values)
    await close(session, stored, now=now)


async def close(
    session: AsyncSession, reply: CommentReply, *, error: str | None = None, now: datetime
) -> None:
    """Nothing is to be done any more, neither for the comment nor to settle this."""
    await queries.set_comment(session, reply.comment_id, {"work": None, "error": error, "updated_at": now})
    if reply.settle_job_id is not None:
        await deferring.cancel_waiting(session, reply.settle_job_id)


async def take_back(session: AsyncSession, reply: CommentReply, why: str, *, now: datetime) -> None:
    """Nothing was sent: it waits again."""
    values = {"status": "queued", "effect_at": None, "error": why, "updated_at": now}
    await queries.set_reply(session, reply.id, values)
    if reply.settle_job_id is not None:
        await deferring.cancel_waiting(session, reply.settle_job_id)


async def _back(session: AsyncSession, errand: Errand, why: str, *, now: datetime) -> bool:
    """By this intent nothing was sent: it waits again, unless another one is under way by now, whose that is
    not. Whether it waits.
    """
    if not await _stands(session, errand, "sending"):
        return False
    await take_back(session, errand.reply, why, now=now)
    return True


async def _stands(session: AsyncSession, errand: Errand, *statuses: str) -> bool:
    """Whether the reply is in one of these by this very intent."""
    await queries.find_comment(session, errand.reply.comment_id, lock=True)
    stored = await queries.find_reply(session, errand.reply.id, lock=True)
    return stored is not None and stored.status in statuses and stored.effect_at == errand.effect_at


async def fail(
    session: AsyncSession, reply: CommentReply, comment: Comment, why: str, *, status: str = "failed",
    now: datetime,
) -> None:  # fmt: skip
    """It does not stand there, or nobody knows: a person sees it."""
    await queries.find_comment(session, reply.comment_id, lock=True)
    await queries.set_reply(session, reply.id, {"status": status, "error": why, "updated_at": now})
    await close(session, reply, error=why, now=now)
    if comment.deleted_at is None:
        await escalations.open(
            session,
            workspace_id=comment.workspace_id,
            channel_id=comment.channel_id,
            subject="comment",
            subject_id=comment.id,
            urgency="normal",
            reason=f"A reply could not be posted. {why}",
            rule="reply_failed",
            excerpt=comment.text,
            now=now,
        )


async def _fail(session: AsyncSession, errand: Errand, why: str, *, is_gone: bool = False) -> None:
    if not await _stands(session, errand, "sending", "unknown"):
        return
    now = clock.now()
    log.warning(f"[REPLY] Reply {errand.reply.id} failed: {why}", reply_id=str(errand.reply.id))
    if is_gone:
        errand.case.comment.deleted_at = now
        await queries.set_comment(session, errand.case.comment.id, {"deleted_at": now})
    await fail(session, errand.reply, errand.case.comment, why, now=now)


async def _refused(errand: Errand, refused: SocialSyncError) -> Step:
    if isinstance(refused, PrivateReplyRefused):
        return await _refused_privately(errand, refused)
    is_gone = isinstance(refused, CommentGone)
    why = DELETED if is_gone else sentence(refused)
    await _store(errand, lambda session: _fail(session, errand, why, is_gone=is_gone))
    return "failed"


async def _again(errand: Errand, refused: SocialSyncError) -> Step:
    """Nothing was sent: back, and on by the policy, or after a wait for which nobody is to blame.

    Raises:
        Wait, Temporary.
    """
    if isinstance(refused, TokenRevoked):
        looked = await second_look(errand.case)
        if looked is None:
            await _store(errand, lambda session: _back(session, errand, REVOKED, now=clock.now()))
            return "again"
        refused = looked
    why, now = sentence(refused), clock.now()
    if not isinstance(refused, RateLimited) and jobs.wait_after(errand.case.job, refused) is None:
        await _store(errand, lambda session: _fail(session, errand, why))
        return "failed"
    await _store(errand, lambda session: _back(session, errand, why, now=now))
    if isinstance(refused, RateLimited):
        raise Wait(refused.retry_after or LIMITED)
    raise refused


async def _refused_privately(errand: Errand, refused: PlatformError) -> Step:
    """After an answer that was lost it means that the message arrived; else everybody may read the reply."""
    now = clock.now()
    if errand.reply.author == "person" and not errand.reply.doubts:
        why = sentence(refused)  # it was written for one reader
        await _store(errand, lambda session: _fail(session, errand, why))
        return "failed"
    if errand.reply.doubts:
        await _store(errand, lambda session: finish(session, errand.reply, None, now=now, note=ALREADY))
        return "sent"

    async def make_public(session: AsyncSession) -> None:
        if await _back(session, errand, sentence(refused), now=now):
            await queries.set_reply(session, errand.reply.id, {"kind": "public"})

    await _store(errand, make_public)
    return "again"


async def second_look(case: Case) -> SocialSyncError | None:
    """Only a token that is refused twice closes its channel: Meta has refused good ones. None: it
    is closed.
    """
    try:
        await case.opened.platforms[case.channel.platform].check_token(case.sender)
    except TokenRevoked as again:
        why = sentence(again)
        async with case.opened.database.transaction(case.workspace_id) as session:
            await channels.mark_revoked(
                session, case.channel.id, why, now=clock.now(), token_set_at=case.channel.token_set_at
            )
        return None
    except PlatformError:
        pass
    return Temporary(
        "Meta refused the channel's access token, but not at a second look.", retry_after=LIMITED
    )


async def _store(errand: Errand, record: Callable[[AsyncSession], Awaitable[object]]) -> None:
    """Store an outcome, patiently while Postgres is away. Should all tries fail, it is settled later."""
    await patience.store(errand.case.opened.database, errand.case.workspace_id, record)


def sentence(error: SocialSyncError) -> str:
    return " ".join(part for part in (error.message, error.fix) if part)


async def hide(case: Case) -> str:
    """Hide an ignored comment; harmless, so it is simply repeated.

    Raises:
        Wait, Temporary: it was not hidden.
    """
    await limits.take_or_wait(case.opened.database, case.sender.limit_key)
    values: dict[str, Any] = {"work": None, "hidden": True, "updated_at": clock.now()}
    try:
        await case.opened.platforms.instagram.hide(case.sender, case.comment.platform_comment_id, hidden=True)
    except RateLimited as limited:
        raise Wait(limited.retry_after or LIMITED) from limited
    except TokenRevoked:
        if (error := await second_look(case)) is not None:
            raise error from None
        return "again"
    except CommentGone:
        values |= {"hidden": case.comment.hidden, "deleted_at": clock.now()}
    except Temporary:
        raise
    except SocialSyncError as refused:
        values |= {"hidden": case.comment.hidden, "error": sentence(refused)}
    async with case.opened.database.transaction(case.workspace_id) as session:
        await still_mine(session, case.job)
        comment = await queries.find_comment(session, case.comment.id, lock=True)
        if comment is not None and comment.work != "hide":
            values.pop("work")  # a person has decided otherwise, and that has a job of its own
        await queries.set_comment(session, case.comment.id, values)
    return "hidden" if values["hidden"] else "not hidden"

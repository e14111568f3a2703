"""What became of a reply whose answer was lost: found out by looking below the comment.

A public reply that is not there a minute and a half later was not posted, and is sent then. A private one
cannot be looked for; the platform takes only one for each comment, so that a second one is refused.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock, telemetry
from socialsync.errors import SocialSyncError
from socialsync.features.channels import service as channels
from socialsync.features.comments import arrivals, echoes, queries, replying
from socialsync.features.comments.models import Comment, CommentReply
from socialsync.platforms import Sender
from socialsync.platforms.errors import ObjectNotVisible, PlatformError
from socialsync.queue.jobs import Job, still_mine
from socialsync.queue.policies import Wait
from socialsync.resources import Resources

log = telemetry.get_logger(__name__)

DEADLINE = timedelta(minutes=30)
"""For how long it is tried to look."""
LOOK_EVERY = timedelta(minutes=1)
MOST_DOUBTS = 3
"""Answers that may be lost, each with nothing to be seen afterwards, before a person is asked."""
MOST_PAGES = 20
UNKNOWABLE = "Whether the reply was posted could not be found out. Look below the comment."

Seen = Literal["there", "not there", "comment gone", "cannot look"]


@dataclass(frozen=True)
class _Doubt:
    reply: CommentReply
    comment: Comment
    sender: Sender | None
    ours: frozenset[str]


async def settle(opened: Resources, job: Job, workspace_id: UUID, reply_id: UUID) -> str:
    """
    Raises:
        Wait: it is too early, or it could not be looked.
        JobLost.
    """
    async with opened.database.transaction(workspace_id) as session:
        await still_mine(session, job)
        doubt = await _load(session, opened, reply_id)
    if doubt is None:
        return "settled"
    now = clock.now()
    early = doubt.reply.effect_at + replying.SETTLE_AFTER - now if doubt.reply.effect_at else None
    if early is not None and early > timedelta(0):
        raise Wait(early)
    seen, found_id = await _look(opened, doubt)
    async with opened.database.transaction(workspace_id) as session:
        await still_mine(session, job)
        comment = await queries.find_comment(session, doubt.comment.id, lock=True)
        reply = await queries.find_reply(session, reply_id, lock=True)
        if reply is None or comment is None or reply.status != "sending":
            return "settled"
        return await _conclude(session, reply, comment, seen, found_id, now=clock.now())


async def _load(session: AsyncSession, opened: Resources, reply_id: UUID) -> _Doubt | None:
    reply = await queries.find_reply(session, reply_id)
    if reply is None or reply.status != "sending":
        return None
    comment = await queries.find_comment(session, reply.comment_id)
    if comment is None:
        return None
    channel = await channels.get_channel_row(session, comment.channel_id)
    usable = channel.status == "active"
    ours = await queries.list_sent_ids(session, reply.workspace_id, reply.under_id)
    session.expunge_all()
    return _Doubt(
        reply, comment, channels.sender_of(channel, opened.cipher) if usable else None, frozenset(ours)
    )


async def _look(opened: Resources, doubt: _Doubt) -> tuple[Seen, str | None]:
    reply = doubt.reply
    if doubt.sender is None or reply.effect_at is None:
        return "cannot look", None
    if reply.kind == "private":
        return "not there", None
    after: str | None = None
    try:
        for _ in range(MOST_PAGES):
            page = await opened.platforms.instagram.replies_page(doubt.sender, reply.under_id, after)
            for each in page.comments:
                is_new = each.own and each.id not in doubt.ours
                if (
                    is_new
                    and echoes.is_ours(each.text, reply.text)
                    and each.at >= reply.effect_at - echoes.SLACK
                ):
                    return "there", each.id
            after = page.after
            if after is None:
                return "not there", None
    except ObjectNotVisible:
        return await _look_for_comment(opened, doubt.sender, reply.under_id), None
    except SocialSyncError as error:
        log.info("[REPLY] Could not look for a reply", reason=error.message)
    return "cannot look", None


async def _look_for_comment(opened: Resources, sender: Sender, comment_id: str) -> Seen:
    try:
        gone = await opened.platforms.instagram.comment(sender, comment_id) is None
    except PlatformError:
        return "cannot look"
    return "comment gone" if gone else "cannot look"


async def _conclude(
    session: AsyncSession,
    reply: CommentReply,
    comment: Comment,
    seen: Seen,
    found_id: str | None,
    *,
    now: datetime,
) -> str:
    if seen == "there":
        await replying.finish(session, reply, found_id, now=now)
        return "sent"
    if seen == "comment gone":
        await queries.set_comment(session, comment.id, {"deleted_at": now})
        comment.deleted_at = now
        await replying.fail(session, reply, comment, replying.DELETED, now=now)
        return "failed"
    if seen == "not there" and reply.doubts < MOST_DOUBTS:
        await queries.set_reply(session, reply.id, {"doubts": reply.doubts + 1})
        await replying.take_back(session, reply, "The answer to it was lost, and it is not there.", now=now)
        await queries.set_comment(session, comment.id, {"work": "send", "updated_at": now})
        await arrivals.put_to_work(session, comment.workspace_id, [comment.id])
        return "again"
    if seen == "cannot look" and reply.effect_at is not None and now - reply.effect_at < DEADLINE:
        raise Wait(LOOK_EVERY)
    await replying.fail(session, reply, comment, UNKNOWABLE, status="unknown", now=now)
    return "unknown"

"""The statements about single comments and their replies; ``arrivals`` has those about many."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.comments.models import Comment, CommentReply

_UNFINISHED = ("queued", "sending")
_STRANDED = text("""
select comment.id, comment.workspace_id from comments comment
join channels channel on channel.id = comment.channel_id
where comment.work is not null and comment.updated_at < :before
    and channel.status = 'active' and channel.paused_at is null
    and not exists (
        select from procrastinate_jobs job
        where job.id = comment.job_id and job.status in ('todo', 'doing'))
    and not exists (
        select from comment_replies reply
        where reply.workspace_id = comment.workspace_id and reply.comment_id = comment.id
            and reply.status = 'sending')
order by comment.updated_at limit :limit for update of comment skip locked
""")
_STRANDED_REPLIES = text("""
select reply.id, reply.workspace_id from comment_replies reply
where reply.status = 'sending' and reply.updated_at < :before and not exists (
    select from procrastinate_jobs job
    where job.id = reply.settle_job_id and job.status in ('todo', 'doing'))
order by reply.updated_at limit :limit for update skip locked
""")
_EXAMPLES = text("""
select text, overruled_to from comments
where workspace_id = :workspace_id and overruled_at is not null order by overruled_at desc limit :limit
""")


async def find_comment(session: AsyncSession, comment_id: UUID, *, lock: bool = False) -> Comment | None:
    query = select(Comment).where(Comment.id == comment_id)
    if lock:
        query = query.with_for_update()
    return (await session.scalars(query, execution_options={"populate_existing": True})).one_or_none()


async def list_comments(
    session: AsyncSession, *, before: UUID | None, limit: int, **wanted: Any
) -> Sequence[Comment]:
    """Newest first; ``wanted`` are columns with the values they must have, None for any."""
    query = select(Comment).order_by(Comment.id.desc()).limit(limit)
    for name, value in wanted.items():
        if value is not None:
            query = query.where(getattr(Comment, name) == value)
    if before is not None:
        query = query.where(Comment.id < before)
    return (await session.scalars(query)).all()


async def list_thread(session: AsyncSession, comment: Comment, limit: int) -> Sequence[Comment]:
    """The comment above and its replies, oldest first."""
    top = comment.parent_id or comment.platform_comment_id
    query = (
        select(Comment)
        .where(
            Comment.workspace_id == comment.workspace_id,
            Comment.channel_id == comment.channel_id,
            or_(Comment.parent_id == top, Comment.platform_comment_id == top),
            Comment.deleted_at.is_(None),
        )
        .order_by(Comment.said_at.desc(), Comment.id.desc())
        .limit(limit)
    )
    return (await session.scalars(query)).all()[::-1]


async def list_examples(session: AsyncSession, workspace_id: UUID, limit: int) -> list[tuple[str, str]]:
    """Texts with what a person decided of them, the newest."""
    rows = await session.execute(_EXAMPLES, {"workspace_id": workspace_id, "limit": limit})
    return [(row.text, row.overruled_to) for row in rows]


async def list_replies(session: AsyncSession, comment_ids: Sequence[UUID]) -> Sequence[CommentReply]:
    query = select(CommentReply).where(CommentReply.comment_id.in_(comment_ids)).order_by(CommentReply.id)
    return (await session.scalars(query)).all()


async def find_reply(session: AsyncSession, reply_id: UUID, *, lock: bool = False) -> CommentReply | None:
    query = select(CommentReply).where(CommentReply.id == reply_id)
    if lock:
        query = query.with_for_update()
    return (await session.scalars(query, execution_options={"populate_existing": True})).one_or_none()


async def find_unfinished(session: AsyncSession, comment_id: UUID) -> CommentReply | None:
    """The reply that is on its way, FOR UPDATE."""
    query = (
        select(CommentReply)
        .where(CommentReply.comment_id == comment_id, CommentReply.status.in_(_UNFINISHED))
        .with_for_update()
    )
    return (await session.scalars(query, execution_options={"populate_existing": True})).one_or_none()


async def is_answered_by_ai(session: AsyncSession, comment_id: UUID) -> bool:
    """Whether an answer of the AI stands there, or may."""
    query = select(CommentReply.id).where(
        CommentReply.comment_id == comment_id,
        CommentReply.author == "ai",
        CommentReply.status.in_(("sent", "unknown")),
    )
    return (await session.scalars(query)).first() is not None


async def add_reply(session: AsyncSession, **values: Any) -> CommentReply:
    reply = CommentReply(**values)
    session.add(reply)
    await session.flush()
    return reply


async def set_comment(session: AsyncSession, comment_id: UUID, values: Mapping[str, Any]) -> None:
    await session.execute(update(Comment).where(Comment.id == comment_id).values(**values))


async def set_reply(session: AsyncSession, reply_id: UUID, values: Mapping[str, Any]) -> None:
    await session.execute(update(CommentReply).where(CommentReply.id == reply_id).values(**values))


async def list_sent_ids(session: AsyncSession, workspace_id: UUID, under_id: str) -> set[str]:
    """Replies below a comment that are known to be one of ours already."""
    query = select(CommentReply.platform_reply_id).where(
        CommentReply.workspace_id == workspace_id,
        CommentReply.under_id == under_id,
        CommentReply.platform_reply_id.is_not(None),
    )
    return {each for each in await session.scalars(query) if each is not None}


async def take_stranded(session: AsyncSession, now: datetime, limit: int) -> Sequence[RowMapping]:
    """Comments with work to do, for a minute, without a job: ``id, workspace_id``."""
    values = {"before": now - timedelta(minutes=1), "limit": limit}
    return (await session.execute(_STRANDED, values)).mappings().all()


async def take_stranded_replies(session: AsyncSession, now: datetime, limit: int) -> Sequence[RowMapping]:
    """Replies in doubt without the job that settles them: ``id, workspace_id``."""
    values = {"before": now - timedelta(minutes=3), "limit": limit}
    return (await session.execute(_STRANDED_REPLIES, values)).mappings().all()

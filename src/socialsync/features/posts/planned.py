"""The SQL statements about posts that wait for their time: many at once, series, other times; opt-outs."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import (
    BindParameter,
    Interval,
    RowMapping,
    Uuid,
    and_,
    any_,
    bindparam,
    delete,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.posts.models import OptOut, Post
from socialsync.features.posts.queries import WHY_PARKED

_PLACES = text("""
select id, recurrence, timezone, series_starts_at, slot_at from posts
where id = any (cast(:ids as uuid[])) and recurrence is not null order by id
""")

_ADD_NEXT = text("""
insert into posts (workspace_id, channel_id, status, text, media_urls, recipients, template, media_type,
    alt_texts, publish_at, recurrence, timezone, series_id, slot_at, series_starts_at)
select post.workspace_id, post.channel_id, :status, post.text, post.media_urls, post.recipients,
    post.template, post.media_type, post.alt_texts, next.slot_at, post.recurrence, post.timezone,
    post.series_id, next.slot_at, post.series_starts_at
from unnest(cast(:ids as uuid[]), cast(:slots as timestamptz[])) as next (id, slot_at)
join posts post on post.id = next.id
where not exists (
    select from posts later
    where later.workspace_id = post.workspace_id and later.series_id = post.series_id
        and later.slot_at > post.slot_at)
on conflict (workspace_id, series_id, slot_at) do nothing
returning id
""")

_ADD_POSTS = text("""
with given as materialized (
    select uuidv7() as id, post.* from (
        select * from jsonb_to_recordset(cast(:posts as jsonb)) as post (
            n integer, channel_id uuid, status text, text text, media_urls text[], recipients text[],
            template jsonb, media_type text, alt_texts text[], publish_at timestamptz, recurrence text,
            timezone text, series_id uuid, slot_at timestamptz, series_starts_at timestamptz)
        order by n
    ) post
),
added as (
    insert into posts (id, workspace_id, channel_id, status, text, media_urls, recipients, template,
        media_type, alt_texts, publish_at, recurrence, timezone, series_id, slot_at, series_starts_at)
    select id, :workspace_id, channel_id, status, coalesce(text, ''), coalesce(media_urls, '{}'),
        coalesce(recipients, '{}'), template, media_type, coalesce(alt_texts, '{}'), publish_at, recurrence,
        timezone, series_id, slot_at, series_starts_at
    from given
)
select id, status, publish_at from given order by n
""")


async def list_places(session: AsyncSession, post_ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """Of these posts, those that recur: ``id, recurrence, timezone, series_starts_at, slot_at``."""
    return (await session.execute(_PLACES, {"ids": list(post_ids)})).mappings().all()


async def add_next(session: AsyncSession, born: Sequence[tuple[UUID, datetime]], *, status: str) -> int:
    """For each post and time another like the post at that time, unless it has a later one; how many."""
    ids, slots = zip(*born, strict=True)
    values = {"ids": list(ids), "slots": list(slots), "status": status}
    return len((await session.execute(_ADD_NEXT, values)).all())


async def cancel_later(session: AsyncSession, series_id: UUID, slot_at: datetime, now: datetime) -> None:
    """Cancel the occurrences of a series behind this place that are not on their way. They are locked first:
    of one that leaves the queue meanwhile the second statement sees the successor.
    """
    later = and_(Post.series_id == series_id, Post.slot_at > slot_at)
    waiting = Post.status.in_(("draft", "queued", "publishing"))
    await session.execute(select(Post.id).where(later, waiting).order_by(Post.slot_at).with_for_update())
    await session.execute(
        update(Post)
        .where(later, Post.status.in_(("draft", "queued")))
        .values(status="cancelled", revision=Post.revision + 1, updated_at=now)
    )


async def cancel_queued(session: AsyncSession, channel_id: UUID, now: datetime) -> Sequence[UUID]:
    """Cancel all posts that wait to be published by this channel."""
    cancelled = await session.scalars(
        update(Post)
        .where(Post.channel_id == channel_id, Post.status == "queued")
        .values(status="cancelled", revision=Post.revision + 1, updated_at=now)
        .returning(Post.id)
    )
    return cancelled.all()


async def unpark(session: AsyncSession, channel_id: UUID, *, now: datetime) -> int:
    """Have nothing keep the posts of this channel that waited for it to open, and for nothing else; how many.
    One that somebody has in hand is left to them: the channel is locked by now, and they may want it too.
    """
    parked = select(Post.id).where(
        Post.channel_id == channel_id,
        Post.status == "queued",
        Post.error.is_not(None),
        or_(Post.not_before.is_(None), Post.error == WHY_PARKED),
    )
    freed = await session.scalars(
        update(Post)
        .where(Post.id.in_(parked.with_for_update(skip_locked=True)))
        .values(not_before=None, error=None, updated_at=now)
        .returning(Post.id)
    )
    return len(freed.all())


async def add_posts(
    session: AsyncSession, workspace_id: UUID, posts: Sequence[Mapping[str, Any]]
) -> Sequence[RowMapping]:
    """Add all of these, in one statement: ``id, status, publish_at`` of each, in their order."""
    numbered = to_json([{"n": number, **post} for number, post in enumerate(posts)]).decode()
    values = {"workspace_id": workspace_id, "posts": numbered}
    return (await session.execute(_ADD_POSTS, values)).mappings().all()


async def lock_times(session: AsyncSession, post_ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """``id, status, publish_at`` of these posts, FOR UPDATE."""
    query = select(Post.id, Post.status, Post.publish_at).where(Post.id == any_(_array(post_ids)))
    return (await session.execute(query.order_by(Post.id).with_for_update())).mappings().all()


async def move_times(
    session: AsyncSession,
    post_ids: Sequence[UUID],
    *,
    publish_at: datetime | None,
    shift: timedelta | None,
    now: datetime,
) -> Sequence[RowMapping]:
    """Set or shift the times of these posts: ``id, status, publish_at`` of each."""
    moved = await session.execute(
        update(Post)
        .where(Post.id == any_(_array(post_ids)))
        .values(
            publish_at=publish_at if shift is None else Post.publish_at + literal(shift, Interval),
            not_before=None,
            revision=Post.revision + 1,
            updated_at=now,
        )
        .returning(Post.id, Post.status, Post.publish_at)
    )
    return moved.mappings().all()


async def add_opt_out(
    session: AsyncSession, workspace_id: UUID, channel_id: UUID, recipient: str, reason: str
) -> OptOut:
    """The one that is there, or a new one."""
    values = {"workspace_id": workspace_id, "channel_id": channel_id, "recipient": recipient}
    await session.execute(insert(OptOut).values(**values, reason=reason).on_conflict_do_nothing())
    found = await session.scalars(
        select(OptOut).where(OptOut.channel_id == channel_id, OptOut.recipient == recipient)
    )
    return found.one()


async def list_opt_outs(
    session: AsyncSession, *, before: UUID | None, limit: int, channel_id: UUID | None
) -> Sequence[OptOut]:
    """Newest first."""
    query = select(OptOut).order_by(OptOut.id.desc()).limit(limit)
    if before:
        query = query.where(OptOut.id < before)
    if channel_id:
        query = query.where(OptOut.channel_id == channel_id)
    return (await session.scalars(query)).all()


async def delete_opt_out(session: AsyncSession, opt_out_id: UUID) -> bool:
    """Whether it was there."""
    gone = await session.execute(delete(OptOut).where(OptOut.id == opt_out_id).returning(OptOut.id))
    return gone.first() is not None


def _array(ids: Sequence[UUID]) -> BindParameter[Sequence[UUID]]:
    """One parameter, however many they are."""
    return bindparam(None, list(ids), type_=ARRAY(Uuid))

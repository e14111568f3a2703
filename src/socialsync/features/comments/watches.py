"""The statements about how far posts have been read, and about comments that are no longer there."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.comments.arrivals import HISTORY, Place
from socialsync.platforms.comments import Comment

_FIND = text("select post_id, polls, full_at from comment_watches where post_id = any (:post_ids)")
_KEEP = text("""
insert into comment_watches (workspace_id, post_id, polls, checked_at, full_at, error)
select given.workspace_id, given.post_id, given.completed::int,
    case when given.completed then cast(:now as timestamptz) end,
    case when given.is_full then cast(:now as timestamptz) end, given.error
from jsonb_to_recordset(cast(:outcomes as jsonb)) as given
    (workspace_id uuid, post_id uuid, completed boolean, is_full boolean, error text)
order by given.post_id
on conflict (workspace_id, post_id) do update set polls = comment_watches.polls + excluded.polls,
    checked_at = coalesce(excluded.checked_at, comment_watches.checked_at),
    full_at = coalesce(excluded.full_at, comment_watches.full_at), error = excluded.error, updated_at = :now
""")
_MISSING = text("""
select platform_comment_id from comments
where workspace_id = :workspace_id and post_id = :post_id and deleted_at is null
    and not platform_comment_id = any (:ids)
order by id desc limit :limit
""")
_DELETED = text("""
update comments set deleted_at = :now, updated_at = :now
where workspace_id = :workspace_id and channel_id = :channel_id and platform_comment_id = any (:ids)
""")
_PERMALINK = text("select permalink from comment_watches where post_id = :post_id")
_SET_PERMALINK = text("""
insert into comment_watches (workspace_id, post_id, permalink) values (:workspace_id, :post_id, :permalink)
on conflict (workspace_id, post_id) do update set permalink = excluded.permalink
""")


@dataclass(frozen=True)
class Watched:
    """A leased post. ``polls``: so many came to their end."""

    post_id: UUID
    workspace_id: UUID
    channel_id: UUID
    media_id: str
    published_at: datetime
    polls: int
    full_at: datetime | None
    history_until: datetime | None


@dataclass(frozen=True)
class Outcome:
    """How a poll of a post ended. ``completed``: its last page was read, and nothing shifted past us;
    ``unfinished``: there was no time for all.
    """

    watched: Watched
    found: int = 0
    completed: bool = False
    full: bool = False
    error: str | None = None
    again_in: timedelta | None = None
    unfinished: bool = False


async def find_by_posts(session: AsyncSession, post_ids: Sequence[UUID]) -> Mapping[UUID, Row[tuple[UUID]]]:
    """``polls, full_at`` by post."""
    rows = await session.execute(_FIND, {"post_ids": list(post_ids)})
    return {row.post_id: row for row in rows}


async def keep(session: AsyncSession, outcomes: Iterable[Outcome], *, now: datetime) -> None:
    given = [
        {
            "workspace_id": str(each.watched.workspace_id),
            "post_id": str(each.watched.post_id),
            "completed": each.completed,
            "is_full": each.full,
            "error": each.error,
        }
        for each in outcomes
        if each.completed or each.error is not None
    ]
    if given:
        await session.execute(_KEEP, {"outcomes": json.dumps(given), "now": now})


async def list_missing(session: AsyncSession, place: Place, met: Collection[str], *, limit: int) -> list[str]:
    """The platform's ids of comments under a post that are not among these, the newest."""
    values = {
        "workspace_id": place.workspace_id, "post_id": place.post_id, "ids": list(met), "limit": limit,
    }  # fmt: skip
    return list(await session.scalars(_MISSING, values))


async def mark_deleted(session: AsyncSession, place: Place, ids: Sequence[str], *, now: datetime) -> None:
    values = {"workspace_id": place.workspace_id, "channel_id": place.channel_id}
    await session.execute(_DELETED, {**values, "ids": list(ids), "now": now})


async def find_permalink(session: AsyncSession, post_id: UUID) -> str | None:
    found: str | None = await session.scalar(_PERMALINK, {"post_id": post_id})
    return found


async def set_permalink(session: AsyncSession, workspace_id: UUID, post_id: UUID, permalink: str) -> None:
    values = {"workspace_id": workspace_id, "post_id": post_id, "permalink": permalink}
    await session.execute(_SET_PERMALINK, values)


def history_until(origin: str, created_at: datetime) -> datetime | None:
    """Comments on a post that was published elsewhere are not answered when they are older than this."""
    return created_at - HISTORY if origin == "platform" else None


def with_replies(comment: Comment, replies: Sequence[Comment]) -> Comment:
    """With each of these once."""
    return replace(comment, replies=tuple({each.id: each for each in replies}.values()))

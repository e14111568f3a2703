"""The statements about published posts whose comments are watched, and about posts that were published
elsewhere.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

NextCheck = Callable[[datetime, datetime], datetime | None]
"""From when a post was published, and when it is no longer watched, to its next check."""

_RETIRE = text("""
update posts set next_check_at = null where next_check_at <= :at and (
    status <> 'published' or stop_at is null or stop_at <= :at or platform_post_id is null
    or exists (select from channels where channels.id = posts.channel_id and platform <> 'instagram'))
""")
_LEASE = text("""
select post.id, post.workspace_id, post.channel_id, post.platform_post_id, post.published_at, post.stop_at,
    post.origin, post.created_at
from posts post join channels channel on channel.id = post.channel_id
where post.next_check_at <= :at and post.stop_at > :at and post.status = 'published'
    and post.platform_post_id is not null
    and channel.platform = 'instagram' and channel.status = 'active' and channel.paused_at is null
order by post.next_check_at, post.id limit :limit for update of post skip locked
""")
_SET_NEXT = text("""
update posts set next_check_at = given.at
from unnest(cast(:ids as uuid[]), cast(:ats as timestamptz[])) as given (id, at)
where posts.id = given.id and posts.status = 'published'
""")
_COUNT_DUE = text("""
select count(*) from posts post join channels channel on channel.id = post.channel_id
where post.next_check_at <= :at and post.stop_at > :at and post.status = 'published'
    and channel.platform = 'instagram' and channel.status = 'active' and channel.paused_at is null
""")
_OF_MEDIA = text("""
select platform_post_id, id, published_at, origin, created_at from posts
where workspace_id = :workspace_id and channel_id = :channel_id and platform_post_id = any (:media_ids)
""")
_IMPORT = text("""
insert into posts (workspace_id, channel_id, status, text, media_urls, media_type, platform_post_id,
    published_at, next_check_at, stop_at, origin)
select :workspace_id, :channel_id, 'published', given.caption,
    case when given.media_url is null then '{}'::text[] else array[given.media_url] end, given.media_type,
    given.media_id, given.published_at, given.next_check_at, given.stop_at, 'platform'
from jsonb_to_recordset(cast(:media as jsonb)) as given (media_id text, caption text, media_url text,
    media_type text, published_at timestamptz, next_check_at timestamptz, stop_at timestamptz)
where not exists (
    select from posts where workspace_id = :workspace_id and channel_id = :channel_id
        and platform_post_id = given.media_id)
returning id, platform_post_id
""")


async def lease_watched(
    session: AsyncSession, next_check: NextCheck, *, at: datetime, limit: int
) -> Sequence[RowMapping]:
    """Some of the posts that are due to be looked at, which are due again as ``next_check`` says: ``id,
    workspace_id, channel_id, platform_post_id, published_at, stop_at, origin, created_at``. What somebody
    else leases is left.
    """
    rows = (await session.execute(_LEASE, {"at": at, "limit": limit})).mappings().all()
    due = {row["id"]: next_check(row["published_at"], row["stop_at"]) for row in rows}
    await set_next_checks(session, due)
    return rows


async def set_next_checks(session: AsyncSession, due: Mapping[UUID, datetime | None]) -> None:
    if due:
        await session.execute(_SET_NEXT, {"ids": list(due), "ats": list(due.values())})


async def retire_watched(session: AsyncSession, *, at: datetime) -> None:
    """What is not watched any longer, or has no comments, is not due any more."""
    await session.execute(_RETIRE, {"at": at})


async def count_watched_due(session: AsyncSession, *, at: datetime) -> int:
    return await session.scalar(_COUNT_DUE, {"at": at}) or 0


async def find_by_media(
    session: AsyncSession, workspace_id: UUID, channel_id: UUID, media_ids: Sequence[str]
) -> dict[str, RowMapping]:
    """The posts of these media, by the media's ids: ``id, published_at, origin, created_at``."""
    values = {"workspace_id": workspace_id, "channel_id": channel_id, "media_ids": list(media_ids)}
    rows = (await session.execute(_OF_MEDIA, values)).mappings()
    return {row["platform_post_id"]: row for row in rows}


async def import_media(
    session: AsyncSession, workspace_id: UUID, channel_id: UUID, media: str
) -> Mapping[str, UUID]:
    """Posts for media that were published elsewhere and are not known; their ids by the media's.

    Args:
        media: a JSON array of ``media_id, caption, media_url, media_type, published_at, next_check_at,
            stop_at``.
    """
    values: dict[str, Any] = {"workspace_id": workspace_id, "channel_id": channel_id, "media": media}
    rows = (await session.execute(_IMPORT, values)).mappings()
    return {row["platform_post_id"]: row["id"] for row in rows}

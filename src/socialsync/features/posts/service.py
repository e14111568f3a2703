"""The verbs of a post. Each takes a session, never commits and never touches the network."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Conflict, Invalid, NotFound
from socialsync.features.accounts import service as accounts
from socialsync.features.channels import service as channels
from socialsync.features.posts import content, deliveries, lifecycle, publishing, queries, series, settling
from socialsync.features.posts.models import Post, PostDelivery, PostRun
from socialsync.features.posts.probing import Media
from socialsync.features.posts.statuses import receive_statuses
from socialsync.features.posts.watches import (
    count_watched_due,
    find_by_media,
    import_media,
    lease_watched,
    retire_watched,
    set_next_checks,
)
from socialsync.queue import deferring

__all__ = [
    "count_watched_due",
    "find_by_media",
    "import_media",
    "lease_watched",
    "receive_statuses",
    "retire_watched",
    "set_next_checks",
]

BATCH = 10_000
"""Posts that one statement enqueues; keeps transactions short and memory flat."""
PUBLISH = "posts.publish_post"
PUBLISHABLE = frozenset({"draft", "queued", "failed"})
PARKED_FOR = timedelta(minutes=15)
"""For how long posts of a closed channel are not looked at again, unless it is opened."""


class ChannelClosed(Conflict):
    """The channel is paused, or its token was revoked."""


@dataclass(frozen=True)
class Enqueued:
    """What one statement enqueued. ``named`` are some of the posts; ``more`` is whether more may be due."""

    count: int
    named: list[UUID]
    more: bool


async def schedule(
    session: AsyncSession, workspace_id: UUID, given: Mapping[str, Any], *, now: datetime
) -> Post:
    """Store a new post.

    Args:
        given: of ``content.FIELDS`` what there is. Without a status it is ``queued`` when it has a time, else
            a ``draft``; ``queued`` without a time is due at once.

    Raises:
        Invalid: names the field that the platform would refuse, or the channel that is not there.
    """
    workspace = await accounts.get_workspace(session, workspace_id)
    values = content.completed(given, zone=workspace.timezone, now=now)
    channel = await _get_channel(session, values["channel_id"])
    values["media_type"] = content.check_media_type(channel.platform, values)
    post = Post(workspace_id=workspace_id, **values)
    session.add(post)
    await session.flush()
    await session.refresh(post)
    return post


async def media_of_new(
    session: AsyncSession, workspace_id: UUID, given: Mapping[str, Any], *, now: datetime
) -> Media | None:
    """What is to be looked at before this post is queued; None of a draft. Raises as ``schedule``."""
    workspace = await accounts.get_workspace(session, workspace_id)
    values = content.completed(given, zone=workspace.timezone, now=now)
    channel = await _get_channel(session, values["channel_id"])
    media_type = content.check_media_type(channel.platform, values)
    if values["status"] == "draft":
        return None
    return Media(channel.platform, tuple(values["media_urls"]), media_type)


async def media_of_changed(session: AsyncSession, post_id: UUID, changes: Mapping[str, Any]) -> Media | None:
    """What is to be looked at before this change; None when no new media are queued. Raises as ``edit``."""
    post = await get_post(session, post_id)
    status = changes.get("status") or ("draft" if post.status == "failed" else post.status)
    if status not in ("queued", "publishing") or not content.OF_MEDIA & changes.keys():
        return None
    values = {**content.changed(_content_of(post), changes), "status": status}
    channel = await _get_channel(session, values["channel_id"])
    media_type = content.check_changed(channel.platform, values, changes)
    return Media(channel.platform, tuple(values["media_urls"]), media_type)


async def media_of_published(
    session: AsyncSession, post_id: UUID, *, of: Collection[str] = PUBLISHABLE
) -> Media | None:
    """What is to be looked at before this post is published; None when that is refused anyhow.

    Args:
        of: statuses in which it may be published.

    Raises:
        NotFound, Invalid.
    """
    post = await get_post(session, post_id)
    if post.status not in of:
        return None
    channel = await _get_channel(session, post.channel_id)
    media_type = content.check_media_type(channel.platform, {**_content_of(post), "status": "queued"})
    return Media(channel.platform, tuple(post.media_urls), media_type)


async def edit(session: AsyncSession, post_id: UUID, changes: Mapping[str, Any], *, now: datetime) -> Post:
    """Change what is given. A running attempt that has not begun its effect starts over with the new text.

    A new recurrence begins with this post, at its time; null makes this the last one of its series. A time
    moves this occurrence only.

    Raises:
        NotFound, PostSettled, EffectBegun, Invalid.
    """
    post = await _open_post(session, post_id, doing="edited")
    lifecycle.check_changes(post.status, changes.keys())
    content.check_time(changes.get("publish_at"), now=now)
    values = content.changed(_content_of(post), changes)
    if post.status == "failed":
        values["status"], post.error = changes.get("status") or "draft", None
        await deliveries.send_again(session, post, None, now=now)
    if values["status"] == "queued" and values["publish_at"] is None:
        if "publish_at" in changes:
            raise Invalid(
                "A queued post needs a time.",
                field="publish_at",
                fix='Set "status": "draft" with it, or POST .../publish to publish at once.',
            )
        values["publish_at"] = now
    values |= await _series_after(session, post, values, changes, now=now)
    channel = await _get_channel(session, values["channel_id"])
    values["media_type"] = content.check_changed(channel.platform, values, changes)
    if {"publish_at", "status", "channel_id"} & changes.keys():
        values |= {"not_before": None, "error": None}
    for name, value in values.items():
        setattr(post, name, value)
    post.revision += 1
    post.updated_at = now
    await session.flush()
    await queries.forget_containers(session, post_id)
    return await _now(session, post)


async def cancel(session: AsyncSession, post_id: UUID, *, now: datetime, only_this: bool = False) -> Post:
    """Cancel it, together with its attempt and its job; a cancelled one stays as it is.

    Args:
        only_this: of a series, leave this occurrence out and go on with the next; otherwise the series ends.

    Raises:
        NotFound, PostSettled, EffectBegun.
    """
    post = await get_post(session, post_id, lock=True)
    if post.status == "cancelled":
        return post
    post = await _open_post(session, post_id, doing="cancelled")
    run = await queries.find_running(session, post_id)
    if run is not None:
        run.status, run.finished_at, run.updated_at = "cancelled", now, now
    for known in await queries.list_runs(session, post_id):
        if known.job_id is not None:
            await deferring.cancel_waiting(session, known.job_id)
    before, post.status = post.status, "cancelled"
    post.revision, post.updated_at = post.revision + 1, now
    await session.flush()
    if only_this:
        await series.bear_next(session, [post_id], now=now, status="draft" if before == "draft" else "queued")
    else:
        await series.end_after(session, post, now=now)
    return post


async def publish_now(session: AsyncSession, post_id: UUID, *, now: datetime) -> Post:
    """Enqueue a draft, a queued or a failed post at once. The next one of its series is born.

    Raises:
        NotFound, Conflict, ChannelClosed, Invalid.
    """
    post = await get_post(session, post_id, lock=True)
    if post.status == "publishing":
        raise Conflict("The post is being published already.", field="status", fix="Look at its runs.")
    lifecycle.check_open(post.status, effect_begun=False, doing="published again")
    channel = await _get_channel(session, post.channel_id)
    post.media_type = content.check_media_type(channel.platform, {**_content_of(post), "status": "queued"})
    if not channels.is_open(channel):
        raise ChannelClosed(channels.why_closed(channel), field="channel_id", fix="Then publish it again.")
    post.publish_at = now
    await deliveries.send_again(session, post, None, now=now)
    await enqueue(session, post, channel, now=now)
    await series.bear_next(session, [post_id], now=now)
    return await _now(session, post)


async def enqueue(session: AsyncSession, post: Post, channel: channels.Channel, *, now: datetime) -> None:
    """Give a locked post its next attempt and the job of it, due now."""
    post.status, post.not_before, post.error, post.updated_at = "publishing", None, None, now
    post.attempt += 1
    await session.flush()
    arguments = {"workspace_id": post.workspace_id, "post_id": post.id}
    options = deferring.Options(limit_key=channels.limit_key(channel))
    await queries.add_run(session, post, await deferring.defer(session, PUBLISH, arguments, options))


async def enqueue_due(
    session: AsyncSession, *, now: datetime, limit: int = BATCH, named: int = 0
) -> Enqueued:
    """Give due posts of every workspace their attempt and its job, in one statement, and bear the next
    occurrences of those that recur. Posts of a closed channel are left for a while.

    Args:
        named: how many of them to name.
    """
    births = deferring.births(
        PUBLISH,
        source="taken",
        args={"workspace_id": "workspace_id", "post_id": "id"},
        job_id="job_id",
        limit_key="limit_key",
    )
    until = now + PARKED_FOR
    await queries.unpark_reopened(session, now=now, since=now - PARKED_FOR, parked_until=until)
    found = await queries.enqueue_due(session, births, now=now, parked_until=until, limit=limit, named=named)
    if found["recurring"]:
        await series.bear_next(session, found["recurring"], now=now)
    return Enqueued(found["count"], found["named"], more=found["seen"] == limit)


async def count_due(session: AsyncSession, *, now: datetime) -> int:
    """Posts of every workspace whose time has come."""
    return await queries.count_due(session, now)


async def requeue_stranded(session: AsyncSession, *, now: datetime) -> int:
    """The sweep: a post that is ``publishing`` without a live job gets one, which finds out where it was."""
    stranded = await queries.take_stranded(session, now, BATCH)
    for post in stranded:
        arguments = {"workspace_id": post["workspace_id"], "post_id": post["id"]}
        if post["in_doubt"]:
            await publishing.slide_settling(session, post["workspace_id"], post["id"], at=now)
        await deferring.slide(
            session, PUBLISH, arguments, queueing_lock=f"posts.stranded:{post['id']}", at=now
        )
    return len(stranded)


async def get_post(session: AsyncSession, post_id: UUID, *, lock: bool = False) -> Post:
    """A post of this workspace.

    Raises:
        NotFound: it is not there, or another workspace's.
    """
    post = await (queries.lock_post if lock else queries.find_post)(session, post_id)
    if post is None:
        raise NotFound(
            "There is no such post in this workspace.", field="post_id", fix="GET /api/v1/posts lists them."
        )
    return post


async def resolve(
    session: AsyncSession, post_id: UUID, *, happened: bool, platform_id: str | None, now: datetime
) -> Post:
    """A person has found out what became of an unknown post. Raises NotFound, NotUnknown."""
    await get_post(session, post_id)
    return await _now(session, await settling.resolve(session, post_id, happened, platform_id, now=now))


async def recheck(session: AsyncSession, post_id: UUID, *, now: datetime) -> Post:
    """Ask the platform again what became of an unknown post. Raises NotFound, NotUnknown."""
    await get_post(session, post_id)
    return await settling.recheck(session, post_id, now=now)


async def list_posts(
    session: AsyncSession,
    *,
    before: UUID | None,
    limit: int,
    status: str | None = None,
    channel_id: UUID | None = None,
) -> list[Post]:
    """Newest first, without their recipients."""
    return await queries.list_posts(session, before=before, limit=limit, status=status, channel_id=channel_id)


async def first_recipients(
    session: AsyncSession, posts: Sequence[Post], most: int
) -> dict[UUID, tuple[list[str], int]]:
    """The first recipients of each of these posts, and how many there are."""
    return await queries.list_first_recipients(session, [post.id for post in posts], most)


async def list_runs(session: AsyncSession, post_id: UUID) -> list[PostRun]:
    """The attempts, first first. Raises NotFound."""
    await get_post(session, post_id)
    return await queries.list_runs(session, post_id)


async def list_deliveries(
    session: AsyncSession, post_id: UUID, *, after: UUID | None, limit: int, status: str | None = None
) -> list[PostDelivery]:
    """What each recipient got. Raises NotFound."""
    await get_post(session, post_id)
    return await queries.list_deliveries(session, post_id, after=after, limit=limit, status=status)


async def count_deliveries(session: AsyncSession, post: Post) -> dict[str, int] | None:
    """How many recipients of a broadcast there are in each status; None of a post without recipients."""
    return await queries.count_deliveries(session, post.id) if post.recipients else None


async def _open_post(session: AsyncSession, post_id: UUID, *, doing: str) -> Post:
    post = await get_post(session, post_id, lock=True)
    begun = await queries.effect_begun(session, post_id)
    lifecycle.check_open(post.status, effect_begun=begun, doing=doing)
    return post


def _content_of(post: Post) -> dict[str, Any]:
    return {name: getattr(post, name) for name in content.FIELDS}


async def _series_after(
    session: AsyncSession,
    post: Post,
    values: Mapping[str, Any],
    changes: Mapping[str, Any],
    *,
    now: datetime,
) -> dict[str, Any]:
    """The columns of the post's series after these changes; what waited behind it makes way for them."""
    if not {"recurrence", "timezone"} & changes.keys():
        return {}
    if post.recurrence is not None:
        await series.end_after(session, post, now=now)
    if not values["recurrence"]:
        zone = content.new_series(values, zone="UTC")["timezone"]
        return {"recurrence": None, "timezone": zone}  # its place in the series remains
    workspace = await accounts.get_workspace(session, post.workspace_id)
    return content.new_series(values, zone=workspace.timezone)


async def _get_channel(session: AsyncSession, channel_id: UUID) -> channels.Channel:
    channel = await channels.find_channel(session, channel_id)
    if channel is None:
        raise Invalid(
            "There is no such channel in this workspace.",
            field="channel_id",
            fix="GET /api/v1/channels lists them; POST /api/v1/channels connects one.",
        )
    return channel


async def _now(session: AsyncSession, post: Post) -> Post:
    """The post with what Postgres computes of it."""
    await session.refresh(post)
    return post

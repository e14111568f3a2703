"""The verbs of a post. Each takes a session, never commits and never touches the network."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import platforms
from socialsync.errors import Conflict, Invalid, NotFound
from socialsync.features.channels import service as channels
from socialsync.features.posts import lifecycle, queries
from socialsync.features.posts.models import Post, PostDelivery, PostRun
from socialsync.platforms.contract import Template
from socialsync.queue import deferring

BATCH = 10_000
"""Posts that one statement enqueues; keeps transactions short and memory flat."""
PUBLISH = "posts.publish_post"


async def schedule(
    session: AsyncSession, workspace_id: UUID, content: Mapping[str, Any], *, now: datetime
) -> Post:
    """Store a new post.

    Args:
        content: of ``channel_id, text, media_urls, recipients, template, publish_at, status`` what is given.
            Without a status it is ``queued`` when it has a time, else a ``draft``; ``queued`` without a time
            is due at once.

    Raises:
        Invalid: names the field that the platform would refuse, or the channel that is not there.
    """
    status = content.get("status") or ("queued" if content.get("publish_at") else "draft")
    values = {**content, "status": status}
    if status == "queued":
        values["publish_at"] = content.get("publish_at") or now
    await _check_content(session, values)
    post = Post(workspace_id=workspace_id, **values)
    session.add(post)
    await session.flush()
    await session.refresh(post)
    return post


async def edit(session: AsyncSession, post_id: UUID, changes: Mapping[str, Any], *, now: datetime) -> Post:
    """Change what is given. A running attempt that has not begun its effect starts over with the new text.

    Raises:
        NotFound, PostSettled, EffectBegun, Invalid.
    """
    post = await _open_post(session, post_id, doing="edited")
    values = {**_content_of(post), **changes}
    if post.status == "publishing" and {"status", "publish_at"} & changes.keys():
        raise lifecycle.EffectBegun(
            "An attempt to publish the post is under way; its time and status can no longer change.",
            field="publish_at" if "publish_at" in changes else "status",
            fix="Cancel it with DELETE and create a new post.",
        )
    if post.status == "failed":
        values["status"], post.error = changes.get("status") or "draft", None
        await queries.move_deliveries(session, post_id, of="failed", to="queued", error=None, now=now)
    if values["status"] == "queued" and values["publish_at"] is None:
        if "publish_at" in changes:
            raise Invalid(
                "A queued post needs a time.",
                field="publish_at",
                fix='Set "status": "draft" with it, or POST .../publish to publish at once.',
            )
        values["publish_at"] = now
    await _check_content(session, values)
    for name, value in values.items():
        setattr(post, name, value)
    post.revision += 1
    post.updated_at = now
    await session.flush()
    await queries.forget_containers(session, post_id)
    return post


async def cancel(session: AsyncSession, post_id: UUID, *, now: datetime) -> Post:
    """Cancel it, together with its attempt and its job; a cancelled one stays as it is.

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
    post.status, post.revision, post.updated_at = "cancelled", post.revision + 1, now
    await session.flush()
    return post


async def publish_now(session: AsyncSession, post_id: UUID, *, now: datetime) -> Post:
    """Enqueue a draft, a queued or a failed post at once.

    Raises:
        NotFound, Conflict, Invalid.
    """
    post = await get_post(session, post_id, lock=True)
    if post.status == "publishing":
        raise Conflict("The post is being published already.", field="status", fix="Look at its runs.")
    lifecycle.check_open(post.status, effect_begun=False, doing="published again")
    await _check_content(session, {**_content_of(post), "status": "queued"})
    post.status, post.publish_at, post.error = "publishing", now, None
    post.attempt += 1
    post.updated_at = now
    await queries.move_deliveries(session, post_id, of="failed", to="queued", error=None, now=now)
    await session.flush()
    job_id = await deferring.defer(session, PUBLISH, {"workspace_id": post.workspace_id, "post_id": post.id})
    await queries.add_runs(session, [(post.workspace_id, post.id, post.attempt, job_id)])
    return post


async def enqueue_due(session: AsyncSession, *, now: datetime, limit: int = BATCH) -> list[UUID]:
    """Give due posts of every workspace their first attempt and its job, set-based; their ids."""
    taken = await queries.take_due(session, now, limit)
    if not taken:
        return []
    born = await deferring.defer_each(
        session, PUBLISH, [{"workspace_id": post["workspace_id"], "post_id": post["id"]} for post in taken]
    )
    jobs = {job.args["post_id"]: job.id for job in born}
    await queries.add_runs(
        session,
        [(post["workspace_id"], post["id"], post["attempt"], jobs[str(post["id"])]) for post in taken],
    )
    return [post["id"] for post in taken]


async def count_due(session: AsyncSession, *, now: datetime) -> int:
    """Posts of every workspace whose time has come."""
    return await queries.count_due(session, now)


async def requeue_stranded(session: AsyncSession, *, now: datetime) -> int:
    """The sweep: a post that is ``publishing`` without a live job gets one, which finds out where it was."""
    stranded = await queries.take_stranded(session, now, BATCH)
    for post in stranded:
        arguments = {"workspace_id": post["workspace_id"], "post_id": post["id"]}
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


async def list_posts(
    session: AsyncSession,
    *,
    before: UUID | None,
    limit: int,
    status: str | None = None,
    channel_id: UUID | None = None,
) -> list[Post]:
    return await queries.list_posts(session, before=before, limit=limit, status=status, channel_id=channel_id)


async def list_runs(session: AsyncSession, post_id: UUID) -> list[PostRun]:
    """The attempts, first first. Raises NotFound."""
    await get_post(session, post_id)
    return await queries.list_runs(session, post_id)


async def list_deliveries(
    session: AsyncSession, post_id: UUID, *, after: UUID | None, limit: int
) -> list[PostDelivery]:
    """What each recipient got. Raises NotFound."""
    await get_post(session, post_id)
    return await queries.list_deliveries(session, post_id, after=after, limit=limit)


async def _open_post(session: AsyncSession, post_id: UUID, *, doing: str) -> Post:
    post = await get_post(session, post_id, lock=True)
    begun = await queries.effect_begun(session, post_id)
    lifecycle.check_open(post.status, effect_begun=begun, doing=doing)
    return post


def _content_of(post: Post) -> dict[str, Any]:
    names = ("channel_id", "text", "media_urls", "recipients", "template", "publish_at", "status")
    return {name: getattr(post, name) for name in names}


async def _check_content(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Refuse what the platform would refuse, before anything is queued. A draft may lack media or people."""
    channel = await channels.find_channel(session, values["channel_id"])
    if channel is None:
        raise Invalid(
            "There is no such channel in this workspace.",
            field="channel_id",
            fix="GET /api/v1/channels lists them; POST /api/v1/channels connects one.",
        )
    template = values.get("template")
    try:
        platforms.check_post(
            channel.platform,
            text=values["text"],
            media_urls=values.get("media_urls") or (),
            recipients=values.get("recipients") or (),
            template=Template(**template) if template else None,
        )
    except Invalid as error:
        missing = error.field in {"media_urls", "recipients"} and not values.get(error.field)
        if not (values["status"] == "draft" and missing):
            raise

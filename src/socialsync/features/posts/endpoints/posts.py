"""``/api/v1/posts``: one post."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from socialsync import clock
from socialsync.api.idempotency import AskedOnce, once, was_answered
from socialsync.api.opened import Opened
from socialsync.api.pages import Paged
from socialsync.api.principal import Operator, Reader
from socialsync.api.routing import Router
from socialsync.api.schemas import Page
from socialsync.features.posts import probing, service
from socialsync.features.posts.endpoints import answers
from socialsync.features.posts.endpoints.answers import PostAnswer
from socialsync.features.posts.lifecycle import Status
from socialsync.features.posts.schemas import NewPost, PostChanges

router = Router(prefix="/api/v1/posts", tags=["posts"])


@router.post("", status_code=201, response_model=PostAnswer, summary="Write or schedule a post")
async def create_post(body: NewPost, caller: Operator, opened: Opened, asked: AskedOnce) -> Response:
    """Stores it as a draft, or queued for `publish_at`. What the platform would refuse is refused here; of a
    queued one the media are looked at, too.
    """
    given = body.model_dump()

    async def make() -> PostAnswer:
        now = clock.now()
        post = await service.schedule(session, caller.workspace_id, given, now=now)
        return await answers.show(session, post, now=now)

    media = None
    async with opened.database.transaction(caller.workspace_id) as session:
        if not await was_answered(session, asked):
            media = await service.media_of_new(session, caller.workspace_id, given, now=clock.now())
    await probing.look(opened.settings, media)
    async with opened.database.transaction(caller.workspace_id) as session:
        return await once(session, asked, make)


@router.get("", summary="List posts, newest first")
async def list_posts(
    caller: Reader,
    opened: Opened,
    paged: Paged,
    status: Status | None = None,
    channel_id: Annotated[UUID | None, Query()] = None,
) -> Page[PostAnswer]:
    """Of broadcasts each has the first few `recipients` and the `recipient_count`; one post has them all."""
    async with opened.database.transaction(caller.workspace_id) as session:
        rows = await service.list_posts(
            session, before=paged.cursor, limit=paged.fetch, status=status, channel_id=channel_id
        )
        shown = await answers.show_many(session, rows, now=clock.now())
    return paged.page(rows, lambda post: shown[post.id])


@router.get("/{post_id}", summary="See a post")
async def get_post(post_id: UUID, caller: Reader, opened: Opened) -> PostAnswer:
    async with opened.database.transaction(caller.workspace_id) as session:
        post = await service.get_post(session, post_id)
        return await answers.show(session, post, now=clock.now(), counted=True)


@router.patch("/{post_id}", summary="Change a post")
async def edit_post(post_id: UUID, body: PostChanges, caller: Operator, opened: Opened) -> PostAnswer:
    """Possible until an attempt's effect has begun, between attempts too; after that 409."""
    changes = body.given()
    if body.template is not None:
        changes["template"] = body.template.model_dump()
    async with opened.database.transaction(caller.workspace_id) as session:
        media = await service.media_of_changed(session, post_id, changes)
    await probing.look(opened.settings, media)
    now = clock.now()
    async with opened.database.transaction(caller.workspace_id) as session:
        return await answers.show(session, await service.edit(session, post_id, changes, now=now), now=now)


@router.delete("/{post_id}", summary="Cancel a post")
async def cancel_post(
    post_id: UUID,
    caller: Operator,
    opened: Opened,
    only_this: Annotated[
        bool, Query(description="Of a series: leave this one out and go on; otherwise the series ends.")
    ] = False,
) -> PostAnswer:
    """The row stays, `cancelled`. Possible until an attempt's effect has begun; after that 409."""
    now = clock.now()
    async with opened.database.transaction(caller.workspace_id) as session:
        post = await service.cancel(session, post_id, now=now, only_this=only_this)
        return await answers.show(session, post, now=now)


@router.post("/{post_id}/publish", summary="Publish a post now")
async def publish_post(post_id: UUID, caller: Operator, opened: Opened) -> PostAnswer:
    """Enqueues a draft, a queued or a failed post at once. Its media are looked at first."""
    async with opened.database.transaction(caller.workspace_id) as session:
        media = await service.media_of_published(session, post_id)
    await probing.look(opened.settings, media)
    now = clock.now()
    async with opened.database.transaction(caller.workspace_id) as session:
        return await answers.show(session, await service.publish_now(session, post_id, now=now), now=now)

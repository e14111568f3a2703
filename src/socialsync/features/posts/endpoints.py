"""``/api/v1/posts``."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from socialsync import clock
from socialsync.api.idempotency import AskedOnce, once
from socialsync.api.opened import Opened
from socialsync.api.pages import Paged
from socialsync.api.principal import Operator, Reader
from socialsync.api.schemas import Page
from socialsync.features.posts import service
from socialsync.features.posts.lifecycle import Status
from socialsync.features.posts.schemas import DeliveryAnswer, NewPost, PostAnswer, PostChanges, RunAnswer

router = APIRouter(prefix="/api/v1/posts", tags=["posts"])


@router.post("", status_code=201, response_model=PostAnswer, summary="Write or schedule a post")
async def create_post(body: NewPost, caller: Operator, opened: Opened, asked: AskedOnce) -> Response:
    """Stores it as a draft, or queued for `publish_at`. What the platform would refuse is refused here."""

    async def make() -> PostAnswer:
        post = await service.schedule(session, caller.workspace_id, _content(body), now=clock.now())
        return PostAnswer.model_validate(post)

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
    async with opened.database.transaction(caller.workspace_id) as session:
        rows = await service.list_posts(
            session, before=paged.cursor, limit=paged.fetch, status=status, channel_id=channel_id
        )
    return paged.page(rows, PostAnswer.model_validate)


@router.get("/{post_id}", summary="See a post")
async def get_post(post_id: UUID, caller: Reader, opened: Opened) -> PostAnswer:
    async with opened.database.transaction(caller.workspace_id) as session:
        return PostAnswer.model_validate(await service.get_post(session, post_id))


@router.patch("/{post_id}", summary="Change a post")
async def edit_post(post_id: UUID, body: PostChanges, caller: Operator, opened: Opened) -> PostAnswer:
    """Possible until an attempt's effect has begun, between attempts too; after that 409."""
    changes = body.given()
    if body.template is not None:
        changes["template"] = body.template.model_dump()
    async with opened.database.transaction(caller.workspace_id) as session:
        return PostAnswer.model_validate(await service.edit(session, post_id, changes, now=clock.now()))


@router.delete("/{post_id}", summary="Cancel a post")
async def cancel_post(post_id: UUID, caller: Operator, opened: Opened) -> PostAnswer:
    """The row stays, `cancelled`. Possible until an attempt's effect has begun; after that 409."""
    async with opened.database.transaction(caller.workspace_id) as session:
        return PostAnswer.model_validate(await service.cancel(session, post_id, now=clock.now()))


@router.post("/{post_id}/publish", summary="Publish a post now")
async def publish_post(post_id: UUID, caller: Operator, opened: Opened) -> PostAnswer:
    """Enqueues a draft, a queued or a failed post at once."""
    async with opened.database.transaction(caller.workspace_id) as session:
        return PostAnswer.model_validate(await service.publish_now(session, post_id, now=clock.now()))


@router.get("/{post_id}/runs", summary="See the attempts to publish a post")
async def list_runs(post_id: UUID, caller: Reader, opened: Opened) -> Page[RunAnswer]:
    async with opened.database.transaction(caller.workspace_id) as session:
        runs = await service.list_runs(session, post_id)
    return Page(items=[RunAnswer.model_validate(run) for run in runs], next_cursor=None)


@router.get("/{post_id}/deliveries", summary="See what each recipient got")
async def list_deliveries(
    post_id: UUID, caller: Reader, opened: Opened, paged: Paged
) -> Page[DeliveryAnswer]:
    async with opened.database.transaction(caller.workspace_id) as session:
        rows = await service.list_deliveries(session, post_id, after=paged.cursor, limit=paged.fetch)
    return paged.page(rows, DeliveryAnswer.model_validate)


def _content(body: NewPost) -> dict[str, Any]:
    return {**body.model_dump(exclude={"template"}), "template": body.template and body.template.model_dump()}

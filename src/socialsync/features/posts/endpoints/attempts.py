"""``/api/v1/posts/{post_id}/...``: what became of a post."""

from uuid import UUID

from fastapi import APIRouter

from socialsync import clock
from socialsync.api.opened import Opened
from socialsync.api.pages import Paged
from socialsync.api.principal import Operator, Reader
from socialsync.api.schemas import Page
from socialsync.features.posts import service
from socialsync.features.posts.lifecycle import DeliveryStatus
from socialsync.features.posts.schemas import DeliveryAnswer, PostAnswer, Resolution, RunAnswer

router = APIRouter(prefix="/api/v1/posts", tags=["posts"])


@router.get("/{post_id}/runs", summary="See the attempts to publish a post")
async def list_runs(post_id: UUID, caller: Reader, opened: Opened) -> Page[RunAnswer]:
    async with opened.database.transaction(caller.workspace_id) as session:
        runs = await service.list_runs(session, post_id)
    return Page(items=[RunAnswer.model_validate(run) for run in runs], next_cursor=None)


@router.get("/{post_id}/deliveries", summary="See what each recipient got")
async def list_deliveries(
    post_id: UUID, caller: Reader, opened: Opened, paged: Paged, status: DeliveryStatus | None = None
) -> Page[DeliveryAnswer]:
    async with opened.database.transaction(caller.workspace_id) as session:
        rows = await service.list_deliveries(
            session, post_id, after=paged.cursor, limit=paged.fetch, status=status
        )
    return paged.page(rows, DeliveryAnswer.model_validate)


@router.post("/{post_id}/resolve", summary="Say what became of a post, or look again")
async def resolve_post(post_id: UUID, body: Resolution, caller: Operator, opened: Opened) -> PostAnswer:
    """For a post whose outcome is `unknown` (of a broadcast: for every message that is). `check` asks the
    platform again, by a job; look at the post a moment later. 409 where everything is known.
    """
    now = clock.now()
    async with opened.database.transaction(caller.workspace_id) as session:
        if body.check:
            return PostAnswer.model_validate(await service.recheck(session, post_id, now=now))
        post = await service.resolve(
            session, post_id, happened=body.outcome == "happened", platform_id=body.platform_id, now=now
        )
        return PostAnswer.model_validate(post)

"""``/api/v1/posts/{post_id}/...``: what became of a post."""

from uuid import UUID

from fastapi import APIRouter

from socialsync.api.opened import Opened
from socialsync.api.pages import Paged
from socialsync.api.principal import Reader
from socialsync.api.schemas import Page
from socialsync.features.posts import service
from socialsync.features.posts.schemas import DeliveryAnswer, RunAnswer

router = APIRouter(prefix="/api/v1/posts", tags=["posts"])


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

"""``/api/v1/opt-outs``: who gets no broadcasts."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from socialsync.api.idempotency import AskedOnce, once
from socialsync.api.opened import Opened
from socialsync.api.pages import Paged
from socialsync.api.principal import Operator, Reader
from socialsync.api.routing import Router
from socialsync.api.schemas import Page
from socialsync.features.posts import opt_outs
from socialsync.features.posts.schemas import NewOptOut, OptOutAnswer

router = Router(prefix="/api/v1/opt-outs", tags=["posts"])


@router.get("", summary="List who gets no broadcasts, newest first")
async def list_opt_outs(
    caller: Reader, opened: Opened, paged: Paged, channel_id: Annotated[UUID | None, Query()] = None
) -> Page[OptOutAnswer]:
    async with opened.database.transaction(caller.workspace_id) as session:
        rows = await opt_outs.list_opt_outs(
            session, before=paged.cursor, limit=paged.fetch, channel_id=channel_id
        )
    return paged.page(rows, OptOutAnswer.model_validate)


@router.post("", status_code=201, response_model=OptOutAnswer, summary="Send somebody no more broadcasts")
async def add_opt_out(body: NewOptOut, caller: Operator, opened: Opened, asked: AskedOnce) -> Response:
    """From a WhatsApp channel. Whoever is on the list already stays as they are."""

    async def make() -> OptOutAnswer:
        row = await opt_outs.add(
            session, caller.workspace_id, body.channel_id, body.recipient, reason=body.reason
        )
        return OptOutAnswer.model_validate(row)

    async with opened.database.transaction(caller.workspace_id) as session:
        return await once(session, asked, make)


@router.delete("/{opt_out_id}", status_code=204, summary="Send them broadcasts again")
async def remove_opt_out(opt_out_id: UUID, caller: Operator, opened: Opened) -> None:
    """Only when they have asked for it."""
    async with opened.database.transaction(caller.workspace_id) as session:
        await opt_outs.remove(session, opt_out_id)

"""``/api/v1/faqs``."""

from uuid import UUID

from fastapi import Request, Response
from starlette.status import HTTP_204_NO_CONTENT

from socialsync import clock
from socialsync.api.idempotency import AskedOnce, once
from socialsync.api.opened import Opened
from socialsync.api.pages import Paged
from socialsync.api.principal import Operator, Reader
from socialsync.api.routing import Router
from socialsync.api.schemas import Page
from socialsync.features.knowledge import service
from socialsync.features.knowledge.schemas import FaqAnswer, FaqChanges, Imported, NewFaq

router = Router(tags=["knowledge"])


@router.post("/api/v1/faqs", status_code=201, response_model=FaqAnswer, summary="Write a FAQ entry")
async def add_faq(body: NewFaq, caller: Operator, opened: Opened, asked: AskedOnce) -> Response:
    """It is found like any passage, and preferred when it matches."""

    async def make() -> FaqAnswer:
        faq = await service.add_faq(session, caller.workspace_id, **body.model_dump())
        return FaqAnswer.model_validate(faq)

    async with opened.database.transaction(caller.workspace_id) as session:
        return await once(session, asked, make)


def _decoded(body: bytes) -> str:
    """UTF-8, or what Excel saves in Western Europe."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace")


@router.post(
    "/api/v1/faqs/import", status_code=201, response_model=Imported, summary="Import FAQ entries from CSV",
    openapi_extra={"requestBody": {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)  # fmt: skip
async def import_faqs(request: Request, caller: Operator, opened: Opened, asked: AskedOnce) -> Response:
    """The body is the CSV itself, with the columns `question` and `answer`, and `language` if you like. All
    of it is taken, or nothing.
    """
    source = _decoded(await request.body())

    async def make() -> Imported:
        return Imported(count=await service.import_faqs(session, caller.workspace_id, source))

    async with opened.database.transaction(caller.workspace_id) as session:
        return await once(session, asked, make)


@router.get("/api/v1/faqs", summary="List FAQ entries, newest first")
async def list_faqs(caller: Reader, opened: Opened, paged: Paged) -> Page[FaqAnswer]:
    async with opened.database.transaction(caller.workspace_id) as session:
        rows = await service.list_faqs(session, before=paged.cursor, limit=paged.fetch)
        return paged.page(rows, FaqAnswer.model_validate)


@router.get("/api/v1/faqs/{faq_id}", summary="See a FAQ entry")
async def get_faq(faq_id: UUID, caller: Reader, opened: Opened) -> FaqAnswer:
    async with opened.database.transaction(caller.workspace_id) as session:
        return FaqAnswer.model_validate(await service.get_faq(session, faq_id))


@router.patch("/api/v1/faqs/{faq_id}", summary="Change a FAQ entry")
async def edit_faq(faq_id: UUID, body: FaqChanges, caller: Operator, opened: Opened) -> FaqAnswer:
    async with opened.database.transaction(caller.workspace_id) as session:
        return FaqAnswer.model_validate(
            await service.edit_faq(session, faq_id, body.given(), now=clock.now())
        )


@router.delete("/api/v1/faqs/{faq_id}", status_code=HTTP_204_NO_CONTENT, summary="Delete a FAQ entry")
async def delete_faq(faq_id: UUID, caller: Operator, opened: Opened) -> None:
    async with opened.database.transaction(caller.workspace_id) as session:
        await service.delete_faq(session, faq_id)

"""``/api/v1/documents``."""

from typing import Literal
from uuid import UUID

from fastapi import Request, Response
from starlette.status import HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from socialsync import clock
from socialsync.api.idempotency import AskedOnce, once
from socialsync.api.opened import Opened
from socialsync.api.pages import Paged
from socialsync.api.principal import Operator, Reader
from socialsync.api.routing import Router
from socialsync.api.schemas import Page
from socialsync.features.knowledge import service
from socialsync.features.knowledge.endpoints import uploads
from socialsync.features.knowledge.schemas import DocumentAnswer

Status = Literal["pending", "processing", "indexed", "failed"]
router = Router(tags=["knowledge"])


@router.post(
    "/api/v1/documents",
    status_code=HTTP_202_ACCEPTED,
    response_model=DocumentAnswer,
    summary="Teach a document",
    openapi_extra=uploads.OPENAPI,
)
async def add_document(request: Request, caller: Operator, opened: Opened, asked: AskedOnce) -> Response:
    """A file (PDF, DOCX, HTML, Markdown, text or CSV, up to 50 MB), a text or the URL of a page. It is read
    and indexed by jobs: look at its `status` and `progress`. The same content is not learnt twice.
    """

    async def make() -> DocumentAnswer:
        document, is_new = await service.add_document(session, caller.workspace_id, upload.values)
        if is_new:
            await uploads.store(session, document, upload)
        return DocumentAnswer.model_validate(document)

    async with (
        uploads.taken(request) as upload,
        opened.database.transaction(caller.workspace_id) as session,
    ):
        return await once(session, asked.about(upload.digest), make, status=HTTP_202_ACCEPTED)


@router.put(
    "/api/v1/documents/{document_id}",
    status_code=HTTP_202_ACCEPTED,
    summary="Upload a document anew",
    openapi_extra=uploads.OPENAPI,
)
async def replace_document(
    document_id: UUID, request: Request, caller: Operator, opened: Opened
) -> DocumentAnswer:
    """Until the new content is indexed, the old one is found. Passages that did not change are not embedded
    again.
    """
    async with (
        uploads.taken(request) as upload,
        opened.database.transaction(caller.workspace_id) as session,
    ):
        document, is_new = await service.replace_document(
            session, document_id, upload.values, now=clock.now()
        )
        if is_new:
            await uploads.store(session, document, upload)
        return DocumentAnswer.model_validate(document)


@router.get("/api/v1/documents", summary="List documents, newest first")
async def list_documents(
    caller: Reader, opened: Opened, paged: Paged, status: Status | None = None
) -> Page[DocumentAnswer]:
    async with opened.database.transaction(caller.workspace_id) as session:
        rows = await service.list_documents(session, before=paged.cursor, limit=paged.fetch, status=status)
        return paged.page(rows, DocumentAnswer.model_validate)


@router.get("/api/v1/documents/{document_id}", summary="See a document")
async def get_document(document_id: UUID, caller: Reader, opened: Opened) -> DocumentAnswer:
    async with opened.database.transaction(caller.workspace_id) as session:
        return DocumentAnswer.model_validate(await service.get_document(session, document_id))


@router.delete(
    "/api/v1/documents/{document_id}", status_code=HTTP_204_NO_CONTENT, summary="Forget a document"
)
async def delete_document(document_id: UUID, caller: Operator, opened: Opened) -> None:
    """Its file, its passages and their vectors go with it."""
    async with opened.database.transaction(caller.workspace_id) as session:
        await service.delete_document(session, document_id)

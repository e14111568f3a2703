"""``/api/v1/documents``, ``faqs`` and ``knowledge``."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.status import HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from socialsync import clock
from socialsync.api.idempotency import AskedOnce, once
from socialsync.api.opened import Opened
from socialsync.api.pages import Paged
from socialsync.api.principal import Operator, Reader
from socialsync.api.schemas import Page
from socialsync.features.knowledge import answers, service, uploads
from socialsync.features.knowledge.retrieval import Hit
from socialsync.features.knowledge.schemas import (
    Ask,
    DocumentAnswer,
    FaqAnswer,
    FaqChanges,
    HitAnswer,
    Hits,
    Imported,
    KnowledgeAnswer,
    NewFaq,
    Search,
    SourceAnswer,
)

router = APIRouter(tags=["knowledge"])


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
    caller: Reader, opened: Opened, paged: Paged, status: str | None = None
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


@router.post("/api/v1/faqs", status_code=201, response_model=FaqAnswer, summary="Write a FAQ entry")
async def add_faq(body: NewFaq, caller: Operator, opened: Opened, asked: AskedOnce) -> Response:
    """It is found like any passage, and preferred when it matches."""

    async def make() -> FaqAnswer:
        faq = await service.add_faq(session, caller.workspace_id, **body.model_dump())
        return FaqAnswer.model_validate(faq)

    async with opened.database.transaction(caller.workspace_id) as session:
        return await once(session, asked, make)


@router.post(
    "/api/v1/faqs/import", status_code=201, response_model=Imported, summary="Import FAQ entries from CSV",
    openapi_extra={"requestBody": {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)  # fmt: skip
async def import_faqs(request: Request, caller: Operator, opened: Opened, asked: AskedOnce) -> Response:
    """The body is the CSV itself, with the columns `question` and `answer`, and `language` if you like. All
    of it is taken, or nothing.
    """
    source = (await request.body()).decode("utf-8-sig", errors="replace")

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


@router.post("/api/v1/knowledge/search", summary="Search the knowledge")
async def search(body: Search, caller: Reader, opened: Opened) -> Hits:
    """Passages by meaning and by words, best first. While the model is away, by words alone."""
    hits = await answers.find(opened, caller.workspace_id, body.query, limit=body.limit)
    return Hits(items=[_shown(hit) for hit in hits])


@router.post("/api/v1/knowledge/answer", summary="Ask the knowledge")
async def answer(body: Ask, caller: Reader, opened: Opened) -> KnowledgeAnswer:
    """An answer that rests on the passages it names; or, `grounded: false`, that the knowledge does not hold
    it.
    """
    found = await answers.answer(opened, caller.workspace_id, body.question, language=body.language)
    return KnowledgeAnswer(
        answer=found.text, sources=[_shown(hit) for hit in found.sources], grounded=found.grounded
    )


def _shown(hit: Hit) -> HitAnswer:
    source = SourceAnswer(title=hit.title, heading=hit.heading, page=hit.page, url=hit.url, faq_id=hit.faq_id)
    return HitAnswer(
        document_id=hit.document_id, chunk_id=hit.chunk_id, text=hit.text, score=hit.score, source=source
    )

"""``/api/v1/documents``, ``faqs`` and ``knowledge``."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile
from starlette.status import HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from socialsync import clock
from socialsync.api.idempotency import AskedOnce, once
from socialsync.api.opened import Opened
from socialsync.api.pages import Paged
from socialsync.api.principal import Operator, Reader
from socialsync.api.schemas import Page
from socialsync.errors import Invalid
from socialsync.features.knowledge import answers, service
from socialsync.features.knowledge.models import Document
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
    NewDocument,
    NewFaq,
    Search,
    SourceAnswer,
)

router = APIRouter(tags=["knowledge"])

PART = 2**20
LARGEST_FILE = 50 * 2**20
_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "title": {"type": "string"},
                    },
                }
            },
            "application/json": {"schema": {"$ref": "#/components/schemas/NewDocument"}},
        },
    }
}


@router.post(
    "/api/v1/documents",
    status_code=HTTP_202_ACCEPTED,
    response_model=DocumentAnswer,
    summary="Teach a document",
    openapi_extra=_UPLOAD,
)
async def add_document(request: Request, caller: Operator, opened: Opened, asked: AskedOnce) -> Response:
    """A file (PDF, DOCX, HTML, Markdown, text or CSV, up to 50 MB), a text or the URL of a page. It is read
    and indexed by jobs: look at its `status` and `progress`. The same content is not learnt twice.
    """
    upload = await _upload_of(request)

    async def make() -> DocumentAnswer:
        document, is_new = await service.add_document(session, caller.workspace_id, upload.values)
        if is_new:
            await _store(session, document, upload)
        return DocumentAnswer.model_validate(document)

    async with opened.database.transaction(caller.workspace_id) as session:
        return await once(session, asked.about(upload.digest), make, status=HTTP_202_ACCEPTED)


@router.put(
    "/api/v1/documents/{document_id}",
    status_code=HTTP_202_ACCEPTED,
    summary="Upload a document anew",
    openapi_extra=_UPLOAD,
)
async def replace_document(
    document_id: UUID, request: Request, caller: Operator, opened: Opened
) -> DocumentAnswer:
    """Until the new content is indexed, the old one is found. Passages that did not change are not embedded
    again.
    """
    upload = await _upload_of(request)
    async with opened.database.transaction(caller.workspace_id) as session:
        document, is_new = await service.replace_document(
            session, document_id, upload.values, now=clock.now()
        )
        if is_new:
            await _store(session, document, upload)
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


class _Upload:
    """What came in, still in the temporary file that the web door put it into."""

    def __init__(
        self, values: Mapping[str, Any], digest: bytes, file: UploadFile | None, content: bytes
    ) -> None:
        self.values = values
        self.digest = digest
        self.file = file
        self.content = content


async def _upload_of(request: Request) -> _Upload:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await _file_of(request)
    try:
        body = NewDocument.model_validate_json(await request.body() or b"{}")
    except ValidationError as error:
        raise RequestValidationError(
            [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        ) from None
    content = (body.text or "").encode()
    digest = hashlib.sha256(content or (body.url or "").encode()).digest()
    if body.url is not None:
        values: dict[str, Any] = {"title": body.title or body.url, "source": "url", "url": body.url}
        return _Upload(values, digest, None, b"")
    values = {
        "title": body.title,
        "source": "text",
        "content_type": "text/plain",
        "size_bytes": len(content),
        "digest": digest,
    }
    return _Upload(values, digest, None, content)


async def _file_of(request: Request) -> _Upload:
    form = await request.form(max_files=1, max_fields=10)
    file, title = form.get("file"), form.get("title")
    if not isinstance(file, UploadFile):
        raise Invalid(
            "There is no file.", field="file", fix="Send it as multipart/form-data, in the field file."
        )
    size = file.size or 0
    if size > LARGEST_FILE:
        raise Invalid("The file is larger than 50 MB.", field="file", fix="Split it.")
    hashed = hashlib.sha256()
    while part := await file.read(PART):
        hashed.update(part)
    await file.seek(0)
    name = (file.filename or "").replace("\x00", "").rpartition("/")[2][:300]
    values = {
        "title": (str(title).strip() if title else "")[:300] or name or "Document",
        "source": "file",
        "filename": name or None,
        "content_type": (file.content_type or "")[:200] or None,
        "size_bytes": size,
        "digest": hashed.digest(),
    }
    return _Upload(values, hashed.digest(), file, b"")


async def _store(session: AsyncSession, document: Document, upload: _Upload) -> None:
    """A mebibyte at a time, in the transaction of the document."""
    n = 0
    while part := (
        await upload.file.read(PART) if upload.file else upload.content[n * PART : (n + 1) * PART]
    ):
        await service.add_part(session, document, n, part)
        n += 1


def _shown(hit: Hit) -> HitAnswer:
    source = SourceAnswer(title=hit.title, heading=hit.heading, page=hit.page, url=hit.url, faq_id=hit.faq_id)
    return HitAnswer(
        document_id=hit.document_id, chunk_id=hit.chunk_id, text=hit.text, score=hit.score, source=source
    )

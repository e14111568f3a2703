"""The verbs of knowledge. Each takes a session, never commits and never touches the network."""

import csv
import io
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Invalid, NotFound
from socialsync.features.knowledge import entries, queries
from socialsync.features.knowledge.models import Document, Faq
from socialsync.features.knowledge.passages import Passage, digest_of
from socialsync.features.knowledge.processing import PROCESS, requeue_stranded
from socialsync.queue import deferring

__all__ = ["Document", "Faq", "requeue_stranded"]

EMBED_BARE = "knowledge.embed_bare"
INDEX = "knowledge.index_chunks"
EXACT_UP_TO = 50_000
"""Chunks of a workspace that are compared one by one, outside the index of vectors, in half a microsecond."""
MOST_FAQS = 5_000
LONGEST_QUESTION = 2_000
LONGEST_ANSWER = 10_000
_BLANK = dict.fromkeys(("filename", "url", "content_type", "digest"))
"""What one source has and another has not."""
_QUESTIONS = ("question", "frage", "pregunta", "q")
_ANSWERS = ("answer", "reponse", "réponse", "antwort", "respuesta", "a")


async def add_document(
    session: AsyncSession, workspace_id: UUID, values: Mapping[str, Any]
) -> tuple[Document, bool]:
    """A document on its way, and whether it is new: the same content is not learnt twice.

    Args:
        values: ``title source filename url content_type size_bytes digest``. Parts of a file are stored by
            the caller, in this transaction, while the document is new.
    """
    digest, url = values.get("digest"), values.get("url")
    await queries.lock_content(session, workspace_id, url or digest or b"")
    same = await queries.find_by_digest(session, digest) if digest else None
    if url:
        same = await queries.find_by_url(session, url)
    if same is not None and url and same.status in {"indexed", "failed"}:
        return await _renew(session, same, {"digest": None, "content_type": None}), False
    if same is not None:
        return same, False
    document = await queries.add_document(session, {**values, "workspace_id": workspace_id})
    await _defer(session, document)
    return document, True


async def replace_document(
    session: AsyncSession, document_id: UUID, values: Mapping[str, Any], *, now: datetime
) -> tuple[Document, bool]:
    """A new upload for a document, and whether it is another content; until it is learnt the old one stays.

    Raises:
        NotFound.
    """
    document = await get_document(session, document_id, lock=True)
    digest = values.get("digest")
    if digest is not None and document.digest == digest and document.status != "failed":
        return document, False
    blank = _BLANK if "source" in values else {}
    return await _renew(session, document, {**blank, **values, "updated_at": now}), True


async def get_document(session: AsyncSession, document_id: UUID, *, lock: bool = False) -> Document:
    """Raises NotFound: not there, or another workspace's."""
    document = await (queries.lock_document if lock else queries.find_document)(session, document_id)
    if document is None:
        raise NotFound(
            "There is no such document in this workspace.",
            field="document_id",
            fix="GET /api/v1/documents lists them.",
        )
    return document


async def list_documents(
    session: AsyncSession, *, before: UUID | None, limit: int, status: str | None = None
) -> list[Document]:
    return await queries.list_documents(session, before=before, limit=limit, status=status)


async def delete_document(session: AsyncSession, document_id: UUID) -> None:
    """Forget it with all that came of it; its job is cancelled, or finds nothing. Raises NotFound."""
    document = await get_document(session, document_id, lock=True)
    if document.job_id is not None:
        await deferring.cancel_waiting(session, document.job_id)
    await queries.delete_document(session, document_id)


async def add_part(session: AsyncSession, document: Document, n: int, content: bytes) -> None:
    """A mebibyte of the document's newest upload."""
    await queries.add_part(session, document, upload=document.upload, n=n, content=content)


async def add_faq(
    session: AsyncSession, workspace_id: UUID, *, question: str, answer: str, language: str | None
) -> Faq:
    """An entry that is found by its words at once, and by its meaning when it is embedded."""
    faq = Faq(workspace_id=workspace_id, question=question, answer=answer, language=language)
    session.add(faq)
    await session.flush()
    await session.refresh(faq)
    await _find_again(session, faq)
    return faq


async def edit_faq(session: AsyncSession, faq_id: UUID, changes: Mapping[str, Any], *, now: datetime) -> Faq:
    """Raises NotFound."""
    faq = await get_faq(session, faq_id, lock=True)
    for name, value in changes.items():
        setattr(faq, name, value)
    faq.revision, faq.updated_at = faq.revision + 1, now
    await session.flush()
    await _find_again(session, faq)
    return faq


async def get_faq(session: AsyncSession, faq_id: UUID, *, lock: bool = False) -> Faq:
    """Raises NotFound: not there, or another workspace's."""
    faq = await entries.find_faq(session, faq_id, lock=lock)
    if faq is None:
        raise NotFound(
            "There is no such entry in this workspace.", field="faq_id", fix="GET /api/v1/faqs lists them."
        )
    return faq


async def list_faqs(session: AsyncSession, *, before: UUID | None, limit: int) -> list[Faq]:
    return await entries.list_faqs(session, before=before, limit=limit)


async def delete_faq(session: AsyncSession, faq_id: UUID) -> None:
    """Raises NotFound."""
    await session.delete(await get_faq(session, faq_id, lock=True))
    await session.flush()


async def import_faqs(session: AsyncSession, workspace_id: UUID, source: str) -> int:
    """Entries from CSV with the columns ``question`` and ``answer`` (``language`` too), all or none; how
    many.

    Raises:
        Invalid: names the line.
    """
    read = _read_faqs(source)
    if read:
        await entries.add_faqs(session, workspace_id, [_passage(**entry) for entry in read])
        await _embed_bare(session, workspace_id)
    return len(read)


async def requeue_bare(session: AsyncSession, model: str, *, now: datetime) -> int:
    """The sweep: FAQ entries without a vector whose job is gone, and all that was embedded by another model
    than this, which cannot be compared with what it makes of a question.
    """
    workspaces = await queries.list_workspaces_with_bare(session, model, now, 100)
    for workspace_id in workspaces:
        await _embed_bare(session, workspace_id)
    return len(workspaces)


async def index_crowded(session: AsyncSession, *, most: int = EXACT_UP_TO) -> int:
    """The sweep: large workspaces, whose vectors are worth an index."""
    workspaces = await queries.list_crowded(session, most, 100)
    for workspace_id in workspaces:
        await deferring.defer_each(
            session,
            INDEX,
            [{"workspace_id": workspace_id}],
            deferring.Options(queueing_lock=f"knowledge.index:{workspace_id}"),
        )
    return len(workspaces)


async def _renew(session: AsyncSession, document: Document, values: Mapping[str, Any]) -> Document:
    if document.job_id is not None:
        await deferring.cancel_waiting(session, document.job_id)
    waiting = {"status": "pending", "step": "waiting", "progress": 0.0, "error": None, "waits_for": None}
    for name, value in {**values, **waiting, "not_before": None}.items():
        setattr(document, name, value)
    document.upload += 1
    await session.flush()
    await _defer(session, document)
    return document


async def _defer(session: AsyncSession, document: Document) -> None:
    arguments = {"workspace_id": document.workspace_id, "document_id": document.id}
    document.job_id = await deferring.defer(session, PROCESS, arguments)
    await session.flush()


async def _find_again(session: AsyncSession, faq: Faq) -> None:
    await entries.set_faq_chunk(session, faq, _passage(faq.question, faq.answer, faq.language))
    await _embed_bare(session, faq.workspace_id)


def _passage(question: str, answer: str, language: str | None) -> Passage:
    return Passage(answer, question, None, language, digest_of(question, answer))


async def _embed_bare(session: AsyncSession, workspace_id: UUID) -> None:
    await deferring.defer_each(
        session,
        EMBED_BARE,
        [{"workspace_id": workspace_id}],
        deferring.Options(queueing_lock=f"knowledge.bare:{workspace_id}"),
    )


def _read_faqs(source: str) -> list[dict[str, Any]]:
    try:
        delimiter = csv.Sniffer().sniff(source[:8_192], delimiters=",;\t").delimiter
    except csv.Error:
        delimiter = ","
    try:
        rows = list(csv.DictReader(io.StringIO(source.replace("\0", "")), delimiter=delimiter))
    except csv.Error as error:
        raise Invalid(
            f"The CSV cannot be read: {error}.", field="file", fix="Save it as CSV again."
        ) from None
    names = {(name or "").strip().lower().lstrip("\ufeff"): name for name in (rows[0] if rows else {})}
    question = next((names[name] for name in _QUESTIONS if name in names), None)
    answer = next((names[name] for name in _ANSWERS if name in names), None)
    if not rows or question is None or answer is None:
        raise Invalid(
            "The CSV has no columns named question and answer, or no rows.",
            field="file",
            fix="Begin with the line: question,answer",
        )
    if len(rows) > MOST_FAQS:
        raise Invalid(f"The CSV has {len(rows):,} rows.", field="file", fix=f"{MOST_FAQS:,} at the most.")
    return [_entry(row, number, question, answer, names) for number, row in enumerate(rows, start=2)]


def _entry(
    row: Mapping[str, str | None], number: int, question: str, answer: str, names: Mapping[str, str]
) -> dict[str, Any]:
    entry = {"question": (row[question] or "").strip(), "answer": (row[answer] or "").strip()}
    language = (row.get(names.get("language", "")) or "").strip().lower()
    if not all(entry.values()):
        problem, fix = "lacks its question or its answer", "Fill it in or remove it."
    elif len(entry["question"]) > LONGEST_QUESTION or len(entry["answer"]) > LONGEST_ANSWER:
        problem, fix = "is too long", f"{LONGEST_QUESTION:,} characters ask, {LONGEST_ANSWER:,} answer."
    elif language and not re.fullmatch("[a-z]{2}", language):
        problem, fix = "names no language", "Write it with two letters, like fr."
    else:
        return {**entry, "language": language or None}
    raise Invalid(f"Line {number} {problem}.", field="file", fix=fix)

"""The steps of a document on its way into knowledge, each a transaction of its own: begin, drafts, vectors,
swap.

Whatever process dies in between, the next life finds how far it was: drafts are all there or none are, a
vector that was paid for is kept, and the chunks that people find are always those of one whole upload.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.knowledge import queries
from socialsync.features.knowledge.configs import CONFIGS
from socialsync.features.knowledge.models import Document
from socialsync.features.knowledge.passages import Read
from socialsync.queue import deferring
from socialsync.queue.jobs import Job, still_mine

PROCESS = "knowledge.process_document"
EMBED = "knowledge.embed_chunks"
READ_SHARE = 0.1
"""Of the progress: reading is a tenth, embedding the rest but the last hundredth."""
_EMBED_SHARE = 0.89
GAVE_UP = (
    "It could not be processed: job {} was tried as often as may be. Upload it again, or ask your operator."
)


async def begin(session: AsyncSession, job: Job, document_id: UUID, *, now: datetime) -> Document | None:
    """Start or resume reading; None when there is nothing to read (any more).

    Raises:
        JobLost: another worker has the job.
    """
    document = await _waiting(session, job, document_id)
    if document is None or document.step not in {"waiting", "fetching", "reading"}:
        return None
    step = "fetching" if document.source == "url" and document.digest is None else "reading"
    _set(document, now, status="processing", step=step, error=None, waits_for=None, not_before=None)
    document.job_id = job.job.id
    return await _told(session, document)


async def keep_page(
    session: AsyncSession,
    job: Job,
    document_id: UUID,
    upload: int,
    values: Mapping[str, object],
    *,
    now: datetime,
) -> bool:
    """What was fetched from the document's URL; the caller stores its parts, in this transaction. False when
    the document is another one by now.

    Args:
        values: ``digest size_bytes filename content_type``.
    """
    document = await _waiting(session, job, document_id)
    if document is None or document.upload != upload:
        return False
    await queries.drop_parts(session, document_id, upload)
    _set(document, now, step="reading", **values)
    await _told(session, document)
    return True


async def keep_drafts(
    session: AsyncSession, job: Job, document_id: UUID, upload: int, read: Read, *, now: datetime
) -> bool:
    """All passages, and the job that embeds them; False when the document is another one by now."""
    document = await _waiting(session, job, document_id)
    if document is None or document.upload != upload:
        return False
    await queries.copy_drafts(session, document, read.passages)
    _set(document, now, step="embedding", progress=READ_SHARE)
    document.pages, document.language = read.pages, read.language
    if read.title and document.title == document.url:
        document.title = read.title
    document.job_id = await deferring.defer(
        session, EMBED, {"workspace_id": document.workspace_id, "document_id": document.id}
    )
    await _told(session, document)
    return True


async def begin_embedding(
    session: AsyncSession, job: Job, document_id: UUID, model: str, *, now: datetime
) -> Document | None:
    """Start or resume embedding, with the vectors that are there already; None when it is not its time.

    Raises:
        JobLost.
    """
    document = await _waiting(session, job, document_id)
    if document is None or document.step not in {"embedding", "storing"}:
        return None
    await queries.reuse_vectors(session, document, model)
    _set(document, now, status="processing", error=None, waits_for=None, not_before=None)
    document.job_id = job.job.id
    return await _told(session, document)


async def keep_vectors(
    session: AsyncSession,
    document_id: UUID,
    upload: int,
    model: str,
    vectors: Sequence[tuple[bytes, bytes]],
    *,
    now: datetime,
) -> bool:
    """What was paid for is kept, whoever has the job by now; False when the document is gone, or another."""
    document = await queries.lock_document(session, document_id)
    if document is None or document.upload != upload:
        return False
    await queries.copy_vectors(session, document, model, vectors)
    drafts, embedded = await queries.count_embedded(session, document, model)
    _set(document, now, progress=READ_SHARE + _EMBED_SHARE * embedded / max(1, drafts))
    await _told(session, document)
    return True


async def swap(
    session: AsyncSession, job: Job, document_id: UUID, upload: int, model: str, *, now: datetime
) -> bool:
    """Put the new chunks in the place of the old ones; False while a passage still lacks its vector.

    Raises:
        JobLost.
    """
    document = await _waiting(session, job, document_id)
    if document is None or document.upload != upload:
        return True
    drafts, embedded = await queries.count_embedded(session, document, model)
    if embedded < drafts:
        return False
    await queries.swap_chunks(session, document, model, json.dumps(CONFIGS))
    _set(document, now, status="indexed", step="done", progress=1.0, error=None)
    document.chunk_count, document.indexed_at = drafts, now
    await _told(session, document)
    return True


async def fail(
    session: AsyncSession, job: Job, document_id: UUID, upload: int, sentence: str, *, now: datetime
) -> None:
    """Nothing can be learnt from this upload; what the one before it taught stays."""
    document = await _waiting(session, job, document_id)
    if document is not None and document.upload == upload:
        _set(document, now, status="failed", step="done", error=sentence)
        await _told(session, document)


async def stumble(
    session: AsyncSession, job: Job, document_id: UUID, upload: int, sentence: str, *, now: datetime
) -> None:
    """It is tried again soon; people see meanwhile why it has not gone on."""
    document = await _waiting(session, job, document_id)
    if document is not None and document.upload == upload:
        _set(document, now, status="pending", error=sentence)
        await _told(session, document)


async def postpone(
    session: AsyncSession,
    job: Job,
    document_id: UUID,
    waits_for: str,
    sentence: str,
    *,
    wait: timedelta,
    now: datetime,
) -> None:
    """It waits, which is not to fail: the sweep gives it a job when its time has come."""
    document = await _waiting(session, job, document_id)
    if document is not None:
        _set(document, now, status="pending", waits_for=waits_for, not_before=now + wait, error=sentence)
        await _told(session, document)


async def requeue_stranded(session: AsyncSession, *, now: datetime, limit: int = 1_000) -> int:
    """The sweep: a document that waits without a live job gets the one of its step. If its job failed for
    good, which no wait of ours explains, so does the document: it would kill worker after worker.
    """
    stranded = await queries.take_stranded(session, now, limit)
    for row in stranded:
        if row["job_failed"]:
            values = {"status": "failed", "step": "done", "error": GAVE_UP.format(row["job_id"])}
            await queries.touch(session, [row["id"]], **values, updated_at=now)
            continue
        arguments = {"workspace_id": row["workspace_id"], "document_id": row["id"]}
        if row["step"] in {"embedding", "storing"}:
            job_id = await deferring.defer(session, EMBED, arguments)
        else:
            job_id = await deferring.defer(session, PROCESS, arguments)
        await queries.touch(session, [row["id"]], job_id=job_id, updated_at=now)
    return len(stranded)


async def _waiting(session: AsyncSession, job: Job, document_id: UUID) -> Document | None:
    await still_mine(session, job)
    document = await queries.lock_document(session, document_id)
    return document if document is not None and document.status in {"pending", "processing"} else None


def _set(document: Document, now: datetime, **values: object) -> None:
    for name, value in values.items():
        setattr(document, name, value)
    document.updated_at = now


async def _told(session: AsyncSession, document: Document) -> Document:
    await session.flush()
    await queries.tell_progress(session, document)
    return document

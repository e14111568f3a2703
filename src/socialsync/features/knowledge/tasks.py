"""The jobs of the room: read a document, embed its passages, embed what today's model has not embedded."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from socialsync import clock, resources, telemetry
from socialsync.ai import Spender
from socialsync.ai.errors import (
    AiError,
    AnswerUnusable,
    BudgetSpent,
    CallRefused,
    CredentialsRefused,
    ModelUnknown,
    TextTooLong,
)
from socialsync.errors import Failed, SocialSyncError
from socialsync.features.knowledge import processing, queries, sources
from socialsync.features.knowledge.configs import LANGUAGES
from socialsync.features.knowledge.models import Document
from socialsync.features.knowledge.passages import Read, embedded
from socialsync.queue import jobs, locks
from socialsync.queue.jobs import Job, JobLost
from socialsync.queue.policies import Wait
from socialsync.queue.tasks import task
from socialsync.resources import Resources

log = telemetry.get_logger(__name__)

READ = "socialsync.features.knowledge.chunking:read"
READ_WITHIN_S = 600.0
TEXTS_A_CALL = 64
CALLS_AT_ONCE = 4
MOST_CHARACTERS = 4_000
"""Of a passage, for its vector: in any language fewer tokens than the 8,191 that a model takes."""
AT_A_TIME = 16
"""Vectors that are written as bytes without a pause: a millisecond."""
CHUNKS_AT_ONCE = 100
DEFECT = "It could not be read, by a fault of ours. Your operator finds it in the log."
BUDGET_WAIT = timedelta(minutes=15)
MODEL_WAIT = timedelta(minutes=10)


@task(
    name="knowledge.process_document", queue="ingest", policy="bulk", scope="workspace", priority=-5,
    lock=locks.of_document,
)  # fmt: skip
async def process_document(job: Job, *, workspace_id: UUID, document_id: UUID) -> dict[str, Any]:
    """Read a document and cut it into passages; another job embeds them."""
    opened = resources.of(job)
    async with opened.database.transaction(workspace_id) as session:
        document = await processing.begin(session, job, document_id, now=clock.now())
    if document is None:
        return {"document_id": str(document_id), "status": "nothing to read"}
    log.info(f"[DOCUMENT] Reading document {document_id}", document_id=str(document_id))
    try:
        read = await _read(opened, job, document)
    except JobLost:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, people must see that it has not gone on
        return await _stumbled(opened, job, document, error)
    async with opened.database.transaction(workspace_id) as session:
        await processing.keep_drafts(session, job, document_id, document.upload, read, now=clock.now())
    return {"document_id": str(document_id), "status": "read", "passages": len(read.passages)}


@task(
    name="knowledge.embed_chunks", queue="ingest", policy="bulk", scope="workspace", priority=-5,
    lock=locks.of_document,
)  # fmt: skip
async def embed_chunks(job: Job, *, workspace_id: UUID, document_id: UUID) -> dict[str, Any]:
    """Embed what is not embedded yet, then let people find it."""
    opened = resources.of(job)
    model = opened.ai.models.embedding
    async with opened.database.transaction(workspace_id) as session:
        document = await processing.begin_embedding(session, job, document_id, model, now=clock.now())
    if document is None:
        return {"document_id": str(document_id), "status": "nothing to embed"}
    try:
        while await _embed_some(opened, job, document):
            pass
    except AiError as error:
        await _wait_or_give_up(opened, job, document, error)
        return {"document_id": str(document_id), "status": "waits", "reason": error.message}
    async with opened.database.transaction(workspace_id) as session:
        await processing.swap(session, job, document_id, document.upload, model, now=clock.now())
    log.info(f"[DOCUMENT] Indexed document {document_id}", document_id=str(document_id))
    return {"document_id": str(document_id), "status": "indexed"}


@task(
    name="knowledge.embed_bare", queue="ingest", policy="bulk", scope="workspace", priority=-5,
    lock=locks.of_bare_chunks,
)  # fmt: skip
async def embed_bare(job: Job, *, workspace_id: UUID) -> dict[str, int]:
    """Embed FAQ entries that have no vector yet, and whatever has that of another model. Meanwhile it is
    found by its words.
    """
    opened = resources.of(job)
    model = opened.ai.models.embedding
    count, after = 0, UUID(int=0)
    while True:
        async with opened.database.transaction(workspace_id) as session:
            chunks = await queries.list_bare(session, workspace_id, model, after=after, limit=TEXTS_A_CALL)
        if not chunks:
            return {"embedded": count}
        try:
            vectors = await opened.ai.embed(
                Spender(workspace_id, "chunks"), [entry[:MOST_CHARACTERS] for entry in _texts(chunks)]
            )
        except BudgetSpent:
            raise Wait(BUDGET_WAIT) from None
        except (CredentialsRefused, ModelUnknown, CallRefused):
            raise Wait(MODEL_WAIT) from None
        async with opened.database.transaction(workspace_id) as session:
            await queries.set_vectors(session, workspace_id, model, chunks, vectors)
        count, after = count + len(chunks), chunks[-1]["id"]


@task(name="knowledge.index_chunks", queue="ingest", policy="bulk", scope="workspace", priority=-5)
async def index_chunks(job: Job, *, workspace_id: UUID) -> dict[str, int]:
    """Put a large workspace's chunks into the index of vectors, some in each transaction."""
    opened = resources.of(job)
    count = 0
    while True:
        async with opened.database.transaction(workspace_id) as session:
            some = await queries.bring_near(session, workspace_id, CHUNKS_AT_ONCE)
        count += some
        if some < CHUNKS_AT_ONCE:
            return {"indexed": count}


async def _read(opened: Resources, job: Job, document: Document) -> Read:
    async with sources.brought(opened, job, document) as source:
        read: Read = await opened.pool.call(
            READ, str(source.path), source.filename, source.content_type, LANGUAGES, within=READ_WITHIN_S
        )
        return read


async def _stumbled(opened: Resources, job: Job, document: Document, error: Exception) -> dict[str, Any]:
    """What cannot be read fails, with its reason. What may pass is tried again as often as the policy says,
    and people see the reason meanwhile.

    Raises:
        error: whatever is no failure of the document itself.
    """
    gives_up = jobs.wait_after(job, error) is None
    tell = processing.fail if gives_up else processing.stumble
    sentence = _sentence(error)
    async with opened.database.transaction(document.workspace_id) as session:
        await tell(session, job, document.id, document.upload, sentence, now=clock.now())
    if not (gives_up and isinstance(error, Failed)):
        raise error
    log.warning(f"[DOCUMENT] Document {document.id} failed: {sentence}", document_id=str(document.id))
    return {"document_id": str(document.id), "status": "failed", "error": sentence}


def _sentence(error: Exception) -> str:
    if isinstance(error, SocialSyncError):
        return " ".join(part for part in (error.message, error.fix) if part)
    return DEFECT


async def _embed_some(opened: Resources, job: Job, document: Document) -> bool:
    """Some calls at once. False: all done, or the document is another one by now.

    Raises:
        JobLost, AiError: every answer that came is kept, whatever became of the others.
    """
    model = opened.ai.models.embedding
    async with opened.database.transaction(document.workspace_id) as session:
        await jobs.still_mine(session, job)
        rows = await queries.list_without_vector(session, document, model, TEXTS_A_CALL * CALLS_AT_ONCE)
    if not rows:
        return False
    batches = [rows[start : start + TEXTS_A_CALL] for start in range(0, len(rows), TEXTS_A_CALL)]
    kept = await asyncio.gather(
        *(_embed_batch(opened, document, batch) for batch in batches), return_exceptions=True
    )
    for answer in kept:
        if isinstance(answer, BaseException):
            raise answer
    return all(kept)


async def _embed_batch(opened: Resources, document: Document, batch: Sequence[RowMapping]) -> bool:
    spender = Spender(document.workspace_id, "documents", f"document:{document.id}")
    vectors = await opened.ai.embed(spender, _texts(batch))
    return await asyncio.shield(_keep(opened, document, batch, vectors))  # they are paid for


async def _keep(
    opened: Resources, document: Document, batch: Sequence[RowMapping], vectors: Sequence[Sequence[float]]
) -> bool:
    kept: list[tuple[bytes, bytes]] = []
    for row, vector in zip(batch, vectors, strict=True):
        kept.append((row["digest"], queries.vector_bytes(vector)))
        if len(kept) % AT_A_TIME == 0:
            await asyncio.sleep(0)  # other jobs go on meanwhile
    model = opened.ai.models.embedding
    async with opened.database.transaction(document.workspace_id) as session:
        return await processing.keep_vectors(
            session, document.id, document.upload, model, kept, now=clock.now()
        )


async def _wait_or_give_up(opened: Resources, job: Job, document: Document, error: AiError) -> None:
    """A spent budget, or a model that is away for longer than the policy's patience, postpones the document;
    what costs money each time and comes to nothing ends it.

    Raises:
        AiError: the policy tries again.
    """
    over = jobs.wait_after(job, error) is None
    async with opened.database.transaction(document.workspace_id) as session:
        if isinstance(error, TextTooLong | CallRefused) or (over and isinstance(error, AnswerUnusable)):
            await processing.fail(
                session, job, document.id, document.upload, _sentence(error), now=clock.now()
            )
            return
        if isinstance(error, BudgetSpent):
            wait, reason = BUDGET_WAIT, "budget"
        elif over:
            wait, reason = MODEL_WAIT, "model"
        else:
            raise error
        await processing.postpone(
            session, job, document.id, reason, _sentence(error), wait=wait, now=clock.now()
        )


def _texts(rows: Sequence[RowMapping]) -> list[str]:
    return [embedded(row["heading"], row["text"]) for row in rows]

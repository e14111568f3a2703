"""Every SQL statement of the room, but for those that search."""

import struct
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, RowMapping, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.db.copying import copied
from socialsync.features.knowledge.models import Document, Part
from socialsync.features.knowledge.passages import Passage

_REUSE = text("""
insert into knowledge_vectors (workspace_id, document_id, digest, model, embedding)
select distinct on (draft.digest) draft.workspace_id, draft.document_id, draft.digest, chunk.model,
chunk.embedding from knowledge_drafts draft join knowledge_chunks chunk
    on chunk.workspace_id = draft.workspace_id and chunk.document_id = draft.document_id
        and chunk.digest = draft.digest and chunk.model = :model and chunk.embedding is not null
where draft.workspace_id = :workspace_id and draft.document_id = :document_id and draft.upload = :upload
on conflict do nothing
""")
_WITHOUT_VECTOR = text("""
select digest, min(heading) as heading, min(text) as text from knowledge_drafts draft
where workspace_id = :workspace_id and document_id = :document_id and upload = :upload and not exists (
    select from knowledge_vectors vector
    where vector.workspace_id = draft.workspace_id and vector.document_id = draft.document_id
        and vector.model = :model and vector.digest = draft.digest)
group by digest order by min(n) limit :limit
""")
_COUNTS = text("""
select count(*) as drafts, count(vector.id) as embedded from knowledge_drafts draft
left join knowledge_vectors vector
    on vector.workspace_id = draft.workspace_id and vector.document_id = draft.document_id
        and vector.model = :model and vector.digest = draft.digest
where draft.workspace_id = :workspace_id and draft.document_id = :document_id and draft.upload = :upload
""")
_SWAP = (
    "delete from knowledge_chunks where workspace_id = :workspace_id and document_id = :document_id",
    """
    insert into knowledge_chunks
        (workspace_id, document_id, n, text, heading, page, language, config, digest, model, embedding)
    select draft.workspace_id, draft.document_id, draft.n, draft.text, draft.heading, draft.page,
    draft.language,
        coalesce(cast(cast(:configs as jsonb) ->> draft.language as regconfig), 'simple'), draft.digest,
        vector.model, vector.embedding
    from knowledge_drafts draft join knowledge_vectors vector
        on vector.workspace_id = draft.workspace_id and vector.document_id = draft.document_id
            and vector.model = :model and vector.digest = draft.digest
    where draft.workspace_id = :workspace_id and draft.document_id = :document_id and draft.upload = :upload
    order by draft.n
    """,
    "delete from knowledge_drafts where workspace_id = :workspace_id and document_id = :document_id",
    "delete from knowledge_vectors where workspace_id = :workspace_id and document_id = :document_id",
    """
    delete from knowledge_parts
    where workspace_id = :workspace_id and document_id = :document_id and upload <> :upload
    """,
)
_STRANDED = text("""
select document.id, document.workspace_id, document.step, document.job_id, exists (
    select from procrastinate_jobs job where job.id = document.job_id and job.status = 'failed') as job_failed
from knowledge_documents document
where document.status in ('pending', 'processing') and document.updated_at < :before
    and coalesce(document.not_before <= :now, true)
    and not exists (
        select from procrastinate_jobs job
        where job.id = document.job_id and job.status in ('todo', 'doing'))
order by document.updated_at limit :limit for update of document skip locked
""")
_SET_VECTORS = text("""
update knowledge_chunks chunk set embedding = cast(given.embedding as halfvec), model = :model, updated_at =
now() from unnest(cast(:ids as uuid[]), cast(:digests as bytea[]), cast(:embeddings as text[]))
    as given (id, digest, embedding)
where chunk.workspace_id = :workspace_id and chunk.id = given.id and chunk.digest = given.digest
""")
_BARE = text("""
select id, heading, text, digest from knowledge_chunks
where workspace_id = :workspace_id and model is distinct from :model and id > :after order by id limit :limit
""")
_WORKSPACES_WITH_BARE = text("""
select id from workspaces where exists (  -- three looks into the index for each, however large it is
    select from knowledge_chunks
    where workspace_id = workspaces.id and nearby = any ('{f,t}') and model < :model
) or exists (
    select from knowledge_chunks
    where workspace_id = workspaces.id and nearby = any ('{f,t}') and model > :model
) or exists (
    select from knowledge_chunks
    where workspace_id = workspaces.id and nearby = any ('{f,t}') and model is null and updated_at < :before
) limit :limit
""")
_CROWDED = text("""
select crowded.workspace_id from (
    select workspace_id, sum(chunk_count) as chunks from knowledge_documents
    group by workspace_id having sum(chunk_count) > :most
) as crowded where exists (
    select from knowledge_chunks chunk
    where chunk.workspace_id = crowded.workspace_id and not chunk.nearby and chunk.model is not null)
order by crowded.chunks desc limit :limit
""")
_BRING_NEAR = text("""
update knowledge_chunks set nearby = true where id in (
    select id from knowledge_chunks
    where workspace_id = :workspace_id and not nearby and embedding is not null limit :limit
    for update skip locked)
""")


async def add_document(session: AsyncSession, values: Mapping[str, Any]) -> Document:
    document = Document(**values)
    session.add(document)
    await session.flush()
    await session.refresh(document)
    return document


async def find_document(session: AsyncSession, document_id: UUID) -> Document | None:
    return await session.get(Document, document_id)


async def lock_document(session: AsyncSession, document_id: UUID) -> Document | None:
    """As it is now, FOR UPDATE."""
    query = select(Document).where(Document.id == document_id).with_for_update()
    return await session.scalar(query, execution_options={"populate_existing": True})


async def find_by_digest(session: AsyncSession, digest: bytes) -> Document | None:
    """A document with this content that is, or is about to be, in knowledge; the newest."""
    query = (
        select(Document)
        .where(Document.digest == digest, Document.status != "failed")
        .order_by(Document.id.desc())
        .limit(1)
    )
    return await session.scalar(query)


async def find_by_url(session: AsyncSession, url: str) -> Document | None:
    query = select(Document).where(Document.url == url).order_by(Document.id.desc()).limit(1)
    return await session.scalar(query.with_for_update())


async def list_documents(
    session: AsyncSession, *, before: UUID | None, limit: int, status: str | None
) -> list[Document]:
    """Newest first."""
    query = select(Document).order_by(Document.id.desc()).limit(limit)
    if before:
        query = query.where(Document.id < before)
    if status:
        query = query.where(Document.status == status)
    return list(await session.scalars(query))


async def delete_document(session: AsyncSession, document_id: UUID) -> None:
    """With everything that came of it: foreign keys cascade."""
    await session.execute(delete(Document).where(Document.id == document_id))


async def add_part(session: AsyncSession, document: Document, *, upload: int, n: int, content: bytes) -> None:
    await session.execute(
        text(
            "insert into knowledge_parts (workspace_id, document_id, upload, n, bytes)"
            " values (:workspace_id, :document_id, :upload, :n, :bytes) on conflict do nothing"
        ),
        {
            "workspace_id": document.workspace_id,
            "document_id": document.id,
            "upload": upload,
            "n": n,
            "bytes": content,
        },
    )


async def read_part(session: AsyncSession, document_id: UUID, upload: int, n: int) -> bytes | None:
    query = select(Part.bytes).where(Part.document_id == document_id, Part.upload == upload, Part.n == n)
    return await session.scalar(query)


async def drop_parts(session: AsyncSession, document_id: UUID, upload: int) -> None:
    await session.execute(delete(Part).where(Part.document_id == document_id, Part.upload == upload))


async def copy_drafts(session: AsyncSession, document: Document, passages: Sequence[Passage]) -> None:
    """The passages of this upload, instead of whatever an earlier life left."""
    await session.execute(
        text("delete from knowledge_drafts where workspace_id = :w and document_id = :d"),
        {"w": document.workspace_id, "d": document.id},
    )
    columns = {"n": "int", "text": "text", "heading": "text", "page": "int", "language": "text",
               "digest": "bytea"}  # fmt: skip
    rows = (
        (n, each.text, each.heading, each.page, each.language, each.digest) for n, each in enumerate(passages)
    )
    async with copied(session, columns, rows) as cursor:
        await cursor.execute(
            "insert into knowledge_drafts"
            " (workspace_id, document_id, upload, n, text, heading, page, language, digest)"
            " select %s, %s, %s, n, text, heading, page, language, digest from given order by n",
            (document.workspace_id, document.id, document.upload),
        )


async def reuse_vectors(session: AsyncSession, document: Document, model: str) -> None:
    """Passages that the document had before keep the vectors that were paid for."""
    await session.execute(_REUSE, {**_of(document), "model": model})


async def list_without_vector(
    session: AsyncSession, document: Document, model: str, limit: int
) -> Sequence[RowMapping]:
    """``digest, heading, text`` of passages to embed."""
    rows = await session.execute(_WITHOUT_VECTOR, {**_of(document), "model": model, "limit": limit})
    return rows.mappings().all()


async def copy_vectors(
    session: AsyncSession, document: Document, model: str, vectors: Sequence[tuple[bytes, bytes]]
) -> None:
    """Keep what was paid for, by digest, as ``vector_bytes`` gives it; another life may have stored some."""
    columns = {"digest": "bytea", "embedding": "halfvec"}
    async with copied(session, columns, vectors, binary=True) as cursor:
        await cursor.execute(
            "insert into knowledge_vectors (workspace_id, document_id, model, digest, embedding)"
            " select %s, %s, %s, digest, embedding from given on conflict do nothing",
            (document.workspace_id, document.id, model),
        )


async def lock_content(session: AsyncSession, workspace_id: UUID, content: str | bytes) -> None:
    """Until the transaction ends nobody else adds the same content, by URL or digest, to this workspace."""
    key = f"{workspace_id} {content if isinstance(content, str) else content.hex()}"
    await session.execute(text("select pg_advisory_xact_lock(hashtextextended(:key, 5))"), {"key": key})


async def count_embedded(session: AsyncSession, document: Document, model: str) -> tuple[int, int]:
    """Passages of this upload, and how many of them have a vector."""
    row = (await session.execute(_COUNTS, {**_of(document), "model": model})).one()
    return row.drafts, row.embedded


async def swap_chunks(session: AsyncSession, document: Document, model: str, configs: str) -> None:
    """The passages of this upload take the place of those before, all at once."""
    values = {**_of(document), "model": model, "configs": configs}
    for statement in _SWAP:
        named = {name: value for name, value in values.items() if f":{name}" in statement}
        await session.execute(text(statement), named)


async def take_stranded(session: AsyncSession, now: datetime, limit: int) -> Sequence[RowMapping]:
    """Documents that wait for a minute without a job that waits or runs:
    ``id, workspace_id, step, job_id, job_failed``.
    """
    values = {"now": now, "before": now - timedelta(minutes=1), "limit": limit}
    return (await session.execute(_STRANDED, values)).mappings().all()


async def tell_progress(session: AsyncSession, document: Document) -> None:
    """Whoever listens on ``knowledge`` hears it when the transaction commits."""
    await session.execute(
        text("select pg_notify('knowledge', json_build_object('document_id', cast(:id as text),"
             " 'status', cast(:status as text), 'progress', cast(:progress as float8))::text)"),
        {"id": str(document.id), "status": document.status, "progress": round(document.progress, 3)},
    )  # fmt: skip


async def set_vectors(
    session: AsyncSession,
    workspace_id: UUID,
    model: str,
    chunks: Sequence[RowMapping],
    vectors: Sequence[Sequence[float]],
) -> None:
    """To chunks that still say what was embedded."""
    await session.execute(
        _SET_VECTORS,
        {
            "workspace_id": workspace_id,
            "model": model,
            "ids": [chunk["id"] for chunk in chunks],
            "digests": [chunk["digest"] for chunk in chunks],
            "embeddings": [vector_text(vector) for vector in vectors],
        },
    )


async def list_bare(
    session: AsyncSession, workspace_id: UUID, model: str, *, after: UUID, limit: int
) -> Sequence[RowMapping]:
    """``id, heading, text, digest`` of chunks after that one without a vector of this model."""
    values = {"workspace_id": workspace_id, "model": model, "after": after, "limit": limit}
    return (await session.execute(_BARE, values)).mappings().all()


async def list_workspaces_with_bare(
    session: AsyncSession, model: str, now: datetime, limit: int
) -> list[UUID]:
    """Those with chunks of another model, or without a vector for a minute."""
    values = {"model": model, "before": now - timedelta(minutes=1), "limit": limit}
    return list(await session.scalars(_WORKSPACES_WITH_BARE, values))


async def list_crowded(session: AsyncSession, most: int, limit: int) -> list[UUID]:
    """Workspaces with more chunks outside the index of vectors than are quickly compared."""
    return list(await session.scalars(_CROWDED, {"most": most, "limit": limit}))


async def bring_near(session: AsyncSession, workspace_id: UUID, limit: int) -> int:
    """Put some chunks into the index of vectors; how many."""
    result = await session.execute(_BRING_NEAR, {"workspace_id": workspace_id, "limit": limit})
    return cast("CursorResult[Any]", result).rowcount


async def touch(session: AsyncSession, document_ids: Collection[UUID], **values: Any) -> None:
    await session.execute(update(Document).where(Document.id.in_(document_ids)).values(**values))


async def count_documents(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Document)) or 0


def vector_text(vector: Sequence[float]) -> str:
    return "[" + ",".join(f"{number:.6g}" for number in vector) + "]"


def vector_bytes(vector: Sequence[float]) -> bytes:
    """As pgvector's ``halfvec_recv`` takes it: how many, nothing, and each in two bytes. Ten times as fast as
    its text.
    """
    return struct.pack(f">HH{len(vector)}e", len(vector), 0, *vector)


def _of(document: Document) -> dict[str, Any]:
    return {"workspace_id": document.workspace_id, "document_id": document.id, "upload": document.upload}

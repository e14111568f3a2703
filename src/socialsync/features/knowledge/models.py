"""Documents on their way into knowledge, and what is found there. States: docs/states.md."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import BIT, REGCONFIG, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from socialsync.db.base import TenantRow

DIMENSIONS = 1_536


def _of_document(table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["workspace_id", "document_id"],
        ["knowledge_documents.workspace_id", "knowledge_documents.id"],
        name=f"fk_{table}_document",
        ondelete="CASCADE",
    )


class Document(TenantRow):
    """A document; ``upload`` counts what was uploaded for it. Its chunks are always those of one whole
    upload: the next one replaces them in one transaction. ``waits_for`` is a wait that is no failure.
    """

    __tablename__ = "knowledge_documents"
    __table_args__ = TenantRow.table_args(
        CheckConstraint("source in ('file', 'text', 'url')", name="source"),
        CheckConstraint("status in ('pending', 'processing', 'indexed', 'failed')", name="status"),
        CheckConstraint(
            "step in ('waiting', 'fetching', 'reading', 'embedding', 'storing', 'done')", name="step"
        ),
        CheckConstraint("progress between 0 and 1", name="progress"),
        CheckConstraint("waits_for in ('budget', 'model')", name="waits_for"),
        Index(
            "ix_knowledge_documents_digest",
            "workspace_id",
            "digest",
            postgresql_where=sql("digest is not null"),
        ),
        Index(
            "ix_knowledge_documents_waiting",
            "updated_at",
            postgresql_where=sql("status in ('pending', 'processing')"),
        ),
    )

    title: Mapped[str]
    source: Mapped[str]
    filename: Mapped[str | None]
    url: Mapped[str | None]
    content_type: Mapped[str | None]
    size_bytes: Mapped[int] = mapped_column(BigInteger, server_default=sql("0"))
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    status: Mapped[str] = mapped_column(server_default="pending")
    step: Mapped[str] = mapped_column(server_default="waiting")
    progress: Mapped[float] = mapped_column(server_default=sql("0"))
    upload: Mapped[int] = mapped_column(server_default=sql("1"))
    pages: Mapped[int | None]
    chunk_count: Mapped[int] = mapped_column(server_default=sql("0"))
    language: Mapped[str | None]
    error: Mapped[str | None]
    waits_for: Mapped[str | None]
    not_before: Mapped[datetime | None]
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    indexed_at: Mapped[datetime | None]


class Part(TenantRow):
    """A mebibyte of an uploaded file, so that neither side ever holds all of it."""

    __tablename__ = "knowledge_parts"
    __table_args__ = TenantRow.table_args(
        _of_document("knowledge_parts"), UniqueConstraint("workspace_id", "document_id", "upload", "n")
    )

    document_id: Mapped[UUID]
    upload: Mapped[int]
    n: Mapped[int]
    bytes: Mapped[bytes] = mapped_column(LargeBinary)


class Faq(TenantRow):
    """A question with its answer, written by a person."""

    __tablename__ = "faqs"
    __table_args__ = TenantRow.table_args()

    question: Mapped[str]
    answer: Mapped[str]
    language: Mapped[str | None]
    revision: Mapped[int] = mapped_column(server_default=sql("1"))


class Draft(TenantRow):
    """A chunk of an upload that is not stored whole yet."""

    __tablename__ = "knowledge_drafts"
    __table_args__ = TenantRow.table_args(
        _of_document("knowledge_drafts"), UniqueConstraint("workspace_id", "document_id", "upload", "n")
    )

    document_id: Mapped[UUID]
    upload: Mapped[int]
    n: Mapped[int]
    text: Mapped[str]
    heading: Mapped[str | None]
    page: Mapped[int | None]
    language: Mapped[str | None]
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Vector(TenantRow):
    """A vector that was paid for, kept until its document is stored whole."""

    __tablename__ = "knowledge_vectors"
    __table_args__ = TenantRow.table_args(
        _of_document("knowledge_vectors"),
        UniqueConstraint("workspace_id", "document_id", "model", "digest"),
    )

    document_id: Mapped[UUID]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    model: Mapped[str]
    embedding: Mapped[Any] = mapped_column(HALFVEC(DIMENSIONS))


class Chunk(TenantRow):
    """A passage that can be found, of a document or a FAQ entry, whose vector comes a moment later. Its words
    are indexed under keys that no other workspace has, so that one index finds a tenant's rows among
    everybody's. (Its workspace among its words was what did that before.) ``signs``: those of its vector,
    looked at first. ``nearby``: whether the index of vectors has it, which costs ten milliseconds and only
    serves the largest workspaces.
    """

    __tablename__ = "knowledge_chunks"
    __table_args__ = TenantRow.table_args(
        _of_document("knowledge_chunks"),
        ForeignKeyConstraint(
            ["workspace_id", "faq_id"], ["faqs.workspace_id", "faqs.id"], ondelete="CASCADE"
        ),
        CheckConstraint("num_nonnulls(document_id, faq_id) = 1", name="origin"),
        Index(None, "workspace_id", "document_id", "n"),
        Index(
            "uq_knowledge_chunks_faq",
            "workspace_id",
            "faq_id",
            unique=True,
            postgresql_where=sql("faq_id is not null"),
        ),
        Index(
            "ix_knowledge_chunks_keys",
            sql("passage_keys(workspace_id, words)"),
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
        ),
        Index(
            "ix_knowledge_chunks_embedding",
            "embedding",
            postgresql_using="hnsw",
            postgresql_ops={"embedding": "halfvec_ip_ops"},
            postgresql_where=sql("nearby"),
        ),
        Index(
            "ix_knowledge_chunks_signs",
            "workspace_id",
            "nearby",
            "model",
            postgresql_include=["id", "signs"],
        ),
        Index(None, "workspace_id", "config"),
    )

    document_id: Mapped[UUID | None]
    faq_id: Mapped[UUID | None]
    n: Mapped[int]
    text: Mapped[str]
    heading: Mapped[str | None]
    page: Mapped[int | None]
    language: Mapped[str | None]
    config: Mapped[str] = mapped_column(REGCONFIG, server_default=sql("'simple'::regconfig"))
    words: Mapped[Any] = mapped_column(
        TSVECTOR,
        Computed(
            "array_to_tsvector(array[workspace_id::text]) ||"
            " to_tsvector(config, coalesce(heading, '') || ' ' || text)",
            persisted=True,
        ),
    )
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    model: Mapped[str | None]
    embedding: Mapped[Any] = mapped_column(HALFVEC(DIMENSIONS), nullable=True)
    signs: Mapped[Any] = mapped_column(
        BIT(DIMENSIONS),
        Computed(f"binary_quantize(embedding)::bit({DIMENSIONS})", persisted=True),
        nullable=True,
    )
    nearby: Mapped[bool] = mapped_column(server_default=sql("false"))

"""Posts, the attempts to publish them, and what each recipient got. States: docs/states.md."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from socialsync.db.base import TenantRow


class Post(TenantRow):
    """What is to be published. ``revision`` counts edits: an attempt sends only what it has read.

    ``not_before`` is a wait that is no failure; ``due_at`` is when the scheduler may take the post. An
    occurrence of a series has its place in it as ``slot_at``, wherever its ``publish_at`` was moved.
    """

    __tablename__ = "posts"
    __table_args__ = TenantRow.table_args(
        ForeignKeyConstraint(["workspace_id", "channel_id"], ["channels.workspace_id", "channels.id"]),
        CheckConstraint(
            "status in ('draft', 'queued', 'publishing', 'published', 'failed', 'cancelled', 'unknown')",
            name="status",
        ),
        CheckConstraint("status <> 'queued' or publish_at is not null", name="queued_has_time"),
        CheckConstraint(
            "media_type in ('image', 'carousel', 'reel', 'story', 'video', 'audio', 'document')",
            name="media_type",
        ),
        CheckConstraint(
            "recurrence is null or (timezone is not null and series_id is not null"
            " and series_starts_at is not null and slot_at is not null)",
            name="recurrence",
        ),
        UniqueConstraint("workspace_id", "series_id", "slot_at"),
        Index("ix_posts_due", "due_at", postgresql_where=sql("status = 'queued'")),
        Index("ix_posts_publishing", "updated_at", postgresql_where=sql("status = 'publishing'")),
        Index(None, "workspace_id", "channel_id", "id"),
        CheckConstraint("origin in ('socialsync', 'platform')", name="origin"),
        Index("ix_posts_watched", "next_check_at", postgresql_where=sql("next_check_at is not null")),
        Index(
            None,
            "workspace_id",
            "channel_id",
            "platform_post_id",
            postgresql_where=sql("platform_post_id is not null"),
        ),
    )

    channel_id: Mapped[UUID]
    status: Mapped[str]
    text: Mapped[str]
    media_urls: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sql("'{}'"))
    recipients: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sql("'{}'"))
    template: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    media_type: Mapped[str | None]
    alt_texts: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sql("'{}'"))
    publish_at: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    due_at: Mapped[datetime | None] = mapped_column(
        Computed("greatest(publish_at, not_before)", persisted=True)
    )
    recurrence: Mapped[str | None]
    timezone: Mapped[str | None]
    series_id: Mapped[UUID | None]
    slot_at: Mapped[datetime | None]
    series_starts_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(server_default=sql("1"))
    attempt: Mapped[int] = mapped_column(server_default=sql("0"))
    platform_post_id: Mapped[str | None]
    error: Mapped[str | None]
    published_at: Mapped[datetime | None]
    next_check_at: Mapped[datetime | None]
    stop_at: Mapped[datetime | None]
    origin: Mapped[str] = mapped_column(server_default=sql("'socialsync'"))


class PostRun(TenantRow):
    """One attempt. ``effect_at`` is the committed intent: from then on the world may have seen it.

    ``prepared_for`` is the revision whose recipients have their deliveries; ``looked_at`` when somebody first
    looked what had become of it.
    """

    __tablename__ = "post_runs"
    __table_args__ = TenantRow.table_args(
        ForeignKeyConstraint(["workspace_id", "post_id"], ["posts.workspace_id", "posts.id"]),
        CheckConstraint("status in ('running', 'success', 'failed', 'unknown', 'cancelled')", name="status"),
        CheckConstraint("(status = 'running') = (finished_at is null)", name="finished"),
        UniqueConstraint("workspace_id", "post_id", "attempt"),
        Index(
            "uq_post_runs_running",
            "workspace_id",
            "post_id",
            unique=True,
            postgresql_where=sql("status = 'running'"),
        ),
    )

    post_id: Mapped[UUID]
    attempt: Mapped[int]
    status: Mapped[str] = mapped_column(server_default="running")
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    settle_job_id: Mapped[int | None] = mapped_column(BigInteger)
    prepared_for: Mapped[int | None]
    container_id: Mapped[str | None]
    container_at: Mapped[datetime | None]
    child_container_ids: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sql("'{}'"))
    started_at: Mapped[datetime | None]
    effect_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    looked_at: Mapped[datetime | None]
    doubt: Mapped[str | None]
    error: Mapped[str | None]


class PostDelivery(TenantRow):
    """One recipient of a WhatsApp post. ``sending`` is the committed intent of this one message.

    ``waits`` counts how often it waited because this person got too many, ``faults`` for passing faults.
    """

    __tablename__ = "post_deliveries"
    __table_args__ = TenantRow.table_args(
        ForeignKeyConstraint(["workspace_id", "post_id"], ["posts.workspace_id", "posts.id"]),
        CheckConstraint(
            "status in ('queued', 'sending', 'sent', 'delivered', 'read', 'played', 'failed', 'unknown')",
            name="status",
        ),
        UniqueConstraint("workspace_id", "post_id", "recipient"),
        Index(
            "ix_post_deliveries_open",
            "workspace_id",
            "post_id",
            "chunk",
            "id",
            postgresql_where=sql("status in ('queued', 'sending', 'unknown')"),
        ),
        Index(
            "ix_post_deliveries_held_back",
            "workspace_id",
            "post_id",
            "not_before",
            postgresql_where=sql("status = 'queued' and not_before is not null"),
        ),
        Index(
            None,
            "workspace_id",
            "platform_message_id",
            postgresql_where=sql("platform_message_id is not null"),
        ),
        Index(
            "ix_post_deliveries_workspace_id_recipient_sent_at",
            "workspace_id",
            "recipient",
            sql("sent_at desc"),
            postgresql_where=sql("sent_at is not null"),
        ),
    )

    post_id: Mapped[UUID]
    recipient: Mapped[str]
    chunk: Mapped[int] = mapped_column(server_default=sql("0"))
    status: Mapped[str] = mapped_column(server_default="queued")
    platform_message_id: Mapped[str | None]
    sending_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    waits: Mapped[int] = mapped_column(SmallInteger, server_default=sql("0"))
    faults: Mapped[int] = mapped_column(SmallInteger, server_default=sql("0"))
    error: Mapped[str | None]


class OptOut(TenantRow):
    """A person who wants no broadcasts from this channel (any more)."""

    __tablename__ = "opt_outs"
    __table_args__ = TenantRow.table_args(
        ForeignKeyConstraint(["workspace_id", "channel_id"], ["channels.workspace_id", "channels.id"]),
        UniqueConstraint("workspace_id", "channel_id", "recipient"),
    )

    channel_id: Mapped[UUID]
    recipient: Mapped[str]
    reason: Mapped[str]

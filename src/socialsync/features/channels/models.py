"""Connections to platforms, their tokens encrypted."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from socialsync.db.base import TenantRow


class Channel(TenantRow):
    """A WhatsApp number or an Instagram account. A deleted one stays for its posts, without its token.

    ``languages``, ``tone`` and ``business_hours`` are null where the workspace's hold.

    Of what was written after ``missed_since`` the platform may have told nobody: it is to be pulled. Until
    ``caught_up_at`` that was done the last time.
    """

    __tablename__ = "channels"
    __table_args__ = TenantRow.table_args(
        CheckConstraint("platform in ('whatsapp', 'instagram')", name="platform"),
        CheckConstraint("status in ('active', 'needs_reauth', 'deleted')", name="status"),
        CheckConstraint("buffer_quiet_s > 0 and buffer_max_s >= buffer_quiet_s", name="buffer"),
        CheckConstraint("(status = 'deleted') = (token_encrypted is null)", name="token"),
        Index(
            "uq_channels_external_id",
            "workspace_id",
            "platform",
            "external_id",
            unique=True,
            postgresql_where=text("status <> 'deleted'"),
        ),
        Index(None, "platform", "external_id"),
        Index(
            None,
            "token_expires_at",
            postgresql_where=text("status = 'active' and token_expires_at is not null"),
        ),
        Index(None, "missed_since", postgresql_where=text("missed_since is not null")),
    )

    platform: Mapped[str]
    name: Mapped[str]
    external_id: Mapped[str]
    token_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    status: Mapped[str] = mapped_column(server_default="active")
    ai_enabled_for_chats: Mapped[bool] = mapped_column(server_default=text("true"))
    ai_enabled_for_comments: Mapped[bool] = mapped_column(server_default=text("true"))
    escalation_email: Mapped[str | None]
    hide_ignored_comments: Mapped[bool] = mapped_column(server_default=text("false"))
    reply_privately: Mapped[bool] = mapped_column(server_default=text("false"))
    buffer_quiet_s: Mapped[float] = mapped_column(server_default=text("5"))
    buffer_max_s: Mapped[float] = mapped_column(server_default=text("20"))
    languages: Mapped[list[str] | None] = mapped_column(ARRAY(TEXT))
    tone: Mapped[str | None]
    business_hours: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    paused_at: Mapped[datetime | None]
    status_reason: Mapped[str | None]
    token_set_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    token_expires_at: Mapped[datetime | None]
    token_checked_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    missed_since: Mapped[datetime | None]
    missed_noted_at: Mapped[datetime | None]
    caught_up_at: Mapped[datetime | None]

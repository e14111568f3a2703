"""What a person must see, and the mails that tell them. States: docs/states.md."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as UUID_COLUMN
from sqlalchemy.orm import Mapped, mapped_column

from socialsync.db.base import TenantRow

_OF_CHANNEL = (["workspace_id", "channel_id"], ["channels.workspace_id", "channels.id"])


class Escalation(TenantRow):
    """Something that a person must see: a conversation, a comment, a content. Of each at most one is not
    resolved. ``mail_id`` is the last mail that holds it; ``mail_waits_for`` says why there is none.
    """

    __tablename__ = "escalations"
    __table_args__ = TenantRow.table_args(
        CheckConstraint("subject in ('conversation', 'comment', 'content')", name="subject"),
        CheckConstraint("urgency in ('urgent', 'high', 'normal')", name="urgency"),
        CheckConstraint("status in ('open', 'claimed', 'resolved')", name="status"),
        CheckConstraint("status <> 'claimed' or claimed_by is not null", name="claimed"),
        CheckConstraint(
            "(status = 'resolved') = (resolved_at is not null)"
            " and (resolved_at is null) = (resolved_by is null)",
            name="resolved",
        ),
        ForeignKeyConstraint(*_OF_CHANNEL),
        ForeignKeyConstraint(
            ["workspace_id", "mail_id"], ["escalation_mails.workspace_id", "escalation_mails.id"]
        ),
        Index(
            "uq_escalations_unresolved",
            "workspace_id",
            "subject",
            "subject_id",
            unique=True,
            postgresql_where=text("status <> 'resolved'"),
        ),
        Index(
            "ix_escalations_unclaimed",
            "workspace_id",
            "channel_id",
            "due_at",
            postgresql_where=text("status = 'open'"),
        ),
        Index(
            "ix_escalations_untold",
            "updated_at",
            postgresql_where=text("status = 'open' and mail_id is null"),
        ),
        Index(
            "ix_escalations_due",
            "due_at",
            postgresql_where=text("status = 'open' and mail_id is not null"),
        ),
    )

    channel_id: Mapped[UUID | None]
    subject: Mapped[str]
    subject_id: Mapped[UUID]
    urgency: Mapped[str]
    reason: Mapped[str]
    rule: Mapped[str | None]
    excerpt: Mapped[str | None]
    link: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="open")
    due_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None]
    note: Mapped[str | None]
    mail_id: Mapped[UUID | None]
    mail_waits_for: Mapped[str | None]
    reminded_at: Mapped[datetime | None]


class EscalationMail(TenantRow):
    """One mail, about one or many escalations of a channel. ``sending_at`` is the committed intent: from then
    on the server may have it; its id is its Message-ID. ``doubts`` counts answers that were lost.
    """

    __tablename__ = "escalation_mails"
    __table_args__ = TenantRow.table_args(
        CheckConstraint("kind in ('news', 'reminder')", name="kind"),
        CheckConstraint(
            "status in ('queued', 'sending', 'sent', 'failed', 'unknown', 'logged')", name="status"
        ),
        CheckConstraint("(status = 'sent') = (sent_at is not null)", name="sent"),
        CheckConstraint("cardinality(escalation_ids) > 0", name="escalation_ids"),
        ForeignKeyConstraint(*_OF_CHANNEL),
        Index(
            "uq_escalation_mails_unfinished",
            "workspace_id",
            "channel_id",
            unique=True,
            postgresql_where=text("status in ('queued', 'sending')"),
        ),
        Index(None, "workspace_id", "channel_id", "sending_at"),
        Index(
            "ix_escalation_mails_waiting",
            "updated_at",
            postgresql_where=text("status in ('queued', 'sending')"),
        ),
    )

    channel_id: Mapped[UUID]
    kind: Mapped[str]
    recipient: Mapped[str]
    escalation_ids: Mapped[list[UUID]] = mapped_column(ARRAY(UUID_COLUMN(as_uuid=True)))
    status: Mapped[str]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    doubts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    not_before: Mapped[datetime | None]
    sending_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None]

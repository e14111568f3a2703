"""A workspace's rules, and every decision that was taken."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from socialsync.db.base import TenantRow

VERDICTS = "decision in ('RESPOND', 'IGNORE', 'ESCALATE')"


class DecisionRule(TenantRow):
    """What is decided of everything that says this. The first one that fits decides, by ``position``."""

    __tablename__ = "decision_rules"
    __table_args__ = TenantRow.table_args(
        CheckConstraint("kind in ('word', 'phrase', 'regex')", name="kind"),
        CheckConstraint(VERDICTS, name="decision"),
        CheckConstraint("contexts <@ '{chat,comment}' and cardinality(contexts) > 0", name="contexts"),
        UniqueConstraint("workspace_id", "name"),
    )

    name: Mapped[str]
    kind: Mapped[str]
    pattern: Mapped[str]
    decision: Mapped[str]
    contexts: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{chat,comment}'"))
    position: Mapped[int] = mapped_column(server_default=text("0"))
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))


class AiDecision(TenantRow):
    """One decision about one thing: a window of a conversation, or a comment.

    ``source`` says what decided: a rule of the workspace's (``rule``), one of ours (``guardrail``),
    ``moderation``, the ``model``, or the way the channel is set (``settings``).
    """

    __tablename__ = "ai_decisions"
    __table_args__ = TenantRow.table_args(
        CheckConstraint("context_type in ('chat', 'comment')", name="context_type"),
        CheckConstraint(VERDICTS, name="decision"),
        CheckConstraint("source in ('rule', 'guardrail', 'moderation', 'model', 'settings')", name="source"),
        CheckConstraint("confidence between 0 and 1", name="confidence"),
        ForeignKeyConstraint(["workspace_id", "channel_id"], ["channels.workspace_id", "channels.id"]),
        UniqueConstraint("workspace_id", "context_type", "subject_id"),
        Index(None, "workspace_id", "channel_id", "created_at"),
    )

    context_type: Mapped[str]
    subject_id: Mapped[UUID]
    channel_id: Mapped[UUID]
    decision: Mapped[str]
    reason: Mapped[str]
    source: Mapped[str]
    rule: Mapped[str | None]
    confidence: Mapped[float | None]
    sources: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))

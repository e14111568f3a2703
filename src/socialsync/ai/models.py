"""What calls to models cost: one row a call, and the sum of each month, by which budgets are kept."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from socialsync.db.base import TenantRow

_ZERO = text("0")


class AiCall(TenantRow):
    """One call. ``running`` is written before it leaves, so that one whose answer never came is not
    forgotten; ``subject`` is what it was about (``document:<id>``).
    """

    __tablename__ = "ai_calls"
    __table_args__ = TenantRow.table_args(
        CheckConstraint("kind in ('chat', 'embedding', 'moderation')", name="kind"),
        CheckConstraint("status in ('running', 'done', 'failed', 'unknown')", name="status"),
        Index(None, "workspace_id", "created_at"),
    )

    purpose: Mapped[str]
    subject: Mapped[str | None]
    kind: Mapped[str]
    model: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="running")
    input_tokens: Mapped[int] = mapped_column(server_default=_ZERO)
    output_tokens: Mapped[int] = mapped_column(server_default=_ZERO)
    cost_usd: Mapped[Decimal] = mapped_column(Numeric(14, 8), server_default=_ZERO)
    error: Mapped[str | None]
    finished_at: Mapped[datetime | None]


class AiSpending(TenantRow):
    """What a workspace has spent in one month (UTC), US dollars."""

    __tablename__ = "ai_spending"
    __table_args__ = TenantRow.table_args(UniqueConstraint("workspace_id", "month_on"))

    month_on: Mapped[date]
    calls: Mapped[int] = mapped_column(server_default=_ZERO)
    cost_usd: Mapped[Decimal] = mapped_column(Numeric(14, 8), server_default=_ZERO)

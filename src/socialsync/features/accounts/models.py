"""Workspaces and the keys that open them."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Numeric, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from socialsync.db.base import Row


class Workspace(Row):
    """A tenant with its settings. ``business_hours``: weekday (``mon``) to ``[["09:00", "18:00"], ...]``."""

    __tablename__ = "workspaces"
    __table_args__ = (
        CheckConstraint("length(name) between 1 and 200", name="name"),
        CheckConstraint("ai_budget_usd_month >= 0", name="ai_budget"),
    )

    name: Mapped[str]
    timezone: Mapped[str] = mapped_column(server_default="UTC")
    languages: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{en}'"))
    tone: Mapped[str] = mapped_column(server_default="friendly")
    business_hours: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    ai_budget_usd_month: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))


class ApiKey(Row):
    """A key, known by its SHA-256 only. Without a workspace it is the installation's."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("role in ('viewer', 'operator', 'admin')", name="role"),
        Index(None, "workspace_id"),
    )

    workspace_id: Mapped[UUID | None] = mapped_column(ForeignKey("workspaces.id"))
    name: Mapped[str]
    role: Mapped[str]
    prefix: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    revoked_at: Mapped[datetime | None]

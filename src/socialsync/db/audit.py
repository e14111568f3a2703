"""Who did what to what, written in the transaction of the deed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, insert, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from socialsync.db.base import NOW, Base


class AuditEntry(Base):
    """A control that somebody used. ``workspace_id`` is null for those of the installation."""

    __tablename__ = "audit_log"
    __table_args__ = (Index(None, "workspace_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("uuidv7()"))
    at: Mapped[datetime] = mapped_column(server_default=NOW)
    workspace_id: Mapped[UUID | None] = mapped_column(ForeignKey("workspaces.id"))
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


async def record(
    session: AsyncSession,
    *,
    actor: str,
    action: str,
    subject: str,
    workspace_id: UUID | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Note a deed.

    Args:
        session: the transaction of the deed; the note lives and dies with it.
        actor: who, e.g. ``key:ss_1a2b3c`` or ``cli``.
        action: ``<room>.<verb>`` in the past tense, e.g. ``channels.created``.
        subject: what it was done to, e.g. ``channel:<id>``.
        workspace_id: whose it is; None for the installation.
        detail: more, without secrets.
    """
    values = {"workspace_id": workspace_id, "actor": actor, "action": action, "subject": subject}
    await session.execute(insert(AuditEntry).values(**values, detail=detail or {}))

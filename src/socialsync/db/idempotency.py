"""Answers that creating requests got, kept to be given again when a request is repeated.

The row is born in the very transaction of the creation: a twin that comes meanwhile waits on the unique key
and then finds either the stored answer or, after a rollback, nothing and the way free.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from socialsync.db.base import NOW, Base

KEPT_FOR = timedelta(days=1)


class IdempotencyKey(Base):
    """A key of a workspace, or (``workspace_id`` null) of the installation."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        UniqueConstraint("workspace_id", "key", postgresql_nulls_not_distinct=True),
        Index(None, "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("uuidv7()"))
    workspace_id: Mapped[UUID | None] = mapped_column(ForeignKey("workspaces.id"))
    key: Mapped[str]
    request_digest: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None]
    body: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


_OURS = IdempotencyKey.workspace_id.is_not_distinct_from(func.app_workspace_id())
"""A system transaction sees the keys of all workspaces, and means only the installation's own."""


async def claim_key(session: AsyncSession, *, key: str, digest: bytes) -> bool:
    """Take this key for the transaction's workspace; False when a committed request has it.

    Waits while another transaction that took it is open.
    """
    values = {"workspace_id": func.app_workspace_id(), "key": key, "request_digest": digest}
    taken = await session.execute(
        insert(IdempotencyKey).values(values).on_conflict_do_nothing().returning(IdempotencyKey.id)
    )
    return taken.first() is not None


async def get_key(session: AsyncSession, key: str) -> IdempotencyKey:
    found = await session.scalars(select(IdempotencyKey).where(_OURS, IdempotencyKey.key == key))
    return found.one()


async def is_known(session: AsyncSession, key: str) -> bool:
    """Whether a committed request has this key."""
    found = await session.scalars(select(IdempotencyKey.id).where(_OURS, IdempotencyKey.key == key))
    return found.first() is not None


async def keep_answer(session: AsyncSession, *, key: str, status: int, body: dict[str, Any]) -> None:
    """Store what the claiming request is about to answer."""
    await session.execute(
        update(IdempotencyKey).where(_OURS, IdempotencyKey.key == key).values(status=status, body=body)
    )


async def prune(session: AsyncSession, *, now: datetime) -> int:
    """Forget answers older than a day; how many."""
    old = IdempotencyKey.created_at < now - KEPT_FOR
    pruned = await session.scalars(delete(IdempotencyKey).where(old).returning(IdempotencyKey.id))
    return len(pruned.all())

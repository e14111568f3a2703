"""Every SQL statement about channels."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.channels.models import Channel

_ALIVE = Channel.status != "deleted"


async def add_channel(session: AsyncSession, values: Mapping[str, Any]) -> Channel | None:
    """Insert it; None when a channel that is not deleted has its platform and external id."""
    statement = (
        insert(Channel)
        .values(dict(values))
        .on_conflict_do_nothing(
            index_elements=["workspace_id", "platform", "external_id"], index_where=_ALIVE
        )
        .returning(Channel)
    )
    return (await session.scalars(statement)).one_or_none()


async def find_channel(session: AsyncSession, channel_id: UUID) -> Channel | None:
    """One that is not deleted."""
    return (await session.scalars(select(Channel).where(Channel.id == channel_id, _ALIVE))).one_or_none()


async def find_row(session: AsyncSession, channel_id: UUID) -> Channel | None:
    """One in any status."""
    return (await session.scalars(select(Channel).where(Channel.id == channel_id))).one_or_none()


async def lock_channel(session: AsyncSession, channel_id: UUID) -> Channel | None:
    """One that is not deleted, FOR UPDATE."""
    statement = select(Channel).where(Channel.id == channel_id, _ALIVE).with_for_update()
    return (await session.scalars(statement.execution_options(populate_existing=True))).one_or_none()


async def list_channels(session: AsyncSession, *, before: UUID | None, limit: int) -> Sequence[Channel]:
    """Those that are not deleted, newest first."""
    statement = select(Channel).where(_ALIVE).order_by(Channel.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Channel.id < before)
    return (await session.scalars(statement)).all()


async def update_channel(
    session: AsyncSession, channel_id: UUID, changes: Mapping[str, Any], *, now: datetime
) -> Channel:
    changed = await session.scalars(
        update(Channel)
        .where(Channel.id == channel_id)
        .values(**changes, updated_at=now)
        .returning(Channel)
        .execution_options(populate_existing=True)
    )
    return changed.one()

"""Every SQL statement about workspaces and their keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.accounts.models import ApiKey, Workspace

_FIND_API_KEY = text("select id, workspace_id, role, prefix from find_api_key(:digest)")


@dataclass(frozen=True)
class KnownKey:
    """What ``find_api_key`` tells of a key that is not revoked."""

    id: UUID
    workspace_id: UUID | None
    role: str
    prefix: str


async def add_workspace(session: AsyncSession, *, name: str, timezone: str) -> Workspace:
    added = await session.scalars(insert(Workspace).values(name=name, timezone=timezone).returning(Workspace))
    return added.one()


async def find_workspace(session: AsyncSession, workspace_id: UUID) -> Workspace | None:
    return await session.get(Workspace, workspace_id)


async def find_workspaces_named(session: AsyncSession, name: str) -> Sequence[Workspace]:
    found = await session.scalars(select(Workspace).where(Workspace.name == name).order_by(Workspace.id))
    return found.all()


async def list_workspaces(session: AsyncSession) -> Sequence[Workspace]:
    return (await session.scalars(select(Workspace).order_by(Workspace.id))).all()


async def update_workspace(
    session: AsyncSession, workspace_id: UUID, changes: Mapping[str, Any], *, now: datetime
) -> Workspace | None:
    changed = await session.scalars(
        update(Workspace)
        .where(Workspace.id == workspace_id)
        .values(**changes, updated_at=now)
        .returning(Workspace)
        .execution_options(populate_existing=True)
    )
    return changed.one_or_none()


async def add_key(
    session: AsyncSession, *, workspace_id: UUID | None, name: str, role: str, prefix: str, digest: bytes
) -> ApiKey:
    values = {
        "workspace_id": workspace_id,
        "name": name,
        "role": role,
        "prefix": prefix,
        "digest": digest,
    }
    return (await session.scalars(insert(ApiKey).values(values).returning(ApiKey))).one()


async def list_keys(session: AsyncSession) -> Sequence[ApiKey]:
    return (await session.scalars(select(ApiKey).order_by(ApiKey.id))).all()


async def revoke_keys(
    session: AsyncSession, *, key_id: UUID | None, prefix: str, now: datetime
) -> Sequence[ApiKey]:
    """Revoke the keys with this id or prefix; those that were not revoked before."""
    statement = (
        update(ApiKey)
        .where(or_(ApiKey.id == key_id, ApiKey.prefix == prefix), ApiKey.revoked_at.is_(None))
        .values(revoked_at=now, updated_at=now)
        .returning(ApiKey)
    )
    return (await session.scalars(statement)).all()


async def find_key(session: AsyncSession, digest: bytes) -> KnownKey | None:
    """Works in any scope: the function sees that one row only, whoever asks."""
    row = (await session.execute(_FIND_API_KEY, {"digest": digest})).one_or_none()
    return KnownKey(row.id, row.workspace_id, row.role, row.prefix) if row else None

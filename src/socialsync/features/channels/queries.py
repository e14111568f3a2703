"""Every SQL statement about channels."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Executable,
    bindparam,
    column,
    exists,
    func,
    literal_column,
    or_,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.channels import tokens
from socialsync.features.channels.manner import Manner
from socialsync.features.channels.models import Channel

_ALIVE = Channel.status != "deleted"
_ALIVE_IN_WORDS = text("status <> 'deleted'")
"""A parameter would not do: the plan that a prepared statement ends with finds no index by it, and fails."""
_MANNER = (
    "coalesce(channels.tone, workspaces.tone)",
    "coalesce(channels.languages, workspaces.languages)",
    "coalesce(channels.business_hours, workspaces.business_hours)",
    "workspaces.timezone",
)
_ITS_WORKSPACE = "workspaces.id = channels.workspace_id"
_GET_MANNER = text(
    f"select {', '.join(_MANNER)} from channels join workspaces on {_ITS_WORKSPACE}"  # noqa: S608 - ours
    " where channels.id = :channel_id"
)
_FIND_ROW_WITH_MANNER: Executable = (
    select(Channel, *map(literal_column, _MANNER))
    .join(table("workspaces"), text(_ITS_WORKSPACE))
    .where(Channel.id == bindparam("channel_id"))
)


async def add_channel(session: AsyncSession, values: Mapping[str, Any]) -> Channel | None:
    """Insert it; None when a channel that is not deleted has its platform and external id."""
    statement = (
        insert(Channel)
        .values(dict(values))
        .on_conflict_do_nothing(
            index_elements=["workspace_id", "platform", "external_id"], index_where=_ALIVE_IN_WORDS
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


async def find_row_with_manner(session: AsyncSession, channel_id: UUID) -> tuple[Channel, Manner] | None:
    """As ``find_row``, and how it speaks."""
    found = (await session.execute(_FIND_ROW_WITH_MANNER, {"channel_id": channel_id})).one_or_none()
    return (found[0], Manner(*found[1:])) if found else None


async def get_manner(session: AsyncSession, channel_id: UUID) -> Manner:
    """How a channel in any status speaks."""
    return Manner(*(await session.execute(_GET_MANNER, {"channel_id": channel_id})).one())


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


async def list_of_account(
    session: AsyncSession, platform: str, external_id: str, *, but: UUID
) -> Sequence[Channel]:
    """Those that other workspaces have for this account and that something is done for."""
    statement = select(Channel).where(
        Channel.platform == platform,
        Channel.external_id == external_id,
        Channel.workspace_id != but,
        Channel.status == "active",
    )
    return (await session.scalars(statement)).all()


async def count_channels(session: AsyncSession) -> int:
    """Those that are not deleted."""
    return await session.scalar(select(func.count()).select_from(Channel).where(_ALIVE)) or 0


async def list_revoked(session: AsyncSession) -> Sequence[Channel]:
    """Those that need a new token, oldest first."""
    statement = select(Channel).where(Channel.status == "needs_reauth").order_by(Channel.id)
    return (await session.scalars(statement)).all()


async def list_tokens(session: AsyncSession) -> Sequence[bytes]:
    """Every token that is stored, encrypted."""
    stored = Channel.token_encrypted
    return [each for each in await session.scalars(select(stored).where(stored.is_not(None))) if each]


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


async def list_renewable(
    session: AsyncSession, *, now: datetime, limit: int, channel_id: UUID | None = None
) -> Sequence[Channel]:
    """Active Instagram channels whose token is old enough to be renewed and either ends soon or was never
    looked at since it was put in; the first to end first.
    """
    looked_at = Channel.token_checked_at
    ends_soon = Channel.token_expires_at <= now + tokens.RENEWED_BEFORE_END
    statement = (
        select(Channel)
        .where(
            Channel.status == "active",
            Channel.platform == "instagram",
            Channel.token_set_at <= now - tokens.YOUNGEST,
            or_(looked_at.is_(None), ends_soon & (looked_at <= now - tokens.AGAIN_AFTER)),
        )
        .order_by(Channel.token_expires_at, Channel.id)
        .limit(limit)
    )
    if channel_id is not None:
        statement = statement.where(Channel.id == channel_id)
    return (await session.scalars(statement)).all()


async def update_token(
    session: AsyncSession, seen: Channel, changes: Mapping[str, Any], *, now: datetime
) -> bool:
    """Change what belongs to the token that was ``seen``; False when another is there by now, or when the
    channel is no longer active.
    """
    changed = await session.scalars(
        update(Channel)
        .where(Channel.id == seen.id, Channel.status == "active", Channel.token_set_at == seen.token_set_at)
        .values(**changes, updated_at=now)
        .returning(Channel.id)
        .execution_options(synchronize_session=False)
    )
    return changed.one_or_none() is not None


async def note_gaps(
    session: AsyncSession, since: datetime, *, channel_id: UUID | None, now: datetime
) -> Sequence[Channel]:
    """Of what was written after ``since`` this Instagram channel, or all of them, may have heard nothing.

    Returns:
        them, as they are now.
    """
    statement = (
        update(Channel)
        .where(Channel.platform == "instagram", _ALIVE)
        .values(missed_since=func.least(Channel.missed_since, since), missed_noted_at=now, updated_at=now)
        .returning(Channel)
        .execution_options(populate_existing=True)
    )
    if channel_id is not None:
        statement = statement.where(Channel.id == channel_id)
    return (await session.scalars(statement)).all()


async def list_gaps(session: AsyncSession, *, before: datetime, limit: int) -> Sequence[Channel]:
    """Open channels that missed something, those first that miss it longest, and for which no job waits or
    runs.
    """
    lock = text("'catch_up\\:' || channels.id || '@' || channels.workspace_id")
    jobs = table("procrastinate_jobs", column("lock"), column("status"))
    waits, runs = (
        exists(select(jobs.c.lock).where(jobs.c.lock == lock, text(f"procrastinate_jobs.status {which}")))
        for which in ("< 'doing'", "= 'doing'")
    )
    statement = (
        select(Channel)
        .where(Channel.missed_since < before, Channel.status == "active", Channel.paused_at.is_(None))
        .where(~waits, ~runs)
        .order_by(Channel.missed_since, Channel.id)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def close_gap(
    session: AsyncSession, seen: Channel, changes: Mapping[str, Any], *, now: datetime
) -> bool:
    """Change what belongs to the gap that was ``seen``; False when more was missed meanwhile."""
    changed = await session.scalars(
        update(Channel)
        .where(
            Channel.id == seen.id,
            Channel.missed_since == seen.missed_since,
            Channel.missed_noted_at == seen.missed_noted_at,
        )
        .values(**changes, updated_at=now)
        .returning(Channel.id)
        .execution_options(synchronize_session=False)
    )
    return changed.one_or_none() is not None

"""The statements about escalations."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, not_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.escalations.models import Escalation

_OPEN = text("""
insert into escalations as standing (workspace_id, channel_id, subject, subject_id, urgency, reason, rule,
    excerpt, link, due_at, mail_waits_for, created_at, updated_at)
values (:workspace_id, :channel_id, :subject, :subject_id, :urgency, :reason, :rule, :excerpt, :link,
    :due_at, :mail_waits_for, :now, :now)
on conflict (workspace_id, subject, subject_id) where status <> 'resolved' do update set
    urgency = excluded.urgency, reason = excluded.reason, rule = excluded.rule,
    excerpt = coalesce(excluded.excerpt, standing.excerpt), due_at = least(standing.due_at, excluded.due_at),
    mail_id = null, reminded_at = null, updated_at = :now
where array_position(cast(:ranks as text[]), excluded.urgency)
    > array_position(cast(:ranks as text[]), standing.urgency)
returning id
""")
_UNRESOLVED = text("""
select id from escalations where workspace_id = :workspace_id and subject = :subject
    and subject_id = :subject_id and status <> 'resolved'
""")
_CLAIM = text("""
update escalations set status = 'claimed', claimed_at = :now, claimed_by = :by, updated_at = :now
where workspace_id = :workspace_id and subject = :subject and subject_id = :subject_id and status = 'open'
""")
_RESOLVE = text("""
update escalations set status = 'resolved', resolved_at = :now, resolved_by = :by, note = :note,
    updated_at = :now
where workspace_id = :workspace_id and subject = :subject and subject_id = :subject_id
    and status <> 'resolved'
""")
_GIVE_BACK = text("""
update escalations set status = 'open', claimed_at = null, claimed_by = null, updated_at = :now
where workspace_id = :workspace_id and subject = :subject and subject_id = :subject_id
    and status = 'claimed' and claimed_by = :by
returning channel_id
""")
_DUE = "(due_at <= :now and coalesce(reminded_at <= :reminded_before, true))"
_UNTOLD = text(f"""
select id, mail_id from escalations
where workspace_id = :workspace_id and channel_id = :channel_id and status = 'open'
    and (mail_id is null or {_DUE})
order by array_position(cast(:ranks as text[]), urgency) desc, id limit :limit for update
""")  # noqa: S608 - a constant of ours
_TELL = text("""
update escalations set mail_id = :mail_id, mail_waits_for = null, updated_at = :now,
    reminded_at = case when due_at <= :now then :now else reminded_at end
where workspace_id = :workspace_id and id = any (:ids)
""")
_WAIT = text("""
update escalations set mail_waits_for = :why, updated_at = :now
where workspace_id = :workspace_id and channel_id = :channel_id and status = 'open' and mail_id is null
    and mail_waits_for is distinct from :why
""")


async def add(session: AsyncSession, values: Mapping[str, Any]) -> tuple[UUID, bool]:
    """Its id, and whether it is new or more urgent than it was: then it is to be told."""
    subject = {name: values[name] for name in ("workspace_id", "subject", "subject_id")}
    while True:
        opened: UUID | None = await session.scalar(_OPEN, values)
        if opened is not None:
            return opened, True
        standing: UUID | None = await session.scalar(_UNRESOLVED, subject)
        if standing is not None:  # else it was resolved between the two
            return standing, False


async def find(session: AsyncSession, escalation_id: UUID) -> Escalation | None:
    return (await session.scalars(select(Escalation).where(Escalation.id == escalation_id))).one_or_none()


async def lock(session: AsyncSession, escalation_id: UUID) -> Escalation | None:
    query = select(Escalation).where(Escalation.id == escalation_id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def find_unresolved(session: AsyncSession, row: Escalation) -> UUID | None:
    """Of the same subject."""
    values = {"workspace_id": row.workspace_id, "subject": row.subject, "subject_id": row.subject_id}
    found: UUID | None = await session.scalar(_UNRESOLVED, values)
    return found


async def list_escalations(
    session: AsyncSession,
    *,
    overdue: bool | None,
    before: UUID | None,
    limit: int,
    now: datetime,
    **wanted: Any,
) -> Sequence[Escalation]:
    """Newest first.

    Args:
        overdue: whether nobody came in time; None for any.
        wanted: columns with the values they must have, None for any.
    """
    query = select(Escalation).order_by(Escalation.id.desc()).limit(limit)
    for name, value in wanted.items():
        if value is not None:
            query = query.where(getattr(Escalation, name) == value)
    if overdue is not None:
        late = and_(Escalation.status == "open", Escalation.due_at <= now)
        query = query.where(late if overdue else not_(late))
    if before is not None:
        query = query.where(Escalation.id < before)
    return (await session.scalars(query)).all()


async def list_by_ids(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Escalation]:
    """In the order of the ids."""
    found = {row.id: row for row in await session.scalars(select(Escalation).where(Escalation.id.in_(ids)))}
    return [found[each] for each in ids if each in found]


async def change(
    session: AsyncSession, escalation_id: UUID, values: Mapping[str, Any], *, now: datetime
) -> Escalation:
    changed = await session.scalars(
        update(Escalation)
        .where(Escalation.id == escalation_id)
        .values(**values, updated_at=now)
        .returning(Escalation)
        .execution_options(populate_existing=True)
    )
    return changed.one()


async def claim_of(session: AsyncSession, subject: Mapping[str, Any], *, by: str, now: datetime) -> None:
    await session.execute(_CLAIM, {**subject, "by": by, "now": now})


async def resolve_of(
    session: AsyncSession, subject: Mapping[str, Any], *, by: str, note: str | None, now: datetime
) -> None:
    await session.execute(_RESOLVE, {**subject, "by": by, "note": note, "now": now})


async def give_back_of(
    session: AsyncSession, subject: Mapping[str, Any], *, by: str, now: datetime
) -> UUID | None:
    """The channel of one that they had claimed."""
    found: UUID | None = await session.scalar(_GIVE_BACK, {**subject, "by": by, "now": now})
    return found


async def lock_untold(
    session: AsyncSession,
    workspace_id: UUID,
    channel_id: UUID,
    *,
    ranks: Sequence[str],
    reminded_before: datetime,
    limit: int,
    now: datetime,
) -> dict[UUID, UUID | None]:
    """What the channel's next mail is about, the most urgent first, each with the last mail that held it."""
    rows = await session.execute(
        _UNTOLD,
        {
            "workspace_id": workspace_id,
            "channel_id": channel_id,
            "ranks": list(ranks),
            "reminded_before": reminded_before,
            "limit": limit,
            "now": now,
        },
    )
    return {row.id: row.mail_id for row in rows}


async def tell(
    session: AsyncSession, workspace_id: UUID, ids: Sequence[UUID], mail_id: UUID, *, now: datetime
) -> None:
    """These are in that mail."""
    values = {"workspace_id": workspace_id, "ids": list(ids), "mail_id": mail_id, "now": now}
    await session.execute(_TELL, values)


async def wait_for(
    session: AsyncSession, workspace_id: UUID, channel_id: UUID, why: str, *, now: datetime
) -> None:
    """Nothing can be mailed for this channel."""
    values = {"workspace_id": workspace_id, "channel_id": channel_id, "why": why, "now": now}
    await session.execute(_WAIT, values)

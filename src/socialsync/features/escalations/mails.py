"""The statements about mails. Each moves a mail on from where it is, or does nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.escalations import digest, lanes
from socialsync.features.escalations.models import EscalationMail
from socialsync.features.escalations.urgency import REMIND_EVERY
from socialsync.queue import deferring

STRANDED_AFTER = timedelta(minutes=1)
MOST_AT_ONCE = 500
"""Channels that one look of a sweep gives a job."""

_LAST = text("""
select (select max(sending_at) from escalation_mails
        where workspace_id = :workspace_id and channel_id = :channel_id) as last_at,
    (select not_before from escalation_mails
        where workspace_id = :workspace_id and channel_id = :channel_id
            and status in ('queued', 'sending')) as not_before
""")
_MAIL = "id, kind, recipient, escalation_ids, status, attempts, doubts, not_before, created_at"
_ADD = text(f"""
insert into escalation_mails (workspace_id, channel_id, kind, recipient, escalation_ids, status, attempts,
    sending_at, created_at, updated_at)
values (:workspace_id, :channel_id, :kind, :recipient, :ids, 'sending', 1, :now, :now, :now)
returning {_MAIL}
""")  # noqa: S608 - a constant of ours
_UNFINISHED = text(f"""
select {_MAIL} from escalation_mails
where workspace_id = :workspace_id and channel_id = :channel_id and status in ('queued', 'sending')
for update
""")  # noqa: S608 - a constant of ours
_RESUME = text(f"""
update escalation_mails set status = 'sending', sending_at = :now, attempts = attempts + 1,
    recipient = :recipient, escalation_ids = :ids, not_before = null, updated_at = :now,
    doubts = doubts + case status when 'sending' then 1 else 0 end
where workspace_id = :workspace_id and id = :id and status in ('queued', 'sending')
returning {_MAIL}
""")  # noqa: S608 - a constant of ours
_SENT = text("""
update escalation_mails set status = 'sent', sent_at = :now, error = null, not_before = null,
    updated_at = :now
where workspace_id = :workspace_id and id = :id and status in ('queued', 'sending', 'unknown')
""")
_TAKE_BACK = text("""
update escalation_mails set status = 'queued', error = :error, not_before = :not_before, updated_at = :now,
    sending_at = case when :doubtful then sending_at end,
    doubts = doubts + case when :doubtful then 1 else 0 end
where workspace_id = :workspace_id and id = :id and status = 'sending'
""")
_END = text("""
update escalation_mails set status = :status, error = :error, not_before = null, updated_at = :now
where workspace_id = :workspace_id and id = :id and status in ('queued', 'sending')
""")
_WITHOUT_JOB = f"""
    channel.status <> 'deleted' and channel.escalation_email is not null
    and not ({lanes.waits_or_runs("waiting.channel_id", "waiting.workspace_id")})
"""
_STRANDED = text(
    f"""
select waiting.workspace_id, waiting.channel_id from (
    select workspace_id, channel_id from escalations
    where status = 'open' and mail_id is null and updated_at < :before
    union
    select workspace_id, channel_id from escalation_mails
    where status in ('queued', 'sending') and updated_at < :before and coalesce(not_before <= :now, true)
) waiting
join channels channel on channel.workspace_id = waiting.workspace_id and channel.id = waiting.channel_id
where {_WITHOUT_JOB} order by waiting.channel_id limit :limit
"""  # noqa: S608 - constants of ours
)
_OVERDUE = text(
    f"""
select distinct waiting.workspace_id, waiting.channel_id from escalations waiting
join channels channel on channel.workspace_id = waiting.workspace_id and channel.id = waiting.channel_id
where waiting.status = 'open' and waiting.mail_id is not null and waiting.due_at <= :now
    and coalesce(waiting.reminded_at <= :reminded_before, true) and {_WITHOUT_JOB}
order by waiting.channel_id limit :limit
"""  # noqa: S608 - constants of ours
)


async def wake(session: AsyncSession, workspace_id: UUID, channel_id: UUID, *, at: datetime) -> None:
    """Have what the channel's people must know mailed then, or when it would have been, by one job."""
    await deferring.hasten(
        session,
        lanes.NOTIFY,
        {"workspace_id": workspace_id, "channel_id": channel_id},
        queueing_lock=lanes.of_channel(channel_id=channel_id),
        at=at,
    )


async def next_at(session: AsyncSession, workspace_id: UUID, channel_id: UUID, *, now: datetime) -> datetime:
    """When the channel's next mail may leave."""
    found = (await session.execute(_LAST, {"workspace_id": workspace_id, "channel_id": channel_id})).one()
    return max(digest.next_at(found.last_at, now), found.not_before or now)


async def lock_unfinished(session: AsyncSession, workspace_id: UUID, channel_id: UUID) -> Row[Any] | None:
    """The mail of this channel that has no end yet."""
    values = {"workspace_id": workspace_id, "channel_id": channel_id}
    return (await session.execute(_UNFINISHED, values)).one_or_none()


async def add(
    session: AsyncSession,
    workspace_id: UUID,
    channel_id: UUID,
    *,
    kind: str,
    recipient: str,
    ids: Sequence[UUID],
    now: datetime,
) -> Row[Any]:
    """Born ``sending``, which is the intent."""
    values = {"workspace_id": workspace_id, "channel_id": channel_id, "kind": kind, "recipient": recipient}
    return (await session.execute(_ADD, {**values, "ids": list(ids), "now": now})).one()


async def resume(
    session: AsyncSession,
    workspace_id: UUID,
    mail_id: UUID,
    *,
    recipient: str,
    ids: Sequence[UUID],
    now: datetime,
) -> Row[Any]:
    """The intent of another attempt. One that is ``sending`` was left so by a life that ended, in doubt."""
    values = {"workspace_id": workspace_id, "id": mail_id, "recipient": recipient}
    return (await session.execute(_RESUME, {**values, "ids": list(ids), "now": now})).one()


async def sent(session: AsyncSession, workspace_id: UUID, mail_id: UUID, *, now: datetime) -> None:
    await session.execute(_SENT, {"workspace_id": workspace_id, "id": mail_id, "now": now})


async def take_back(
    session: AsyncSession,
    workspace_id: UUID,
    mail_id: UUID,
    *,
    error: str,
    not_before: datetime,
    doubtful: bool = False,
    now: datetime,
) -> None:
    """It waits for another attempt.

    Args:
        doubtful: the server may have it; without that, nothing has left.
    """
    values = {"workspace_id": workspace_id, "id": mail_id, "error": error, "not_before": not_before}
    await session.execute(_TAKE_BACK, {**values, "doubtful": doubtful, "now": now})


async def end(
    session: AsyncSession, workspace_id: UUID, mail_id: UUID, status: str, *, error: str | None, now: datetime
) -> None:
    """It is ``failed``, ``unknown`` or ``logged``."""
    values = {"workspace_id": workspace_id, "id": mail_id, "status": status, "error": error, "now": now}
    await session.execute(_END, values)


async def list_by_ids(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[EscalationMail]:
    return (await session.scalars(select(EscalationMail).where(EscalationMail.id.in_(ids)))).all()


async def requeue_stranded(session: AsyncSession, *, now: datetime) -> int:
    """Give a job to what waits for its mail and lost its job: how many channels there were.

    Args:
        session: of a system transaction.
    """
    found = await session.execute(
        _STRANDED, {"before": now - STRANDED_AFTER, "now": now, "limit": MOST_AT_ONCE}
    )
    return await _wake_each(session, found.all(), now=now)


async def remind(session: AsyncSession, *, now: datetime) -> int:
    """Have people told again of what nobody came for: how many channels there were.

    Args:
        session: of a system transaction.
    """
    found = await session.execute(
        _OVERDUE, {"now": now, "reminded_before": now - REMIND_EVERY, "limit": MOST_AT_ONCE}
    )
    return await _wake_each(session, found.all(), now=now)


async def _wake_each(session: AsyncSession, channels: Sequence[Row[Any]], *, now: datetime) -> int:
    await deferring.slide_each(
        session,
        lanes.NOTIFY,
        [{"workspace_id": row.workspace_id, "channel_id": row.channel_id} for row in channels],
        queueing_locks=[lanes.of_channel(channel_id=row.channel_id) for row in channels],
        ats=[now] * len(channels),
    )
    return len(channels)

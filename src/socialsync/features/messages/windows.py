"""The windows that group a burst: opened and slid as messages come, closed at their instant exactly once.

The job ``conversations.process_message`` waits for the end of its conversation's window, and is slid with it
in the very transaction of the message. Whoever closes a window holds its conversation.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.messages import buffer, lanes
from socialsync.queue import deferring

Outcome = Literal["answered", "ignored", "escalated", "merged", "taken_over"]

_CLOSE = text("""
with over as (
    update message_windows set closed_at = :now, updated_at = :now
    where workspace_id = :workspace_id and conversation_id = :conversation_id and closed_at is null
        and ended_at is null and due_at <= :now
    returning id, opened_at, waiting_since, dropped
), left_over as (
    select id, opened_at, waiting_since, dropped from message_windows
    where workspace_id = :workspace_id and conversation_id = :conversation_id and closed_at is not null
        and ended_at is null for update
)
select * from over union all select * from left_over order by id
""")
_MERGE = text("""
with merged as (
    update message_windows set ended_at = :now, outcome = 'merged', updated_at = :now
    where workspace_id = :workspace_id and id = any (cast(:ids as uuid[])) and ended_at is null
    returning waiting_since, dropped
), moved as (
    update messages set window_id = :target
    where workspace_id = :workspace_id and window_id = any (cast(:ids as uuid[]))
)
update message_windows set updated_at = :now,
    waiting_since = least(waiting_since, (select min(waiting_since) from merged)),
    dropped = greatest(dropped, (select max(dropped) from merged) + :dropped)
where workspace_id = :workspace_id and id = :target
returning id, opened_at, waiting_since, dropped
""")
_END = text("""
update message_windows set ended_at = :now, closed_at = coalesce(closed_at, :now), outcome = :outcome,
    reason = :reason, updated_at = :now
where workspace_id = :workspace_id and id = :id and ended_at is null returning id
""")
_END_ALL = text("""
update message_windows set ended_at = :now, outcome = :outcome, updated_at = :now
where workspace_id = :workspace_id and conversation_id = :conversation_id and ended_at is null
""")
_FIND_OPEN = text("""
select id, due_at from message_windows
where workspace_id = :workspace_id and conversation_id = :conversation_id and closed_at is null
    and ended_at is null for update
""")
_STRANDED = text(
    f"""
select distinct on (waiting.conversation_id) waiting.workspace_id, waiting.conversation_id
from message_windows waiting
where waiting.ended_at is null and waiting.due_at < :before
    and not ({lanes.waits_or_runs("conversation", "waiting.conversation_id", "waiting.workspace_id")})
order by waiting.conversation_id limit :limit
"""  # noqa: S608 - constants of ours
)


@dataclass(frozen=True)
class Window:
    """A closed window that is to be handled."""

    id: UUID
    opened_at: datetime
    waiting_since: datetime
    dropped: int


async def wake(session: AsyncSession, whom: Sequence[tuple[UUID, UUID, datetime]]) -> None:
    """Have each of these conversations (workspace, conversation, time) looked after then, by one job."""
    arguments = [
        {"workspace_id": workspace_id, "conversation_id": conversation_id}
        for workspace_id, conversation_id, _ in whom
    ]
    locks = [lanes.of_conversation(conversation_id=conversation_id) for _, conversation_id, _ in whom]
    await deferring.slide_each(
        session, lanes.PROCESS, arguments, queueing_locks=locks, ats=[at for *_, at in whom]
    )


async def close_due(
    session: AsyncSession, workspace_id: UUID, conversation_id: UUID, *, now: datetime
) -> Window | None:
    """Close the conversation's window if its time has come. What is closed and was not handled yet, also of
    a former life, becomes one window; None when there is nothing.

    Args:
        session: holds the conversation.
    """
    values: dict[str, Any] = {"workspace_id": workspace_id, "conversation_id": conversation_id, "now": now}
    closed = (await session.execute(_CLOSE, values)).mappings().all()
    if not closed:
        return None
    newest = closed[-1]
    if len(closed) > 1:
        older = [each["id"] for each in closed[:-1]]
        newest = await _merge(session, workspace_id, older, newest["id"], dropped=0, now=now)
    return Window(newest["id"], newest["opened_at"], newest["waiting_since"], newest["dropped"])


async def due_at(session: AsyncSession, workspace_id: UUID, conversation_id: UUID) -> datetime | None:
    """When the conversation's open window ends."""
    values = {"workspace_id": workspace_id, "conversation_id": conversation_id}
    open_one = (await session.execute(_FIND_OPEN, values)).mappings().one_or_none()
    return open_one["due_at"] if open_one else None


async def drop_for_newer(
    session: AsyncSession, workspace_id: UUID, conversation_id: UUID, window: Window, *, now: datetime
) -> bool:
    """Whether the person wrote on and is answered for all of it later. Then this window goes into the next.

    Args:
        session: holds the conversation.
    """
    values = {"workspace_id": workspace_id, "conversation_id": conversation_id}
    newer = (await session.execute(_FIND_OPEN, values)).mappings().one_or_none()
    if newer is None or not buffer.may_drop(window.waiting_since, window.dropped, now):
        return False
    await _merge(session, workspace_id, [window.id], newer["id"], dropped=1, now=now)
    await wake(session, [(workspace_id, conversation_id, newer["due_at"])])
    return True


async def end(
    session: AsyncSession,
    workspace_id: UUID,
    window_id: UUID,
    outcome: Outcome,
    reason: str | None,
    *,
    now: datetime,
) -> bool:
    """Give a window its outcome; False when it has one already."""
    values = {"workspace_id": workspace_id, "id": window_id, "outcome": outcome, "reason": reason, "now": now}
    return (await session.execute(_END, values)).first() is not None


async def end_all(
    session: AsyncSession, workspace_id: UUID, conversation_id: UUID, outcome: Outcome, *, now: datetime
) -> None:
    """Whatever waits in this conversation is handled otherwise. The session holds the conversation."""
    values = {
        "workspace_id": workspace_id,
        "conversation_id": conversation_id,
        "outcome": outcome,
        "now": now,
    }
    await session.execute(_END_ALL, values)


async def check_buffer(session: AsyncSession, *, now: datetime, limit: int = 500) -> int:
    """The sweep: windows whose time has come and that no job looks after get one; how many."""
    rows = await session.execute(_STRANDED, {"before": now - buffer.LATE, "limit": limit})
    whom = [(row.workspace_id, row.conversation_id, now) for row in rows]
    await wake(session, whom)
    return len(whom)


async def _merge(
    session: AsyncSession,
    workspace_id: UUID,
    ids: Collection[UUID],
    target: UUID,
    *,
    dropped: int,
    now: datetime,
) -> RowMapping:
    values = {
        "workspace_id": workspace_id, "ids": list(ids), "target": target, "dropped": dropped, "now": now,
    }  # fmt: skip
    return (await session.execute(_MERGE, values)).mappings().one()

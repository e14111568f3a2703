"""What goes out: a row first, then its intent, then its outcome. Every SQL statement about it.

A message that is on its way and of which nobody told the end is settled by what the platform tells, and is
``unknown`` when it tells nothing; it is never sent a second time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.escalations import service as escalations
from socialsync.features.messages import lanes
from socialsync.queue import deferring

SETTLE_AFTER = timedelta(seconds=90)
"""Longer than a call (60 s) and storing its outcome (18 s) can take."""
STRANDED_AFTER = timedelta(minutes=1)

_LOCK = text("""
select conversation.id, conversation.workspace_id, conversation.channel_id, conversation.mode,
    conversation.taken_over_by, conversation.last_inbound_at, conversation.outbox_position,
    coalesce(contact.user_id, contact.phone) as person, contact.phone, contact.user_id
from conversations conversation join contacts contact
    on contact.workspace_id = conversation.workspace_id and contact.id = conversation.contact_id
where conversation.workspace_id = :workspace_id and conversation.id = :id for update of conversation
""")
_ADD = text("""
with given as (
    select uuidv7() as id, payload, n
    from unnest(cast(:payloads as jsonb[])) with ordinality as given (payload, n)
    order by n
), message as (
    insert into messages (id, workspace_id, channel_id, conversation_id, window_id, direction, author, kind,
        text, detail, reply_to, status, told_at, created_at, updated_at)
    select id, :workspace_id, :channel_id, :conversation_id, :window_id, 'outbound', :author,
        payload ->> 'kind',
        payload ->> 'text', payload - 'kind' - 'text', :reply_to, 'queued', :now, :now, :now
    from given order by n
), row as (
    insert into outbox (workspace_id, conversation_id, message_id, position, payload, created_at, updated_at)
    select :workspace_id, :conversation_id, id, :position + n, payload, :now, :now from given
), counted as (
    update conversations set outbox_position = outbox_position + (select count(*) from given),
        last_message_at = greatest(last_message_at, :now), updated_at = :now
    where workspace_id = :workspace_id and id = :conversation_id
)
select id from given order by n
""")
_HEAD = text("""
select outbox.id, outbox.message_id, outbox.payload, outbox.not_before, outbox.pauses, message.author
from outbox join messages message
    on message.workspace_id = outbox.workspace_id and message.id = outbox.message_id
where outbox.workspace_id = :workspace_id and outbox.conversation_id = :conversation_id
    and outbox.finished_at is null and outbox.sending_at is null
order by outbox.position limit 1 for update of outbox
""")
_INTEND = text("""
with intent as (
    update outbox set sending_at = :now, settle_job_id = :settle_job_id, not_before = null, updated_at = :now
    where workspace_id = :workspace_id and id = :id and sending_at is null and finished_at is null
    returning message_id
)
update messages set status = 'sending', error = null, updated_at = :now
where workspace_id = :workspace_id and id in (select message_id from intent) returning id
""")
_FINISH = text("""
with finished as (
    update outbox set finished_at = coalesce(finished_at, :now), updated_at = :now
    where workspace_id = :workspace_id and id = :id
        and sending_at is not distinct from coalesce(:intended_at, sending_at)
    returning message_id, settle_job_id, conversation_id
), told as (
    update messages set updated_at = :now,
        status = case when status in ('delivered', 'read', 'played')
            or status = 'sent' and :status <> 'failed'
            or :status = 'unknown' and status <> 'sending' then status else :status end,
        platform_message_id = coalesce(platform_message_id, :platform_message_id),
        error = case when status in ('sent', 'delivered', 'read', 'played') then null else :error end
    where workspace_id = :workspace_id and id in (select message_id from finished)
)
select settle_job_id, exists (select from outbox waiting where waiting.workspace_id = :workspace_id
    and waiting.conversation_id = finished.conversation_id and waiting.finished_at is null
    and waiting.sending_at is null) as goes_on from finished
""")
_TAKE_BACK = text("""
with back as (
    update outbox set sending_at = null, not_before = :not_before, pauses = pauses + 1, updated_at = :now
    where workspace_id = :workspace_id and id = :id and sending_at = :intended_at and finished_at is null
    returning message_id, settle_job_id
), told as (
    update messages set status = 'queued', error = :error, updated_at = :now
    where workspace_id = :workspace_id and id in (select message_id from back) and status = 'sending'
)
select settle_job_id from back
""")
_TWIN = text("""
with twin as (
    select twin.id, twin.author, twin.conversation_id, twin.told_at from messages twin
    where twin.workspace_id = :workspace_id and twin.channel_id = :channel_id
        and twin.platform_message_id = :platform_message_id and twin.id <> :message_id
), files as (
    delete from message_media where workspace_id = :workspace_id and message_id in (select id from twin)
)
delete from messages where workspace_id = :workspace_id and id in (select id from twin)
returning id
""")
_STEP_BACK = text("""
update conversations conversation set mode = 'ai', taken_over_at = null, taken_over_by = null,
    updated_at = :now
where workspace_id = :workspace_id and id = :conversation_id and mode = 'human' and taken_over_by = 'app'
    and not exists (
        select from messages message where message.workspace_id = :workspace_id
            and message.conversation_id = :conversation_id and message.author = 'app'
            and message.created_at >= conversation.taken_over_at)
returning id
""")
_DROP = text("""
with dropped as (
    update outbox set finished_at = :now, updated_at = :now
    from messages message
    where outbox.workspace_id = :workspace_id and outbox.conversation_id = :conversation_id
        and outbox.finished_at is null and outbox.sending_at is null
        and message.workspace_id = outbox.workspace_id and message.id = outbox.message_id
        and message.author = 'ai'
    returning message.id
)
update messages set status = 'failed', error = :why, updated_at = :now
where workspace_id = :workspace_id and id in (select id from dropped) returning id
""")
_IN_DOUBT = text("""
select outbox.id, outbox.sending_at, outbox.finished_at, message.status, outbox.conversation_id
from outbox join messages message
    on message.workspace_id = outbox.workspace_id and message.id = outbox.message_id
where outbox.workspace_id = :workspace_id and outbox.message_id = :message_id for update of outbox
""")
_STRANDED = text(
    f"""
select distinct on (waiting.conversation_id) waiting.workspace_id, waiting.conversation_id
from outbox waiting
join conversations conversation on conversation.workspace_id = waiting.workspace_id
    and conversation.id = waiting.conversation_id
join channels channel on channel.workspace_id = waiting.workspace_id
    and channel.id = conversation.channel_id and channel.status = 'active' and channel.paused_at is null
where waiting.finished_at is null and waiting.sending_at is null and waiting.updated_at < :before
    and coalesce(waiting.not_before <= :now, true)
    and not ({lanes.waits_or_runs("outbound", "waiting.conversation_id", "waiting.workspace_id")})
order by waiting.conversation_id limit :limit
"""  # noqa: S608 - constants of ours
)
_UNSETTLED = text("""
select waiting.workspace_id, waiting.message_id, waiting.id from outbox waiting
where waiting.finished_at is null and waiting.sending_at < :before and not exists (
    select from procrastinate_jobs job
    where job.id = waiting.settle_job_id and job.status in ('todo', 'doing'))
order by waiting.id limit :limit
""")


@dataclass(frozen=True)
class Waiting:
    """The next message of a conversation, and to whom."""

    id: UUID
    message_id: UUID
    conversation_id: UUID
    channel_id: UUID
    author: str
    person: str
    payload: Mapping[str, Any]
    not_before: datetime | None
    pauses: int
    mode: str
    last_inbound_at: datetime | None


async def lock_conversation(
    session: AsyncSession, workspace_id: UUID, conversation_id: UUID
) -> RowMapping | None:
    """With the person: ``id, workspace_id, channel_id, mode, last_inbound_at, person`` and more."""
    values = {"workspace_id": workspace_id, "id": conversation_id}
    return (await session.execute(_LOCK, values)).mappings().one_or_none()


async def add(
    session: AsyncSession,
    conversation: RowMapping,
    payloads: Sequence[Mapping[str, Any]],
    *,
    author: str,
    window_id: UUID | None = None,
    reply_to: str | None = None,
    now: datetime,
) -> list[UUID]:
    """Put messages into the outbox, and see to it that they are sent: their ids.

    Args:
        conversation: of ``lock_conversation``, held by this session.
        payloads: ``kind`` and what it needs, e.g. ``text``.
    """
    workspace_id, conversation_id = conversation["workspace_id"], conversation["id"]
    added = await session.scalars(
        _ADD,
        {
            "workspace_id": workspace_id,
            "channel_id": conversation["channel_id"],
            "conversation_id": conversation_id,
            "window_id": window_id,
            "position": conversation["outbox_position"],
            "payloads": [_json(each) for each in payloads],
            "author": author,
            "reply_to": reply_to,
            "now": now,
        },
    )
    ids = list(added)
    await wake(session, workspace_id, conversation_id, at=now)
    return ids


async def wake(session: AsyncSession, workspace_id: UUID, conversation_id: UUID, *, at: datetime) -> None:
    """Have the conversation's messages sent then, by one job."""
    await deferring.slide(
        session,
        lanes.SEND,
        {"workspace_id": workspace_id, "conversation_id": conversation_id},
        queueing_lock=lanes.of_outbound(conversation_id=conversation_id),
        at=at,
    )


async def lock_head(session: AsyncSession, workspace_id: UUID, conversation_id: UUID) -> Waiting | None:
    """The first message that waits to be sent; its conversation and it are held."""
    conversation = await lock_conversation(session, workspace_id, conversation_id)
    if conversation is None:
        return None
    values = {"workspace_id": workspace_id, "conversation_id": conversation_id}
    head = (await session.execute(_HEAD, values)).mappings().one_or_none()
    if head is None:
        return None
    return Waiting(
        **head,
        conversation_id=conversation_id,
        channel_id=conversation["channel_id"],
        person=conversation["person"] or "",
        mode=conversation["mode"],
        last_inbound_at=conversation["last_inbound_at"],
    )


async def intend(session: AsyncSession, workspace_id: UUID, waiting: Waiting, *, now: datetime) -> bool:
    """From here on the person may get it; and the job that settles it waits."""
    job_id = await settle_later(session, workspace_id, waiting.id, waiting.message_id, at=now + SETTLE_AFTER)
    values = {"workspace_id": workspace_id, "id": waiting.id, "settle_job_id": job_id, "now": now}
    return (await session.execute(_INTEND, values)).first() is not None


async def settle_later(
    session: AsyncSession, workspace_id: UUID, outbox_id: UUID, message_id: UUID, *, at: datetime
) -> int:
    slid = await deferring.slide(
        session,
        lanes.SETTLE,
        {"workspace_id": workspace_id, "message_id": message_id},
        queueing_lock=lanes.of_settling(outbox_id),
        at=at,
    )
    return slid.id


async def sent(
    session: AsyncSession, workspace_id: UUID, waiting: Waiting, platform_message_id: str, *, now: datetime
) -> bool:
    """It was accepted; its echo may have been taken for a person's. Whether others wait behind it."""
    values = {"workspace_id": workspace_id, "conversation_id": waiting.conversation_id, "now": now}
    await lock_conversation(session, workspace_id, waiting.conversation_id)
    twin = {
        "channel_id": waiting.channel_id, "platform_message_id": platform_message_id,
        "message_id": waiting.message_id,
    }  # fmt: skip
    if (await session.execute(_TWIN, {**values, **twin})).first() is not None:
        await _step_back(session, values)
    return await finish(
        session,
        workspace_id,
        waiting.id,
        "sent",
        platform_message_id=platform_message_id,
        error=None,
        now=now,
    )


async def _step_back(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Nobody has stepped in: what they seemed to look after waits for a person again."""
    conversation_id = await session.scalar(_STEP_BACK, values)
    if conversation_id is not None:
        await escalations.give_back_of(
            session, values["workspace_id"], "conversation", conversation_id, by="app", now=values["now"]
        )


async def finish(
    session: AsyncSession,
    workspace_id: UUID,
    outbox_id: UUID,
    status: str,
    *,
    platform_message_id: str | None = None,
    error: str | None,
    intended_at: datetime | None = None,
    now: datetime,
) -> bool:
    """Store an outcome; what the platform told meanwhile is not taken back. Whether others wait behind it.

    Args:
        intended_at: of this intent only, and not of one that came after it.
    """
    done = await session.execute(
        _FINISH,
        {
            "workspace_id": workspace_id,
            "id": outbox_id,
            "status": status,
            "platform_message_id": platform_message_id,
            "error": error,
            "intended_at": intended_at,
            "now": now,
        },
    )
    row = done.one_or_none()
    if row is not None and row.settle_job_id is not None:
        await deferring.cancel_waiting(session, row.settle_job_id)
    return row is not None and row.goes_on


async def take_back(
    session: AsyncSession,
    workspace_id: UUID,
    outbox_id: UUID,
    *,
    intended_at: datetime,
    error: str,
    not_before: datetime | None,
    now: datetime,
) -> None:
    """Certainly not sent by that intent: it waits again, unless another one is under way by now."""
    values = {
        "workspace_id": workspace_id, "id": outbox_id, "intended_at": intended_at, "error": error,
        "not_before": not_before, "now": now,
    }  # fmt: skip
    job_id = await session.scalar(_TAKE_BACK, values)
    if job_id is not None:
        await deferring.cancel_waiting(session, job_id)


async def drop_of_ai(
    session: AsyncSession, workspace_id: UUID, conversation_id: UUID, why: str, *, now: datetime
) -> None:
    """What the AI has written and nobody has sent yet is not sent. The session holds the conversation."""
    values = {"workspace_id": workspace_id, "conversation_id": conversation_id, "why": why, "now": now}
    await session.execute(_DROP, values)


async def lock_doubtful(session: AsyncSession, workspace_id: UUID, message_id: UUID) -> RowMapping | None:
    """``id, sending_at, finished_at, status, conversation_id`` of a message's row."""
    values = {"workspace_id": workspace_id, "message_id": message_id}
    return (await session.execute(_IN_DOUBT, values)).mappings().one_or_none()


async def requeue_stranded(session: AsyncSession, *, now: datetime, limit: int = 500) -> int:
    """The sweep: messages that nobody sends and intents that nobody settles get a job; how many."""
    before = now - STRANDED_AFTER
    stranded = (await session.execute(_STRANDED, {"before": before, "now": now, "limit": limit})).all()
    for row in stranded:
        await wake(session, row.workspace_id, row.conversation_id, at=now)
    unsettled = (await session.execute(_UNSETTLED, {"before": now - 2 * SETTLE_AFTER, "limit": limit})).all()
    for row in unsettled:
        await settle_later(session, row.workspace_id, row.id, row.message_id, at=now)
    return len(stranded) + len(unsettled)


def _json(payload: Mapping[str, Any]) -> str:
    return to_json(dict(payload)).decode()

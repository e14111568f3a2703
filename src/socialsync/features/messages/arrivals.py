"""Every SQL statement about what comes in: messages, their changes, reactions, reads; many at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.platforms.news import Written

CLOCKS_DIFFER = timedelta(minutes=5)
"""At most, ours and the platform's: what was written longer before our intent is no echo of it."""

_AMEND = text("""
insert into messages as known (workspace_id, channel_id, conversation_id, platform_message_id, direction,
    author, kind, text, status, told_at, edited_at, deleted_at, unseen, created_at, updated_at)
select workspace_id, channel_id, conversation_id, platform_message_id, direction, author, 'text', text,
    case direction when 'inbound' then 'received' else 'sent' end, coalesce(edited_at, deleted_at), edited_at,
    deleted_at, true, :now, :now
from jsonb_to_recordset(cast(:messages as jsonb)) as given (
    n int, workspace_id uuid, channel_id uuid, conversation_id uuid, platform_message_id text, direction text,
    author text, text text, edited_at timestamptz, deleted_at timestamptz)
order by n
on conflict (workspace_id, channel_id, platform_message_id) do update set
    text = case when known.deleted_at is not null or excluded.deleted_at is not null then null
        when excluded.edited_at is null then known.text
        when known.edited_at is null or excluded.edited_at > known.edited_at then excluded.text
        when excluded.edited_at = known.edited_at then greatest(excluded.text, known.text)
        else known.text end,
    detail = case when known.deleted_at is not null or excluded.deleted_at is not null then '{}'
        else known.detail end,
    edited_at = greatest(known.edited_at, excluded.edited_at),
    deleted_at = least(known.deleted_at, excluded.deleted_at), updated_at = :now
returning id, deleted_at
""")
_FORGET_MEDIA = text("delete from message_media where message_id = any (cast(:ids as uuid[]))")
_ADD_MEDIA = text("""
insert into message_media (workspace_id, message_id, place, kind, platform_media_id, url, mime_type,
    file_name, created_at, updated_at)
select workspace_id, message_id, place, kind, platform_media_id, url, mime_type, file_name, :now, :now
from jsonb_to_recordset(cast(:files as jsonb)) as given (
    workspace_id uuid, message_id uuid, place int, kind text, platform_media_id text, url text,
    mime_type text, file_name text)
on conflict do nothing returning workspace_id, message_id
""")
_REACT = text("""
insert into message_reactions as known (workspace_id, channel_id, platform_message_id, direction, emoji,
    told_at, created_at, updated_at)
select workspace_id, channel_id, platform_message_id, direction, emoji, told_at, :now, :now
from jsonb_to_recordset(cast(:reactions as jsonb)) as given (
    workspace_id uuid, channel_id uuid, platform_message_id text, direction text, emoji text,
    told_at timestamptz)
order by channel_id, platform_message_id, direction
on conflict on constraint uq_message_reactions_target do update
set emoji = excluded.emoji, told_at = excluded.told_at, updated_at = :now
where (excluded.told_at, coalesce(excluded.emoji, '')) > (known.told_at, coalesce(known.emoji, ''))
""")
_SEE = text("""
update messages message set status = 'read', updated_at = :now
from jsonb_to_recordset(cast(:seen as jsonb)) as given (
    contact_id uuid, platform_message_id text, at timestamptz)
join contacts contact on contact.id = given.contact_id
join conversations conversation on conversation.workspace_id = contact.workspace_id
    and conversation.channel_id = contact.channel_id and conversation.contact_id = contact.id
where message.workspace_id = conversation.workspace_id and message.conversation_id = conversation.id
    and message.direction = 'outbound' and message.status in ('sent', 'delivered')
    and (message.told_at <= given.at or message.platform_message_id = given.platform_message_id)
""")
_ANSWERED = text("""
select message.conversation_id, max(message.told_at) as at
from conversations conversation join messages message
    on message.workspace_id = conversation.workspace_id and message.conversation_id = conversation.id
where conversation.id = any (cast(:ids as uuid[])) and message.direction = 'outbound'
    and message.status <> 'failed' and message.platform_message_id <> all (cast(:but as text[])) is not false
group by message.conversation_id
""")
_KNOWN_ECHOES = text("""
select message.channel_id, message.platform_message_id
from unnest(cast(:channels as uuid[]), cast(:ids as text[])) as given (channel_id, platform_message_id)
join channels channel on channel.id = given.channel_id
join messages message on message.workspace_id = channel.workspace_id and message.channel_id = channel.id
    and message.platform_message_id = given.platform_message_id
where not message.unseen
""")
_CLAIM_ECHO = text("""
with ours as (
    select message.id, outbox.id as outbox_id from messages message
    join outbox on outbox.workspace_id = message.workspace_id and outbox.message_id = message.id
    where message.workspace_id = :workspace_id and message.conversation_id = :conversation_id
        and message.direction = 'outbound' and message.platform_message_id is null
        and message.status in ('sending', 'unknown') and outbox.sending_at <= :before
        and regexp_replace(coalesce(message.text, ''), '\\s+', ' ', 'g')
            = regexp_replace(coalesce(cast(:text as text), ''), '\\s+', ' ', 'g')
    order by outbox.position limit 1
), finished as (
    update outbox set finished_at = coalesce(finished_at, :now), updated_at = :now
    where id in (select outbox_id from ours)
)
update messages set status = 'sent', platform_message_id = :platform_message_id, error = null,
    updated_at = :now
where id in (select id from ours) returning id
""")

EXPECTED_FOR = timedelta(minutes=30)
"""After a room has sent something in private, its echo may come for so long."""
_EXPECT_ECHO = text("""
with gone as (
    delete from expected_echoes
    where workspace_id = :workspace_id and channel_id = :channel_id and sent_at < :before
)
insert into expected_echoes (workspace_id, channel_id, text, sent_at)
values (:workspace_id, :channel_id, :text, :now)
""")
_IS_EXPECTED = text("""
update expected_echoes set echo_id = :echo_id where workspace_id = :workspace_id and id = (
    select id from expected_echoes
    where workspace_id = :workspace_id and channel_id = :channel_id and text = :text
        and sent_at between :after and :before and (echo_id is null or echo_id = :echo_id)
    order by echo_id nulls last, sent_at limit 1 for update)
returning id
""")


async def answered_at(
    session: AsyncSession, conversation_ids: Sequence[UUID], *, but: Sequence[str]
) -> dict[UUID, datetime]:
    """When something was last written in the name of the business, by conversation, that is not among these
    messages of the platform's.
    """
    rows = await session.execute(_ANSWERED, {"ids": list(conversation_ids), "but": list(but)})
    return {row.conversation_id: row.at for row in rows}


async def amend(session: AsyncSession, changes: Sequence[Mapping[str, Any]], *, now: datetime) -> None:
    """Change or delete these messages, also those that are still to come."""
    if not changes:
        return
    rows = await session.execute(_AMEND, {"messages": _numbered(changes), "now": now})
    if gone := [row.id for row in rows if row.deleted_at is not None]:
        await session.execute(_FORGET_MEDIA, {"ids": gone})


async def add_media(
    session: AsyncSession, files: Sequence[Mapping[str, Any]], *, now: datetime
) -> list[tuple[UUID, UUID]]:
    """Store what is to be fetched: workspace and message of each."""
    if not files:
        return []
    rows = await session.execute(_ADD_MEDIA, {"files": to_json(list(files)).decode(), "now": now})
    return list(dict.fromkeys((row.workspace_id, row.message_id) for row in rows))


async def react(session: AsyncSession, reactions: Sequence[Mapping[str, Any]], *, now: datetime) -> None:
    if reactions:
        await session.execute(_REACT, {"reactions": to_json(list(reactions)).decode(), "now": now})


async def see(session: AsyncSession, seen: Sequence[Mapping[str, Any]], *, now: datetime) -> None:
    if seen:
        await session.execute(_SEE, {"seen": to_json(list(seen)).decode(), "now": now})


async def known_ids(
    session: AsyncSession, channel_ids: Sequence[UUID], ids: Sequence[str]
) -> set[tuple[UUID, str]]:
    """Which of these the platform told before, or we sent."""
    rows = await session.execute(_KNOWN_ECHOES, {"channels": list(channel_ids), "ids": list(ids)})
    return {(row.channel_id, row.platform_message_id) for row in rows}


async def claim_echo(
    session: AsyncSession, conversation: Mapping[str, Any], echo: Written, *, now: datetime
) -> bool:
    """Whether this is the echo of a message that we have sent and whose answer is not there yet: then it was
    sent.
    """
    values = {
        "workspace_id": conversation["workspace_id"],
        "conversation_id": conversation["id"],
        "platform_message_id": echo.id,
        "text": echo.text,
        "before": echo.at + CLOCKS_DIFFER,
        "now": now,
    }
    return (await session.execute(_CLAIM_ECHO, values)).first() is not None


async def expect_echo(
    session: AsyncSession, workspace_id: UUID, channel_id: UUID, words: str, *, now: datetime
) -> None:
    """These words are about to be sent to somebody in private, by another room."""
    values = {
        "workspace_id": workspace_id, "channel_id": channel_id, "text": words, "now": now,
        "before": now - timedelta(days=1),
    }  # fmt: skip
    await session.execute(_EXPECT_ECHO, values)


async def is_expected(session: AsyncSession, workspace_id: UUID, channel_id: UUID, echo: Written) -> bool:
    """Whether another room has sent these words: each time one echo, however often it is told."""
    values = {
        "workspace_id": workspace_id,
        "channel_id": channel_id,
        "text": echo.text,
        "echo_id": echo.id,
        "before": echo.at + CLOCKS_DIFFER,
        "after": echo.at - EXPECTED_FOR,
    }
    return (await session.execute(_IS_EXPECTED, values)).first() is not None


def _numbered(rows: Sequence[Mapping[str, Any]]) -> str:
    return to_json([{"n": number, **row} for number, row in enumerate(rows)]).decode()

"""What somebody wrote, the window that it opens or slides, and the window's job: one statement for many."""

import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic_core import to_json
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.db.asking import Answer, Question, ask
from socialsync.features.messages import lanes
from socialsync.queue import deferring

_ADD = """
with given as materialized (
    select * from jsonb_to_recordset(cast(:messages as jsonb)) as given (
        n int, workspace_id uuid, channel_id uuid, conversation_id uuid, platform_message_id text,
        direction text, author text, kind text, text text, detail jsonb, reply_to text, told_at timestamptz,
        asks boolean)
), asking as materialized (
    select distinct on (conversation_id) workspace_id, conversation_id, buffer_quiet_s as quiet,
        buffer_max_s as most
    from given join channels channel using (workspace_id)
    where asks and channel.id = channel_id and not exists (
        select from messages known where known.workspace_id = given.workspace_id
            and known.channel_id = given.channel_id and known.platform_message_id = given.platform_message_id
            and (not known.unseen or known.deleted_at is not null))
    order by conversation_id
), opened as (
    insert into message_windows as open (workspace_id, conversation_id, opened_at, waiting_since, due_at,
        created_at, updated_at)
    select workspace_id, conversation_id, :now, :now,
        cast(:now as timestamptz) + make_interval(secs => least(quiet, most)), :now, :now
    from asking
    on conflict (workspace_id, conversation_id) where closed_at is null and ended_at is null do update
    set due_at = least(excluded.due_at, open.opened_at + (
        select make_interval(secs => most) from asking
        where asking.conversation_id = open.conversation_id)), updated_at = :now
    returning id, workspace_id, conversation_id, due_at
), added as (
    insert into messages as known (workspace_id, channel_id, conversation_id, window_id, platform_message_id,
        direction, author, kind, text, detail, reply_to, status, told_at, created_at, updated_at)
    select workspace_id, channel_id, conversation_id, case when asks then opened.id end, platform_message_id,
        direction, author, kind, text, detail, reply_to,
        case direction when 'inbound' then 'received' else 'sent' end, told_at, :now, :now
    from given left join opened using (workspace_id, conversation_id)
    order by n
    on conflict (workspace_id, channel_id, platform_message_id) do update set
        kind = excluded.kind, reply_to = excluded.reply_to, told_at = excluded.told_at, unseen = false,
        window_id = case when known.deleted_at is null then excluded.window_id else known.window_id end,
        text = case when known.deleted_at is not null then null
            when known.edited_at is not null then known.text else excluded.text end,
        detail = case when known.deleted_at is not null then '{{}}' else excluded.detail end,
        updated_at = :now
    where known.unseen
    returning id, workspace_id, channel_id, conversation_id, platform_message_id, direction, kind, told_at,
        deleted_at
), latest as (
    select conversation_id, max(told_at) as at,
        max(told_at) filter (where direction = 'inbound') as inbound_at
    from added group by conversation_id
), touched as (
    update conversations conversation set updated_at = :now,
        last_inbound_at = greatest(conversation.last_inbound_at, latest.inbound_at),
        last_message_at = greatest(conversation.last_message_at, latest.at)
    from latest where conversation.id = latest.conversation_id
), woken as ({slides})
select * from added
"""


async def add_messages(
    session: AsyncSession, messages: Sequence[Mapping[str, Any]], *, now: datetime
) -> Sequence[Answer]:
    """Store these, and when their conversations last had one, in the platform's time. New ones that ask for
    an answer (``asks``), and are not deleted already, open their conversation's window or slide it, and its
    job with it. The session holds the conversations.

    Returns:
        those that were not known before: ``id, workspace_id, channel_id, conversation_id,
        platform_message_id, direction, kind, told_at, deleted_at``.
    """
    if not messages:
        return []
    given = to_json([{"n": number, **row} for number, row in enumerate(messages)]).decode()
    question = Question(_statement(), {"messages": given, "now": now})
    await ask(session, question)
    return question.rows


@functools.cache
def _statement() -> TextClause:
    slides = deferring.slides(
        lanes.PROCESS,
        source="opened",
        args={"workspace_id": "workspace_id", "conversation_id": "conversation_id"},
        queueing_lock=lanes.of_conversation,
        at="due_at",
    )
    return text(_ADD.format(slides=slides))

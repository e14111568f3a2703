"""What the platform tells of our messages afterwards, by webhook: they only move forward."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.messages import handover
from socialsync.features.messages.wording import sentence
from socialsync.platforms.errors import PlatformError

_RANK = "array_position(array['sent', 'delivered', 'read', 'played'], {0})"
_RECEIVE = text(f"""
with given as (
    select * from unnest(cast(:numbers as int[]), cast(:trackers as uuid[]), cast(:message_ids as text[]),
            cast(:statuses as text[]), cast(:errors as text[]))
        as given (number, tracker, message_id, status, error)
), reached as (
    select workspace_id, id from channels where id = any (cast(:channels as uuid[]))
), matched as materialized (
    select given.*, message.id from given join reached on true
    join outbox on outbox.workspace_id = reached.workspace_id and outbox.id = given.tracker
    join messages message on message.workspace_id = outbox.workspace_id and message.id = outbox.message_id
        and message.channel_id = reached.id
    union
    select given.*, message.id from given join reached on true
    join messages message on message.workspace_id = reached.workspace_id and message.channel_id = reached.id
        and message.platform_message_id = given.message_id and message.direction = 'outbound'
), locked as materialized (
    select id, status from messages where id in (select id from matched) order by id for update
), best as (
    select id, max({_RANK.format("status")}) as rank, min(message_id) as message_id,
        bool_or(status = 'failed') as failed, max(error) as error
    from matched group by id
), moved as (
    update messages message set updated_at = :now,
        platform_message_id = coalesce(message.platform_message_id, best.message_id),
        status = case
            when best.rank > coalesce({_RANK.format("locked.status")}, 0)
                then (array['sent', 'delivered', 'read', 'played'])[best.rank]
            when best.failed and best.rank is null
                and locked.status in ('queued', 'sending', 'sent', 'unknown') then 'failed'
            else locked.status end,
        error = case
            when best.rank > coalesce({_RANK.format("locked.status")}, 0) then null
            when best.failed and best.rank is null
                and locked.status in ('queued', 'sending', 'sent', 'unknown') then best.error
            else message.error end
    from best join locked on locked.id = best.id where message.id = best.id
    returning message.id, message.workspace_id, message.conversation_id, message.status,
        message.error, locked.status as before
), finished as (
    update outbox set finished_at = coalesce(outbox.finished_at, :now), updated_at = :now
    from moved where outbox.workspace_id = moved.workspace_id and outbox.message_id = moved.id
        and outbox.sending_at is not null and outbox.finished_at is null
)
select (select array_agg(distinct number) from matched) as numbers, (
    select jsonb_object_agg(conversation_id, error) from moved
    where status = 'failed' and before <> 'failed') as failures
""")  # noqa: S608 - constants of ours


class StatusUpdate(Protocol):
    """See ``platforms.news``."""

    @property
    def message_id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def tracker(self) -> str | None: ...
    @property
    def error(self) -> PlatformError | None: ...


async def receive_statuses(
    session: AsyncSession, updates: Sequence[StatusUpdate], *, channel_ids: Collection[UUID], now: datetime
) -> set[int]:
    """Move messages forward by what came: duplicates and reorderings are harmless. A message is known by our
    own id first, which the platform gives back, else by the platform's. Where one fails, a person is asked
    for.

    Args:
        session: of a system transaction.
        channel_ids: the channels of the account that it is about.

    Returns:
        the indexes of the updates that were about a message.
    """
    if not updates:
        return set()
    row = await session.execute(
        _RECEIVE,
        {
            "numbers": list(range(len(updates))),
            "trackers": [UUID(update.tracker) if update.tracker else None for update in updates],
            "message_ids": [update.message_id for update in updates],
            "statuses": [update.status for update in updates],
            "errors": [sentence(update.error) if update.error else None for update in updates],
            "channels": list(channel_ids),
            "now": now,
        },
    )
    found = row.one()
    for conversation_id, why in sorted((found.failures or {}).items()):
        await handover.ask_for_person(
            session, UUID(conversation_id), f"A message was not delivered. {why}", now=now
        )
    return set(found.numbers or ())

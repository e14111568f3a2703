"""Every SQL statement about deliveries: what each recipient of a broadcast gets."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.posts.models import Post, PostDelivery

OPTED_OUT = 131050
"""What WhatsApp says of a person who opted out."""
CHUNK = 200
"""Recipients that one job sends to."""

_SET = (
    """
    delete from post_deliveries where workspace_id = :workspace_id and post_id = :post_id
        and status in ('queued', 'failed') and recipient <> all (cast(:recipients as text[]))
    """,
    """
    insert into post_deliveries (workspace_id, post_id, recipient, chunk)
    select :workspace_id, :post_id, recipient, (n - 1) / :chunk
    from unnest(cast(:recipients as text[])) with ordinality as given (recipient, n) on conflict do nothing
    """,
    """
    update post_deliveries delivery set status = 'failed', error = :opted_out, updated_at = :now
    from opt_outs where delivery.workspace_id = :workspace_id and delivery.post_id = :post_id
        and delivery.status = 'queued' and opt_outs.workspace_id = delivery.workspace_id
        and opt_outs.channel_id = :channel_id and opt_outs.recipient = delivery.recipient
    """,
)
_OPTED_OUT = "This person does not want broadcasts from this channel."
_TAKE = text("""
with free as (
    select id from post_deliveries delivery
    where workspace_id = :workspace_id and post_id = :post_id and chunk = :chunk and status = 'queued'
        and coalesce(not_before <= :now, true) and not exists (
            select from post_deliveries other
            where other.workspace_id = delivery.workspace_id and other.recipient = delivery.recipient
                and other.sent_at > :now - interval '6 seconds' and other.id <> delivery.id)
    order by id limit :limit for update
)
update post_deliveries delivery set status = 'sending', sending_at = :now, error = null, updated_at = :now
from free where delivery.workspace_id = :workspace_id and delivery.id = free.id
returning delivery.id, delivery.recipient, delivery.waits
""")
_FREE_AT = text("""
select min(greatest(not_before, (
    select max(other.sent_at) + interval '6 seconds' from post_deliveries other
    where other.workspace_id = delivery.workspace_id and other.recipient = delivery.recipient
        and other.sent_at > :now - interval '6 seconds' and other.id <> delivery.id)))
from post_deliveries delivery
where workspace_id = :workspace_id and post_id = :post_id and chunk = :chunk and status = 'queued'
""")
_STORE = text("""
update post_deliveries delivery set
    status = case when delivery.status in ('delivered', 'read', 'played', 'failed') then delivery.status
        else given.status end, platform_message_id = coalesce(given.message_id, delivery.platform_message_id),
    sent_at = case when given.status = 'sent' then coalesce(delivery.sent_at, :now) else delivery.sent_at end,
    error = case when delivery.status = 'failed' then delivery.error
        when given.status = 'sent' then null else given.error end,
    not_before = given.not_before, waits = delivery.waits + given.waits, updated_at = :now
from unnest(cast(:ids as uuid[]), cast(:statuses as text[]), cast(:message_ids as text[]),
        cast(:errors as text[]), cast(:not_befores as timestamptz[]), cast(:waits as int[]))
    as given (id, status, message_id, error, not_before, waits)
where delivery.workspace_id = :workspace_id and delivery.id = given.id
    and (given.status = 'sent' and delivery.status <> 'queued' or delivery.status = 'sending')
""")
_TALLY = text("""
select status, count(*) as number, min(error) as error, min(platform_message_id) as message_id
from post_deliveries where post_id = :post_id and workspace_id = :workspace_id group by status
""")
_RANK = "array_position(array['sent', 'delivered', 'read', 'played'], {0})"
_RECEIVE = text(
    f"""
with given as (
    select * from unnest(cast(:numbers as int[]), cast(:trackers as uuid[]), cast(:message_ids as text[]),
            cast(:statuses as text[]), cast(:errors as text[]), cast(:ats as timestamptz[]))
        as given (number, tracker, message_id, status, error, at)
), reached as (
    select workspace_id, id from channels where id = any (:channels)
), matched as materialized (
    select given.*, delivery.id, delivery.workspace_id from given join post_deliveries delivery
        on delivery.id = given.tracker and delivery.workspace_id in (select workspace_id from reached)
    union all
    select given.*, delivery.id, delivery.workspace_id from given join reached on true
    join post_deliveries delivery
        on delivery.workspace_id = reached.workspace_id and delivery.platform_message_id = given.message_id
    join posts on posts.workspace_id = delivery.workspace_id and posts.id = delivery.post_id
        and posts.channel_id = reached.id
    where given.tracker is distinct from delivery.id
), locked as materialized (
    select id, status from post_deliveries where id in (select id from matched) order by id for update
), best as (
    select matched.id, max({_RANK.format("matched.status")}) as rank, min(matched.message_id) as message_id,
        min(matched.at) filter (where matched.status <> 'failed') as at,
        bool_or(matched.status = 'failed') as failed, max(matched.error) as error
    from matched group by matched.id
), moved as (
    update post_deliveries delivery set
        status = case
            when best.rank > coalesce({_RANK.format("locked.status")}, 0)
                then (array['sent', 'delivered', 'read', 'played'])[best.rank]
            when best.failed and best.rank is null and locked.status in ('queued', 'sending', 'sent',
            'unknown')
                then 'failed'
            else locked.status end,
        error = case
            when best.rank is not null then null
            when best.failed and locked.status in ('queued', 'sending', 'sent', 'unknown') then best.error
            else delivery.error end,
        platform_message_id = coalesce(delivery.platform_message_id, best.message_id),
        sent_at = coalesce(delivery.sent_at, best.at, delivery.sending_at), updated_at = :now
    from best join locked on locked.id = best.id
    where delivery.id = best.id
    returning delivery.id, delivery.workspace_id, delivery.post_id, locked.status as before, delivery.status
)
select array(select distinct number from matched) as numbers, array(
    select distinct workspace_id || ' ' || post_id from moved
    where status <> before and (before in ('queued', 'sending', 'unknown') or status = 'failed')) as touched
"""  # noqa: S608 - a constant of ours
)
_OPT_OUT = text("""
insert into opt_outs (workspace_id, channel_id, recipient, reason)
select posts.workspace_id, posts.channel_id, delivery.recipient, :reason
from post_deliveries delivery
join posts on posts.workspace_id = delivery.workspace_id and posts.id = delivery.post_id
where delivery.id = any (:ids) on conflict do nothing
""")


@dataclass(frozen=True)
class Outcome:
    """How one message went. ``waits`` is 1 when it waits because this person got too many."""

    delivery_id: UUID
    status: str
    message_id: str | None = None
    error: str | None = None
    not_before: datetime | None = None
    waits: int = 0


@dataclass(frozen=True)
class Tally:
    """What the deliveries of a post came to. ``reason``: one of the errors, of the failed ones first."""

    counts: Mapping[str, int]
    reason: str | None
    message_id: str | None

    @property
    def open(self) -> bool:
        return bool(self.counts.get("queued") or self.counts.get("sending"))


async def prepare(session: AsyncSession, post: Post, *, now: datetime) -> None:
    """One row a recipient; those of an older edit that nobody was sent are replaced, opted-out ones
    skipped.
    """
    values = {
        "workspace_id": post.workspace_id, "post_id": post.id, "recipients": post.recipients, "chunk": CHUNK,
        "channel_id": post.channel_id, "opted_out": _OPTED_OUT, "now": now,
    }  # fmt: skip
    for statement in _SET:
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        await session.execute(text(statement), used)


async def take(
    session: AsyncSession, post: Post, chunk: int, limit: int, *, now: datetime
) -> Sequence[RowMapping]:
    """The next recipients, ``sending`` from here on: ``id, recipient, waits``. Nobody gets two messages
    within six seconds (WhatsApp, "Pair rate limits").
    """
    rows = await session.execute(_TAKE, {**_of(post), "chunk": chunk, "limit": limit, "now": now})
    return rows.mappings().all()


async def waiting(session: AsyncSession, post: Post, chunk: int, *, now: datetime) -> tuple[int, datetime]:
    """How many still wait, and when the next of them may be written to."""
    query = select(func.count()).where(
        PostDelivery.post_id == post.id, PostDelivery.chunk == chunk, PostDelivery.status == "queued"
    )
    count = await session.scalar(query) or 0
    found: datetime | None = await session.scalar(_FREE_AT, {**_of(post), "chunk": chunk, "now": now})
    return count, found or now


async def store(
    session: AsyncSession, workspace_id: UUID, outcomes: Sequence[Outcome], *, now: datetime
) -> None:
    """That a message was sent holds whatever is there; the rest only while nothing else is known."""
    values: dict[str, Any] = {
        "ids": [one.delivery_id for one in outcomes],
        "statuses": [one.status for one in outcomes],
        "message_ids": [one.message_id for one in outcomes],
        "errors": [one.error for one in outcomes],
        "not_befores": [one.not_before for one in outcomes],
        "waits": [one.waits for one in outcomes],
    }
    await session.execute(_STORE, {**values, "workspace_id": workspace_id, "now": now})


async def tally(session: AsyncSession, post: Post) -> Tally:
    rows = (await session.execute(_TALLY, _of(post))).all()
    errors = {row.status: row.error for row in rows if row.error}
    message_id = min((row.message_id for row in rows if row.message_id), default=None)
    reason = errors.get("failed") or errors.get("unknown")
    return Tally({row.status: row.number for row in rows}, reason, message_id)


async def expire(
    session: AsyncSession, post: Post, error: str, *, before: datetime, now: datetime
) -> datetime | None:
    """Those that are ``sending`` since ``before`` become ``unknown``: nobody can know any more. Returns since
    when the oldest of the others is.
    """
    sending = (PostDelivery.post_id == post.id, PostDelivery.status == "sending")
    await session.execute(
        update(PostDelivery)
        .where(*sending, func.coalesce(PostDelivery.sending_at, PostDelivery.updated_at) <= before)
        .values(status="unknown", error=error, updated_at=now)
    )
    return await session.scalar(
        select(func.min(func.coalesce(PostDelivery.sending_at, PostDelivery.updated_at))).where(*sending)
    )


async def list_open_chunks(session: AsyncSession, post_id: UUID) -> list[int]:
    """Chunks with somebody who still waits."""
    query = select(PostDelivery.chunk).where(PostDelivery.post_id == post_id, PostDelivery.status == "queued")
    return list(await session.scalars(query.distinct().order_by(PostDelivery.chunk)))


async def opt_out(session: AsyncSession, delivery_ids: Collection[UUID], reason: str) -> None:
    """These recipients want no more broadcasts from the channel of their post."""
    await session.execute(_OPT_OUT, {"ids": list(delivery_ids), "reason": reason})


async def receive(
    session: AsyncSession, channel_ids: Collection[UUID], given: Mapping[str, Any], *, now: datetime
) -> RowMapping:
    """Move deliveries by what the platform tells, forward only.

    Returns:
        ``numbers`` of what matched, and ``touched``: ``workspace post`` whose result may be another now.
    """
    values = {**given, "channels": list(channel_ids), "now": now}
    return (await session.execute(_RECEIVE, values)).mappings().one()


def _of(post: Post) -> dict[str, Any]:
    return {"workspace_id": post.workspace_id, "post_id": post.id}

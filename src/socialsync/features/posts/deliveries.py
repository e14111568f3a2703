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
)
_TALLY = text("""
select status, count(*) as number, min(error) as error, min(platform_message_id) as message_id
from post_deliveries where post_id = :post_id and workspace_id = :workspace_id group by status
""")
_RANK = "array_position(array['sent', 'delivered', 'read', 'played'], {0})"
_RECEIVE = text(
    f"""
with given as (
    select * from unnest(cast(:numbers as int[]), cast(:trackers as uuid[]), cast(:message_ids as text[]),
            cast(:statuses as text[]), cast(:errors as text[]), cast(:opted_out as boolean[]),
            cast(:ats as timestamptz[])) as given (number, tracker, message_id, status, error, opted_out, at)
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
select array(select distinct number from matched) as numbers,
    array(select distinct id from matched where opted_out) as opted_out, array(
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

_FAILED = text("""
select delivery.id, delivery.recipient, delivery.status, exists (
    select from opt_outs where opt_outs.workspace_id = delivery.workspace_id
        and opt_outs.channel_id = :channel_id and opt_outs.recipient = delivery.recipient) as opted_out
from post_deliveries delivery
where delivery.workspace_id = :workspace_id and delivery.post_id = :post_id
    and (delivery.status = 'failed' or delivery.recipient = any (cast(:named as text[])))
order by delivery.id for update of delivery
""")
_SEND_AGAIN = text("""
update post_deliveries set status = 'queued', error = null, not_before = null, waits = 0, faults = 0,
    id = case when platform_message_id is null then id else uuidv7() end,
    platform_message_id = null, sending_at = null, sent_at = null, updated_at = :now
where workspace_id = :workspace_id and post_id = :post_id and status = 'failed'
    and (cast(:ids as uuid[]) is null or id = any (cast(:ids as uuid[])))
""")


@dataclass(frozen=True)
class Tally:
    """What the deliveries of a post came to. ``reason``: one of the errors, of the failed ones first."""

    counts: Mapping[str, int]
    reason: str | None
    message_id: str | None

    @property
    def open(self) -> bool:
        return bool(self.counts.get("queued") or self.counts.get("sending"))


async def prepare(session: AsyncSession, post: Post) -> None:
    """One row a recipient; those of an older edit that nobody was sent are replaced."""
    values = {**_of(post), "recipients": post.recipients, "chunk": CHUNK}
    for statement in _SET:
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        await session.execute(text(statement), used)


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
    late = func.coalesce(PostDelivery.sending_at, PostDelivery.updated_at) <= before
    # locked in the order in which statuses lock them
    ids = select(PostDelivery.id).where(*sending, late).order_by(PostDelivery.id).with_for_update()
    await session.execute(
        update(PostDelivery)
        .where(PostDelivery.id.in_(ids), *sending)
        .values(status="unknown", error=error, updated_at=now)
    )
    return await session.scalar(
        select(func.min(func.coalesce(PostDelivery.sending_at, PostDelivery.updated_at))).where(*sending)
    )


async def list_open_chunks(session: AsyncSession, post_id: UUID) -> list[int]:
    """Chunks with somebody who waits for nothing but us."""
    query = select(PostDelivery.chunk).where(
        PostDelivery.post_id == post_id, PostDelivery.status == "queued", PostDelivery.not_before.is_(None)
    )
    return list(await session.scalars(query.distinct().order_by(PostDelivery.chunk)))


async def lock_failed(session: AsyncSession, post: Post, named: Collection[str]) -> Sequence[RowMapping]:
    """``id, recipient, status, opted_out`` of those that failed and of those to these recipients."""
    values = {**_of(post), "channel_id": post.channel_id, "named": list(named)}
    return (await session.execute(_FAILED, values)).mappings().all()


async def send_again(
    session: AsyncSession, post: Post, ids: Collection[UUID] | None, *, now: datetime
) -> None:
    """Of these (None: of all) the failed ones wait to be sent again. One that the platform had taken gets
    another id, which is what the platform tells of it by: what is told late of the first message is not
    taken for the second's.
    """
    await session.execute(_SEND_AGAIN, {**_of(post), "ids": None if ids is None else list(ids), "now": now})


async def opt_out(session: AsyncSession, delivery_ids: Collection[UUID], reason: str) -> None:
    """These recipients want no more broadcasts from the channel of their post."""
    await session.execute(_OPT_OUT, {"ids": list(delivery_ids), "reason": reason})


async def receive(
    session: AsyncSession, channel_ids: Collection[UUID], given: Mapping[str, Any], *, now: datetime
) -> RowMapping:
    """Move deliveries by what the platform tells, forward only.

    Returns:
        ``numbers`` of what matched; ``opted_out``: deliveries to people who opted out; and ``touched``:
        ``workspace post`` whose result may be another now.
    """
    values = {**given, "channels": list(channel_ids), "now": now}
    return (await session.execute(_RECEIVE, values)).mappings().one()


def _of(post: Post) -> dict[str, Any]:
    return {"workspace_id": post.workspace_id, "post_id": post.id}

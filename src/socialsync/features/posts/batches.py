"""The SQL statements by which the messages of a broadcast leave: many in one statement.

A part of a broadcast is a chunk's recipients who wait for nothing but us, or those of any chunk who were held
back and whose time has come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

OPTED_OUT_BEFORE = "This person does not want broadcasts from this channel."
_PART = """delivery.workspace_id = :workspace_id and delivery.post_id = :post_id
    and delivery.status = 'queued' and (delivery.chunk = :chunk and delivery.not_before is null
        or cast(:chunk as integer) is null and delivery.not_before <= :now)"""
_OPEN = text("""
select run.effect_at is not null as begun, exists (
    select from procrastinate_jobs job where job.id = run.settle_job_id and job.status = 'todo') as watched
from posts post join post_runs run on run.workspace_id = post.workspace_id and run.post_id = post.id
where post.workspace_id = :workspace_id and post.id = :post_id and post.status = 'publishing'
    and post.revision = :revision and run.id = :run_id and run.status = 'running'
for share of post
""")
_BEGIN = text("""
update post_runs set effect_at = coalesce(effect_at, :now), updated_at = :now
where workspace_id = :workspace_id and id = :run_id
""")
_WATCH = text("""
update post_runs set settle_job_id = :settle_job_id where workspace_id = :workspace_id and id = :run_id
""")
_COUNT = text(f"select count(*) from post_deliveries delivery where {_PART}")  # noqa: S608 - a constant of ours
_TAKE = text(
    f"""
with next as materialized (
    select delivery.id, exists (
        select from opt_outs where opt_outs.workspace_id = delivery.workspace_id
            and opt_outs.channel_id = :channel_id and opt_outs.recipient = delivery.recipient) as opted_out, (
        select max(other.sent_at) + interval '6 seconds' from post_deliveries other
        where other.workspace_id = delivery.workspace_id and other.recipient = delivery.recipient
            and other.sent_at > :now - interval '6 seconds' and other.id <> delivery.id) as free_at
    from post_deliveries delivery where {_PART}
    order by delivery.id limit :limit for update of delivery
), moved as (
    update post_deliveries delivery set updated_at = :now,
        status = case when opted_out then 'failed' when free_at is null then 'sending' else 'queued' end,
        sending_at = case when opted_out or free_at is not null then delivery.sending_at else :now end,
        not_before = case when opted_out then null else free_at end,
        error = case when opted_out then :opted_out when free_at is null then null else delivery.error end
    from next where delivery.workspace_id = :workspace_id and delivery.id = next.id
    returning delivery.id, delivery.recipient, delivery.waits, delivery.faults, delivery.status
)
select * from moved order by id
"""  # noqa: S608 - a constant of ours
)
_WITHDRAW = text("""
update post_deliveries set status = 'queued', sending_at = null,
    not_before = case when cast(:chunk as integer) is null then cast(:intended_at as timestamptz) end
where workspace_id = :workspace_id and post_id = :post_id and status = 'sending'
    and sending_at = :intended_at and (cast(:chunk as integer) is null or chunk = :chunk)
""")
_STORE = text("""
with given as materialized (
    select * from unnest(cast(:ids as uuid[]), cast(:statuses as text[]), cast(:message_ids as text[]),
            cast(:errors as text[]), cast(:not_befores as timestamptz[]), cast(:waits as int[]),
            cast(:faults as int[])) as given (id, status, message_id, error, not_before, waits, faults)
), locked as materialized (  -- in the order in which statuses lock them
    select id from post_deliveries where workspace_id = :workspace_id and id = any (cast(:ids as uuid[]))
    order by id for update
)
update post_deliveries delivery set
    status = case when delivery.status in ('delivered', 'read', 'played', 'failed') then delivery.status
        else given.status end, platform_message_id = coalesce(given.message_id, delivery.platform_message_id),
    sent_at = case when given.status = 'sent' then coalesce(delivery.sent_at, :now) else delivery.sent_at end,
    error = case when delivery.status = 'failed' then delivery.error
        when given.status = 'sent' then null else given.error end,
    not_before = given.not_before, waits = delivery.waits + given.waits,
    faults = delivery.faults + given.faults, updated_at = :now
from given join locked on locked.id = given.id
where delivery.workspace_id = :workspace_id and delivery.id = given.id
    and (given.status = 'sent' and delivery.status <> 'queued' or delivery.status = 'sending')
""")
_HOLD_BACK = """
update post_deliveries delivery set faults = delivery.faults + 1, error = :error, updated_at = :now,
    status = case when delivery.faults < cardinality(cast(:pauses as interval[])) then 'queued'
        else 'failed' end,
    not_before = :now + (cast(:pauses as interval[]))[delivery.faults + 1]
where {whom}
"""
_HOLD_BACK_ALL = text(_HOLD_BACK.format(whom=_PART))
_THESE = "delivery.workspace_id = :workspace_id and delivery.status = 'queued' and delivery.id = any (:ids)"
_HOLD_BACK_SOME = text(_HOLD_BACK.format(whom=_THESE))
_LOCK = text("select from posts where workspace_id = :workspace_id and id = :post_id for update")
_HELD_UNTIL = text("""
select min(not_before) from post_deliveries
where workspace_id = :workspace_id and post_id = :post_id and status = 'queued' and not_before is not null
""")
_TAKE_BACK = text("""
update post_runs set effect_at = null where workspace_id = :workspace_id and id = :run_id
    and status = 'running' and effect_at is not null and not exists (
        select from post_deliveries where workspace_id = :workspace_id and post_id = :post_id
            and status not in ('queued', 'failed'))
""")


@dataclass(frozen=True)
class Part:
    """Whom one job sends to: a chunk, or those of the post who were held back."""

    workspace_id: UUID
    post_id: UUID
    chunk: int | None

    @property
    def key(self) -> dict[str, UUID]:
        return {"workspace_id": self.workspace_id, "post_id": self.post_id}


@dataclass(frozen=True)
class Outcome:
    """How one message went. ``waits`` is 1 when it waits because this person got too many, ``faults`` when it
    waits because of a passing fault.
    """

    delivery_id: UUID
    status: str
    message_id: str | None = None
    error: str | None = None
    not_before: datetime | None = None
    waits: int = 0
    faults: int = 0


async def find_open(session: AsyncSession, part: Part, run_id: UUID, revision: int) -> RowMapping | None:
    """Whether the run still sends this revision of its post, kept so until the transaction ends: ``begun``,
    its intent, and ``watched``, whether a job waits that will settle it.
    """
    values = {**part.key, "run_id": run_id, "revision": revision}
    return (await session.execute(_OPEN, values)).mappings().one_or_none()


async def set_watch(session: AsyncSession, part: Part, run_id: UUID, settle_job_id: int) -> None:
    """Which job settles this run."""
    values = {"workspace_id": part.workspace_id, "run_id": run_id, "settle_job_id": settle_job_id}
    await session.execute(_WATCH, values)


async def begin(session: AsyncSession, part: Part, run_id: UUID, *, now: datetime) -> None:
    """From here on somebody may get it."""
    await session.execute(_BEGIN, {"workspace_id": part.workspace_id, "run_id": run_id, "now": now})


async def count(session: AsyncSession, part: Part, *, now: datetime) -> int:
    """How many of a part wait for nothing but us."""
    return await session.scalar(_COUNT, {**part.key, "chunk": part.chunk, "now": now}) or 0


async def take(
    session: AsyncSession, part: Part, channel_id: UUID, limit: int, *, now: datetime
) -> Sequence[RowMapping]:
    """The next recipients: ``id, recipient, waits, faults, status``. Those who are ``sending`` from here on
    are to be sent to. Nobody gets two messages within six seconds (WhatsApp, "Pair rate limits"): who would
    is held back; who opted out has ``failed``.
    """
    values = {**part.key, "chunk": part.chunk, "limit": limit, "channel_id": channel_id}
    rows = await session.execute(_TAKE, {**values, "now": now, "opted_out": OPTED_OUT_BEFORE})
    return rows.mappings().all()


async def withdraw(session: AsyncSession, part: Part, *, intended_at: datetime) -> None:
    """The intents of then, should they stand: nobody has acted on them."""
    await session.execute(_WITHDRAW, {**part.key, "chunk": part.chunk, "intended_at": intended_at})


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
        "faults": [one.faults for one in outcomes],
    }
    await session.execute(_STORE, {**values, "workspace_id": workspace_id, "now": now})


async def hold_back(
    session: AsyncSession,
    workspace_id: UUID,
    delivery_ids: Sequence[UUID],
    error: str,
    pauses: Sequence[timedelta],
    *,
    now: datetime,
) -> None:
    """These could not be sent to: they are tried again after their next pause. Who has had them all has
    failed.
    """
    values = {"workspace_id": workspace_id, "ids": list(delivery_ids), "error": error}
    await session.execute(_HOLD_BACK_SOME, {**values, "pauses": list(pauses), "now": now})


async def hold_back_all(
    session: AsyncSession, part: Part, error: str, pauses: Sequence[timedelta], *, now: datetime
) -> None:
    """As ``hold_back``, of everybody of this part."""
    values = {**part.key, "chunk": part.chunk, "error": error, "pauses": list(pauses), "now": now}
    await session.execute(_HOLD_BACK_ALL, values)


async def lock(session: AsyncSession, part: Part) -> None:
    """Lock the post before any of its deliveries, as whoever locks both does."""
    await session.execute(_LOCK, part.key)


async def held_until(session: AsyncSession, part: Part) -> datetime | None:
    """When the first of those who are held back may be written to; the post is locked, so that nobody else
    moves that time.
    """
    found: datetime | None = await session.scalar(_HELD_UNTIL, part.key)
    return found


async def take_back(session: AsyncSession, part: Part, run_id: UUID) -> None:
    """The intent is none any more when nobody was reached; the post is locked."""
    await session.execute(_TAKE_BACK, {**part.key, "run_id": run_id})

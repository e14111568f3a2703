"""Limits by key, across all workers: how many jobs run at once, and how many calls a second are made.

Concurrency and blocks are the claim's business: it leaves the jobs of a full or blocked key waiting. A rate
is per call to the outside, not per job (one poll makes forty): a token bucket in Postgres from which a job
takes at call time. A job that must wait raises ``Wait``, which spends no attempt.
"""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.db.transaction import Database
from socialsync.errors import Invalid
from socialsync.queue.policies import Wait

_SET = text("""
insert into limits (key, max_running, rate_per_s, burst, tokens)
values (:key, :max_running, :rate_per_s, :burst, :burst)
on conflict (key) do update set max_running = excluded.max_running, rate_per_s = excluded.rate_per_s,
    burst = excluded.burst, tokens = least(limits.tokens, excluded.burst)
""")
_SET_USUAL_RATE = text("""
insert into limits (key, rate_per_s, burst, tokens) values (:key, :rate_per_s, :burst, :burst)
on conflict (key) do update set rate_per_s = excluded.rate_per_s, burst = excluded.burst,
    tokens = excluded.tokens
where limits.rate_per_s is null and limits.max_running is null
""")
_REMOVE = text("delete from limits where key = :key")
_BLOCK = text("""
insert into limits (key, blocked_until) values (:key, :until)
on conflict (key) do update set blocked_until = greatest(limits.blocked_until, excluded.blocked_until)
""")
_TAKE = text("""
with bucket as (
    select key, rate_per_s, burst, blocked_until, clock_timestamp() as now,
        least(burst, tokens + coalesce(
            extract(epoch from clock_timestamp() - refilled_at)::double precision * rate_per_s, 0)) as filled
    from limits where key = :key for update
), judged as (
    select *, greatest(
        extract(epoch from blocked_until - now)::double precision,
        case when rate_per_s is not null and filled < least(:calls, burst)
            then (least(:calls, burst) - filled) / rate_per_s end,
        0) as wait
    from bucket
)
update limits set
    tokens = case when rate_per_s_now is null then tokens
        else filled - case when wait = 0 then :calls else 0 end end,
    refilled_at = now,
    blocked_until = case when wait > 0 then now + make_interval(secs => wait) end
from (select key as judged_key, rate_per_s as rate_per_s_now, filled, wait, now from judged) as judgement
where key = judged_key
returning wait
""")
_NAMES_WAKE = text("select pg_notify('queue_control', '')")


async def set_limit(
    session: AsyncSession,
    key: str,
    *,
    max_running: int | None = None,
    rate_per_s: float | None = None,
    burst: float = 1,
) -> None:
    """Limit a key from now on; None is no limit.

    Args:
        session: of a system transaction.
        key: as in a job's ``x_limit_key``; a workspace's jobs have ``workspace:<id>``.
        max_running: jobs of this key that may run at once, in all workers together.
        rate_per_s: calls a second that ``take`` lets through.
        burst: calls that may be made at once after a pause.

    Raises:
        Invalid: a limit that cannot be.
    """
    if max_running is not None and max_running < 0:
        raise Invalid("max_running is below 0.", field="max_running", fix="0 lets nothing run.")
    if rate_per_s is not None and not 0 < rate_per_s < float("inf"):
        raise Invalid("rate_per_s is not above 0.", field="rate_per_s", fix="Leave it out for no limit.")
    if not 1 <= burst < float("inf"):
        raise Invalid("burst is below 1.", field="burst", fix="1 spaces calls evenly.")
    await session.execute(
        _SET, {"key": key, "max_running": max_running, "rate_per_s": rate_per_s, "burst": burst}
    )
    await session.execute(_NAMES_WAKE)


async def set_usual_rate(session: AsyncSession, key: str, *, rate_per_s: float, burst: float) -> None:
    """Limit the rate of a key for which nobody has set anything. In any transaction: a key is nobody's."""
    await session.execute(_SET_USUAL_RATE, {"key": key, "rate_per_s": rate_per_s, "burst": burst})


async def remove_limit(session: AsyncSession, key: str) -> None:
    """Lift every limit of a key."""
    await session.execute(_REMOVE, {"key": key})
    await session.execute(_NAMES_WAKE)


async def block(session: AsyncSession, key: str, *, until: datetime) -> None:
    """Let no job of this key start before ``until``, as a usage header or a 429 asks for."""
    await session.execute(_BLOCK, {"key": key, "until": until})


async def take(database: Database, key: str, *, calls: float = 1) -> timedelta:
    """Take leave for so many calls, in a transaction of its own. More than the burst are let through when it
    is full, and those after them wait the longer.

    Returns:
        Zero when they may be made now. Otherwise how long to wait, with nothing taken; until then no job of
        this key is claimed. A key without limits never waits.
    """
    async with database.system_transaction("calls of all workspaces share the limits") as session:
        wait = await session.scalar(_TAKE, {"key": key, "calls": calls})
    return timedelta(seconds=wait or 0)


async def take_or_wait(database: Database, key: str, *, calls: float = 1) -> None:
    """Take leave for so many calls.

    Raises:
        Wait: not now; the job runs again when there is room, and no attempt is spent.
    """
    wait = await take(database, key, calls=calls)
    if wait:
        raise Wait(wait)

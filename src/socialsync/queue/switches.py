"""What people do to queues, workers and schedules. Each deed leaves a row in the audit log, in its own
transaction; ``by`` must be whoever runs the installation.
"""

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.db import audit
from socialsync.db.transaction import Database
from socialsync.errors import Conflict, NotFound
from socialsync.queue import schedules
from socialsync.queue.controls import By
from socialsync.queue.deferring import check_queue, is_known

PURGED_AT_ONCE = 10_000


class WorkerSilent(Conflict):
    """The worker gives no sign of life, so it cannot be asked for anything."""


_PAUSE = text("""
insert into queue_settings as known (queue_name, paused_at) values (:queue, clock_timestamp())
on conflict (queue_name) do update set paused_at = coalesce(known.paused_at, excluded.paused_at)
""")
_RESUME = text("update queue_settings set paused_at = null where queue_name = :queue")
_LOOK_AGAIN = text("select pg_notify('queue_control', '')")
_NEWEST = text("select max(id) from procrastinate_jobs")
# One walk over the live jobs in all, whatever the number of batches.
_PURGE = text("""
with waiting as (
    select id from procrastinate_jobs
    where status = 'todo' and id > :after and id <= :newest
        and (cast(:queue as text) is null or queue_name = :queue)
    order by id limit :most for update skip locked
), gone as (
    delete from procrastinate_jobs job using waiting where job.id = waiting.id
)
select count(*) as deleted, max(id) as last from waiting
""")
_WORKERS = text("""
select worker.id, worker.name, worker.alive, info.worker_id is not null as listens
from inspect.workers worker left join worker_info info on info.worker_id = worker.id
where worker.name = :worker or info.supervisor = :worker or cast(worker.id as text) = :worker
order by worker.id
""")
_WANT = text("""
update worker_info set wanted = :wanted
where worker_id = any (:ids) and (wanted is null or wanted <> 'stop')
""")
_TELL = text("select pg_notify('queue_control', cast(id as text)) from unnest(cast(:ids as bigint[])) as id")


async def pause(session: AsyncSession, queue: str, by: By) -> None:
    """Keep everybody from claiming jobs of this queue; what runs goes on. A paused one stays paused.

    Raises:
        NotFound: no job, no task and no worker names this queue.
    """
    await _check_known(session, queue)
    await session.execute(_PAUSE, {"queue": queue})
    await _record(session, by, "queues.paused", f"queue:{queue}")


async def resume(session: AsyncSession, queue: str, by: By) -> None:
    """Let jobs of this queue be claimed again; workers look at once. Raises NotFound."""
    await _check_known(session, queue)
    await session.execute(_RESUME, {"queue": queue})
    await session.execute(_LOOK_AGAIN)
    await _record(session, by, "queues.resumed", f"queue:{queue}")


async def purge(database: Database, queue: str | None, by: By) -> int:
    """Delete the jobs that wait in this queue, scheduled ones too, or in all queues (None). What runs goes
    on, and what is deferred after this began stays.

    It commits every ``PURGED_AT_ONCE`` jobs, each time with a row in the audit log.

    Returns:
        How many it deleted.

    Raises:
        NotFound: no such queue.
    """
    deleted = 0
    after = 0
    newest: int | None = None
    while True:
        async with database.system_transaction("a purge deletes the waiting jobs of a queue") as session:
            if newest is None:
                if queue is not None:
                    await _check_known(session, queue)
                newest = await session.scalar(_NEWEST) or 0
            values = {"queue": queue, "after": after, "newest": newest, "most": PURGED_AT_ONCE}
            some = (await session.execute(_PURGE, values)).one()
            count, after = int(some.deleted), some.last
            if count or not deleted:
                subject = "queues" if queue is None else f"queue:{queue}"
                await _record(session, by, "queues.purged", subject, deleted=count)
        deleted += count
        if count < PURGED_AT_ONCE:
            return deleted


async def drain(session: AsyncSession, worker: str, by: By) -> list[int]:
    """Have the workers of this name, or the one of this id, claim nothing more and leave once their jobs have
    ended. Returns their ids.

    Raises:
        NotFound: no such worker.
        WorkerSilent: it gives no sign of life, or is not one of ours.
    """
    return await _ask(session, worker, "drain", by)


async def stop(session: AsyncSession, worker: str, by: By) -> list[int]:
    """Have these workers leave at once: what runs is cancelled and put back. Otherwise as ``drain``."""
    return await _ask(session, worker, "stop", by)


async def add_schedule(session: AsyncSession, new: schedules.New, by: By) -> None:
    """Raises as ``schedules.add``."""
    await schedules.add(session, new)
    await _record(session, by, "schedules.added", f"schedule:{new.name}")


async def edit_schedule(session: AsyncSession, name: str, changes: Mapping[str, Any], by: By) -> None:
    """Change a schedule, or switch it on or off (``enabled``). Raises as ``schedules.edit``."""
    await schedules.edit(session, name, changes)
    await _record(session, by, "schedules.edited", f"schedule:{name}", fields=sorted(changes))


async def remove_schedule(session: AsyncSession, name: str, by: By) -> None:
    """Raises NotFound."""
    await schedules.remove(session, name)
    await _record(session, by, "schedules.removed", f"schedule:{name}")


async def run_schedule(session: AsyncSession, name: str, by: By) -> int:
    """Defer a schedule's job now, besides its ticks; returns the job's id. Raises NotFound, or Invalid where
    its arguments no longer fit.
    """
    job_id = await schedules.run_now(session, name)
    await _record(session, by, "schedules.run", f"schedule:{name}", job_id=job_id)
    return job_id


async def _check_known(session: AsyncSession, queue: str) -> None:
    check_queue(queue)
    if not await is_known(session, queue):
        raise NotFound(
            f"There is no queue named {queue!r}.", field="queue", fix="List them: socialsync inspect queues"
        )


async def _ask(session: AsyncSession, worker: str, wanted: Literal["drain", "stop"], by: By) -> list[int]:
    found = (await session.execute(_WORKERS, {"worker": worker})).all()
    if not found:
        raise NotFound(
            f"There is no worker {worker!r}.", field="worker", fix="List them: socialsync inspect workers"
        )
    ids = [row.id for row in found if row.alive and row.listens]
    if not ids:
        raise WorkerSilent(
            f"Worker {worker!r} gives no sign of life.",
            fix="If its process still runs, end it there; its jobs go back to their queues by themselves.",
        )
    await session.execute(_WANT, {"ids": ids, "wanted": wanted})
    await session.execute(_TELL, {"ids": ids})
    for row in found:
        if row.id in ids:
            await _record(session, by, f"workers.{wanted}_asked", f"worker:{row.id}", name=row.name)
    return ids


async def _record(session: AsyncSession, by: By, action: str, subject: str, **detail: Any) -> None:
    await audit.record(session, actor=by.actor, action=action, subject=subject, detail=detail)

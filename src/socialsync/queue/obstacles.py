"""What keeps jobs from running while everything looks well: a pause, workers that do not know the task."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.queue import tasks
from socialsync.queue.shapes import QueueState, Stranded, shaped

PATIENCE = timedelta(minutes=1)
"""A job may wait so long before anybody is told of what keeps it."""

# A tick's job expires before the next one comes: that a pause holds it back cannot be seen by its age.
_HELD = text("""
select job.queue_name as queue, schedule.name from schedules schedule
join procrastinate_jobs job on job.id = schedule.last_job_id
join queue_settings setting on setting.queue_name = job.queue_name
where schedule.enabled and schedule.removed_at is null
    and setting.paused_at < statement_timestamp() - cast(:patience as interval)
    and (job.status = 'todo' or job.status = 'cancelled' and schedule.last_at >= setting.paused_at)
order by schedule.name
""")
_STRANDED = text(
    "select * from inspect.stranded where queue = any (:queues) and oldest_waiting_s >= :patience"
    " order by task"
)
_PAUSED = text("""
select queue_name from queue_settings where paused_at is not null and queue_name = coalesce(
    (select queue from schedules where task = :task and removed_at is null and queue is not null limit 1),
    :queue)
""")


async def told(session: AsyncSession, queues: Sequence[QueueState]) -> list[QueueState]:
    """These queues with what is held back or stranded in them. Where all is well it asks for nothing."""
    held: dict[str, tuple[str, ...]] = {}
    if any(queue.paused for queue in queues):
        for row in await session.execute(_HELD, {"patience": PATIENCE}):
            held[row.queue] = (*held.get(row.queue, ()), row.name)
    stranded: dict[str, tuple[Stranded, ...]] = {}
    if late := [queue.name for queue in queues if _is_late(queue)]:
        rows = await session.execute(_STRANDED, {"queues": late, "patience": PATIENCE.total_seconds()})
        for found in (shaped(Stranded, row) for row in rows.mappings()):
            stranded[found.queue] = (*stranded.get(found.queue, ()), found)
    return [
        replace(queue, held=held.get(queue.name, ()), stranded=stranded.get(queue.name, ()))
        for queue in queues
    ]


def _is_late(queue: QueueState) -> bool:
    return bool(queue.workers) and (queue.oldest_waiting_s or 0) >= PATIENCE.total_seconds()


async def paused_queue_of(session: AsyncSession, task: str) -> str | None:
    """The queue in which this task's scheduled jobs run, if it is paused. Raises NotFound: no such task."""
    found, _ = tasks.find(task)
    paused: str | None = await session.scalar(_PAUSED, {"task": found.name, "queue": found.queue})
    return paused

"""What keeps jobs from running although nothing is broken: a queue that somebody paused."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.queue import tasks
from socialsync.queue.shapes import QueueState

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
_PAUSED = text("""
select queue_name from queue_settings where paused_at is not null and queue_name = coalesce(
    (select queue from schedules where task = :task and removed_at is null and queue is not null limit 1),
    :queue)
""")


async def told(session: AsyncSession, queues: Sequence[QueueState]) -> list[QueueState]:
    """These queues with what is held back in them. Where all is well it asks for nothing."""
    held: dict[str, tuple[str, ...]] = {}
    if any(queue.paused for queue in queues):
        for row in await session.execute(_HELD, {"patience": PATIENCE}):
            held[row.queue] = (*held.get(row.queue, ()), row.name)
    return [replace(queue, held=held[queue.name]) if queue.name in held else queue for queue in queues]


async def paused_queue_of(session: AsyncSession, task: str) -> str | None:
    """The queue in which this task's scheduled jobs run, if it is paused. Raises NotFound: no such task."""
    found, _ = tasks.find(task)
    paused: str | None = await session.scalar(_PAUSED, {"task": found.name, "queue": found.queue})
    return paused

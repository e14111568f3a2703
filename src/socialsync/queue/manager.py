"""Procrastinate's job manager with a claim that knows expiry, and ends that only the job's owner can write.

Procrastinate's own finish checks no owner: a worker that was given up for dead could end a job that another
one runs by now.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from procrastinate import exceptions
from procrastinate.connector import BaseConnector
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager as StockJobManager
from typing_extensions import override

from socialsync import telemetry

log = telemetry.get_logger(__name__)

_FETCH = """
select id, status, task_name, priority, lock, queueing_lock, args, scheduled_at, queue_name, attempts,
    worker_id
from queue_fetch_job(%(queues)s::varchar[], %(worker_id)s, %(tasks)s::text[])
"""
_FINISH = """
with mine as (
    select id from procrastinate_jobs
    where id = %(job_id)s and status = 'doing' and worker_id = %(worker_id)s for update
)
select procrastinate_finish_job_v1(id, %(status)s, %(delete_job)s) from mine
"""
_RETRY = """
with mine as (
    select id from procrastinate_jobs
    where id = %(job_id)s and status = 'doing' and worker_id = %(worker_id)s for update
)
select procrastinate_retry_job_v2(id, %(retry_at)s, %(priority)s, %(queue)s, %(lock)s) from mine
"""


class JobManager(StockJobManager):
    """The queue's own.

    Args:
        tasks: by name, those that this process can run. Others' jobs are left to whoever knows their tasks:
            a users' worker, or the newer version during a roll-out.
    """

    def __init__(self, connector: BaseConnector, tasks: Mapping[str, Any]) -> None:
        super().__init__(connector)
        self._tasks = tasks

    @override
    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Claim the next job that we can run, cancelling those that waited past their expiry first."""
        names = None if queues is None else list(queues)
        rows = await self.connector.execute_query_all_async(
            _FETCH, queues=names, worker_id=worker_id, tasks=list(self._tasks)
        )
        return Job.from_row(rows[0]) if rows else None

    @override
    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """End our job; another worker's is left alone."""
        ended = await self.connector.execute_query_all_async(
            _FINISH, job_id=job.id, worker_id=job.worker_id, status=status.value, delete_job=delete_job
        )
        if not ended:
            log.warning("[JOB] Lost to another worker; nothing stored", job_id=job.id, task=job.task_name)

    @override
    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Give our job another attempt. Where a twin with its queueing lock waits already, that is it."""
        try:
            retried = await self.connector.execute_query_all_async(
                _RETRY,
                job_id=job.id,
                worker_id=job.worker_id,
                retry_at=retry_at,
                priority=priority,
                queue=queue,
                lock=lock,
            )
        except exceptions.UniqueViolation:
            await self.finish_job(job, Status.ABORTED, delete_job=False)
            return
        if not retried:
            log.warning("[JOB] Lost to another worker; not retried", job_id=job.id, task=job.task_name)

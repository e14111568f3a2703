"""Procrastinate's job manager, with a claim that knows expiry."""

from collections.abc import Iterable

from procrastinate.jobs import Job
from procrastinate.manager import JobManager as StockJobManager
from typing_extensions import override

_FETCH = """
select id, status, task_name, priority, lock, queueing_lock, args, scheduled_at, queue_name, attempts,
    worker_id
from queue_fetch_job(%(queues)s::varchar[], %(worker_id)s)
"""


class JobManager(StockJobManager):
    @override
    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Claim the next job, cancelling those that waited past their expiry first."""
        names = None if queues is None else list(queues)
        rows = await self.connector.execute_query_all_async(_FETCH, queues=names, worker_id=worker_id)
        return Job.from_row(rows[0]) if rows else None

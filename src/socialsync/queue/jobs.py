"""A running job, as its task sees it: whether it is still ours, and what an error will lead to."""

from datetime import timedelta
from typing import TypeAlias

from procrastinate.job_context import JobContext
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Conflict
from socialsync.queue import tasks

Job: TypeAlias = JobContext
"""What every task of the house takes first."""

_STILL_MINE = text(
    "select true from procrastinate_jobs"
    " where id = :id and status = 'doing' and worker_id = :worker_id and not abort_requested for share"
)


class JobLost(Conflict):
    """The job was given to another worker, ended or asked to stop: whoever ran it must not act any more."""


async def still_mine(session: AsyncSession, job: Job) -> None:
    """Prove that this job is still ours, and keep it so until the transaction ends (FOR SHARE).

    Raises:
        JobLost: it is not; commit nothing.
    """
    values = {"id": job.job.id, "worker_id": job.job.worker_id}
    if not await session.scalar(_STILL_MINE, values):
        raise JobLost(f"Job {job.job.id} is no longer this worker's.")


def wait_after(job: Job, error: BaseException) -> timedelta | None:
    """How long this job's policy will wait after this error; None when it gives up. Without the jitter."""
    _, details = tasks.find(job.job.task_name)
    return details.policy.wait_after(error, job.job.attempts, lambda: 0.5)

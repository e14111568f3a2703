"""Whether a running job is still ours, asked in the transaction that is about to act on it."""

from procrastinate.job_context import JobContext
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Conflict

_STILL_MINE = text(
    "select from procrastinate_jobs"
    " where id = :id and status = 'doing' and worker_id = :worker_id and not abort_requested for share"
)


class JobLost(Conflict):
    """The job was given to another worker, ended or asked to stop: whoever ran it must not act any more."""


async def still_mine(session: AsyncSession, job: JobContext) -> None:
    """Prove that this job is still ours, and keep it so until the transaction ends (FOR SHARE).

    Raises:
        JobLost: it is not; commit nothing.
    """
    values = {"id": job.job.id, "worker_id": job.job.worker_id}
    if not (await session.execute(_STILL_MINE, values)).first():
        raise JobLost(f"Job {job.job.id} is no longer this worker's.")

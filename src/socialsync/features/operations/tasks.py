"""The job that says the queue works from end to end."""

from socialsync import clock
from socialsync.queue.jobs import Job
from socialsync.queue.tasks import task


@task(
    name="operations.health_check",
    queue="default",
    policy="base",
    scope="system",
    aliases=("health.health_check", "tasks.health_check"),
)
async def health_check(job: Job) -> dict[str, str | None]:
    """What a worker answers: ``status``, its name in ``worker``, and the time in ``at`` (ISO 8601)."""
    return {"status": "ok", "worker": job.worker_name, "at": clock.now().isoformat()}

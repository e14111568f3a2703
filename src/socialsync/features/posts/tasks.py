"""The jobs of the room: find what is due, and publish one post."""

from typing import Any
from uuid import UUID

from socialsync import clock, resources, telemetry
from socialsync.db.away import is_away
from socialsync.features.posts import publishing, senders, service
from socialsync.features.posts.publishing import Attempt
from socialsync.queue import jobs, locks
from socialsync.queue.jobs import Job
from socialsync.queue.tasks import task
from socialsync.resources import Resources

log = telemetry.get_logger(__name__)

NAMED_IN_LOG = 100
"""Posts that a tick names one by one; of a bulk the count must do."""


@task(name="posts.enqueue_due_posts", queue="scheduler", policy="tick", scope="system", priority=5)
async def enqueue_due_posts(job: Job) -> dict[str, Any]:
    """Every due post gets its attempt and its job. Ten workers may run it at once.

    Returns:
        ``enqueued``: by this call; ``total_due``: posts that were due when it began; ``timestamp``: ISO 8601.
    """
    database = resources.of(job).database
    now = clock.now()
    log.info(f"[ENQUEUE] Checking for due posts at {now:%Y-%m-%dT%H:%M:%SZ}")
    async with database.system_transaction("due posts of every workspace are enqueued") as session:
        total_due = await service.count_due(session, now=now)
    if total_due:
        log.info(f"[ENQUEUE] Found {total_due} due posts", count=total_due)
    enqueued = 0
    while True:
        async with database.system_transaction("due posts of every workspace are enqueued") as session:
            batch = await service.enqueue_due(session, now=now, named=max(0, NAMED_IN_LOG - enqueued))
        for post_id in batch.named:
            log.info(f"[ENQUEUE] Enqueued post {post_id} for publishing", post_id=str(post_id))
        enqueued += batch.count
        if not batch.more:
            return {"enqueued": enqueued, "total_due": total_due, "timestamp": now.isoformat()}


@task(name="posts.publish_post", queue="scheduler", policy="publish", scope="workspace", lock=locks.of_post)
async def publish_post(job: Job, *, workspace_id: UUID, post_id: UUID) -> dict[str, str]:
    """One attempt to publish a post; the policy decides about the next."""
    opened = resources.of(job)
    while True:
        async with opened.database.transaction(workspace_id) as session:
            attempt = await publishing.begin(session, job, post_id, now=clock.now())
        if attempt is None:
            return {"post_id": str(post_id), "status": "nothing to publish"}
        log.info(f"[PUBLISH] Starting publish task for post {post_id}", post_id=str(post_id))
        try:
            result = await _try(opened, job, workspace_id, attempt)
        except publishing.PostEdited:
            continue  # read it again: it is another text now, or cancelled
        log.info(
            f"[PUBLISH] Successfully published post {post_id} to {attempt.channel.platform}"
            if result == "published"
            else f"[PUBLISH] Post {post_id} ended {result}",
            post_id=str(post_id),
        )
        return {"post_id": str(post_id), "status": result}


async def _try(opened: Resources, job: Job, workspace_id: UUID, attempt: Attempt) -> str:
    """Send it; what goes wrong is written into post and run before it is raised.

    Raises:
        PostEdited: nothing was sent, and nothing written: begin again.
    """
    try:
        return await senders.send(opened, job, workspace_id, attempt)
    except (publishing.PostEdited, jobs.JobLost):
        raise
    except Exception as error:
        if is_away(error):
            raise  # the next life finds out, when Postgres is back
        failure, wait = error, jobs.wait_after(job, error)
        log.warning(
            f"[PUBLISH] Failed to publish post {attempt.post_id}: {publishing.sentence(error)}",
            post_id=str(attempt.post_id),
            kind=type(error).__name__,
            retry_in_s=wait.total_seconds() if wait else None,
        )
        await senders.store(
            opened,
            workspace_id,
            lambda session: publishing.fail(session, job, attempt, failure, retry_in=wait, now=clock.now()),
        )
        raise

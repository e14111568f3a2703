"""The jobs of the room: find what is due, and publish one post."""

import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from socialsync import clock, resources, telemetry
from socialsync.db.away import is_away
from socialsync.features.posts import broadcasts, containers, looking, publishing, senders, service, settling
from socialsync.features.posts.publishing import Attempt
from socialsync.features.posts.senders import Errand
from socialsync.queue import jobs, locks
from socialsync.queue.jobs import Job
from socialsync.queue.policies import Wait
from socialsync.queue.tasks import task
from socialsync.resources import Resources

log = telemetry.get_logger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

NAMED_IN_LOG = 100
"""Posts that a tick names one by one; of a bulk the count must do."""
AWAY = timedelta(seconds=5)
"""Until the next try while Postgres is away, or has no connection left."""


def patient(run: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """No attempt is spent because Postgres is away: the post is not to blame, and what is in doubt is to be
    settled in time. The rows tell the next life where it was.
    """

    @functools.wraps(run)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await run(*args, **kwargs)
        except Exception as error:
            if is_away(error):
                raise Wait(AWAY) from error
            raise

    return wrapped


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
@patient
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
            result = await _try(opened, job, workspace_id, attempt, _publish)
        except publishing.PostEdited:
            continue  # read it again: it is another text now, or cancelled
        log.info(_said(result, attempt), post_id=str(post_id))
        return {"post_id": str(post_id), "status": result}


@task(
    name="posts.send_deliveries", queue="scheduler", policy="publish", scope="workspace", lock=locks.of_post
)
@patient
async def send_deliveries(
    job: Job, *, workspace_id: UUID, post_id: UUID, chunk_id: int
) -> dict[str, str | int]:
    """Send a broadcast to the recipients of one chunk who still wait."""
    opened = resources.of(job)
    async with opened.database.transaction(workspace_id) as session:
        attempt = await publishing.begin(session, job, post_id, now=clock.now())
    if attempt is None:
        return {"post_id": str(post_id), "chunk": chunk_id, "status": "nothing to send"}

    async def send(errand: Errand) -> str:
        return await broadcasts.send_chunk(errand, chunk_id)

    try:
        result = await _try(opened, job, workspace_id, attempt, send)
    except publishing.PostEdited:
        result = "ended meanwhile"
    return {"post_id": str(post_id), "chunk": chunk_id, "status": result}


@task(name="posts.settle_run", queue="scheduler", policy="publish", scope="workspace", lock=locks.of_post)
@patient
async def settle_run(job: Job, *, workspace_id: UUID, post_id: UUID) -> dict[str, str]:
    """Find out what became of an attempt that nobody told the end of."""
    opened = resources.of(job)
    async with opened.database.transaction(workspace_id) as session:
        case = await settling.begin(session, job, post_id, now=clock.now())
    if case is None:
        return {"post_id": str(post_id), "status": "settled"}
    verdict, media_id = await looking.look(opened, case)
    now = clock.now()
    async with opened.database.transaction(workspace_id) as session:
        result = await settling.decide(session, job, case, verdict, media_id, now=now)
    log.info(f"[SETTLE] Post {post_id}: {verdict}, {result}", post_id=str(post_id))
    if result == "unclear":
        raise Wait(looking.next_look(case, now))
    return {"post_id": str(post_id), "status": result}


async def _publish(errand: Errand) -> str:
    if not errand.attempt.is_broadcast:
        return await containers.publish(errand)
    async with errand.transaction() as session:
        spread = await broadcasts.spread(session, errand.job, errand.attempt.post_id)
    if spread:
        return "sending"  # each chunk by a job of its own
    return await broadcasts.send_chunk(errand, 0)


async def _try(
    opened: Resources,
    job: Job,
    workspace_id: UUID,
    attempt: Attempt,
    send: Callable[[Errand], Awaitable[str]],
) -> str:
    """Send it; what goes wrong is written into post and run before it is raised.

    Raises:
        PostEdited: nothing was sent, and nothing written: begin again.
    """
    try:
        return await send(senders.errand(opened, job, workspace_id, attempt))
    except (publishing.PostEdited, jobs.JobLost, Wait):
        raise
    except senders.Held as held:
        await _hold(opened, job, workspace_id, attempt, held)
        return "waits"
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


async def _hold(
    opened: Resources, job: Job, workspace_id: UUID, attempt: Attempt, held: senders.Held
) -> None:
    now = clock.now()
    until = now + held.wait if held.wait is not None else None
    log.info(f"[PUBLISH] Post {attempt.post_id} waits: {held.why}", post_id=str(attempt.post_id))
    await senders.store(
        opened,
        workspace_id,
        lambda session: publishing.hold(session, job, attempt, held.why, until=until, now=now),
    )


def _said(result: str, attempt: Attempt) -> str:
    if result == "published":
        return f"[PUBLISH] Successfully published post {attempt.post_id} to {attempt.channel.platform}"
    return f"[PUBLISH] Post {attempt.post_id} ended {result}"

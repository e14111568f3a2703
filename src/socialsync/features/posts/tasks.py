"""The jobs of the room: find what is due, and publish one post."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from socialsync import clock, resources, telemetry
from socialsync.db.away import is_away
from socialsync.errors import Permanent, Refused
from socialsync.features.posts import (
    broadcasts,
    containers,
    lanes,
    looking,
    publishing,
    senders,
    service,
    settling,
)
from socialsync.features.posts.batches import Part
from socialsync.features.posts.publishing import Attempt
from socialsync.features.posts.senders import Errand
from socialsync.queue import jobs, locks
from socialsync.queue.jobs import Job
from socialsync.queue.outages import patient
from socialsync.queue.policies import Wait
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
            first = Part(workspace_id, post_id, 0)
            result = await _try(opened, job, attempt, _publish, first)
        except publishing.PostEdited:
            continue  # read it again: it is another text now, or cancelled
        log.info(_said(result, attempt), post_id=str(post_id))
        return {"post_id": str(post_id), "status": result}


@task(
    name="posts.send_deliveries", queue="scheduler", policy="publish", scope="workspace", lock=lanes.of_chunk
)
@patient
async def send_deliveries(
    job: Job, *, workspace_id: UUID, post_id: UUID, chunk_id: int
) -> dict[str, str | int]:
    """Send a broadcast to the recipients of one chunk who wait for nothing but us."""
    result = await _send_part(job, Part(workspace_id, post_id, chunk_id))
    return {"post_id": str(post_id), "chunk": chunk_id, "status": result}


@task(
    name="posts.send_held_back", queue="scheduler", policy="publish", scope="workspace",
    lock=lanes.of_held_back,
)  # fmt: skip
@patient
async def send_held_back(job: Job, *, workspace_id: UUID, post_id: UUID) -> dict[str, str]:
    """Send a broadcast to those recipients who had to wait, and whose time has come."""
    result = await _send_part(job, Part(workspace_id, post_id, None))
    return {"post_id": str(post_id), "status": result}


@task(name="posts.settle_run", queue="scheduler", policy="publish", scope="workspace", lock=lanes.of_settling)
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
        spread = await broadcasts.spread(session, errand.job, errand.attempt.post_id, now=clock.now())
    if spread:
        return "sending"  # each chunk by a job of its own
    return await broadcasts.send_part(errand, Part(errand.workspace_id, errand.attempt.post_id, 0))


async def _send_part(job: Job, part: Part) -> str:
    opened = resources.of(job)

    async def send(errand: Errand) -> str:
        return await broadcasts.send_part(errand, part)

    while True:
        async with opened.database.transaction(part.workspace_id) as session:
            attempt = await publishing.begin(session, job, part.post_id, now=clock.now())
        if attempt is None:
            return "nothing to send"
        try:
            return await _try(opened, job, attempt, send, part)
        except publishing.PostEdited:
            continue  # read it again: it is another text now, or has ended


async def _try(
    opened: Resources, job: Job, attempt: Attempt, send: Callable[[Errand], Awaitable[str]], part: Part
) -> str:
    """Send it; what goes wrong is written into post and run before it is raised.

    Args:
        part: of a broadcast, whom a mistake of ours concerns.

    Raises:
        PostEdited: nothing was sent, and nothing written: begin again.
    """
    try:
        return await send(senders.errand(opened, job, part.workspace_id, attempt))
    except (publishing.PostEdited, jobs.JobLost, Wait):
        raise
    except senders.Held as held:
        await _hold(opened, job, part.workspace_id, attempt, held)
        return "waits"
    except Exception as error:
        if is_away(error):
            raise  # the next life finds out, when Postgres is back
        failure, wait = error, jobs.wait_after(job, error)
        whom = None if isinstance(error, Permanent | Refused) else part
        log.warning(
            f"[PUBLISH] Failed to publish post {attempt.post_id}: {publishing.sentence(error)}",
            post_id=str(attempt.post_id),
            kind=type(error).__name__,
            retry_in_s=wait.total_seconds() if wait else None,
        )
        now = clock.now()
        await senders.store(
            opened,
            part.workspace_id,
            lambda session: publishing.fail(
                session, job, attempt, failure, retry_in=wait, part=whom, now=now
            ),
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

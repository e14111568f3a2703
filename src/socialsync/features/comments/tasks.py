"""The jobs of the room: look for new comments, handle one, settle a reply, import what is watched too."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock, resources, telemetry
from socialsync.features.comments import (
    cases,
    deciding,
    importing,
    lanes,
    replying,
    service,
    settling,
    watching,
)
from socialsync.features.comments.cases import Case
from socialsync.features.comments.deciding import Ruling
from socialsync.features.posts import service as posts
from socialsync.platforms.errors import RateLimited
from socialsync.queue import deferring
from socialsync.queue.jobs import Job, still_mine
from socialsync.queue.outages import patient
from socialsync.queue.policies import Wait
from socialsync.queue.tasks import task
from socialsync.resources import Resources

log = telemetry.get_logger(__name__)

POLL = "comments.poll_post_comments"
SHARE = 1_000
"""Posts for which a tick is worth another job beside it, in whatever process takes it."""
MOST_SHARES = 3
SHARED = 4
"""The priority of such a job, by which it is known."""
EXPIRES = timedelta(seconds=290)
STEPS = 6


@task(name=POLL, queue="comments", policy="tick", scope="system", priority=5)
async def poll_post_comments(job: Job) -> dict[str, Any]:
    """Look for new comments under the posts whose time has come. Ten workers may run it at once.

    Returns:
        ``posts_checked``, ``comments_found`` (new ones, our own not counted) and ``errors``: by this call.
    """
    opened = resources.of(job)
    tick = _tick(job)
    async with opened.database.system_transaction(watching.REASON) as session:
        await posts.retire_watched(session, at=tick)
        due = await posts.count_watched_due(session, at=tick + watching.EARLY)
        if not _is_share(job):
            await _share(session, min(due // SHARE, MOST_SHARES), tick)
    if due:
        log.info(f"[POLL] {due} posts are due", count=due)
    tally = await watching.poll(opened, tick=tick)
    if tally.more:
        async with opened.database.system_transaction(watching.REASON) as session:
            await _share(session, 1, tick)
    if tally.posts_checked or tally.errors:
        log.info(
            f"[POLL] Checked {tally.posts_checked} posts, found {tally.comments_found} comments",
            errors=tally.errors,
        )
    return {
        "posts_checked": tally.posts_checked,
        "comments_found": tally.comments_found,
        "errors": tally.errors,
    }


@task(name="comments.process_comment", queue="comments", policy="comment", scope="workspace")
@patient
async def process_comment(job: Job, *, workspace_id: UUID, comment_id: UUID) -> dict[str, str]:
    """Do what is still to be done of a comment: decide, find words, send them, hide it."""
    opened = resources.of(job)
    done = []
    for _ in range(STEPS):
        case = await cases.begin(opened, job, workspace_id, comment_id, now=clock.now())
        if isinstance(case, str):
            done.append(case)
            break
        done.append(await _step(opened, case))
        if done[-1] == "doubt":
            break
    return {"comment_id": str(comment_id), "status": ", ".join(done)}


@task(name="comments.settle_reply", queue="comments", policy="comment", scope="workspace", priority=1)
@patient
async def settle_reply(job: Job, *, workspace_id: UUID, reply_id: UUID) -> dict[str, str]:
    """Find out what became of a reply whose answer was lost."""
    status = await settling.settle(resources.of(job), job, workspace_id, reply_id)
    log.info(f"[REPLY] Reply {reply_id}: {status}", reply_id=str(reply_id))
    return {"reply_id": str(reply_id), "status": status}


@task(
    name="comments.read_post", queue="comments", policy="comment", scope="workspace", priority=1,
    lock=lanes.of_post,
)  # fmt: skip
@patient
async def read_post(job: Job, *, workspace_id: UUID, post_id: UUID) -> dict[str, Any]:
    """Read a post with more comments than a tick has time for, to its end."""
    try:
        outcome = await watching.read_long(resources.of(job), workspace_id, post_id)
    except RateLimited as limited:
        raise Wait(limited.retry_after or replying.LIMITED) from limited
    found = 0 if outcome is None else outcome.found
    return {
        "post_id": str(post_id),
        "comments_found": found,
        "completed": bool(outcome and outcome.completed),
    }


@task(
    name="comments.import_media", queue="comments", policy="comment", scope="workspace", lock=lanes.of_channel
)
@patient
async def import_media(job: Job, *, workspace_id: UUID, channel_id: UUID) -> dict[str, int]:
    """Have recent posts watched that were published elsewhere."""
    return {"imported": await importing.import_recent(resources.of(job), workspace_id, channel_id)}


async def _step(opened: Resources, case: Case) -> str:
    if case.comment.work == "send":
        return await replying.send(case)
    if case.comment.work == "hide":
        return await replying.hide(case)
    ruling = await (deciding.decide if case.comment.work == "decide" else deciding.answer)(case)
    return await _conclude(opened, case, ruling)


async def _conclude(opened: Resources, case: Case, ruling: Ruling) -> str:
    link = await importing.link_of(case) if ruling.judgement.decision == "ESCALATE" else None
    async with opened.database.transaction(case.workspace_id) as session:
        await still_mine(session, case.job)
        status = await service.conclude(session, case.comment, ruling, link=link, now=clock.now())
    log.info(
        f"[COMMENT] Decided on comment {case.comment.id}: {ruling.judgement.decision}",
        comment_id=str(case.comment.id),
        rule=ruling.judgement.rule,
        source=ruling.judgement.source,
    )
    return status


async def _share(session: AsyncSession, count: int, tick: datetime) -> None:
    options = deferring.Options(priority=SHARED, expires_at=tick + EXPIRES)
    await deferring.defer_each(session, POLL, [{}] * count, options)


def _is_share(job: Job) -> bool:
    """Whether this job was put beside a tick by one."""
    return job.job.priority == SHARED


def _tick(job: Job) -> datetime:
    """The instant that the job is for: a tick that starts a moment late is not a moment later each time."""
    now, at = clock.now(), job.job.scheduled_at
    return at if at is not None and at <= now else now

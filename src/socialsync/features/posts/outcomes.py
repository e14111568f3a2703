"""How an attempt ends: its result in post and run, or the post back in the queue because it must wait.

Whatever ends an attempt also cancels the job that would have settled it.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import SocialSyncError
from socialsync.features.posts import deliveries, lifecycle
from socialsync.features.posts.models import Post, PostRun
from socialsync.queue import deferring

_OUTCOMES = {"published": "success", "failed": "failed", "unknown": "unknown"}


async def end(
    session: AsyncSession, post: Post, run: PostRun, result: lifecycle.Result, *, now: datetime
) -> None:
    """Write the result into post and run."""
    post.status, post.error, post.updated_at = result.status, result.error, now
    if result.status != "published":  # also when it turns out so afterwards
        post.published_at = post.next_check_at = post.stop_at = None
    elif post.published_at is None:
        post.published_at = post.next_check_at = now
        post.stop_at = now + lifecycle.WATCHED_FOR
    await close(session, run, _OUTCOMES[result.status], result.error, now=now)


async def conclude(
    session: AsyncSession, post: Post, run: PostRun, *, now: datetime
) -> lifecycle.Result | None:
    """The result of a broadcast, computed from its deliveries; None while any of them is on its way."""
    tally = await deliveries.tally(session, post)
    if tally.open:
        return None
    result = lifecycle.result_of(tally.counts, tally.reason)
    post.platform_post_id = post.platform_post_id or tally.message_id
    await end(session, post, run, result, now=now)
    return result


async def give_up(
    session: AsyncSession, post: Post, run: PostRun, error: str | None, *, now: datetime
) -> None:
    """This attempt came to nothing; the post stays on its way to the next one."""
    post.error, post.updated_at = error, now
    await close(session, run, "failed", error, now=now)


async def park(
    session: AsyncSession, post: Post, run: PostRun | None, why: str, *, until: datetime | None, now: datetime
) -> None:
    """Back into the queue: waiting is not failing. ``until`` None waits for its channel to open."""
    post.status, post.error, post.not_before, post.updated_at = "queued", why, until, now
    if run is not None:
        await close(session, run, "cancelled", why, now=now)
    await session.flush()


async def close(
    session: AsyncSession, run: PostRun, status: str, error: str | None, *, now: datetime
) -> None:
    run.status, run.error, run.finished_at, run.updated_at = status, error, run.finished_at or now, now
    if run.settle_job_id is not None:
        await deferring.cancel_waiting(session, run.settle_job_id)
    await session.flush()


def sentence(error: Exception) -> str:
    """What a person reads: what happened and what to do."""
    if not isinstance(error, SocialSyncError):
        return "SocialSync made a mistake while publishing; the log of the worker has the details."
    parts = (part.rstrip(".") + "." for part in (error.message, error.fix or "") if part)
    return " ".join(parts)

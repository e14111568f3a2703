"""The steps of one attempt, each a transaction of its own: begin, intent, outcome.

Between any two of them the process may die, or be given up for dead while it still works. What the next life
finds tells it what happened: a run without ``effect_at`` was never seen by anybody and goes on; one with
``effect_at`` and without an outcome may have been, and is ``unknown``, never sent again. Good news (it was
published, it was sent) is kept whoever brings it; bad news only from whoever has the job.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Conflict, Permanent, SocialSyncError, Temporary, UnknownOutcome
from socialsync.features.channels import service as channels
from socialsync.features.posts import lifecycle, queries
from socialsync.features.posts.models import Post, PostRun
from socialsync.queue.jobs import Job, still_mine

LOST = "The process ended after sending and before the answer was stored: it may be published."


@dataclass(frozen=True)
class Attempt:
    """One attempt as its job has read it. ``revision`` is the edit that it sends."""

    post_id: UUID
    channel: channels.Channel
    run_id: UUID
    revision: int
    text: str
    media_urls: tuple[str, ...]
    template: dict[str, Any] | None
    container_id: str | None

    @property
    def is_broadcast(self) -> bool:
        return self.channel.platform == "whatsapp"


class PostEdited(Conflict):
    """The post changed after it was read: read it again."""


async def begin(session: AsyncSession, job: Job, post_id: UUID, *, now: datetime) -> Attempt | None:
    """Start or resume the post's attempt; None when there is nothing to publish (any more).

    An attempt whose former life committed its intent and never told the outcome ends ``unknown`` here.

    Raises:
        JobLost: another worker has the job.
    """
    post = await queries.lock_post(session, post_id)
    if post is None or post.status != "publishing":
        return None
    await still_mine(session, job)
    channel = await channels.get_channel_row(session, post.channel_id)
    run = await queries.find_running(session, post_id)
    if channel.platform == "whatsapp":
        await queries.move_deliveries(session, post_id, of="sending", to="unknown", error=LOST, now=now)
        await queries.set_deliveries(session, post)
    elif run is not None and run.effect_at is not None:
        await end(session, post, run, lifecycle.Result("unknown", LOST), now=now)
        return None
    run = run or await _next_run(session, post)
    run.job_id = job.job.id
    run.started_at = run.started_at or now
    post.updated_at = now
    await session.flush()
    return Attempt(
        post_id=post.id,
        channel=channel,
        run_id=run.id,
        revision=post.revision,
        text=post.text,
        media_urls=tuple(post.media_urls),
        template=post.template,
        container_id=run.container_id,
    )


async def keep_container(session: AsyncSession, attempt: Attempt, container_id: str | None) -> None:
    """Remember the container, so that no second one is made for the same text; None forgets a dead one."""
    post, run = await _ours(session, attempt)
    _check_unchanged(attempt, post, run)
    run.container_id = container_id
    await session.flush()


async def commit_intent(session: AsyncSession, job: Job, attempt: Attempt, *, now: datetime) -> None:
    """From here on the world may see it.

    Raises:
        JobLost: another worker has the job.
        PostEdited: the post was edited or cancelled since it was read.
    """
    await still_mine(session, job)
    await queries.lock_post(session, attempt.post_id)
    if not await queries.commit_intent(session, run_id=attempt.run_id, revision=attempt.revision, now=now):
        raise PostEdited("The post changed after it was read.")


async def next_delivery(
    session: AsyncSession, job: Job, attempt: Attempt, *, but: set[UUID], now: datetime
) -> tuple[UUID, str] | None:
    """Commit the intent for the next recipient: the delivery's id and number; None when all had their turn.

    Args:
        but: deliveries that wait for another pass.

    Raises:
        JobLost, PostEdited: as ``commit_intent``.
    """
    await still_mine(session, job)
    post, run = await _ours(session, attempt)
    _check_unchanged(attempt, post, run)
    delivery = await queries.lock_next_delivery(session, attempt.post_id, but=but)
    if delivery is None:
        return None
    run.effect_at = run.effect_at or now
    delivery.status = "sending"
    delivery.updated_at = now
    await session.flush()
    return delivery.id, delivery.recipient


async def succeed(session: AsyncSession, attempt: Attempt, media_id: str, *, now: datetime) -> None:
    """The platform has it."""
    post, run = await _ours(session, attempt)
    post.platform_post_id = media_id
    await end(session, post, run, lifecycle.Result("published", None), now=now)


async def conclude_broadcast(session: AsyncSession, attempt: Attempt, *, now: datetime) -> lifecycle.Result:
    """All recipients had their turn: the post's result is computed from theirs."""
    post, run = await _ours(session, attempt)
    return await _conclude(session, post, run, now=now)


async def fail(
    session: AsyncSession,
    job: Job,
    attempt: Attempt,
    error: Exception,
    *,
    retry_in: timedelta | None,
    now: datetime,
) -> None:
    """The attempt came to nothing, or nobody knows to what; with ``retry_in`` the post stays on its way.

    Raises:
        JobLost: another worker has the job and tells how it ends.
        PostEdited: the attempt was about another text, or the post has ended meanwhile.
    """
    await still_mine(session, job)
    post, run = await _ours(session, attempt)
    _check_unchanged(attempt, post, run)
    said = sentence(error)
    nothing_happened = isinstance(error, Temporary | Permanent) or run.effect_at is None
    if retry_in is not None and nothing_happened:
        _finish(run, "failed", said, now)
        post.error, post.updated_at = said, now
        await session.flush()
    elif attempt.is_broadcast:
        await queries.move_deliveries(session, post.id, of="sending", to="unknown", error=LOST, now=now)
        await queries.move_deliveries(session, post.id, of="queued", to="failed", error=said, now=now)
        await _conclude(session, post, run, now=now)
    elif nothing_happened and not isinstance(error, UnknownOutcome):
        await end(session, post, run, lifecycle.Result("failed", said), now=now)
    else:
        await end(session, post, run, lifecycle.Result("unknown", said), now=now)


async def end(
    session: AsyncSession, post: Post, run: PostRun, result: lifecycle.Result, *, now: datetime
) -> None:
    """Write the result into post and run."""
    post.status, post.error, post.updated_at = result.status, result.error, now
    if result.status == "published":
        post.published_at = now
        post.next_check_at = now
        post.stop_at = now + lifecycle.WATCHED_FOR
    outcomes = {"published": "success", "failed": "failed", "unknown": "unknown"}
    _finish(run, outcomes[result.status], result.error, now)
    await session.flush()


def sentence(error: Exception) -> str:
    """What a person reads: what happened and what to do."""
    if not isinstance(error, SocialSyncError):
        return "SocialSync made a mistake while publishing; the log of the worker has the details."
    parts = (part.rstrip(".") + "." for part in (error.message, error.fix or "") if part)
    return " ".join(parts)


def _check_unchanged(attempt: Attempt, post: Post, run: PostRun) -> None:
    if post.status != "publishing" or run.status != "running" or post.revision != attempt.revision:
        raise PostEdited("The post changed after it was read.")


def _finish(run: PostRun, status: str, error: str | None, now: datetime) -> None:
    run.status, run.error, run.finished_at, run.updated_at = status, error, now, now


async def _conclude(session: AsyncSession, post: Post, run: PostRun, *, now: datetime) -> lifecycle.Result:
    deliveries = await queries.list_deliveries(session, post.id, after=None, limit=len(post.recipients) + 1)
    result = lifecycle.result_of((row.status, row.error) for row in deliveries)  # type: ignore[misc] # the check constraint's words
    post.platform_post_id = next(
        (row.platform_message_id for row in deliveries if row.platform_message_id), None
    )
    await end(session, post, run, result, now=now)
    return result


async def _next_run(session: AsyncSession, post: Post) -> PostRun:
    """The next attempt, with the container of the one before: it holds the same text, or edit() took it."""
    before = await queries.list_runs(session, post.id)
    post.attempt += 1
    run = PostRun(
        workspace_id=post.workspace_id,
        post_id=post.id,
        attempt=post.attempt,
        status="running",
        container_id=before[-1].container_id if before else None,
    )
    session.add(run)
    await session.flush()
    return run


async def _ours(session: AsyncSession, attempt: Attempt) -> tuple[Post, PostRun]:
    """Post and run of this attempt, locked."""
    post = await queries.lock_post(session, attempt.post_id)
    run = await session.get(PostRun, attempt.run_id, with_for_update=True, populate_existing=True)
    if post is None or run is None:
        raise Conflict(f"Post {attempt.post_id} has disappeared.")
    return post, run

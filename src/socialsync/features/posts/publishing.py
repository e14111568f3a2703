"""The steps of one attempt, each a transaction of its own: begin, intent, outcome.

Between any two of them the process may die, or be given up for dead while it still works. What the next life
finds tells it what happened: a run without ``effect_at`` was never seen by anybody and goes on; one with
``effect_at`` and without an outcome may have been, and is settled by looking, never sent again. Good news (it
was published) is kept whoever brings it; bad news only from whoever has the job.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Conflict, Permanent, Temporary
from socialsync.features.channels import service as channels
from socialsync.features.posts import batches, deliveries, lifecycle, outcomes, queries
from socialsync.features.posts.batches import Part
from socialsync.features.posts.models import Post, PostRun
from socialsync.features.posts.outcomes import sentence
from socialsync.queue import deferring
from socialsync.queue.jobs import Job, still_mine

__all__ = ["sentence"]

SETTLE = "posts.settle_run"
HELD_BACK = "posts.send_held_back"
LOST = "The process ended after sending and before the answer was stored: it may be published."
OVERTAKEN = "An earlier attempt was published after all."
SETTLE_AFTER = timedelta(seconds=90)
"""Longer than a call (60 s) and storing its outcome (18 s) can take."""


@dataclass(frozen=True)
class Attempt:
    """One attempt as its job has read it. ``revision`` is the edit that it sends."""

    post_id: UUID
    channel: channels.Channel
    run_id: UUID
    revision: int
    text: str
    media_urls: tuple[str, ...]
    alt_texts: tuple[str, ...]
    media_type: str | None
    template: dict[str, Any] | None
    container_id: str | None
    container_at: datetime | None
    children: tuple[str, ...]

    @property
    def is_broadcast(self) -> bool:
        return self.channel.platform == "whatsapp"


class PostEdited(Conflict):
    """The post changed after it was read: read it again."""


async def begin(session: AsyncSession, job: Job, post_id: UUID, *, now: datetime) -> Attempt | None:
    """Start or resume the post's attempt; None when there is nothing to publish (any more, or yet).

    An attempt whose former life committed its intent and never told the outcome is left to be settled.

    Raises:
        JobLost: another worker has the job.
    """
    post = await queries.lock_post(session, post_id)
    if post is None or post.status != "publishing":
        return None
    await still_mine(session, job)
    channel = await channels.get_channel_row(session, post.channel_id)
    run = await queries.find_running(session, post_id)
    if run is not None and run.effect_at is not None and channel.platform != "whatsapp":
        run.doubt = run.doubt or LOST
        await settle_later(session, post, run, at=now)
        return None
    if channel.status != "deleted" and not channels.is_open(channel):
        await outcomes.park(session, post, run, channels.why_closed(channel), until=None, now=now)
        return None
    run = run or await _next_run(session, post)
    if channel.platform == "whatsapp" and run.prepared_for != post.revision:
        await deliveries.prepare(session, post)
        run.prepared_for = post.revision
    if run.started_at is None:
        await _inherit(session, run)
    run.job_id = job.job.id
    run.started_at = run.started_at or now
    post.updated_at = now
    await session.flush()
    return attempt_of(post, run, channel)


def attempt_of(post: Post, run: PostRun, channel: channels.Channel) -> Attempt:
    return Attempt(
        post_id=post.id,
        channel=channel,
        run_id=run.id,
        revision=post.revision,
        text=post.text,
        media_urls=tuple(post.media_urls),
        alt_texts=tuple(post.alt_texts),
        media_type=post.media_type,
        template=post.template,
        container_id=run.container_id,
        container_at=run.container_at,
        children=tuple(run.child_container_ids),
    )


async def keep_containers(
    session: AsyncSession,
    attempt: Attempt,
    *,
    container_id: str | None,
    children: tuple[str, ...],
    now: datetime,
) -> None:
    """Remember the container and a carousel's items, so that no second ones are made for the same content;
    None and none forget dead ones.

    Raises:
        PostEdited: they hold a content of yesterday.
    """
    post, run = await _ours(session, attempt)
    check_unchanged(attempt, post, run)
    if run.container_id != container_id or not run.child_container_ids:
        run.container_at = now
    run.container_id, run.child_container_ids = container_id, list(children)
    await session.flush()


async def commit_intent(session: AsyncSession, job: Job, attempt: Attempt, *, now: datetime) -> None:
    """From here on the world may see it. The job that settles it should no outcome come waits from here on
    too.

    Raises:
        JobLost: another worker has the job.
        PostEdited: the post was edited or cancelled since it was read.
    """
    await still_mine(session, job)
    post = await queries.lock_post(session, attempt.post_id)
    if not await queries.commit_intent(session, run_id=attempt.run_id, revision=attempt.revision, now=now):
        raise PostEdited("The post changed after it was read.")
    run = await queries.find_running(session, attempt.post_id)
    if post is not None and run is not None:
        await settle_later(session, post, run, at=now + SETTLE_AFTER)


async def take_back_intent(session: AsyncSession, job: Job, attempt: Attempt) -> None:
    """The platform said that nothing happened: the same attempt may go on. Raises JobLost, PostEdited."""
    await still_mine(session, job)
    post, run = await _ours(session, attempt)
    check_unchanged(attempt, post, run)
    run.effect_at = None
    if run.settle_job_id is not None:
        await deferring.cancel_waiting(session, run.settle_job_id)
    await session.flush()


async def doubt(session: AsyncSession, attempt: Attempt, why: str, *, at: datetime) -> None:
    """The answer is lost: whether it happened is looked for from ``at`` on, in a job of its own."""
    post, run = await _ours(session, attempt)
    if run.status == "running":
        run.doubt = why
        await settle_later(session, post, run, at=at)


async def settle_later(session: AsyncSession, post: Post, run: PostRun, *, at: datetime) -> None:
    """Have exactly one job waiting that finds out what became of this run."""
    run.settle_job_id = await slide_settling(session, post.workspace_id, post.id, at=at)
    await session.flush()


async def watch(session: AsyncSession, post: Post, run: PostRun, *, now: datetime) -> None:
    """Have a job waiting that will settle this run; one that waits already keeps its time."""
    if not await queries.is_watched(session, run):
        await settle_later(session, post, run, at=now + SETTLE_AFTER)


async def watch_run(session: AsyncSession, part: Part, run_id: UUID, *, now: datetime) -> None:
    """As ``settle_later``, of a run that nobody has read."""
    job_id = await slide_settling(session, part.workspace_id, part.post_id, at=now + SETTLE_AFTER)
    await batches.set_watch(session, part, run_id, job_id)


async def slide_settling(session: AsyncSession, workspace_id: UUID, post_id: UUID, *, at: datetime) -> int:
    born = await deferring.slide(
        session,
        SETTLE,
        {"workspace_id": workspace_id, "post_id": post_id},
        queueing_lock=f"posts.settle:{post_id}",
        at=at,
    )
    return born.id


async def succeed(session: AsyncSession, attempt: Attempt, media_id: str | None, *, now: datetime) -> None:
    """The platform has it. An attempt that began because this one was silent for too long comes to an end
    with it.
    """
    post, run = await _ours(session, attempt)
    later = await queries.find_running(session, post.id)
    if later is not None and later.id != run.id:
        status = "unknown" if later.effect_at is not None else "cancelled"
        await outcomes.close(session, later, status, OVERTAKEN, now=now)
    post.platform_post_id = media_id or post.platform_post_id
    await outcomes.end(session, post, run, lifecycle.Result("published", None), now=now)


async def hold(
    session: AsyncSession, job: Job, attempt: Attempt, why: str, *, until: datetime | None, now: datetime
) -> None:
    """The post goes back into the queue and waits there; nothing of it was seen (of a broadcast: by those who
    still wait).

    Raises:
        JobLost, PostEdited.
    """
    await still_mine(session, job)
    post, run = await _ours(session, attempt)
    check_unchanged(attempt, post, run)
    await outcomes.park(session, post, run, why, until=until, now=now)


async def fail(
    session: AsyncSession,
    job: Job,
    attempt: Attempt,
    error: Exception,
    *,
    retry_in: timedelta | None,
    now: datetime,
    part: Part | None = None,
) -> None:
    """The attempt came to nothing, or nobody knows to what; with ``retry_in`` the post stays on its way.

    Args:
        part: of a broadcast, to whom nothing more is sent; None is everybody.

    Raises:
        JobLost: another worker has the job and tells how it ends.
        PostEdited: the attempt was about another text, or the post has ended meanwhile.
    """
    await still_mine(session, job)
    post, run = await _ours(session, attempt)
    check_unchanged(attempt, post, run)
    said = sentence(error)
    nothing_happened = isinstance(error, Temporary | Permanent) or run.effect_at is None
    if attempt.is_broadcast:
        await _fail_broadcast(session, post, run, said, part, gives_up=retry_in is None, now=now)
    elif not nothing_happened:
        run.doubt = said
        await settle_later(session, post, run, at=now)
    elif retry_in is not None:
        await outcomes.give_up(session, post, run, said, now=now)
    else:
        await outcomes.end(session, post, run, lifecycle.Result("failed", said), now=now)


async def _fail_broadcast(
    session: AsyncSession,
    post: Post,
    run: PostRun,
    said: str,
    part: Part | None,
    *,
    gives_up: bool,
    now: datetime,
) -> None:
    """Those who still wait get it when the job runs again, or never; those on their way are settled."""
    if not gives_up:
        post.error, post.updated_at = said, now
        await session.flush()
        return
    if part is None:
        await queries.move_deliveries(session, post.id, of="queued", to="failed", error=said, now=now)
    else:
        await batches.hold_back_all(session, part, said, (), now=now)
    await go_on(session, post, run, now=now)


async def go_on(session: AsyncSession, post: Post, run: PostRun, *, now: datetime) -> lifecycle.Result | None:
    """A part of a broadcast is done: conclude it if it was the last one. Otherwise those who were held back
    have a job for their time, and those on their way are settled; None.
    """
    held_until = await batches.held_until(session, Part(post.workspace_id, post.id, None))
    if held_until is not None:
        await slide_held_back(session, post.workspace_id, post.id, at=max(held_until, now))
    result = await outcomes.conclude(session, post, run, now=now)
    if result is None:
        await watch(session, post, run, now=now)
    return result


async def slide_held_back(session: AsyncSession, workspace_id: UUID, post_id: UUID, *, at: datetime) -> None:
    """Have exactly one job waiting that sends to those who were held back."""
    await deferring.slide(
        session,
        HELD_BACK,
        {"workspace_id": workspace_id, "post_id": post_id},
        queueing_lock=f"posts.held_back:{post_id}",
        at=at,
    )


def check_unchanged(attempt: Attempt, post: Post, run: PostRun) -> None:
    """Raises PostEdited."""
    if post.status != "publishing" or run.status != "running" or post.revision != attempt.revision:
        raise PostEdited("The post changed after it was read.")


async def _next_run(session: AsyncSession, post: Post) -> PostRun:
    post.attempt += 1
    run = PostRun(workspace_id=post.workspace_id, post_id=post.id, attempt=post.attempt, status="running")
    session.add(run)
    await session.flush()
    return run


async def _inherit(session: AsyncSession, run: PostRun) -> None:
    """The containers of the attempt before: they hold the same content, or edit() took them."""
    before = [one for one in await queries.list_runs(session, run.post_id) if one.attempt < run.attempt]
    if before:
        run.container_id, run.container_at = before[-1].container_id, before[-1].container_at
        run.child_container_ids = list(before[-1].child_container_ids)


async def _ours(session: AsyncSession, attempt: Attempt) -> tuple[Post, PostRun]:
    """Post and run of this attempt, locked."""
    post = await queries.lock_post(session, attempt.post_id)
    run = await session.get(PostRun, attempt.run_id, with_for_update=True, populate_existing=True)
    if post is None or run is None:
        raise Conflict(f"Post {attempt.post_id} has disappeared.")
    return post, run

"""What became of an attempt whose outcome nobody told: found out by looking, and never by sending again.

Instagram: a container that is PUBLISHED is; one that is FINISHED five minutes after the call and is in no
list was not, and the same container is published anew; one that is gone was not either, and gets a successor.
WhatsApp has nothing to look at: a status with our id tells, and after its time a message is ``unknown``. So
is a post when nothing could be read until its deadline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.errors import Conflict
from socialsync.features.channels import service as channels
from socialsync.features.posts import deliveries, lifecycle, outcomes, publishing, queries
from socialsync.features.posts.models import Post, PostRun
from socialsync.features.posts.publishing import Attempt
from socialsync.queue import deferring
from socialsync.queue.jobs import Job, still_mine

CERTAIN_AFTER = timedelta(minutes=5)
"""How long after the call a container that is only FINISHED may still become published."""
DEADLINE = timedelta(minutes=15)
"""For how long an answer is looked for where none can be read."""
SENDING_FOR = timedelta(seconds=90)
"""A call and storing its outcome take no longer; a status webhook comes within seconds."""
MOST_REPEATS = 3
"""Attempts that may come to nothing without a word from Instagram, before the post has failed."""
PUBLISH = "posts.publish_post"
NOT_PUBLISHED = "Instagram did not publish it, and said nothing."
UNKNOWABLE = "Whether it was published could not be found out. Look at the account; then tell SocialSync."
NEVER_TOLD = "The message may have been sent: no answer came, and no status since."

Verdict = Literal["published", "not published", "gone", "unclear"]


class NotUnknown(Conflict):
    """Only what is unknown can be resolved."""


@dataclass(frozen=True)
class Case:
    """A run in doubt. ``repeat``: whether it may be tried again when it turns out that nothing happened.

    ``first_effect_at``: of all attempts with this container, any of which may have published it.
    ``looked_at``: when somebody looked for the first time.
    """

    attempt: Attempt
    effect_at: datetime
    first_effect_at: datetime
    looked_at: datetime
    known_ids: Sequence[str]
    repeat: bool

    @property
    def certain_at(self) -> datetime:
        return self.effect_at + CERTAIN_AFTER


async def begin(session: AsyncSession, job: Job, post_id: UUID, *, now: datetime) -> Case | None:
    """What there is to look for on the platform; None when the rows tell all. A broadcast is settled here.

    Raises:
        JobLost.
    """
    post = await queries.lock_post(session, post_id)
    await still_mine(session, job)
    if post is None:
        return None
    channel = await channels.get_channel_row(session, post.channel_id)
    run = await queries.find_running(session, post_id) or await queries.find_last_run(session, post_id)
    if run is None:
        return None
    if channel.platform == "whatsapp":
        await _settle_broadcast(session, post, run, now=now)
        return None
    if post.status not in {"publishing", "unknown"} or run.effect_at is None:
        return None
    if run.status not in {"running", "unknown"}:
        return None
    run.looked_at = run.looked_at or now
    first = await _first_effect_at(session, run, run.effect_at)
    await session.flush()
    return Case(
        attempt=publishing.attempt_of(post, run, channel),
        effect_at=run.effect_at,
        first_effect_at=first,
        looked_at=run.looked_at,
        known_ids=await queries.list_platform_ids(session, post.channel_id, since=first - DEADLINE),
        repeat=post.status == "publishing",
    )


async def decide(
    session: AsyncSession, job: Job, case: Case, verdict: Verdict, media_id: str | None, *, now: datetime
) -> str:
    """Write down what was found.

    Returns:
        ``published``, ``failed``, ``unknown``, ``again`` (a new attempt is on its way), or ``unclear``: look
        again.

    Raises:
        JobLost.
    """
    await still_mine(session, job)
    post = await queries.lock_post(session, case.attempt.post_id)
    run = await queries.get_run(session, case.attempt.run_id)
    if post is None or run is None or run.status not in {"running", "unknown"}:
        return "ended meanwhile"
    if run.effect_at != case.effect_at:  # taken back: it goes on, and what was seen is about nothing
        return "ended meanwhile"
    match verdict:
        case "published":
            post.platform_post_id = media_id or post.platform_post_id
            await outcomes.end(session, post, run, lifecycle.Result("published", None), now=now)
            return "published"
        case "unclear" if now - case.looked_at <= DEADLINE and case.repeat:
            return "unclear"
        case "unclear":
            await outcomes.end(
                session, post, run, lifecycle.Result("unknown", run.doubt or UNKNOWABLE), now=now
            )
            return "unknown"
        case _:
            return await _not_published(session, post, run, case, gone=verdict == "gone", now=now)


async def _not_published(
    session: AsyncSession, post: Post, run: PostRun, case: Case, *, gone: bool, now: datetime
) -> str:
    repeats = sum(before.doubt is not None for before in await queries.list_runs(session, post.id))
    if not case.repeat or repeats > MOST_REPEATS:
        await outcomes.end(session, post, run, lifecycle.Result("failed", NOT_PUBLISHED), now=now)
        return "failed"
    if gone:
        run.container_id, run.child_container_ids = None, []
    await outcomes.give_up(session, post, run, NOT_PUBLISHED, now=now)
    arguments = {"workspace_id": post.workspace_id, "post_id": post.id}
    options = deferring.Options(limit_key=channels.limit_key(case.attempt.channel))
    await deferring.defer(session, PUBLISH, arguments, options)
    return "again"


async def _first_effect_at(session: AsyncSession, run: PostRun, effect_at: datetime) -> datetime:
    if run.container_id is None:
        return effect_at
    runs = await queries.list_runs(session, run.post_id)
    same = [
        one.effect_at for one in runs if one.container_id == run.container_id and one.effect_at is not None
    ]
    return min(effect_at, *same)


async def _settle_broadcast(session: AsyncSession, post: Post, run: PostRun, *, now: datetime) -> None:
    """Who is on their way for too long is ``unknown``. While the broadcast goes on a job that settles waits:
    those who send rely on it.
    """
    oldest = await deliveries.expire(session, post, NEVER_TOLD, before=now - SENDING_FOR, now=now)
    if oldest is not None:
        await publishing.settle_later(session, post, run, at=oldest + SENDING_FOR)
        return
    told = post.status in {"published", "unknown"}
    under_way = post.status == "publishing" and run.status == "running"
    if (told or under_way) and await outcomes.conclude(session, post, run, now=now) is None and under_way:
        await publishing.settle_later(session, post, run, at=now + SENDING_FOR)


async def recheck(session: AsyncSession, post_id: UUID, *, now: datetime) -> Post:
    """Look again for what became of an unknown post. Raises NotUnknown."""
    post, _ = await _unknown(session, post_id)
    await publishing.slide_settling(session, post.workspace_id, post.id, at=now)
    return post


async def resolve(
    session: AsyncSession, post_id: UUID, happened: bool, platform_id: str | None, *, now: datetime
) -> Post:
    """A person has looked, and tells. Of a broadcast it is told of every message that is unknown.

    Raises:
        NotUnknown.
    """
    post, run = await _unknown(session, post_id)
    if post.recipients:
        told = "sent" if happened else "failed"
        error = None if happened else "A person found that it was not sent."
        await queries.move_deliveries(session, post_id, of="unknown", to=told, error=error, now=now)
        post.platform_post_id = post.platform_post_id or platform_id
        await outcomes.conclude(session, post, run, now=now)
        return post
    post.platform_post_id = platform_id or post.platform_post_id
    said = None if happened else "A person found that it was not published."
    await outcomes.end(
        session, post, run, lifecycle.Result("published" if happened else "failed", said), now=now
    )
    return post


async def _unknown(session: AsyncSession, post_id: UUID) -> tuple[Post, PostRun]:
    post = await queries.lock_post(session, post_id)
    run = await queries.find_last_run(session, post_id)
    some = post is not None and (await deliveries.tally(session, post)).counts.get("unknown", 0) > 0
    if post is None or run is None or not (post.status == "unknown" or (post.status == "published" and some)):
        raise NotUnknown(
            "What became of the post is known.", field="status", fix="Only an unknown outcome is resolved."
        )
    return post, run

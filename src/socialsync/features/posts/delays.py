"""Why a post is not out yet, for people to read: from its rows and those of its jobs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.posts import queries
from socialsync.features.posts.models import Post
from socialsync.queue import obstacles

LIMITED = "A limit of the platform is waited for."
RATED = "A limit on the calls of {} is waited for, the platform's or one set here: socialsync limits list."
FULL = "The limit of {} is full, at most {:,} at once: socialsync limits list."
NO_CALLS = "The platform takes no calls of this account for now."
PREPARED = "Instagram is preparing its media."
NO_WORKER = "Its job waits for a free worker of the queue scheduler."
LOOKED_FOR = "Whether it arrived is being found out."
PAUSED = "The queue {} is paused."
HELD_BACK = "Some recipients have to wait."


@dataclass(frozen=True)
class Delay:
    """``until`` None: nobody knows, or it is up to people."""

    reason: str
    until: datetime | None


async def find(session: AsyncSession, posts: Sequence[Post], *, now: datetime) -> dict[UUID, Delay]:
    """Those of these posts that wait, by id, with their reasons."""
    queued = any(post.status == "queued" and _is_due(post, now) for post in posts)
    paused = await obstacles.paused_queue_of(session, "posts.enqueue_due_posts") if queued else None
    under_way = [post.id for post in posts if post.status == "publishing"]
    signs = {row["id"]: row for row in await queries.list_signs(session, under_way, now=now)}
    return dict(_delays(posts, signs, now=now, paused=paused))


def _delays(
    posts: Iterable[Post], signs: dict[UUID, RowMapping], *, now: datetime, paused: str | None
) -> Iterable[tuple[UUID, Delay]]:
    for post in posts:
        delay = of_queued(post, now=now, paused=paused) if post.status == "queued" else None
        if post.id in signs:
            delay = of_publishing(post.error, signs[post.id])
        if delay is not None:
            yield post.id, delay


def of_queued(post: Post, *, now: datetime, paused: str | None) -> Delay | None:
    """One that was put back, or that no tick takes; None of one whose time has not come, or that the next
    tick takes.

    Args:
        paused: the queue of the ticks, if it is paused.
    """
    parked = post.not_before is not None and post.not_before > now
    if not parked and not _is_due(post, now):
        return None
    if not parked and paused:
        return Delay(PAUSED.format(paused), None)
    if not parked and post.error is None:
        return None
    if not parked or post.error == queries.WHY_PARKED:
        return Delay(post.error or LIMITED, None)
    return Delay(post.error or LIMITED, post.not_before)


def of_publishing(error: str | None, signs: RowMapping) -> Delay | None:
    """One on its way; None while somebody works on it, or when its job was lost and the sweep makes another.

    Args:
        error: why the attempt before came to nothing.
        signs: as ``queries.list_signs`` gives them.
    """
    if signs["works"]:
        return None
    if signs["paused"]:
        return Delay(PAUSED.format(signs["paused"]), None)
    if signs["ready"]:
        return _of_ready(signs)
    if signs["next_at"]:
        return Delay(_pause(error, signs), signs["next_at"])
    if signs["settles"]:
        return Delay(signs["doubt"] or LOOKED_FOR, signs["settles_at"])
    return None


def _is_due(post: Post, now: datetime) -> bool:
    return post.publish_at is None or post.publish_at <= now


def _of_ready(signs: RowMapping) -> Delay:
    """Why no worker takes a job whose time has come."""
    if signs["blocked_until"]:
        return Delay(NO_CALLS, signs["blocked_until"])
    if signs["full_key"]:
        return Delay(FULL.format(signs["full_key"], signs["at_most"]), None)
    return Delay(NO_WORKER, None)


def _pause(error: str | None, signs: RowMapping) -> str:
    if signs["held"]:
        return f"{HELD_BACK} {signs['held_error'] or ''}".rstrip()
    if error is not None:
        return error
    if signs["prepares"]:
        return PREPARED
    return RATED.format(signs["next_key"]) if signs["is_rated"] else LIMITED

"""Polling: posts that are due are leased, read from the top, and due again, whoever may die meanwhile.

A lease is the next check itself: a post whose reader died is looked at again in its turn, from the top, and
not only down to what the dead reader saw, since its poll did not come to its end.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from socialsync import clock, telemetry
from socialsync.errors import SocialSyncError
from socialsync.features.channels import service as channels
from socialsync.features.comments import lanes, polling, watches
from socialsync.features.comments.walking import Reader
from socialsync.features.comments.watches import Outcome, Watched
from socialsync.features.posts import service as posts
from socialsync.platforms import Sender
from socialsync.platforms.errors import RateLimited
from socialsync.queue import deferring, limits
from socialsync.resources import Resources

log = telemetry.get_logger(__name__)

BATCH = 100
"""Posts that are leased at once."""
AT_ONCE = 40
"""Posts that a process reads at once, and of one channel:"""
OF_ONE_CHANNEL = 5
WITHIN_S = 35.0
"""Seconds for which a tick leases more: it has fifty."""
READS_S = 45.0
LONG_S = 1_500.0
"""Seconds that a post has which was too long for a tick."""
READ = "comments.read_post"
LIMITED = timedelta(minutes=1)
EARLY = timedelta(seconds=45)
"""A post that is due so soon after a tick does not wait for the next one: ticks start sooner or later."""
REASON = "posts of every workspace are watched"


@dataclass
class Tally:
    """What a tick has come to."""

    posts_checked: int = 0
    comments_found: int = 0
    errors: int = 0
    more: bool = False


class _Channel:
    """In whose name posts are read, and until when (monotonic) the platform wants to be left alone."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self.turns = asyncio.Semaphore(OF_ONE_CHANNEL)
        self.until = 0.0


async def poll(opened: Resources, *, tick: datetime) -> Tally:
    """Read what is due, for as long as a tick has."""
    tally, began = Tally(), time.monotonic()
    turns = asyncio.Semaphore(AT_ONCE)
    known: dict[UUID, _Channel] = {}
    while time.monotonic() - began < WITHIN_S:
        batch = await _lease(opened, tick)
        if not batch:
            return tally
        deadline = began + READS_S
        outcomes = await _read(opened, batch, known, turns, deadline)
        await _keep(opened, outcomes)
        tally.posts_checked += sum(map(_is_done, outcomes))
        tally.comments_found += sum(each.found for each in outcomes)
        tally.errors += sum(each.error is not None for each in outcomes)
        if pause := _pause(outcomes):
            if time.monotonic() + pause - began >= WITHIN_S:
                return tally
            await asyncio.sleep(pause)
    tally.more = True
    return tally


def _pause(outcomes: Sequence[Outcome]) -> float:
    """Seconds until one of them may be read, when all were put off: they are still due in this tick and would
    be leased again and again meanwhile.
    """
    waits = [each.again_in.total_seconds() for each in outcomes if each.again_in is not None]
    return max(0.0, min(waits)) if len(waits) == len(outcomes) else 0.0


def _is_done(outcome: Outcome) -> bool:
    return outcome.error is None and outcome.again_in is None and not outcome.unfinished


async def _lease(opened: Resources, tick: datetime) -> list[Watched]:
    def next_check(published_at: datetime, stop_at: datetime) -> datetime | None:
        return polling.next_check(published_at, stop_at, tick)

    async with opened.database.system_transaction(REASON) as session:
        rows = await posts.lease_watched(session, next_check, at=tick + EARLY, limit=BATCH)
        known = await watches.find_by_posts(session, [row["id"] for row in rows])
    return [_watched(dict(row), known) for row in rows]


def _watched(row: Mapping[str, Any], known: Mapping[UUID, Any]) -> Watched:
    return Watched(
        post_id=row["id"],
        workspace_id=row["workspace_id"],
        channel_id=row["channel_id"],
        media_id=row["platform_post_id"],
        published_at=row["published_at"],
        polls=known[row["id"]].polls if row["id"] in known else 0,
        full_at=known[row["id"]].full_at if row["id"] in known else None,
        history_until=watches.history_until(row["origin"], row["created_at"]),
    )


async def _read(
    opened: Resources,
    batch: Sequence[Watched],
    known: dict[UUID, _Channel],
    turns: asyncio.Semaphore,
    deadline: float,
) -> list[Outcome]:
    """All of them, side by side. What ends one of them stops no other.

    Args:
        known: channels that this tick has loaded already; new ones are added.
    """
    by_channel: dict[UUID, list[Watched]] = defaultdict(list)
    for watched in batch:
        by_channel[watched.channel_id].append(watched)
    groups = await asyncio.gather(
        *(_read_channel(opened, group, known, turns, deadline) for group in by_channel.values())
    )
    return [outcome for group in groups for outcome in group]


async def _read_channel(
    opened: Resources,
    group: Sequence[Watched],
    known: dict[UUID, _Channel],
    turns: asyncio.Semaphore,
    deadline: float,
) -> list[Outcome]:
    first = group[0]
    channel = known.get(first.channel_id)
    if channel is None:
        try:
            async with opened.database.transaction(first.workspace_id) as session:
                _, sender = await channels.load_sender(session, opened.cipher, first.channel_id)
        except Exception as error:  # noqa: BLE001 - as below
            return [Outcome(each, error=_why(each, error)) for each in group]
        channel = known[first.channel_id] = _Channel(sender)
    key = channel.sender.limit_key
    if wait := await limits.take(opened.database, key, calls=len(group), blocks=False):
        return [Outcome(each, again_in=wait) for each in group]
    return list(await asyncio.gather(*(_read_one(opened, each, channel, turns, deadline) for each in group)))


async def _read_one(
    opened: Resources, watched: Watched, channel: _Channel, turns: asyncio.Semaphore, deadline: float
) -> Outcome:
    async with channel.turns, turns:
        if (left := channel.until - time.monotonic()) > 0:
            return Outcome(watched, again_in=timedelta(seconds=left))
        if time.monotonic() > deadline:  # the tick would end in the middle: somebody else's turn
            return Outcome(watched, again_in=timedelta(0))
        reader = Reader(opened, watched, channel.sender, deadline)
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + deadline - time.monotonic()):
                return await reader.read()
        except RateLimited as limited:
            wait = limited.retry_after or LIMITED
            channel.until = time.monotonic() + wait.total_seconds()
            return Outcome(watched, found=reader.found, again_in=wait)
        except TimeoutError:
            return Outcome(watched, found=reader.found, unfinished=True)
        except Exception as error:  # noqa: BLE001 - it stops no other post; Postgres away shows in the end
            return Outcome(watched, found=reader.found, error=_why(watched, error))


def _why(watched: Watched, error: Exception) -> str:
    """What is said of a post that could not be read."""
    why = error.message if isinstance(error, SocialSyncError) else "SocialSync made a mistake."
    log.warning(
        f"[POLL] Post {watched.post_id}: {why}",
        post_id=str(watched.post_id),
        exc_info=not isinstance(error, SocialSyncError),
    )
    return why


async def _keep(opened: Resources, outcomes: Sequence[Outcome]) -> None:
    """How far each post was read, in one transaction."""
    now = clock.now()
    put_off = {each.watched.post_id: now + each.again_in for each in outcomes if each.again_in is not None}
    async with opened.database.system_transaction(REASON) as session:
        await watches.keep(session, outcomes, now=now)
        await posts.set_next_checks(session, put_off)
        for each in outcomes:
            if each.unfinished:
                await deferring.slide(
                    session,
                    READ,
                    {"workspace_id": each.watched.workspace_id, "post_id": each.watched.post_id},
                    queueing_lock=lanes.of_reading(each.watched.post_id),
                    at=now,
                )


async def read_long(opened: Resources, workspace_id: UUID, post_id: UUID) -> Outcome | None:
    """A post with more comments than a tick can read, to its end; None when it is no longer watched.

    Raises:
        PlatformError: the policy tries again.
    """
    async with opened.database.transaction(workspace_id) as session:
        post = await posts.get_post(session, post_id)
        known = await watches.find_by_posts(session, [post_id])
        if post.platform_post_id is None or post.published_at is None:
            return None
        channel, sender = await channels.load_sender(session, opened.cipher, post.channel_id)
        watched = _watched(
            {
                "id": post_id, "workspace_id": workspace_id, "channel_id": post.channel_id,
                "platform_post_id": post.platform_post_id, "published_at": post.published_at,
                "origin": post.origin, "created_at": post.created_at,
            },
            known,
        )  # fmt: skip
    if not channels.is_open(channel):
        return None
    outcome = await Reader(opened, watched, sender, time.monotonic() + LONG_S).read()
    await _keep(opened, [outcome])
    return outcome

"""What Meta tells is stored first, then read and handed to the rooms that it is about. Handling it again is
harmless.

The session is of a system transaction: a body comes before anybody knows whose it is, and may be about the
accounts of several workspaces.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import telemetry
from socialsync.db.away import is_away
from socialsync.db.transaction import savepoint
from socialsync.features.comments import service as comments
from socialsync.features.conversations import service as conversations
from socialsync.features.messages import service as messages
from socialsync.features.posts import service as posts
from socialsync.features.webhooks import queries, reading
from socialsync.features.webhooks.queries import Which
from socialsync.platforms.news import News, StatusUpdate

__all__ = ["Outcome", "Which"]

log = telemetry.get_logger(__name__)

Outcome = Literal["handled", "problem", "waiting", "failed"]
"""Waiting: for a message that is not known yet. Failed: by a mistake of ours, which the log tells."""

PATIENCE = timedelta(minutes=10)
"""How long a status waits for its message: our own answer may not be stored yet."""
PAUSE = timedelta(seconds=2)
KEPT_FOR = timedelta(days=30)
BATCH = 500
PASS_S = 0.5
"""Seconds after which a sweep begins nothing more: it shares its time with others."""
_MISTAKE = "SocialSync made a mistake while handling it; the log tells more"
_NEVER_OURS = "No message of ours was found for some of its statuses"


@dataclass
class _Counts:
    """What was in a body, and which of its statuses are ``waiting``, by their places in it."""

    statuses: int = 0
    messages: int = 0
    strangers: int = 0
    waiting: list[int] = field(default_factory=list)


async def receive(session: AsyncSession, platform: str, body: bytes, *, now: datetime) -> None:
    """Store a body and handle it. One that was handled before is only counted; one that a mistake of ours
    keeps from being handled is stored nevertheless.
    """
    event = await queries.add_event(session, platform, body, now=now)
    if event["handled_at"] is None:
        await _handle(session, event, platform, body, only=_waiting(event), now=now)


async def replay(session: AsyncSession, event_id: UUID, *, now: datetime) -> Outcome | None:
    """Handle all of a stored body again; None when it is no longer there."""
    event = await queries.lock_event(session, event_id)
    if event is None:
        return None
    return await _handle(session, event, event["platform"], event["body"], only=None, now=now)


async def retry_waiting(session: AsyncSession, *, now: datetime) -> int:
    """The sweep: statuses whose messages were not known yet, and what a mistake of ours keeps, for ten
    minutes; how many bodies it tried.
    """
    began, tried = time.monotonic(), 0
    for event_id in await queries.lock_waiting(
        session, given_up=now - PATIENCE, pause=PAUSE, now=now, limit=BATCH
    ):
        event = await queries.lock_event(session, event_id)
        if event is not None:
            await _handle(session, event, event["platform"], event["body"], only=_waiting(event), now=now)
            tried += 1
        if time.monotonic() - began > PASS_S:
            break
    return tried


async def prune(session: AsyncSession, *, now: datetime) -> int:
    """The sweep: forget what was handled and came more than 30 days ago; how many."""
    began, gone = time.monotonic(), 0
    while time.monotonic() - began < PASS_S:
        some = await queries.prune(session, before=now - KEPT_FOR, limit=BATCH)
        gone += some
        if some < BATCH:
            break
    return gone


async def list_events(
    session: AsyncSession, *, since: datetime | None = None, which: Which = "all", limit: int
) -> Sequence[RowMapping]:
    """Newest first: ``id, platform, created_at, times, handled_at, problem, parts, bytes``."""
    return await queries.list_events(session, since=since, which=which, limit=limit)


async def list_ids(
    session: AsyncSession, *, since: datetime | None, which: Which, after: UUID | None, limit: int
) -> list[UUID]:
    """Oldest first, those after that one: what is to be replayed."""
    return await queries.list_ids(session, since=since, which=which, after=after, limit=limit)


async def _handle(
    session: AsyncSession,
    event: RowMapping,
    platform: str,
    body: bytes,
    *,
    only: Collection[int] | None,
    now: datetime,
) -> Outcome:
    try:
        news = reading.read(platform, body, now=now)
        async with savepoint(session):
            counts = await _hand_over(session, platform, news, only, now=now)
    except Exception as error:
        if is_away(error):
            raise
        log.exception("[WEBHOOK] Handling a body failed; it is stored", event_id=str(event["id"]))
        await queries.set_event(session, event["id"], problem=_MISTAKE, updated_at=now)
        return "failed"
    waits = bool(counts.waiting) and now - event["created_at"] < PATIENCE
    problem = "; ".join(news.problems) or None
    await queries.set_event(
        session,
        event["id"],
        parts=_parts(news, counts, waits=waits),
        problem=problem,
        handled_at=None if waits else now,
        updated_at=now,
    )
    return "waiting" if waits else "problem" if problem else "handled"


async def _hand_over(
    session: AsyncSession, platform: str, news: News, only: Collection[int] | None, *, now: datetime
) -> _Counts:
    """To the rooms that it is about. A body that waits for some of its statuses has handed over the rest."""
    parts = (*news.statuses, *news.told, *news.comments)
    accounts = {account for account, _ in parts}
    counts = _Counts()
    if not accounts:
        return counts
    channels = await queries.find_channels(session, platform, sorted(accounts))
    counts.strangers = sum(account not in channels for account, _ in parts)
    counts.messages = sum(account in channels for account, _ in news.told)
    if counts.messages and only is None:
        interventions = await messages.receive(session, news.told, channels=channels, now=now)
        await conversations.step_in(session, interventions, now=now)
    if news.comments and only is None:
        await comments.receive(session, news.comments, channels=channels, now=now)
    await _hand_over_statuses(session, news, channels, counts, only, now=now)
    return counts


async def _hand_over_statuses(
    session: AsyncSession,
    news: News,
    channels: Mapping[str, Sequence[UUID]],
    counts: _Counts,
    only: Collection[int] | None,
    *,
    now: datetime,
) -> None:
    """Account by account, in an order that lets no two bodies wait for one another. What is about no message
    of a conversation may be about a broadcast's.
    """
    by_account: dict[str, list[tuple[int, StatusUpdate]]] = defaultdict(list)
    for place, (account, update) in enumerate(news.statuses):
        if account in channels:
            by_account[account].append((place, update))
    for account, updates in sorted(by_account.items()):
        counts.statuses += len(updates)
        wanted = [(place, update) for place, update in updates if only is None or place in only]
        for receive_statuses in (posts.receive_statuses, messages.receive_statuses):
            matched = await receive_statuses(
                session, [update for _, update in wanted], channel_ids=channels[account], now=now
            )
            wanted = [each for index, each in enumerate(wanted) if index not in matched]
        counts.waiting += [place for place, _ in wanted]


def _waiting(event: RowMapping) -> Collection[int] | None:
    """The places of those statuses that were not matched the last time; None means all."""
    places = event["parts"].get("waiting")
    return frozenset(places) if isinstance(places, list) else None


def _parts(news: News, counts: _Counts, *, waits: bool) -> dict[str, Any]:
    """What was in it, for a person and for the next try; what is nothing is left out."""
    parts: dict[str, Any] = {
        "statuses": counts.statuses,
        "messages": counts.messages,
        "comments": len(news.comments),
        "strangers": counts.strangers,
        "unread": dict(news.unread),
        "waiting": counts.waiting if waits else [],
        "unmatched": 0 if waits else len(counts.waiting),
        "note": _NEVER_OURS if counts.waiting and not waits else None,
    }
    return {name: value for name, value in parts.items() if value}

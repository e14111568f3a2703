"""What Meta tells is stored first, then read and handed to the rooms that it is about. Handling it again is
harmless.

The session is of a system transaction: a body comes before anybody knows whose it is, and may be about the
accounts of several workspaces.
"""

import time
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import telemetry
from socialsync.db.away import is_away
from socialsync.db.transaction import savepoint
from socialsync.features.webhooks import handling, queries
from socialsync.features.webhooks.handling import PATIENCE, Outcome
from socialsync.features.webhooks.queries import Which

__all__ = ["PATIENCE", "Outcome", "Which"]

log = telemetry.get_logger(__name__)

PAUSE = timedelta(seconds=2)
KEPT_FOR = timedelta(days=30)
BATCH = 500
PASS_S = 0.5
"""Seconds after which a sweep begins nothing more: it shares its time with others."""
_MISTAKE = "SocialSync made a mistake while handling it; the log tells more"


async def receive_together(
    session: AsyncSession, platform: str, bodies: Sequence[bytes], *, now: datetime
) -> None:
    """Store bodies and handle them as one. Those that were handled before are only counted. A mistake of ours
    with any of them is raised.
    """
    events = await queries.add_events(session, platform, bodies, now=now)
    todo = [
        handling.Body(event["id"], event["created_at"], body, _waiting(event))
        for body, event in events.items()
        if event["handled_at"] is None
    ]
    if todo:
        await handling.handle(session, platform, todo, now=now)


async def receive(session: AsyncSession, platform: str, body: bytes, *, now: datetime) -> None:
    """The same with one, which is stored even where a mistake of ours keeps it from being handled."""
    event = (await queries.add_events(session, platform, [body], now=now))[body]
    if event["handled_at"] is None:
        await _handle(session, event, platform, body, again=False, now=now)


async def replay(session: AsyncSession, event_id: UUID, *, now: datetime) -> Outcome | None:
    """Handle all of a stored body again; None when it is no longer there."""
    event = await queries.lock_event(session, event_id)
    if event is None:
        return None
    return await _handle(session, event, event["platform"], event["body"], again=True, now=now)


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
            await _handle(session, event, event["platform"], event["body"], again=False, now=now)
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
    session: AsyncSession, event: RowMapping, platform: str, body: bytes, *, again: bool, now: datetime
) -> Outcome:
    """One, of which a mistake of ours leaves nothing but the body."""
    one = handling.Body(event["id"], event["created_at"], body, None if again else _waiting(event))
    try:
        async with savepoint(session):
            (outcome,) = await handling.handle(session, platform, [one], now=now)
    except Exception as error:
        if is_away(error):
            raise
        log.exception("[WEBHOOK] Handling a body failed; it is stored", event_id=str(event["id"]))
        await queries.set_event(session, event["id"], problem=_MISTAKE, updated_at=now)
        return "failed"
    return outcome


def _waiting(event: RowMapping) -> Collection[int] | None:
    """The places of those statuses that were not matched the last time; None means all."""
    places = event["parts"].get("waiting")
    return frozenset(places) if isinstance(places, list) else None

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
from socialsync.db.asking import Answer, Question, ask
from socialsync.db.away import is_away
from socialsync.db.transaction import savepoint
from socialsync.features.webhooks import handling, queries, reading
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


class Together:
    """Bodies of one platform that are stored and handled as one. Those that were handled before are only
    counted.
    """

    def __init__(self, platform: str, bodies: Sequence[bytes], *, now: datetime) -> None:
        self._now = now
        self._news = {body: reading.read(platform, body, now=now) for body in bodies}
        self._foreseen = {body: handling.foreseen(news, now=now) for body, news in self._news.items()}
        self._adding = queries.Adding(platform, bodies, self._foreseen, now=now)
        self._asked = handling.Asked(platform, list(self._news.values()))

    @property
    def questions(self) -> list[Question]:
        """The transaction's first."""
        return [self._adding.question, *self._asked.questions]

    async def receive(self, session: AsyncSession) -> None:
        """Once they are answered. A mistake of ours with any of the bodies is raised."""
        todo = {
            body: handling.Body(event["id"], event["created_at"], self._news[body], _waiting(event))
            for body, event in self._adding.events.items()
            if event["is_new"] or event["handled_at"] is None
        }
        if not todo:
            return
        found = await handling.handle(session, list(todo.values()), self._asked, now=self._now)
        changed = [
            {"id": one.id, **noted}
            for (body, one), (noted, _) in zip(todo.items(), found, strict=True)
            if not (self._adding.events[body]["is_new"] and noted == self._foreseen[body])
        ]
        if changed:
            await queries.set_events(session, changed, now=self._now)


async def receive(session: AsyncSession, platform: str, body: bytes, *, now: datetime) -> None:
    """One, which is stored even where a mistake of ours keeps it from being handled."""
    adding = queries.Adding(platform, [body], now=now)
    await ask(session, adding.question)
    event = adding.events[body]
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
    session: AsyncSession,
    event: Answer | RowMapping,
    platform: str,
    body: bytes,
    *,
    again: bool,
    now: datetime,
) -> Outcome:
    """One, of which a mistake of ours leaves nothing but the body."""
    try:
        async with savepoint(session):
            news = reading.read(platform, body, now=now)
            one = handling.Body(event["id"], event["created_at"], news, None if again else _waiting(event))
            asked = handling.Asked(platform, [news], whole=one.only is None)
            await ask(session, *asked.questions)
            ((noted, outcome),) = await handling.handle(session, [one], asked, now=now)
            await queries.set_events(session, [{"id": one.id, **noted}], now=now)
    except Exception as error:
        if is_away(error):
            raise
        log.exception("[WEBHOOK] Handling a body failed; it is stored", event_id=str(event["id"]))
        await queries.set_event(session, event["id"], problem=_MISTAKE, updated_at=now)
        return "failed"
    return outcome


def _waiting(event: Answer | RowMapping) -> Collection[int] | None:
    """The places of those statuses that were not matched the last time; None means all."""
    places = (event["parts"] or {}).get("waiting")
    return frozenset(places) if isinstance(places, list) else None

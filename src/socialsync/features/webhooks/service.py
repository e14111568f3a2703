"""What Meta tells is stored first, then read and handed to the rooms that it is about. Handling it again is
harmless.

The session is of a system transaction: a body comes before anybody knows whose it is, and may be about the
accounts of several workspaces.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.posts import service as posts
from socialsync.features.webhooks import queries
from socialsync.features.webhooks.models import WebhookEvent
from socialsync.platforms.whatsapp import webhooks as whatsapp

__all__ = ["WebhookEvent"]

PATIENCE = timedelta(minutes=10)
"""How long a status waits for its message: our own answer may not be stored yet."""
KEPT_FOR = timedelta(days=30)
AT_ONCE = 100
_NO_JSON = "It is not JSON."
_NO_OBJECT = "It is not a JSON object."


async def receive(session: AsyncSession, platform: str, body: bytes, *, now: datetime) -> None:
    """Store a body and handle it, in one transaction. One that was handled before is only counted."""
    event = await queries.add_event(session, platform, body)
    if event["handled_at"] is None:
        await _handle(session, event["id"], platform, body, born_at=now, now=now)


async def keep(session: AsyncSession, platform: str, body: bytes, problem: str) -> None:
    """Store a body that could not be handled: it can be replayed when the mistake is mended."""
    event = await queries.add_event(session, platform, body)
    await queries.set_event(session, event["id"], problem=problem)


async def handle_again(session: AsyncSession, *, now: datetime) -> int:
    """The sweep: events whose messages were not known yet, and those that a mistake of ours kept; how
    many.
    """
    events = await queries.take_unhandled(session, AT_ONCE)
    for event in events:
        await replay(session, event, now=now)
    return len(events)


async def replay(session: AsyncSession, event: WebhookEvent, *, now: datetime) -> None:
    await _handle(session, event.id, event.platform, event.body, born_at=event.created_at, now=now)


async def list_events(
    session: AsyncSession, *, since: datetime | None, after: UUID | None, limit: int, troubled: bool = False
) -> list[WebhookEvent]:
    return await queries.list_events(session, since=since, after=after, limit=limit, troubled=troubled)


async def prune(session: AsyncSession, *, now: datetime) -> int:
    return await queries.prune(session, before=now - KEPT_FOR, limit=1_000)


async def _handle(
    session: AsyncSession, event_id: UUID, platform: str, body: bytes, *, born_at: datetime, now: datetime
) -> None:
    content, problem = _parsed(body)
    if content is None:
        await queries.set_event(session, event_id, problem=problem, handled_at=now)
        return
    parts = await _whatsapp(session, content, now=now) if platform == "whatsapp" else {"unread": 1}
    waits = parts.get("unmatched", 0) > 0 and now - born_at < PATIENCE
    await queries.set_event(
        session, event_id, parts=parts, problem=None, handled_at=None if waits else now, updated_at=now
    )


def _parsed(body: bytes) -> tuple[Mapping[str, Any] | None, str | None]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None, _NO_JSON
    return (content, None) if isinstance(content, dict) else (None, _NO_OBJECT)


async def _whatsapp(session: AsyncSession, content: Mapping[str, Any], *, now: datetime) -> dict[str, int]:
    """Counts of what was in it: ``statuses``, of them ``unmatched``, ``unread`` of no kind that we know."""
    values = list(whatsapp.values_of(content))
    found = await queries.find_channels(session, "whatsapp", sorted({number for number, _ in values}))
    parts = {"statuses": 0, "unmatched": 0, "unread": 0, "strangers": 0}
    by_number: dict[str, list[whatsapp.StatusUpdate]] = {}
    for number, value in values:
        updates, unread = whatsapp.read_statuses(value, now)
        parts["unread"] += unread
        if number in found:
            by_number.setdefault(number, []).extend(updates)
        else:
            parts["strangers"] += 1
    for number, updates in sorted(by_number.items()):
        matched = await posts.receive_statuses(session, updates, channel_ids=found[number], now=now)
        parts["statuses"] += len(updates)
        parts["unmatched"] += len(updates) - len(matched)
    return {name: count for name, count in parts.items() if count}

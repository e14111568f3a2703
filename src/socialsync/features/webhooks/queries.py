"""Every SQL statement of the room."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import RowMapping, Select, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.db.asking import Answer, Question
from socialsync.features.webhooks.models import WebhookEvent

Which = Literal["all", "troubled", "unhandled"]
"""Troubled: with a problem, or not handled."""

_STATE = (WebhookEvent.id, WebhookEvent.handled_at, WebhookEvent.parts, WebhookEvent.created_at)
_SHOWN = (
    WebhookEvent.id,
    WebhookEvent.platform,
    WebhookEvent.created_at,
    WebhookEvent.times,
    WebhookEvent.handled_at,
    WebhookEvent.problem,
    WebhookEvent.parts,
    func.length(WebhookEvent.body).label("bytes"),
)
_ADD = text("""
insert into webhook_events as known (platform, body, digest, times, parts, problem, handled_at, created_at,
    updated_at)
select :platform, body, digest, times, coalesce(parts, '{}'), problem, handled_at, :now, :now
from unnest(cast(:bodies as bytea[]), cast(:digests as bytea[]), cast(:times as int[]),
    cast(:parts as jsonb[]), cast(:problems as text[]), cast(:handled as timestamptz[]))
    as given (body, digest, times, parts, problem, handled_at)
order by digest
on conflict (digest) do update set times = known.times + excluded.times, updated_at = :now
returning id, digest, old.id is null as is_new, old.handled_at, old.parts, created_at
""")
_SET = text("""
update webhook_events event set parts = given.parts, problem = given.problem, handled_at = given.handled_at,
    updated_at = :now
from jsonb_to_recordset(cast(:events as jsonb)) as given (
    id uuid, parts jsonb, problem text, handled_at timestamptz)
where event.id = given.id
""")
# The longer one waits the less often it is tried, but once more when its time is over
_WAITING = text("""
select id from webhook_events
where handled_at is null and case when created_at > :given_up
    then updated_at <= :now - greatest(cast(:pause as interval), (updated_at - created_at) / 4)
    else problem is null end
order by updated_at limit :limit for update skip locked
""")
_BEAT = text("""
insert into pulses as known (name, beat_at) values ('web', :now)
on conflict (name) do update set beat_at = greatest(known.beat_at, excluded.beat_at)
returning old.beat_at
""")
_CHANNELS = text("select * from find_channels(:platform, cast(:ids as text[]))")


class Adding:
    """Bodies on their way to be stored; one that is there already is counted. Twins wait for one another.

    Args:
        noted: what to store with a new one at once, as for ``set_events``.
    """

    def __init__(
        self,
        platform: str,
        bodies: Sequence[bytes],
        noted: Mapping[bytes, Mapping[str, Any]] = MappingProxyType({}),
        *,
        now: datetime,
    ) -> None:
        times = Counter(bodies)
        self._digests = {body: hashlib.sha256(platform.encode() + b"\n" + body).digest() for body in times}
        notes = [noted.get(body, {}) for body in times]
        values = {
            "platform": platform,
            "bodies": list(times),
            "digests": list(self._digests.values()),
            "times": list(times.values()),
            "parts": [to_json(note["parts"]).decode() if note else None for note in notes],
            "problems": [note.get("problem") for note in notes],
            "handled": [note.get("handled_at") for note in notes],
            "now": now,
        }
        self.question = Question(_ADD, values)

    @property
    def events(self) -> dict[bytes, Answer]:
        """By body, in their order: ``id, is_new, created_at``, and of one that was there ``handled_at,
        parts`` as they were.
        """
        rows = {row["digest"]: row for row in self.question.rows}
        return {body: rows[digest] for body, digest in self._digests.items()}


async def lock_event(session: AsyncSession, event_id: UUID) -> RowMapping | None:
    """Its ``id, handled_at, parts, created_at, platform, body``, FOR UPDATE."""
    query = select(*_STATE, WebhookEvent.platform, WebhookEvent.body).where(WebhookEvent.id == event_id)
    return (await session.execute(query.with_for_update())).mappings().one_or_none()


async def set_event(session: AsyncSession, event_id: UUID, **values: Any) -> None:
    await session.execute(update(WebhookEvent).where(WebhookEvent.id == event_id).values(**values))


async def set_events(session: AsyncSession, events: Sequence[Mapping[str, Any]], *, now: datetime) -> None:
    """Each with its ``id, parts, problem, handled_at``."""
    await session.execute(_SET, {"events": to_json(list(events)).decode(), "now": now})


def finding_channels(platform: str, external_ids: Sequence[str]) -> Question:
    """The channels of these accounts, in whatever workspaces they are: ``external_id, workspace_id,
    channel_id, deleted``.
    """
    return Question(_CHANNELS, {"platform": platform, "ids": list(external_ids)})


async def lock_waiting(
    session: AsyncSession, *, given_up: datetime, pause: timedelta, now: datetime, limit: int
) -> list[UUID]:
    """Events to be tried again, those first that were not tried for longest, skipping what somebody has in
    hand. Those born before ``given_up`` come once more, unless a mistake of ours keeps them.
    """
    values = {"given_up": given_up, "pause": pause, "now": now, "limit": limit}
    return list(await session.scalars(_WAITING, values))


async def beat(session: AsyncSession, *, now: datetime) -> datetime | None:
    """The web door is there now; when it last was, None the first time. Doors wait for one another."""
    before: datetime | None = await session.scalar(_BEAT, {"now": now})
    return before


async def list_events(
    session: AsyncSession, *, since: datetime | None, which: Which, limit: int
) -> Sequence[RowMapping]:
    """Newest first, with the size of the body instead of the body."""
    query = _chosen(select(*_SHOWN), since, which).order_by(WebhookEvent.id.desc()).limit(limit)
    rows: Sequence[RowMapping] = (await session.execute(query)).mappings().all()
    return rows


async def list_ids(
    session: AsyncSession, *, since: datetime | None, which: Which, after: UUID | None, limit: int
) -> list[UUID]:
    """Oldest first."""
    query = _chosen(select(WebhookEvent.id), since, which).order_by(WebhookEvent.id).limit(limit)
    return list(await session.scalars(query if after is None else query.where(WebhookEvent.id > after)))


async def prune(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """Delete handled events that are older; how many."""
    old = (
        select(WebhookEvent.id)
        .where(WebhookEvent.created_at < before, WebhookEvent.handled_at.is_not(None))
        .order_by(WebhookEvent.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    gone = await session.execute(
        delete(WebhookEvent).where(WebhookEvent.id.in_(old)).returning(WebhookEvent.id)
    )
    return len(gone.all())


def _chosen(query: Select[Any], since: datetime | None, which: Which) -> Select[Any]:
    if since is not None:
        query = query.where(WebhookEvent.created_at >= since)
    if which == "unhandled":
        query = query.where(WebhookEvent.handled_at.is_(None))
    if which == "troubled":
        query = query.where(WebhookEvent.problem.is_not(None) | WebhookEvent.handled_at.is_(None))
    return query

"""What stored bodies tell, handed to the rooms that it is about. Several are handled as if they were one:
platforms promise nothing about how much comes in which body, nor in what order.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.db.asking import Question
from socialsync.features.comments import service as comments
from socialsync.features.conversations import service as conversations
from socialsync.features.messages import service as messages
from socialsync.features.posts import service as posts
from socialsync.features.webhooks import queries
from socialsync.platforms.news import News, StatusUpdate

Outcome = Literal["handled", "problem", "waiting", "failed"]
"""Waiting: for a message that is not known yet. Failed: by a mistake of ours, which the log tells."""

PATIENCE = timedelta(minutes=10)
"""How long a status waits for its message: our own answer may not be stored yet."""
_NEVER_OURS = "No message of ours was found for some of its statuses"


@dataclass
class Body:
    """A stored body, and what came of it.

    Args:
        only: the places of those statuses that were not matched the last time; None means everything.
        waiting: the places of those that were not matched now.
    """

    id: UUID
    created_at: datetime
    news: News
    only: Collection[int] | None
    statuses: int = 0
    messages: int = 0
    strangers: int = 0
    waiting: list[int] = field(default_factory=list)


Channels = Mapping[str, Sequence[UUID]]
"""By account, in whatever workspaces they are."""
Noted = Mapping[str, Any]
"""What a body's row says of it: ``parts, problem, handled_at``."""
_NOBODY = UUID(int=0)


class Asked:
    """What must be known before anything can be handed over, asked for all bodies at once.

    Args:
        whole: more than what waited of their statuses is to be handed over.
    """

    def __init__(self, platform: str, news: Sequence[News], *, whole: bool = True) -> None:
        accounts = {account for each in news for account, _ in _parts(each)}
        told = [one for each in news for one in each.told] if whole else []
        self._channels = queries.finding_channels(platform, sorted(accounts)) if accounts else None
        self.meeting = messages.meeting(platform, told) if told else None

    @property
    def questions(self) -> list[Question]:
        meeting = self.meeting.question if self.meeting else None
        return [each for each in (self._channels, meeting) if each is not None]

    @property
    def channels(self) -> Channels:
        found: dict[str, list[UUID]] = {}
        for row in self._channels.rows if self._channels else ():
            found.setdefault(row["external_id"], []).append(row["channel_id"])
        return found


async def handle(
    session: AsyncSession, bodies: Sequence[Body], asked: Asked, *, now: datetime
) -> list[tuple[Noted, Outcome]]:
    """Hand all of them over: what is to be noted with each, and what came of it. A body that waits for some
    of its statuses has handed over the rest.

    Args:
        asked: and answered, of these bodies and possibly of more.
    """
    await _hand_over(session, bodies, asked.channels, asked.meeting, now=now)
    return [_noted(body, now) for body in bodies]


def foreseen(news: News, *, now: datetime) -> Noted:
    """What will most likely be noted with a body: nothing in it is of strangers, and nothing waits."""
    body = Body(_NOBODY, now, news, None, statuses=len(news.statuses), messages=len(news.told))
    return _noted(body, now)[0]


async def _hand_over(
    session: AsyncSession,
    bodies: Sequence[Body],
    channels: Channels,
    meeting: messages.Meeting | None,
    *,
    now: datetime,
) -> None:
    whole = [body for body in bodies if body.only is None]
    for body in bodies:
        body.strangers = sum(account not in channels for account, _ in _parts(body.news))
        body.messages = sum(account in channels for account, _ in body.news.told)
    if any(body.messages for body in whole):
        told = [each for body in whole for each in body.news.told]
        interventions = await messages.receive(session, told, channels=channels, met=meeting, now=now)
        await conversations.step_in(session, interventions, now=now)
    if made := [each for body in whole for each in body.news.comments]:
        await comments.receive(session, made, channels=channels, now=now)
    await _hand_over_statuses(session, bodies, channels, now=now)


async def _hand_over_statuses(
    session: AsyncSession, bodies: Sequence[Body], channels: Channels, *, now: datetime
) -> None:
    """Account by account, in an order that lets nobody wait in a circle. What is about no message of a
    conversation may be about a broadcast's.
    """
    by_account: dict[str, list[tuple[Body, int, StatusUpdate]]] = defaultdict(list)
    for body in bodies:
        for place, (account, update) in enumerate(body.news.statuses):
            if account in channels:
                body.statuses += 1
                if body.only is None or place in body.only:
                    by_account[account].append((body, place, update))
    for account, wanted in sorted(by_account.items()):
        for receive_statuses in (posts.receive_statuses, messages.receive_statuses):
            matched = await receive_statuses(
                session, [update for *_, update in wanted], channel_ids=channels[account], now=now
            )
            wanted = [each for index, each in enumerate(wanted) if index not in matched]  # noqa: PLW2901
        for body, place, _ in wanted:
            body.waiting.append(place)


def _parts(news: News) -> tuple[tuple[str, Any], ...]:
    return (*news.statuses, *news.told, *news.comments)


def _noted(body: Body, now: datetime) -> tuple[Noted, Outcome]:
    """What the row shall say, for a person and for the next try; of its parts what is nothing is left out."""
    waits = bool(body.waiting) and now - body.created_at < PATIENCE
    problem = "; ".join(body.news.problems) or None
    parts: dict[str, Any] = {
        "statuses": body.statuses,
        "messages": body.messages,
        "comments": len(body.news.comments),
        "strangers": body.strangers,
        "unread": dict(body.news.unread),
        "waiting": body.waiting if waits else [],
        "unmatched": 0 if waits else len(body.waiting),
        "note": _NEVER_OURS if body.waiting and not waits else None,
    }
    noted = {
        "parts": {name: value for name, value in parts.items() if value},
        "problem": problem,
        "handled_at": None if waits else now,
    }
    return noted, "waiting" if waits else "problem" if problem else "handled"

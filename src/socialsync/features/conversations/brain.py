"""What decides about a person's messages and writes the answer, as the rest of the room sees it.

Nothing here knows a model. An answer is only a proposal: whether it is sent is decided by the rows, in the
transaction that records it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from socialsync.features.decisions.service import Source, Verdict


@dataclass(frozen=True)
class Line:
    """One message of the conversation, as far as words tell it.

    Args:
        author: ``customer``, ``ai``, ``operator``, ``app`` (a person, from the platform's app) or
            ``template``.
        kind: ``text``, ``image``, ...; see ``platforms.news``.
        asks: it is of the window that is to be answered.
    """

    message_id: UUID
    author: str
    kind: str
    text: str | None
    told_at: datetime
    asks: bool


@dataclass(frozen=True)
class Turn:
    """What is to be answered, with what was said before, oldest first."""

    workspace_id: UUID
    channel_id: UUID
    conversation_id: UUID
    window_id: UUID | None
    lines: Sequence[Line]


@dataclass(frozen=True)
class Decision:
    """Args:
    answer: with RESPOND, and not empty; with ESCALATE what tells the customer that a person will come.
    reason: for a person who asks why.
    source, rule, confidence: see ``decisions.service.Judgement``.
    sources: what the answer rests on: ids of passages.
    """

    verdict: Verdict
    reason: str
    answer: str | None = None
    source: Source = "model"
    rule: str | None = None
    confidence: float | None = None
    sources: Sequence[str] = ()


class Brain(Protocol):
    async def decide(self, turn: Turn) -> Decision:
        """Read the turn, decide, and write the answer, if one is due.

        Raises:
            Temporary: it is away; the policy tries again, and then a person is asked for.
            Permanent, UnknownOutcome: a person is asked for.
        """

    async def catch_up(self, turn: Turn) -> None:
        """Bring what it remembers of the conversation up to date with these lines. Harmless to repeat."""

"""Every effect that the outside world saw, and how many requests there were. Never a token."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from socialsync.simulator.kinds import Kind


@dataclass(slots=True)
class Effect:
    """Something that happened out there.

    Args:
        account: the id of the account that did it, as the platform knows it.
        id: what the platform calls the result: container, media or message id.
        answer_lost: it happened, and the caller was not told so.
    """

    seq: int
    at: datetime
    kind: Kind
    account: str
    id: str
    details: Mapping[str, Any]
    answer_lost: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "seq": self.seq,
            "at": self.at.isoformat(),
            "kind": self.kind,
            "platform": self.kind.platform,
            "account": self.account,
            "id": self.id,
            "answer_lost": self.answer_lost,
            **self.details,
        }


@dataclass(slots=True)
class Ledger:
    now: Callable[[], datetime]
    effects: list[Effect] = field(default_factory=list)
    _kinds: Counter[str] = field(default_factory=Counter)
    _answers: Counter[str] = field(default_factory=Counter)

    def record(self, kind: Kind, account: str, id_: str, details: Mapping[str, Any]) -> None:
        seq = self.effects[-1].seq + 1 if self.effects else 1  # older ones may have been forgotten
        self.effects.append(Effect(seq, self.now(), kind, account, id_, details))

    def count(self, kind: Kind, answer: str) -> None:
        """A request is over; ``answer`` is its HTTP status or ``none``."""
        self._kinds[kind] += 1
        self._answers[answer] += 1

    def as_json(self, kinds: Collection[str], accounts: Collection[str]) -> dict[str, Any]:
        effects = [
            effect.as_json()
            for effect in self.effects
            if (not kinds or effect.kind in kinds) and (not accounts or effect.account in accounts)
        ]
        requests = {
            "total": self._kinds.total(),
            "by_kind": dict(self._kinds),
            "by_answer": dict(self._answers),
        }
        return {"effects": effects, "requests": requests}

"""Which fault hits which request."""

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from socialsync.simulator.faults.base import Match, Moment
from socialsync.simulator.faults.specs import Fault
from socialsync.simulator.kinds import Kind


class Seen(Protocol):
    """What of a request can be matched."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def account(self) -> str | None: ...
    @property
    def token(self) -> str | None: ...


@dataclass(slots=True)
class Ordered:
    """A fault that was ordered: how many requests matched, how many of those it hit."""

    id: str
    fault: Fault
    matched: int = 0
    hits: int = 0

    @property
    def left(self) -> int | None:
        return None if self.fault.times is None else self.fault.times - self.hits

    def as_json(self) -> dict[str, Any]:
        spec = self.fault.model_dump(mode="json")
        spec["match"] = {name: value for name, value in spec["match"].items() if value is not None}
        return {"id": self.id, **spec, "matched": self.matched, "hits": self.hits, "left": self.left}


class FaultBook:
    def __init__(self) -> None:
        self._ordered: list[Ordered] = []
        self._dice = random.Random(0)  # noqa: S311 - dice that fall the same every time, not a secret

    def order(self, faults: Iterable[Fault]) -> Sequence[Ordered]:
        first = len(self._ordered)
        self._ordered += [Ordered(f"fault-{first + n}", fault) for n, fault in enumerate(faults, start=1)]
        return self._ordered[first:]

    def listing(self) -> Sequence[Ordered]:
        return tuple(self._ordered)

    def clear(self) -> None:
        self._ordered.clear()

    def take(self, moment: Moment, seen: Seen) -> list[Fault]:
        """The faults that hit now, in the order they came in, up to the first that decides the matter."""
        taken: list[Fault] = []
        for ordered in self._ordered:
            fault = ordered.fault
            if fault.moment is moment and ordered.left != 0 and _fits(fault, seen) and self._hits(ordered):
                taken.append(fault)
                if fault.is_final:
                    break
        return taken

    def _hits(self, ordered: Ordered) -> bool:
        ordered.matched += 1
        if ordered.matched <= ordered.fault.skip or self._dice.random() >= ordered.fault.probability:
            return False
        ordered.hits += 1
        return True


def _fits(fault: Fault, seen: Seen) -> bool:
    match = fault.match
    if fault.moment is Moment.CONTAINER and match.kind is None and match.path is None:
        match = match.model_copy(update={"kind": Kind.INSTAGRAM_CONTAINER})
    return (
        match.method in {None, seen.method}
        and match.kind in {None, seen.kind}
        and match.account in {None, seen.account}
        and _fits_path(match, seen.path)
        and _fits_token(match, seen.token)
    )


def _fits_path(match: Match, path: str) -> bool:
    return match.path is None or path.startswith(match.path) or re.search(match.path, path) is not None


def _fits_token(match: Match, token: str | None) -> bool:
    return match.token is None or match.token.get_secret_value() == token

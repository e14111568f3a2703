"""The rivals of a run, prepared when a scenario first needs them, ended with the run."""

from contextlib import ExitStack
from typing import TypeVar

from bench.ground import Ground
from bench.progress import step
from bench.rivals.celeries import Celery
from bench.rivals.contract import Rival
from bench.rivals.pgqueuers import PgQueuer
from bench.rivals.procrastinates import Ours, Stock

R = TypeVar("R", bound=Rival)


class Lineup:
    """Gives the rivals of this ground.

    Args:
        without: names in small letters of who is left out.
    """

    def __init__(self, ground: Ground, stack: ExitStack, without: tuple[str, ...] = ()) -> None:
        self.ground = ground
        self.without = without
        self._stack = stack
        self._known: dict[type[Rival], Rival] = {}

    def has(self, kind: type[Rival]) -> bool:
        return not any(word in kind.name.lower() for word in self.without)

    def get(self, kind: type[R]) -> R:
        """Ready to be filled."""
        if kind not in self._known:
            rival = kind(self.ground)
            self._stack.callback(rival.close)
            with step(f"preparing {kind.name}"):
                rival.prepare()
            self._known[kind] = rival
        found = self._known[kind]
        assert isinstance(found, kind)
        return found


ALL: tuple[type[Rival], ...] = (Ours, Stock, PgQueuer, Celery)

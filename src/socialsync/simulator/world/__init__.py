"""What the outside world knows: accounts, media, what happened, what shall go wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from socialsync.simulator.faults import FaultBook
from socialsync.simulator.world.accounts import Accounts
from socialsync.simulator.world.ids import Ids
from socialsync.simulator.world.instagram import Instagram
from socialsync.simulator.world.ledger import Ledger

__all__ = ["Setup", "Stage", "World"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Setup:
    """How the world behaves while no fault says otherwise.

    Args:
        processing_reads: how many status reads a new container answers IN_PROGRESS.
        processing_s: for how many seconds a new container is IN_PROGRESS.
        quota_total: posts per Instagram account in 24 hours. Far above Meta's (which contradicts itself:
            25, 50 or 100), so that load is limited only where a test wants it to be.
        first_id: where ids start counting; a server that outlives the database's memory starts elsewhere.
    """

    processing_reads: int = 0
    processing_s: float = 0.0
    quota_total: int = 100_000
    first_id: int = 1
    now: Callable[[], datetime] = _utc_now


class World:
    def __init__(self, setup: Setup, ids: Ids) -> None:
        self.setup = setup
        self.ids = ids
        self.accounts = Accounts()
        self.instagram = Instagram()
        self.ledger = Ledger(setup.now)
        self.faults = FaultBook()

    def now(self) -> datetime:
        return self.setup.now()


class Stage:
    """Holds the world being played. A reset puts on a new one: a request that still sleeps in the old one
    ends there, unseen. Ids go on counting, so that one from before the reset is unknown, not another's.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._ids = Ids(setup.first_id)
        self.world = World(setup, self._ids)

    def reset(self) -> None:
        self.world = World(self._setup, self._ids)

"""What the outside world knows: accounts, media, what happened, what shall go wrong, and whom it tells."""

from datetime import datetime

from socialsync.simulator.faults import FaultBook
from socialsync.simulator.webhooks import Courier
from socialsync.simulator.world.accounts import Accounts
from socialsync.simulator.world.directs import Directs
from socialsync.simulator.world.ids import Ids
from socialsync.simulator.world.instagram import Instagram
from socialsync.simulator.world.ledger import Ledger
from socialsync.simulator.world.setup import Setup
from socialsync.simulator.world.whatsapp import WhatsApp

__all__ = ["Setup", "Stage", "World"]


class World:
    def __init__(self, setup: Setup, ids: Ids) -> None:
        self.setup = setup
        self.ids = ids
        self.accounts = Accounts()
        self.instagram = Instagram()
        self.directs = Directs()
        self.whatsapp = WhatsApp()
        self.ledger = Ledger(setup.now)
        self.faults = FaultBook()
        self.webhooks = Courier(setup.callback)

    def now(self) -> datetime:
        return self.setup.now()

    def silence(self) -> None:
        """Nobody is told any more, of what still waits neither."""
        self.webhooks.stop()
        self.webhooks = Courier(None)


class Stage:
    """Holds the world being played. A reset puts on a new one: a request that still sleeps in the old one
    ends there, unseen. Ids go on counting, so that one from before the reset is unknown, not another's.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._ids = Ids(setup.first_id)
        self.world = World(setup, self._ids)

    def reset(self) -> None:
        """The new world is set up as the first one was, its callback included."""
        self.world.webhooks.stop()
        self.world = World(self._setup, self._ids)

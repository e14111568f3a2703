"""A shed beside the house: a local server that plays the outside world, with faults on demand.

It shares no code with SocialSync, so that neither can hide the other's mistakes. ``graph`` plays Meta,
``faults`` spoils it on demand, ``world`` remembers what happened, ``webhooks`` tells it, ``control`` is the
door of those who test (``/_sim``).
"""

from socialsync.simulator.app import create_app
from socialsync.simulator.server import run, server_for
from socialsync.simulator.webhooks import Callback

__all__ = ["Callback", "create_app", "run", "server_for"]

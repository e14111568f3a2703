"""Webhooks out: what happened, told to whoever asked to be called."""

from socialsync.simulator.webhooks.bodies import StatusUpdate, raw
from socialsync.simulator.webhooks.callback import Callback
from socialsync.simulator.webhooks.courier import Courier
from socialsync.simulator.webhooks.parcels import Parcel

__all__ = ["Callback", "Courier", "Parcel", "StatusUpdate", "raw"]

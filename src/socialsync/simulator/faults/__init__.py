"""What shall go wrong, when, and how often."""

from socialsync.simulator.faults.base import Moment
from socialsync.simulator.faults.book import FaultBook, Seen
from socialsync.simulator.faults.specs import ACTIONS, Fault, parse_faults

__all__ = ["ACTIONS", "Fault", "FaultBook", "Moment", "Seen", "parse_faults"]

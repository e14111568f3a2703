"""What shall go wrong, when, and how often."""

from socialsync.simulator.faults.base import Moment
from socialsync.simulator.faults.book import FaultBook, Seen
from socialsync.simulator.faults.specs import Fault, parse_faults

__all__ = ["Fault", "FaultBook", "Moment", "Seen", "parse_faults"]

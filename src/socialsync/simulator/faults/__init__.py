"""What shall go wrong, when, and how often."""

from socialsync.simulator.faults.book import FaultBook, Seen
from socialsync.simulator.faults.specs import Fault, Moment, parse_faults

__all__ = ["Fault", "FaultBook", "Moment", "Seen", "parse_faults"]

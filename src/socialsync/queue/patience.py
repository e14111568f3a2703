"""How long the engine waits before it believes the worst. Only tests have reason to give other numbers."""

from dataclasses import dataclass

from socialsync.queue.deadman import DEAF_AFTER
from socialsync.queue.lease import BEAT_EVERY, CUT_OFF_AFTER
from socialsync.queue.rescue import DEAD_AFTER_S, STEADY_FOR


@dataclass(frozen=True)
class Patience:
    """Seconds. A worker that is cut off must be sure of it before others are: ``cut_off_after`` and the grace
    of cancelled jobs end before ``dead_after``.

    Attributes:
        beat_every: between two heartbeats.
        cut_off_after: without a heartbeat a worker ends its own jobs.
        dead_after: without a heartbeat others take them.
        steady_for: a rescuer's own session must have lasted, before it judges by locks.
        answer_within: an answer of Postgres must come.
        deaf_after: a blocked loop ends its process.
    """

    beat_every: float = BEAT_EVERY
    cut_off_after: float = CUT_OFF_AFTER
    dead_after: float = DEAD_AFTER_S
    steady_for: float = STEADY_FOR
    answer_within: float = 15.0
    deaf_after: float = DEAF_AFTER

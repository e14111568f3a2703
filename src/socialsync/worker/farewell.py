"""How urgently all is to end: with every signal, and every end of patience, a step more."""

from dataclasses import dataclass
from enum import IntEnum

ABORT_WITHIN = 20.0
"""Seconds for cancelled jobs to end and be written, before their process is killed."""
_MARGIN = 1.0
"""Seconds in which the children, who watch the drain timeout too, come first."""


class Step(IntEnum):
    """What the children are told."""

    STAY = 0
    DRAINING = 1
    ABORTING = 2
    KILLING = 3


@dataclass(frozen=True)
class Farewell:
    """The step that is reached, and until when it may last (monotonic seconds)."""

    step: Step = Step.STAY
    until: float = 0.0

    @property
    def begun(self) -> bool:
        return self.step is not Step.STAY

    def next(self, at: float, *, drain_timeout: float) -> "Farewell":
        """One step more urgent; killing is the last."""
        step = Step(min(Step.KILLING, self.step + 1))
        return Farewell(step, at + (drain_timeout + _MARGIN if step is Step.DRAINING else ABORT_WITHIN))

    def overdue(self, at: float) -> bool:
        """Whether patience is at its end."""
        return self.begun and self.step is not Step.KILLING and at >= self.until

"""Faults of the webhooks that follow an accepted message. All that hit one message work together."""

from typing import Literal

from pydantic import Field
from typing_extensions import override

from socialsync.simulator.faults.base import FaultBase, Moment

_LONGEST_DELAY_S = 24 * 3600


class StatusesFault(FaultBase):
    """Hits messages as they are accepted, while somebody wants to be told."""

    @property
    @override
    def moment(self) -> Moment:
        return Moment.STATUSES

    @property
    @override
    def is_final(self) -> bool:
        return False


class StatusFailed(StatusesFault):
    """Accepted, and then it fails. What is not given comes from what Meta is known to say for this code."""

    action: Literal["status_failed"]
    code: int = 131026
    title: str | None = None
    details: str | None = None


class DuplicateStatuses(StatusesFault):
    """The whole sequence is told this many times, one after the other."""

    action: Literal["duplicate_statuses"]
    copies: int = Field(default=2, ge=2, le=100)


class ReorderStatuses(StatusesFault):
    """The last comes first: read, delivered, sent. The times in them stay true."""

    action: Literal["reorder_statuses"]


class NoStatuses(StatusesFault):
    """It arrives, and nobody is told."""

    action: Literal["no_statuses"]


class DelayStatuses(StatusesFault):
    """Nobody is told for this long."""

    action: Literal["delay_statuses"]
    seconds: float = Field(ge=0, le=_LONGEST_DELAY_S)


class StatusBeforeAnswer(StatusesFault):
    """The first status is told, and heard if that takes no longer than a few seconds, before the call that
    sent the message is answered.
    """

    action: Literal["status_before_answer"]

"""Faults of a server of models. They hit calls to ``/v1`` only."""

from typing import Literal

from typing_extensions import override

from socialsync.simulator.faults.base import FaultBase, Moment


class InsufficientQuota(FaultBase):
    """429 whose code is ``insufficient_quota``: nobody pays, so there is no use in coming back."""

    action: Literal["insufficient_quota"]

    @property
    @override
    def moment(self) -> Moment:
        return Moment.QUOTA


class Malformed(FaultBase):
    """The call is made, and its answer is not what was asked for.

    Args:
        how: ``content`` gives OpenAI's shape with half a text in it, a vector too few, or no result; ``body``
            gives 200 with JSON, or a stream, that ends half-way.
    """

    action: Literal["malformed"]
    how: Literal["content", "body"] = "content"

    @property
    @override
    def moment(self) -> Moment:
        return Moment.ANSWER

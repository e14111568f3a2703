"""Faults of the webhooks that tell of comments, the account's own too. All that hit one comment work
together; match them by account.
"""

from typing import Literal

from pydantic import Field
from typing_extensions import override

from socialsync.simulator.faults.base import FaultBase, Moment

_LONGEST_DELAY_S = 24 * 3600


class CommentsFault(FaultBase):
    """Hits comments as they are told, while somebody wants to be."""

    @property
    @override
    def moment(self) -> Moment:
        return Moment.COMMENTS

    @property
    @override
    def is_final(self) -> bool:
        return False


class DuplicateComments(CommentsFault):
    """The comment is told this many times."""

    action: Literal["duplicate_comments"]
    copies: int = Field(default=2, ge=2, le=100)


class ReorderComments(CommentsFault):
    """Of comments that come together, the comment is told before those that were written earlier."""

    action: Literal["reorder_comments"]


class NoComments(CommentsFault):
    """Nobody is told: only who looks sees it. With ``times`` null and an account, its webhooks are off."""

    action: Literal["no_comments"]


class DelayComments(CommentsFault):
    """Nobody is told for this long."""

    action: Literal["delay_comments"]
    seconds: float = Field(ge=0, le=_LONGEST_DELAY_S)

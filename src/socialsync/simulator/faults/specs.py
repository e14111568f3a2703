"""The faults one can order, as ``POST /_sim/faults`` spells them.

Faults answer *before* anything happened, or *after* it did: the latter only hit requests that
succeeded, so that a refusal in between does not use one up.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, TypeAdapter, model_validator
from typing_extensions import override

from socialsync.simulator.faults import models
from socialsync.simulator.faults.base import FaultBase, Moment
from socialsync.simulator.faults.comments import (
    DelayComments,
    DuplicateComments,
    NoComments,
    ReorderComments,
)
from socialsync.simulator.faults.statuses import (
    DelayStatuses,
    DuplicateStatuses,
    NoStatuses,
    ReorderStatuses,
    StatusBeforeAnswer,
    StatusFailed,
)

_LONGEST_DELAY_S = 600
_LONGEST_PROCESSING_S = 7 * 24 * 3600
When = Literal["before", "after"]


def _sendable(value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ValueError("must be printable ASCII")
    return value


_HeaderText = Annotated[str, AfterValidator(_sendable)]
Headers = dict[_HeaderText, _HeaderText]


class _Timed(FaultBase):
    when: When = "before"

    @property
    @override
    def moment(self) -> Moment:
        return Moment.BEFORE if self.when == "before" else Moment.AFTER


class Slow(_Timed):
    """Wait before the effect, or between the effect and its answer. Goes together with other faults."""

    action: Literal["slow"]
    delay_s: float = Field(ge=0, le=_LONGEST_DELAY_S)

    @property
    @override
    def is_final(self) -> bool:
        return False


class StatusAnswer(_Timed):
    """Any status, with any body: an object, a text (as of a proxy), or by default a Graph error that fits."""

    action: Literal["status"]
    status: int = Field(ge=400, le=599)
    headers: Headers = {}
    body: dict[str, Any] | str | None = None


class ErrorAnswer(_Timed):
    """A Graph error. What is not given comes from what Meta is known to say for this code and subcode."""

    action: Literal["error"]
    code: int
    subcode: int | None = None
    message: str | None = None
    type: str | None = None
    http_status: int | None = Field(default=None, ge=400, le=599)
    is_transient: bool | None = None
    user_title: str | None = None
    user_msg: str | None = None
    details: str | None = None
    headers: Headers = {}


class RetryAfter(FaultBase):
    """A rate limit, with ``Retry-After`` and a full business use case. The code fits the platform."""

    action: Literal["retry_after"]
    retry_after_s: int = Field(ge=0, le=7 * 24 * 3600)
    status: int = Field(default=429, ge=400, le=599)
    code: int | None = None


class RevokeToken(FaultBase):
    """190 with this subcode, for ever: give `match.token`, or `match.account` for all of an account's."""

    action: Literal["revoke_token"]
    subcode: Literal[458, 459, 460, 463, 464, 467] = 463
    times: int | None = Field(default=None, ge=1)


class LostAnswer(FaultBase):
    """It happens, then the connection is closed without a word."""

    action: Literal["lost_answer"]

    @property
    @override
    def moment(self) -> Moment:
        return Moment.AFTER


class Drop(FaultBase):
    """Nothing happens, and the connection is closed without a word."""

    action: Literal["drop"]


class Usage(FaultBase):
    """An ordinary answer with these usage headers: percent, and minutes until access is regained."""

    action: Literal["usage"]
    call_count: int = Field(default=0, ge=0)
    total_time: int = Field(default=0, ge=0)
    total_cputime: int = Field(default=0, ge=0)
    estimated_time_to_regain_access: int = Field(default=0, ge=0)

    @property
    @override
    def moment(self) -> Moment:
        return Moment.USAGE


class ContainerFault(FaultBase):
    """Hits containers as they are made; with a match on another `kind` or a `path`, as they are read or
    published.
    """

    @property
    @override
    def moment(self) -> Moment:
        return Moment.CONTAINER


class ContainerInProgress(ContainerFault):
    """The container stays IN_PROGRESS for this many status reads, and this many seconds."""

    action: Literal["container_in_progress"]
    reads: int = Field(default=0, ge=0)
    seconds: float = Field(default=0.0, ge=0, le=_LONGEST_PROCESSING_S)

    @model_validator(mode="after")
    def _takes_a_while(self) -> "ContainerInProgress":
        if not self.reads and not self.seconds:
            raise ValueError("needs reads or seconds")
        return self


class ContainerError(ContainerFault):
    """The container fails with this publishing subcode."""

    action: Literal["container_error"]
    subcode: int = 2207053


class ContainerExpired(ContainerFault):
    """The container is found expired, however young."""

    action: Literal["container_expired"]


Fault = Annotated[
    Slow
    | StatusAnswer
    | ErrorAnswer
    | RetryAfter
    | RevokeToken
    | LostAnswer
    | Drop
    | Usage
    | models.InsufficientQuota
    | models.Malformed
    | ContainerInProgress
    | ContainerError
    | ContainerExpired
    | StatusFailed
    | DuplicateStatuses
    | ReorderStatuses
    | NoStatuses
    | DelayStatuses
    | StatusBeforeAnswer
    | DuplicateComments
    | ReorderComments
    | NoComments
    | DelayComments,
    Field(discriminator="action"),
]

ACTIONS: Mapping[str, type[FaultBase]] = {
    get_args(fault.model_fields["action"].annotation)[0]: fault for fault in get_args(get_args(Fault)[0])
}
"""The faults by what they do."""
_FAULTS: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])


def parse_faults(body: bytes) -> Sequence[Fault]:
    """One fault or a list of them, from JSON.

    Raises:
        pydantic.ValidationError: its first location is the index in the list, the second the action.
    """
    return _FAULTS.validate_json(b"[" + body + b"]" if body.lstrip()[:1] == b"{" else body)

"""What every fault has: which requests it hits, how often, and when it is looked for."""

import re
from enum import Enum, auto
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from socialsync.simulator.kinds import Kind


class Moment(Enum):
    """When a fault is looked for."""

    BEFORE = auto()
    CONTAINER = auto()
    STATUSES = auto()
    COMMENTS = auto()
    AFTER = auto()
    USAGE = auto()
    QUOTA = auto()
    ANSWER = auto()


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Match(Strict):
    """Which requests: those that fit all that is given, so every request when nothing is.

    Args:
        path: how the path starts, version included (``/v25.0/178``), or a regular expression found in it.
        account: the external id of the acting account.
        token: never shown again.
    """

    method: Literal["GET", "POST", "DELETE"] | None = None
    path: str | None = None
    kind: Kind | None = None
    account: str | None = None
    token: SecretStr | None = None

    @field_validator("path")
    @classmethod
    def _is_regular_expression(cls, path: str | None) -> str | None:
        try:
            re.compile(path or "")
        except re.error as problem:
            raise ValueError(f"is no regular expression: {problem}") from problem
        return path


class FaultBase(Strict):
    """What all faults have.

    Args:
        times: how often it hits; None for ever.
        skip: how many matching requests it lets pass first.
        probability: of each matching request after those to be hit. The dice are the same after each reset.
    """

    match: Match = Match()
    times: int | None = Field(default=1, ge=1)
    skip: int = Field(default=0, ge=0)
    probability: float = Field(default=1.0, gt=0, le=1)

    @property
    def moment(self) -> Moment:
        return Moment.BEFORE

    @property
    def is_final(self) -> bool:
        """Whether it decides the matter, so that no further fault is looked for."""
        return True

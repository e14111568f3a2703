"""How often a job is tried, how long it may run, and what becomes of it when its worker dies.

Policies are data. This is the one place of the queue that translates error kinds.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from typing_extensions import override

from socialsync import clock
from socialsync.errors import Permanent, Refused, Temporary, UnknownOutcome

OnDeath = Literal["requeue", "fail", "drop"]


class SoftTimeLimitExceeded(asyncio.CancelledError, Exception):
    """Raised in the task, at the point where it awaits, when its soft limit has come: tidy up and end.

    It is a cancellation too, so that task groups end their children; and an ``Exception``, so that the policy
    tries the job again like after any other.
    """


class HardTimeLimitExceeded(Permanent):
    """The job ran past its hard limit, was ended and is not tried again."""


class Wait(Exception):
    """Raised by a task to run again after ``wait``: to wait is not to fail, no attempt is spent."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"Wait for {wait.total_seconds():g} s")
        self.wait = wait


Random = Callable[[], float]


@dataclass(frozen=True)
class Policy:
    """One row of the table below.

    Attributes:
        waits: the wait after the first failure, the second, ...; as many retries as there are waits.
        jitter: each wait is multiplied by a random factor of 1 +- this.
        soft: after this long the task is told to end (``SoftTimeLimitExceeded``).
        hard: after this long it is ended.
        on_death: what becomes of a job whose worker died: back to the queue, failed because an effect that
            must not be paid twice may have happened, or dropped because the next tick replaces it.
    """

    name: str
    waits: tuple[timedelta, ...]
    soft: timedelta
    hard: timedelta
    on_death: OnDeath
    jitter: float = 0.0

    @property
    def retries(self) -> int:
        return len(self.waits)

    def wait_after(
        self, error: BaseException, attempts: int, chance: Random = random.random
    ) -> timedelta | None:
        """How long to wait before the next attempt, or None when there is none.

        Args:
            error: what ended this attempt. What cannot get better by itself is never repeated, and neither
                is what may already have happened; a ``Temporary`` may name its own wait.
            attempts: failed attempts before this one; 0 at the first failure.
            chance: gives a number in [0, 1) for the jitter.
        """
        if isinstance(error, (Permanent, UnknownOutcome, Refused)) or not isinstance(error, Exception):
            return None
        if attempts >= self.retries:
            return None
        if isinstance(error, Temporary) and error.retry_after is not None:
            return error.retry_after
        return self.waits[attempts] * (1 + self.jitter * (2 * chance() - 1))


def _doubling(first: timedelta, times: int, cap: timedelta | None = None) -> tuple[timedelta, ...]:
    waits = (first * 2**n for n in range(times))
    return tuple(min(wait, cap) if cap else wait for wait in waits)


def _s(seconds: int) -> timedelta:
    return timedelta(seconds=seconds)


_MINUTES = timedelta(minutes=1)
_EASY = _doubling(_s(60), 3, cap=_s(600))

POLICIES = {
    policy.name: policy
    for policy in (
        Policy("publish", (5 * _MINUTES, 10 * _MINUTES, 20 * _MINUTES), _s(1740), _s(1800), "requeue"),
        Policy("comment", (5 * _MINUTES,) * 3, _s(1740), _s(1800), "requeue"),
        Policy("message", _EASY, _s(240), _s(300), "requeue", jitter=0.2),
        Policy("state", _doubling(_s(5), 3), _s(240), _s(300), "requeue"),
        Policy("base", _EASY, _s(270), _s(300), "requeue", jitter=0.2),
        Policy("idempotent", _doubling(_s(60), 5, cap=_s(600)), _s(270), _s(300), "requeue", jitter=0.2),
        Policy("critical", (), _s(270), _s(300), "fail"),
        Policy("bulk", _EASY, _s(1740), _s(1800), "requeue", jitter=0.2),
        Policy("tick", (), _s(50), _s(50), "drop"),
    )
}


class PolicyRetry(BaseRetryStrategy):
    """A policy as procrastinate's retry strategy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    @override
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        wait = self.policy.wait_after(exception, job.attempts)
        return None if wait is None else RetryDecision(retry_at=clock.now() + wait)

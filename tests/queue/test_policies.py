"""How long each policy waits, counted from the first failure."""

from datetime import timedelta
from itertools import accumulate

import pytest

from socialsync.errors import Conflict, Forbidden, Invalid, NotFound, Permanent, Temporary, UnknownOutcome
from socialsync.queue.policies import POLICIES, Policy

MIDDLE, LOWEST, HIGHEST = 0.5, 0.0, 1.0


def waits(policy: Policy, chance: float = MIDDLE) -> list[float]:
    found = []
    while (wait := policy.wait_after(RuntimeError("it failed"), len(found), lambda: chance)) is not None:
        found.append(wait.total_seconds())
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("publish", [300, 600, 1200]),
        ("comment", [300, 300, 300]),
        ("message", [60, 120, 240]),
        ("state", [5, 10, 20]),
        ("base", [60, 120, 240]),
        ("idempotent", [60, 120, 240, 480, 600]),
        ("critical", []),
        ("bulk", [60, 120, 240]),
        ("tick", []),
    ],
)
def test_each_policy_waits_as_the_design_says(name, expected):
    assert waits(POLICIES[name]) == expected


def test_a_message_is_tried_again_60_180_and_420_seconds_after_its_first_failure():
    assert list(accumulate(waits(POLICIES["message"]))) == [60, 180, 420]


@pytest.mark.parametrize("name", ["message", "base", "idempotent", "bulk"])
def test_jitter_moves_a_wait_by_a_fifth_at_most(name):
    policy = POLICIES[name]
    for low, middle, high in zip(waits(policy, LOWEST), waits(policy), waits(policy, HIGHEST), strict=True):
        assert low == pytest.approx(middle * 0.8)
        assert high == pytest.approx(middle * 1.2)


@pytest.mark.parametrize("name", ["publish", "comment", "state"])
def test_these_policies_have_no_jitter(name):
    assert waits(POLICIES[name], LOWEST) == waits(POLICIES[name], HIGHEST)


@pytest.mark.parametrize("kind", [Permanent, UnknownOutcome, Invalid, NotFound, Conflict, Forbidden])
def test_what_cannot_get_better_or_may_have_happened_is_never_repeated(kind):
    assert POLICIES["idempotent"].wait_after(kind("no"), 0) is None


def test_a_temporary_error_may_name_its_own_wait():
    error = Temporary("rate limited", retry_after=timedelta(seconds=7))
    assert POLICIES["publish"].wait_after(error, 0) == timedelta(seconds=7)


def test_naming_a_wait_does_not_add_attempts():
    error = Temporary("rate limited", retry_after=timedelta(seconds=7))
    assert POLICIES["publish"].wait_after(error, 3) is None


def test_a_cancelled_job_is_not_a_failed_one():
    assert POLICIES["base"].wait_after(KeyboardInterrupt(), 0) is None

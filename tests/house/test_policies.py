"""The policies are those of the design, to the second."""

from socialsync.queue.policies import POLICIES

MINUTE = 60
TABLE = {
    # name: (waits, jitter, soft limit, hard limit in seconds, when its worker dies)
    "publish": ((5 * MINUTE, 10 * MINUTE, 20 * MINUTE), 0, 1740, 1800, "requeue"),
    "comment": ((5 * MINUTE, 5 * MINUTE, 5 * MINUTE), 0, 1740, 1800, "requeue"),
    "message": ((60, 120, 240), 0.2, 240, 300, "requeue"),
    "state": ((5, 10, 20), 0, 240, 300, "requeue"),
    "base": ((60, 120, 240), 0.2, 270, 300, "requeue"),
    "idempotent": ((60, 120, 240, 480, 600), 0.2, 270, 300, "requeue"),
    "critical": ((), 0, 270, 300, "fail"),
    "bulk": ((60, 120, 240), 0.2, 1740, 1800, "requeue"),
    "tick": ((), 0, 50, 50, "drop"),
}
"""The second table of the design's chapter on queues. Operators and alarms count on these numbers."""


def test_the_policies_are_those_of_the_design():
    found = {
        name: (
            tuple(wait.total_seconds() for wait in policy.waits),
            policy.jitter,
            policy.soft.total_seconds(),
            policy.hard.total_seconds(),
            policy.on_death,
        )
        for name, policy in POLICIES.items()
    }
    assert found == TABLE, (
        "A policy is a promise to operators: change queue/policies.py, this table, the documentation and the"
        " changelog together, or neither."
    )


def test_a_policy_is_found_by_its_own_name():
    assert {name: policy.name for name, policy in POLICIES.items()} == {name: name for name in TABLE}


def test_a_task_is_told_to_end_before_it_is_ended():
    early = [name for name, policy in POLICIES.items() if policy.soft > policy.hard]
    assert not early, f"The soft limit comes before the hard one: {early}"

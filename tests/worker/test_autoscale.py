"""Up at once, down slowly, and never to and fro."""

import pytest

from socialsync.worker.autoscale import CALM_FOR, Bounds, Scale, decide

BOUNDS = Bounds(1, 8)


@pytest.mark.parametrize(
    ("wanted", "oldest", "busy", "then"),
    [
        (1, 1.5, [1.0], 2),
        (2, 1.5, [0.9, 0.8], 4),
        (4, 9.0, [1.0] * 4, 8),
        (3, 9.0, [1.0] * 3, 6),
        (6, 9.0, [1.0] * 6, 8),  # no more than MAX
        (8, 9.0, [1.0] * 8, 8),
        (1, 0.9, [1.0], 1),  # nobody waits for long
        (1, None, [1.0], 1),
        (2, 9.0, [1.0, 0.3], 2),  # it waits for something else: a lock, a limit
        (2, 9.0, [1.0], 2),  # the last one that was called still starts
        (2, 9.0, [], 2),
        (0, None, [], 1),  # no fewer than MIN
        (9, None, [0.0] * 9, 8),
    ],
)
def test_more_when_jobs_wait_and_all_are_busy(wanted, oldest, busy, then):
    assert decide(Scale(wanted), BOUNDS, oldest=oldest, busy=busy, at=0).wanted == then


@pytest.mark.parametrize(
    ("busy", "calm"),
    [
        ([0.0, 0.0], True),
        ([0.25, 0.25], True),
        ([0.5, 0.1], False),  # one alone would be busier than half
        ([1.0, 1.0], False),
        ([0.0], False),  # one still starts
    ],
)
def test_fewer_only_when_those_that_stay_have_room_to_spare(busy, calm):
    before = Scale(2, calm_since=0)
    after = decide(before, BOUNDS, oldest=None, busy=busy, at=CALM_FOR)
    assert after.wanted == (1 if calm else 2)
    assert calm or after.calm_since is None


def test_a_busy_moment_begins_the_calm_anew():
    scale = decide(Scale(2), BOUNDS, oldest=None, busy=[0, 0], at=100)
    scale = decide(scale, BOUNDS, oldest=None, busy=[1, 1], at=120)
    scale = decide(scale, BOUNDS, oldest=None, busy=[0, 0], at=121)
    assert decide(scale, BOUNDS, oldest=None, busy=[0, 0], at=121 + CALM_FOR - 1).wanted == 2
    assert decide(scale, BOUNDS, oldest=None, busy=[0, 0], at=121 + CALM_FOR).wanted == 1


def test_one_after_the_other_leaves():
    scale, seen = Scale(4), []
    for second in range(200):
        scale = decide(scale, BOUNDS, oldest=None, busy=[0.0] * scale.wanted, at=second)
        seen.append(scale.wanted)
    assert [seen.count(wanted) for wanted in (4, 3, 2)] == [CALM_FOR] * 3


@pytest.mark.parametrize("load", [0.5, 0.9, 1.7, 2.4, 3.9, 6.0])
def test_a_steady_load_finds_a_number_and_keeps_it(load):
    """``load`` is how many processes it keeps busy; jobs wait when there are fewer."""
    scale, seen = Scale(1), []
    for second in range(2000):
        busy = [min(1.0, load / scale.wanted)] * scale.wanted
        oldest = 5.0 if load >= scale.wanted else None
        scale = decide(scale, BOUNDS, oldest=oldest, busy=busy, at=second)
        seen.append(scale.wanted)
    assert len(set(seen[500:])) == 1
    assert seen[-1] > load


def test_who_was_let_go_is_not_missed():
    assert Bounds(2, 4).fewer() == Bounds(2, 3)
    assert Bounds(3, 3).fewer() == Bounds(2, 2)
    assert Bounds(1, 1).fewer() == Bounds(0, 0)

"""When a child has done its share, and how fast one that fails is followed by another."""

import pytest

from socialsync.worker.backoff import LIVED, Backoff
from socialsync.worker.farewell import ABORT_WITHIN, Farewell, Step
from socialsync.worker.recycling import MIB, Limits, reason
from socialsync.worker.wire import Options, Report


@pytest.mark.parametrize(
    ("limits", "done", "mib", "why"),
    [
        (Limits(), 10**9, 10**6, None),
        (Limits(tasks=100), 99, 0, None),
        (Limits(tasks=100), 130, 0, "130 tasks"),
        (Limits(memory=200 * MIB), 5, 200, None),
        (Limits(memory=200 * MIB), 0, 201, "201 MiB"),
        (Limits(100, 200 * MIB), 100, 300, "100 tasks"),
        (Limits(memory=90 * MIB), 5, 300, None),  # it began with more: so would its successor
    ],
)
def test_a_child_is_replaced_for_its_tasks_or_its_memory(limits, done, mib, why):
    assert reason(limits, Report(done=done, memory=mib * MIB), base_memory=95 * MIB) == why


def waits(*served: float | None) -> list[float]:
    backoff, found = Backoff(), []
    for at, seconds in enumerate(served, 1000):
        backoff = backoff.crashed(at, served=seconds)
        found.append(max(0.0, backoff.until - at))
    return found


def test_who_keeps_failing_waits_longer_and_longer():
    assert waits(*[0.5] * 9) == [0, 1, 2, 4, 8, 16, 30, 30, 30]
    assert waits(None, None, None) == [0, 1, 2]


def test_an_accident_is_mended_at_once():
    assert waits(*[LIVED] * 9) == [0] * 9


def test_the_trouble_is_over_when_a_later_child_has_lived():
    backoff = Backoff().crashed(100, served=None).crashed(102, served=1)
    assert backoff.serving(200, since=50) == backoff, "it has served all along, beside those that fail"
    assert backoff.serving(105, since=103) == backoff
    assert backoff.serving(103 + LIVED, since=103) == Backoff()


def test_patience_grows_shorter():
    farewell = Farewell()
    assert not farewell.begun
    assert not farewell.overdue(10**9)
    farewell = farewell.next(100, drain_timeout=30)
    assert (farewell.step, farewell.overdue(130), farewell.overdue(131)) == (Step.DRAINING, False, True)
    farewell = farewell.next(131, drain_timeout=30)
    assert (farewell.step, farewell.until) == (Step.ABORTING, 131 + ABORT_WITHIN)
    farewell = farewell.next(140, drain_timeout=30).next(140, drain_timeout=30)
    assert farewell.step is Step.KILLING
    assert not farewell.overdue(10**9)


def test_what_is_said_is_understood():
    options = Options("shop.app", "shöp-1", "shöp", ["a b", "c"], None, 1.5)
    assert Options.read(options.written()) == options
    report = Report(ready=True, done=7, busy=0.25)
    assert Report.read(report.written()) == report
    assert Report.read(b'{"ready": tr') is None
    assert Report.read(b'{"unknown": 1}') is None

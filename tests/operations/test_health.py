"""What the state of the queues means."""

import pytest

from socialsync.features.operations import health
from socialsync.queue.inspection import QueueState


def queue(waiting=0, running=0):
    return QueueState(waiting=waiting, running=running, oldest_waiting_s=1.0 if waiting else None)


def told(queues, workers=1):
    return [(alert.level, alert.about) for alert in health.alerts(queues, workers=workers)]


@pytest.mark.parametrize(("waiting", "level"), [(0, None), (500, None), (501, "warn"), (1000, "warn")])
def test_a_deep_queue_is_told(waiting, level):
    assert told({"ingest": queue(waiting)}) == ([(level, "queue:ingest")] if level else [])


def test_a_very_deep_queue_is_an_alarm_and_stands_first():
    queues = {"a": queue(600), "b": queue(1_001)}
    assert told(queues) == [("alarm", "queue:b"), ("warn", "queue:a")]


def test_jobs_without_a_worker_are_an_alarm():
    assert told({"ingest": queue(1)}, workers=0) == [("alarm", "workers")]


def test_without_a_worker_no_tick_comes_so_that_is_an_alarm_though_nothing_waits():
    assert told({"ingest": queue(0, running=1)}, workers=0) == [("alarm", "workers")]


def test_any_alert_degrades():
    assert health.status([]) == "ok"
    assert health.status(health.alerts({"a": queue(501)}, workers=1)) == "degraded"

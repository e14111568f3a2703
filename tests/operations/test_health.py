"""What the state of the queues means."""

import dataclasses

import pytest

from socialsync.features.operations import health
from socialsync.queue.shapes import QueueState, Stranded


def queue(waiting=0, running=0):
    oldest = 1.0 if waiting else None
    return QueueState("q", waiting=waiting, running=running, oldest_waiting_s=oldest, workers=1)


@pytest.mark.parametrize(
    ("change", "alarm"),
    [
        ({}, True), ({"workers": 1}, False), ({"oldest_waiting_s": 59}, False),
        ({"waiting": 0, "oldest_waiting_s": None}, False),
    ],
)  # fmt: skip
def test_jobs_in_a_queue_that_no_worker_serves_are_an_alarm(change, alarm):
    lonely = dataclasses.replace(queue(1), **{"workers": 0, "oldest_waiting_s": 61, **change})
    assert told({"odd": lonely}) == ([("alarm", "queue:odd")] if alarm else [])


def told(queues, workers=1, **more):
    return [(alert.level, alert.about) for alert in health.alerts(queues, workers=workers, **more)]


@pytest.mark.parametrize(
    ("waiting", "level"),
    [(0, "good"), (99, "good"), (100, "fair"), (500, "fair"), (501, "warn"), (1000, "warn"), (1001, "alarm")],
)
def test_depths_have_names(waiting, level):
    assert health.depth(waiting) == level


@pytest.mark.parametrize(("busy", "alarm"), [(None, False), (0.0, False), (0.95, False), (0.96, True)])
def test_workers_that_are_busy_all_the_time_are_an_alarm(busy, alarm):
    assert told({}, utilisation=busy) == ([("alarm", "workers")] if alarm else [])


def test_what_waits_in_a_paused_queue_needs_no_workers_but_a_person():
    [alert] = health.alerts({"a": dataclasses.replace(queue(5_000), paused=True)}, workers=1)
    assert (alert.level, alert.fix) == ("warn", "Resume it: socialsync resume a")


def test_jobs_that_no_worker_of_their_queue_knows_are_an_alarm():
    strange = tuple(Stranded("shop", f"shop.task{n}", 2, 61.0) for n in range(4))
    served = dataclasses.replace(queue(9), stranded=strange)
    [alert] = health.alerts({"shop": served}, workers=1)
    assert (alert.level, alert.about) == ("alarm", "queue:shop")
    assert alert.message == (
        "8 job(s) wait in the queue shop that none of its workers knows: "
        "shop.task0, shop.task1, shop.task2 and 1 more."
    )
    assert told({"shop": dataclasses.replace(served, paused=True)}) == []


@pytest.mark.parametrize(
    ("change", "warned"),
    [
        ({"waiting": 1, "oldest_waiting_s": 61}, True), ({"waiting": 1, "oldest_waiting_s": 59}, False),
        ({"waiting": 1, "oldest_waiting_s": 61, "workers": 0}, True),
        ({"held": ("enqueue-due-posts",)}, True), ({}, False),
    ],
)  # fmt: skip
def test_a_pause_that_holds_back_what_is_due_is_told(change, warned):
    queues = {"scheduler": dataclasses.replace(queue(), paused=True, **change)}
    assert told(queues) == ([("warn", "queue:scheduler")] if warned else [])


def test_a_pause_names_the_schedules_of_which_nothing_comes():
    paused = dataclasses.replace(queue(1), paused=True, held=("enqueue-due-posts",))
    [alert] = health.alerts({"scheduler": paused}, workers=1)
    assert alert.message == (
        "The queue scheduler is paused: 1 job(s) wait, and nothing comes of the schedule enqueue-due-posts."
    )
    assert alert.fix == "Resume it: socialsync resume scheduler"


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

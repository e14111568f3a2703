"""``/metrics``: what the queue does, for Prometheus. Many who ask within a second share one look."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from typing_extensions import override

from socialsync.db.transaction import Database
from socialsync.queue import inspection
from socialsync.queue.shapes import QueueState, ScheduleState, TaskStats, Totals, WorkerState
from socialsync.queue.stats import BUCKETS

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
REMEMBERED_S = 1.0
_BOUNDS = [*(f"{bound:g}" for bound in BUCKETS), "+Inf"]
_pages: WeakKeyDictionary[Database, tuple[float, asyncio.Task[bytes]]] = WeakKeyDictionary()
"""The latest look at each database, and until when it is good."""


@dataclass(frozen=True, eq=False)
class Measured(Collector):
    """One look, as Prometheus's client takes it."""

    totals: Sequence[Totals]
    stats: Sequence[TaskStats]
    queues: Sequence[QueueState]
    workers: Sequence[WorkerState]
    schedules: Sequence[ScheduleState]

    @override
    def collect(self) -> Iterator[Metric]:
        yield from _of_jobs(self.totals, self.stats)
        yield from _of_queues(self.queues)
        yield from _of_workers(self.workers)
        overdue = sum(schedule.overdue for schedule in self.schedules)
        yield _gauge("schedules_overdue", "Schedules whose time passed and that nobody ticked", overdue)


async def page(database: Database) -> bytes:
    """The whole page, in the text format 0.0.4; up to a second old."""
    now = asyncio.get_running_loop().time()
    good_until, look = _pages.get(database, (0.0, None))
    if look is None or now >= good_until or (look.done() and (look.cancelled() or look.exception())):
        look = asyncio.create_task(_look(database))
        look.add_done_callback(_note_error)
        _pages[database] = (now + REMEMBERED_S, look)
    return await asyncio.shield(look)


def render(measured: Measured) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(measured)
    return generate_latest(registry)


async def _look(database: Database) -> bytes:
    async with database.system_transaction("the figures of the whole installation") as session:
        await inspection.bound(session)
        measured = Measured(
            totals=await inspection.totals(session),
            stats=await inspection.task_stats(session),
            queues=await inspection.queues(session),
            workers=await inspection.workers(session),
            schedules=await inspection.schedules(session),
        )
    return render(measured)


def _note_error(look: "asyncio.Task[bytes]") -> None:
    if not look.cancelled():
        look.exception()  # seen, so that asyncio does not complain when everybody has left


def _of_jobs(totals: Sequence[Totals], stats: Sequence[TaskStats]) -> Iterator[Metric]:
    ended = CounterMetricFamily(
        "socialsync_jobs", "Attempts that ended, by what came of them", labels=["task", "queue", "outcome"]
    )
    for row in totals:
        for outcome in ("succeeded", "failed", "retried", "aborted"):
            ended.add_metric([row.task, row.queue, outcome], getattr(row, outcome))
    yield ended
    lasted = HistogramMetricFamily(
        "socialsync_job_duration_seconds", "How long attempts ran", labels=["task"]
    )
    waited = SummaryMetricFamily(
        "socialsync_job_wait_seconds", "How long jobs waited once they could run", labels=["task"]
    )
    for task, rows in itertools.groupby(totals, key=lambda row: row.task):
        ofs = list(rows)
        counts = itertools.accumulate(map(sum, zip(*(row.buckets for row in ofs), strict=True)))
        buckets = list(zip(_BOUNDS, counts, strict=True))
        lasted.add_metric([task], buckets, sum(row.running_s for row in ofs))
        attempts = sum(row.succeeded + row.failed + row.retried + row.aborted for row in ofs)
        waited.add_metric([task], attempts, sum(row.waited_s for row in ofs))
    yield lasted
    yield waited
    rate = GaugeMetricFamily(
        "socialsync_job_success_ratio", "Of the jobs that ended in the last 24 hours", labels=["task"]
    )
    for task_stats in stats:
        if task_stats.success_rate is not None:
            rate.add_metric([task_stats.task], task_stats.success_rate)
    yield rate


def _of_queues(queues: Sequence[QueueState]) -> Iterator[Metric]:
    told = (
        ("queue_depth", "Jobs that could run now, counted up to 10,000", "waiting"),
        ("queue_running", "Jobs that run", "running"),
        ("queue_scheduled", "Jobs that wait for a time, counted up to 10,000", "scheduled"),
        ("queue_oldest_waiting_seconds", "Since the longest waiting job could have run", "oldest_waiting_s"),
        ("queue_failed_last_hour", "Jobs that failed within the last hour", "failed_lately"),
        ("queue_paused", "1 while the queue is paused", "paused"),
        ("queue_workers", "Living workers that serve the queue", "workers"),
    )
    for name, sentence, field in told:
        family = GaugeMetricFamily(f"socialsync_{name}", sentence, labels=["queue"])
        for queue in queues:
            family.add_metric([queue.name], float(getattr(queue, field) or 0))
        yield family


def _of_workers(workers: Sequence[WorkerState]) -> Iterator[Metric]:
    living = [worker for worker in workers if worker.alive]
    yield _gauge("workers_active", "Workers that gave a sign of life lately", len(living))
    yield _gauge("worker_slots", "Jobs that they can run at once", sum(w.concurrency or 0 for w in living))
    yield _gauge("worker_slots_used", "Jobs that they run", sum(w.running for w in living))
    yield _gauge("worker_memory_bytes", "Memory that they hold", sum(w.memory_bytes or 0 for w in living))
    utilisation = inspection.utilisation(workers)
    if utilisation is not None:
        yield _gauge("worker_utilization", "How busy they are as a whole, from 0 to 1", utilisation)


def _gauge(name: str, sentence: str, value: float) -> Metric:
    return GaugeMetricFamily(f"socialsync_{name}", sentence, value=value)

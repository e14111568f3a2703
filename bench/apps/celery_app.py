"""Celery with Redis as broker and result backend, and the same tasks."""

import json
import os
import random
import sys
import time
from datetime import UTC, datetime

from celery import Celery
from sink import tell

_RANDOM = random.Random(1)  # noqa: S311 - the same instants for every rival
_LATE = os.environ.get("BENCH_LATE") == "1"
_SOCKET = os.environ["BENCH_REDIS"]

app = Celery("bench")
app.conf.update(
    broker_url=f"redis+socket://{_SOCKET}?virtual_host=0",
    result_backend=f"redis+socket://{_SOCKET}?virtual_host=1",
    broker_connection_retry_on_startup=True,
    task_default_queue="bench",
    worker_prefetch_multiplier=int(os.environ.get("BENCH_PREFETCH", "4")),
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    task_acks_late=_LATE,
    task_reject_on_worker_lost=_LATE,
)


@app.task(name="bench.noop")
def noop() -> None:
    pass


@app.task(name="bench.touch")
def touch(at: int) -> None:
    tell(at)


def enqueue(count: int) -> None:
    with app.producer_pool.acquire(block=True) as producer:
        for _ in range(count):
            noop.apply_async(producer=producer)


def span() -> None:
    """Print how many results there are, and the seconds from the first to the last."""
    client = app.backend.client
    keys = list(client.scan_iter("celery-task-meta-*", count=1_000))
    ended = [
        datetime.fromisoformat(json.loads(told)["date_done"])
        for start in range(0, len(keys), 1_000)
        for told in client.mget(keys[start : start + 1_000])
    ]
    print(json.dumps({"count": len(ended), "seconds": (max(ended) - min(ended)).total_seconds()}))


def main(what: str, count: int, seconds: float) -> None:
    """``enqueue COUNT``, ``span``, ``latency COUNT EVERY`` or ``scheduled COUNT WITHIN``."""
    if what == "enqueue":
        enqueue(count)
    elif what == "span":
        span()
    elif what == "latency":
        for _ in range(count):
            time.sleep(seconds * _RANDOM.uniform(0.5, 1.5))
            touch.apply_async((time.time_ns(),))
    else:
        first = time.time() + 2
        for _ in range(count):
            at = round((first + _RANDOM.uniform(0, seconds)) * 1e6) * 1000
            touch.apply_async((at,), eta=datetime.fromtimestamp(at / 1e9, UTC))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))

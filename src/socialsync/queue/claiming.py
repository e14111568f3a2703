"""Claiming: many jobs in one statement, in an order that docs/queue.md explains.

The statement is ``queue_claim`` of migration 0004. What the worker remembers between two looks only makes
them cheaper or fairer, never wrong: a lower bound of the ids that can still be waiting, dropped again and
again, and the limit key that was served last.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from procrastinate.jobs import Job

from socialsync import clock
from socialsync.db.direct import Line
from socialsync.queue.tasks import Details, policy_of

_CLAIM = (
    "select id, task_name, priority, lock, queueing_lock, args, scheduled_at, queue_name, attempts, kills,"
    " limit_key, created_at, again_in"
    " from queue_claim(%s, %s::text[], %s::text[], %s::text[], %s, %s, %s, %s, %s, %s)"
)
_FULL_LOOKS_SHARE = 0.1
"""Of a worker's time may go into looks from the very first job on, while it claims full batches."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that is ours now, and what procrastinate's ``Job`` has no place for."""

    job: Job
    kills: int
    bulk: bool
    waited: float


@dataclass(frozen=True)
class Look:
    """What one look found.

    Args:
        jobs: ours now.
        full: whether as many were found as were wanted, so that there may be more.
        again_in: seconds until the next job is due, as far as known; None when none is.
    """

    jobs: Sequence[Claimed]
    full: bool
    again_in: float | None


class Claimer:
    """Claims jobs of tasks that this process knows.

    Args:
        line: a connection for claiming only.
        queues: None for all.
        details: of the known tasks, by name; users may add some while the worker runs.
    """

    def __init__(self, line: Line, *, queues: Iterable[str] | None, details: Mapping[str, Details]) -> None:
        self._line = line
        self._queues = None if queues is None else list(queues)
        self._details = details
        self._names = _Names(-1, [], [])
        self._since = 0
        self._after_key = ""
        self._full_look_at = 0.0

    async def claim(
        self, worker_id: int, tasks: Mapping[str, Any], *, wanted: int, bulk_wanted: int, most_kills: int
    ) -> Look:
        """Claim up to ``wanted`` jobs, of which up to ``bulk_wanted`` bulk ones, and none whose process died
        more than ``most_kills`` times while it ran.

        Raises:
            psycopg.OperationalError: Postgres is away, or the answer was lost: then jobs may be ours that
                nobody knows of (``Lease`` gives them back).
        """
        began = time.monotonic()
        since = 0 if began >= self._full_look_at else self._since
        names = self._known(tasks)
        rows = await self._line.run(
            _CLAIM,
            (
                worker_id, self._queues, names.ordinary, names.bulk, wanted, bulk_wanted, most_kills > 0,
                since, self._after_key, most_kills,
            ),
        )  # fmt: skip
        *claimed, (*_, again_in) = rows
        full = len(claimed) >= wanted
        self._remember(claimed, full=full, looked_from=since, began=began)
        bulks = set(names.bulk)
        now = clock.now().timestamp()
        return Look([_job(row, worker_id, bulks, now) for row in claimed], full, again_in)

    def _remember(
        self, rows: Sequence[tuple[Any, ...]], *, full: bool, looked_from: int, began: float
    ) -> None:
        if rows and rows[-1][10]:
            self._after_key = rows[-1][10]
        if not full:
            self._since = 0
            self._full_look_at = 0.0
            return
        free = [row[0] for row in rows if row[3] is None and row[6] is None]
        self._since = min(free) if free else 0
        if looked_from == 0:
            ended = time.monotonic()
            self._full_look_at = ended + (ended - began) / _FULL_LOOKS_SHARE

    def _known(self, tasks: Mapping[str, Any]) -> "_Names":
        if self._names.count != len(tasks):
            policies = {name: policy_of(task, self._details) for name, task in tasks.items()}
            self._names = _Names(
                len(tasks),
                [name for name, policy in policies.items() if policy.name != "bulk"],
                [name for name, policy in policies.items() if policy.name == "bulk"],
            )
        return self._names


@dataclass(frozen=True)
class _Names:
    """Of so many known tasks: the ordinary and the bulk ones."""

    count: int
    ordinary: list[str]
    bulk: list[str]


def _job(row: tuple[Any, ...], worker_id: int, bulk: set[str], now: float) -> Claimed:
    scheduled_at: datetime | None = row[6]
    ready_at = scheduled_at or row[11]
    job = Job(
        id=row[0],
        status="doing",
        task_name=row[1],
        priority=row[2],
        lock=row[3],
        queueing_lock=row[4],
        task_kwargs=row[5],
        scheduled_at=scheduled_at,
        queue=row[7],
        attempts=row[8],
        worker_id=worker_id,
    )
    waited = max(0.0, now - ready_at.timestamp()) if ready_at else 0.0
    return Claimed(job, row[9] or 0, row[1] in bulk, waited)

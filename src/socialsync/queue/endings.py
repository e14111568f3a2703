"""Endings: how attempts ended, written many in one statement, each only where the job is still ours.

Nothing counts as done before that statement's commit. When its answer is lost it is sent again: what was
written then is no longer ours and does not come back, which changes nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import psycopg

from socialsync import clock, telemetry
from socialsync.db.away import is_away
from socialsync.db.direct import Line

log = telemetry.get_logger(__name__)

Outcome = Literal["succeeded", "failed", "aborted", "todo"]

_FINISH = (
    "select queue_finish(%s, %s::bigint[], %s::text[], array("
    " select clock_timestamp() + wait from unnest(%s::interval[]) with ordinality as w (wait, n) order by n"
    "), %s::integer[], %s::text[], %s::text[], %s::boolean[], %s::bigint[], %s::bigint[], %s::jsonb[],"
    " %s::text[], %s::text[], %s::interval[], %s)"
)
_MOST = 500
_TRY_AGAIN_EVERY = 0.5
_BLOCKED_FOR = 1.0
"""Seconds until what somebody else's open transaction held up is tried again, by itself."""


@dataclass(slots=True)
class Ending:
    """How one attempt ended.

    Args:
        job_id: whose.
        outcome: ``todo`` is another attempt, at ``retry_at``, told by our clock: how far that is from now
            is what the database is told, whose clock may differ.
        spend: whether this attempt counts; to wait is not to fail.
        result: JSON text; None when there is nothing to keep.
        error: one line, without secrets.
        keep: how long the result is kept.
    """

    job_id: int
    outcome: Outcome
    retry_at: datetime | None = None
    priority: int | None = None
    queue: str | None = None
    lock: str | None = None
    spend: bool = True
    delete: bool = False
    result: str | None = None
    error: str | None = None
    traceback: str | None = None
    keep: timedelta = timedelta(hours=1)
    refused: bool = False

    @property
    def tells(self) -> bool:
        return self.result is not None or self.error is not None


class Endings:
    """Collects endings and writes them.

    Args:
        line: a connection for writing only.
        owner: gives the worker's id, or waits until it has one.
        name: the worker's, told with results.
        written: called after each write: what waited for a lock may run now.
    """

    def __init__(
        self,
        line: Line,
        owner: Callable[[], Awaitable[int]],
        *,
        name: str,
        written: Callable[[], None],
    ) -> None:
        self._line = line
        self._owner = owner
        self._name = name
        self._written = written
        self._pending: list[Ending] = []
        self._writing: list[Ending] = []
        self._lost: set[int] = set()
        self._blocked: list[Ending] = []
        self._blocked_until = 0.0
        self._some = asyncio.Event()
        self._none = asyncio.Event()
        self._none.set()

    def add(self, ending: Ending) -> None:
        """Have this written soon."""
        self._pending.append(ending)
        self._some.set()
        self._none.clear()

    def __len__(self) -> int:
        return len(self._pending)

    def ids(self) -> list[int]:
        """Of jobs that have run but are not known to be written: they are ours still, and done."""
        return [ending.job_id for ending in (*self._writing, *self._blocked, *self._pending)]

    def lose(self, kept: Sequence[int]) -> None:
        """Only these jobs are ours still. What the others came to is not written, even if it runs again."""
        ours = set(kept)
        ended = (*self._writing, *self._blocked, *self._pending)
        self._lost |= {id(ending) for ending in ended if ending.job_id not in ours}
        self._pending = [ending for ending in self._pending if ending.job_id in ours]
        self._blocked = [ending for ending in self._blocked if ending.job_id in ours]
        if lost := sorted({ending.job_id for ending in ended} - ours):
            _tell_lost(lost)

    async def all_written(self) -> None:
        """Wait until nothing is left to be written."""
        await self._none.wait()

    async def run(self) -> None:
        """Write until cancelled; an outage of Postgres is waited out."""
        while True:
            await self._some.wait()
            self._writing, self._pending = self._pending[:_MOST], self._pending[_MOST:]
            await self._write(self._writing)
            if self._blocked and time.monotonic() >= self._blocked_until:
                self._writing, self._blocked = self._blocked, []
                await self._write(self._writing)
            self._writing = []
            self._lost.clear()
            if self._pending:
                continue
            if self._blocked:
                await asyncio.sleep(_TRY_AGAIN_EVERY / 5)
            else:
                self._some.clear()
                self._none.set()

    async def _write(self, batch: list[Ending]) -> None:
        left = {ending.job_id: ending for ending in batch}
        while left:
            worker_id = await self._owner()
            left = {job_id: ending for job_id, ending in left.items() if id(ending) not in self._lost}
            if not left:
                return
            try:
                written = await self._send(worker_id, list(left.values()))
            except psycopg.errors.LockNotAvailable:
                await self._set_aside(list(left.values()))
                return
            except Exception as error:  # noqa: BLE001 # also what psycopg has no bytes for
                if is_away(error) or isinstance(error, OSError):
                    log.warning("[WORKER] Cannot write what jobs came to; trying again", count=len(left))
                    await asyncio.sleep(_TRY_AGAIN_EVERY)
                    continue
                await self._divide(list(left.values()), error)
                return
            self._written()
            for job_id in written:
                del left[job_id]
            if left and worker_id == await self._owner():
                _tell_lost(list(left))
                return

    async def _set_aside(self, batch: list[Ending]) -> None:
        """Somebody's open transaction holds one of these up, e.g. by a twin that is not committed: find it,
        and write the others. It is most likely one that goes back to its queue.
        """
        again = [ending for ending in batch if ending.outcome == "todo"]
        middle = len(batch) // 2
        if len(batch) == 1:
            log.warning("[WORKER] Another transaction holds up an ending", job_id=batch[0].job_id)
            self._blocked += batch
            self._blocked_until = time.monotonic() + _BLOCKED_FOR
        elif 0 < len(again) < len(batch):
            await self._write([ending for ending in batch if ending.outcome != "todo"])
            await self._write(again)
        else:
            await self._write(batch[:middle])
            await self._write(batch[middle:])

    async def _divide(self, batch: list[Ending], error: Exception) -> None:
        """One bad value must not stop the others: find it by halves, and tell it instead of storing it."""
        if len(batch) > 1:
            middle = len(batch) // 2
            await self._write(batch[:middle])
            await self._write(batch[middle:])
            return
        (bad,) = batch
        if not bad.tells or bad.refused:
            log.error("[WORKER] Postgres refuses an ending", job_id=bad.job_id, reason=str(error))
            if isinstance(error, psycopg.errors.UniqueViolation):
                await asyncio.sleep(_TRY_AGAIN_EVERY)  # a twin that was not committed yet: it is by now
                await self._write(batch)
            elif bad.outcome != "failed" or not bad.refused:
                refusal = f"Postgres refuses what this attempt came to: {type(error).__name__}."
                await self._write([Ending(bad.job_id, "failed", error=refusal, refused=True)])
            else:
                log.error("[WORKER] Its job is left to be rescued", job_id=bad.job_id)
            return
        log.error("[WORKER] Cannot store what a job came to", job_id=bad.job_id, reason=type(error).__name__)
        bad.result = bad.traceback = None
        bad.refused = True
        bad.error = f"What this attempt came to cannot be stored: {type(error).__name__}."
        if isinstance(error, psycopg.errors.UniqueViolation):
            bad.error = None
        await self._write([bad])

    async def _send(self, worker_id: int, batch: Sequence[Ending]) -> list[int]:
        telling = [ending for ending in batch if ending.tells]
        now = clock.now()
        rows = await self._line.run(
            _FINISH,
            (
                worker_id,
                [ending.job_id for ending in batch],
                [ending.outcome for ending in batch],
                [ending.retry_at and ending.retry_at - now for ending in batch],
                [ending.priority for ending in batch],
                [ending.queue for ending in batch],
                [ending.lock for ending in batch],
                [ending.spend for ending in batch],
                [ending.job_id for ending in batch if ending.delete],
                [ending.job_id for ending in telling],
                [ending.result for ending in telling],
                [ending.error for ending in telling],
                [ending.traceback for ending in telling],
                [ending.keep for ending in telling],
                self._name,
            ),
        )
        return [job_id for (job_id,) in rows]


def _tell_lost(job_ids: list[int]) -> None:
    log.warning("[JOB] Lost to another worker; nothing stored", job_ids=job_ids[:20])

"""The lease: how a worker proves that it lives, hears what happens, and comes back after it was cut off.

A lease is the worker's row and a session lock on its id. Whoever dies loses the lock at once; whoever is cut
off keeps it perhaps, but not its heartbeat. After a lost session the worker registers anew and takes the jobs
that it runs along; what others took meanwhile is not among them, and is cancelled here.
"""

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psutil
import psycopg

from socialsync import clock, telemetry
from socialsync.db.away import is_away
from socialsync.db.direct import Line, is_pooled
from socialsync.queue.neighbours import pid_space

log = telemetry.get_logger(__name__)

BEAT_EVERY = 5.0
CUT_OFF_AFTER = 20.0
"""Seconds without a heartbeat after which a worker ends its jobs itself: at 30 s others take them."""
CONTROL_CHANNEL = "queue_control"
_TRY_AGAIN_EVERY = 0.5
_LOOK_UP_EVERY = 1.0
"""Seconds after which a listener looks up from its connection: it may have been told to distrust it."""

_REGISTER = "select queue_register(%s)"
_TAKE_OVER = "select queue_take_over(%s, %s::bigint[], %s::bigint[])"
_DESCRIBE = """
insert into worker_info
    (worker_id, name, host, pid, pid_space, queues, concurrency, version, leased, supervisor, started_at,
    tasks)
select id, %s, %s, %s, %s, %s::text[], %s, %s, %s, %s, %s, %s::text[] from procrastinate_workers where id = %s
on conflict (worker_id) do nothing
"""
_BEAT = """
with beat as (
    update procrastinate_workers set last_heartbeat = clock_timestamp() where id = %(id)s returning id
)
update worker_info set memory_bytes = %(memory)s, running = %(running)s, busy_share = %(busy)s,
    state = %(state)s, done = %(done)s, tasks = coalesce(%(tasks)s::text[], tasks)
from beat where worker_id = beat.id
returning wanted, array(
    select id from procrastinate_jobs where worker_id = %(id)s and status = 'doing' and abort_requested)
"""
_LEAVE = "select queue_leave(%s)"


@dataclass
class Self:
    """What a worker tells of itself; of ``tasks`` their names."""

    name: str
    queues: list[str] | None
    concurrency: int
    version: str
    supervisor: str | None = None
    tasks: Mapping[str, Any] | None = None
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    pid_space: str | None = field(default_factory=pid_space)
    started_at: datetime = field(default_factory=clock.now)
    state: str = "running"
    running: int = 0
    busy_share: float = 0.0
    done: int = 0


@dataclass(frozen=True)
class Heard:
    """What the lease calls when something happens.

    Args:
        wake: there may be work in one of our queues.
        abort: these jobs of ours are to be aborted.
        wanted: an operator wants us to ``drain`` or ``stop``.
        cut_off: others are about to take what runs: end it.
        kept: after a new registration: only these are ours still, under this id; the rest is lost.
        running: gives the ids of the running jobs.
    """

    wake: Callable[[], None]
    abort: Callable[[Sequence[int]], None]
    wanted: Callable[[str], None]
    cut_off: Callable[[], None]
    kept: Callable[[Sequence[int], int], None]
    running: Callable[[], list[int]]


class Lease:
    """Held while ``run`` runs.

    Args:
        line: a direct connection for this alone.
        us: kept up to date by the worker, told with every heartbeat.
        heard: what to call.
        listen: whether to be woken by NOTIFY at all.
        beat_every: seconds between two heartbeats.
        cut_off_after: seconds without one after which to end what runs.
    """

    def __init__(
        self,
        line: Line,
        us: Self,
        heard: Heard,
        *,
        listen: bool,
        beat_every: float = BEAT_EVERY,
        cut_off_after: float = CUT_OFF_AFTER,
    ) -> None:
        self._line = line
        self._us = us
        self._heard = heard
        self._listen = listen
        self._beat_every = beat_every
        self._cut_off_after = cut_off_after
        self._id: int | None = None
        self._former: list[int] = []
        self._tasks_told = 0
        self._held = asyncio.Event()
        self._doubt = asyncio.Event()
        self._beaten_at = time.monotonic()
        self.steady_since: float | None = None
        """Since when (monotonic) this session lasts unbroken; None while there is none."""

    async def worker_id(self) -> int:
        """Our id, as soon as we have one that holds."""
        while self._id is None or not self._held.is_set():
            await self._held.wait()
        return self._id

    @property
    def current_id(self) -> int | None:
        """Our id while it holds."""
        return self._id if self._held.is_set() else None

    def distrust(self) -> None:
        """Register anew: an answer was lost, and with it perhaps jobs that we claimed unknowingly."""
        self._held.clear()
        self._doubt.set()

    async def run(self) -> None:
        """Hold the lease until cancelled, whatever happens to Postgres."""
        guard = asyncio.create_task(self._guard(), name="lease guard")
        try:
            while True:
                try:
                    await self._hold()
                except (psycopg.Error, OSError) as error:
                    self._held.clear()
                    self.steady_since = None
                    await self._line.close()
                    if is_away(error) or isinstance(error, OSError):
                        log.warning("[WORKER] Cut off from Postgres; trying again", reason=_brief(error))
                    else:
                        log.exception("[WORKER] The lease failed; registering anew")
                    await asyncio.sleep(_TRY_AGAIN_EVERY)
        finally:
            guard.cancel()

    async def leave(self) -> None:
        """Give the lease up, in peace."""
        self._held.clear()
        await self._line.close()  # and with it the lock; a reader may have been cancelled on it
        if self._id is not None:
            try:
                await self._line.run(_LEAVE, (self._id,))
            except (psycopg.Error, OSError) as error:
                log.warning("[WORKER] Left without saying so; others will notice", reason=_brief(error))
        await self._line.close()

    async def _hold(self) -> None:
        connection = await self._line.connect()
        pooled = await is_pooled(self._line)
        await self._register(leased=not pooled)
        if self._listen and not pooled:
            await self._line.listen(self._channels())
        self._doubt.clear()
        self._held.set()
        self.steady_since = time.monotonic()
        self._heard.wake()
        while not self._doubt.is_set():
            await self._beat()
            beat_at = time.monotonic() + self._beat_every
            while not self._doubt.is_set() and (left := beat_at - time.monotonic()) > 0:
                if pooled or not self._listen:
                    await asyncio.sleep(min(left, _LOOK_UP_EVERY))
                elif await self._hear(connection, min(left, _LOOK_UP_EVERY)):
                    break

    async def _register(self, *, leased: bool) -> None:
        sent_at = time.monotonic()
        ((worker_id,),) = await self._line.run(_REGISTER, (leased,))
        if self._id is not None:
            await self._take_over(worker_id)
        self._id = worker_id
        self._beaten_at = sent_at
        us = self._us
        self._tasks_told = 0
        await self._line.run(
            _DESCRIBE,
            (us.name, us.host, us.pid, us.pid_space, us.queues, us.concurrency, us.version, leased,
             us.supervisor, us.started_at, self._new_tasks(), worker_id),
        )  # fmt: skip

    async def _take_over(self, worker_id: int) -> None:
        """Go on under another id; what others took meanwhile is lost.

        Should the answer be lost, then whoever we register as next takes over from both of us.
        """
        assert self._id is not None  # noqa: S101 # there is something to take over
        former = sorted({*self._former, self._id})
        self._former = [*former, worker_id]
        running = self._heard.running()
        ((kept,),) = await self._line.run(_TAKE_OVER, (worker_id, former, running))
        self._former = []
        log.warning("[WORKER] Registered anew", worker_id=worker_id, kept=len(kept), had=len(running))
        self._heard.kept(kept, worker_id)

    async def _beat(self) -> None:
        us = self._us
        sent_at = time.monotonic()  # the answer may take its time; others count from the beat itself
        rows = await self._line.run(
            _BEAT,
            {
                "id": self._id,
                "memory": _memory(),
                "running": us.running,
                "busy": us.busy_share,
                "state": us.state,
                "done": us.done,
                "tasks": self._new_tasks(),
            },
        )
        if not rows:
            log.error("[WORKER] Given up for dead by others; registering anew", worker_id=self._id)
            self.distrust()
            return
        self._beaten_at = sent_at
        ((wanted, aborted),) = rows
        if aborted:
            self._heard.abort(aborted)
        if wanted:
            self._heard.wanted(wanted)

    def _new_tasks(self) -> list[str] | None:
        """Once; and again when users added some meanwhile."""
        tasks = self._us.tasks
        if tasks is None or len(tasks) == self._tasks_told:
            return None
        self._tasks_told = len(tasks)
        return sorted(tasks)

    async def _hear(self, connection: psycopg.AsyncConnection[Any], within: float) -> bool:
        """Pass notifications on for so many seconds; whether a heartbeat is due at once, which reads what
        operators want of us.
        """
        async for notification in connection.notifies(timeout=within):
            if notification.channel == CONTROL_CHANNEL:
                if notification.payload in {self._us.name, str(self._id)}:
                    return True
                self._heard.wake()
                continue
            told = _parsed(notification.payload)
            if told.get("type") == "abort_job_requested":
                self._heard.abort([told["job_id"]])
            else:
                self._heard.wake()
        return False

    async def _guard(self) -> None:
        """End what we run ourselves once we are cut off for so long that others are about to take it."""
        while True:
            silent = time.monotonic() - self._beaten_at
            if silent >= self._cut_off_after:
                if self._heard.running():
                    log.error("[WORKER] Cut off for too long; cancelling what runs", seconds=round(silent))
                self._heard.cut_off()
                await asyncio.sleep(1)
            else:
                await asyncio.sleep(min(1.0, self._cut_off_after - silent))

    def _channels(self) -> list[str]:
        if self._us.queues is None:
            return ["procrastinate_any_queue_v1", CONTROL_CHANNEL]
        return [*(f"procrastinate_queue_v1#{queue}" for queue in self._us.queues), CONTROL_CHANNEL]


def _parsed(payload: str) -> dict[str, Any]:
    try:
        told = json.loads(payload)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _memory() -> int:
    """Bytes that this process keeps resident."""
    return int(psutil.Process().memory_info().rss)


def _brief(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return telemetry.scrub(lines[0]) if lines else type(error).__name__

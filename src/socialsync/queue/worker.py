"""The worker: claims many jobs, runs them on one loop, writes many endings, and survives Postgres.

It replaces procrastinate's ``run()`` and ``stop()`` whole behind ``App._worker()``, the hook of the stock
command (docs/decisions/0004). Of procrastinate it uses the job and its context, middleware and retry
strategies.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import procrastinate
import psycopg
from procrastinate.worker import Worker as StockWorker
from typing_extensions import override

from socialsync import __version__, later, telemetry
from socialsync.db.away import is_away
from socialsync.db.direct import Line
from socialsync.db.transaction import Database
from socialsync.db.urls import Urls
from socialsync.queue.claiming import Claimer, Look
from socialsync.queue.crew import GRACE, Crew
from socialsync.queue.deadman import CONDEMNED, DeadMan, accuse
from socialsync.queue.endings import Ending, Endings
from socialsync.queue.lease import Heard, Lease, Self
from socialsync.queue.patience import Patience
from socialsync.queue.rescue import Rescuer
from socialsync.queue.schedules import New
from socialsync.queue.tasks import Declarations
from socialsync.queue.upkeep import Sweep, Upkeep

log = telemetry.get_logger(__name__)

RESOURCES = "resources"
"""Where a job's context keeps what its process has opened: ``job.additional_context[RESOURCES]``."""
_TRY_AGAIN_EVERY = 0.1
_STATS_EVERY = 2.0
_MOST_UNWRITTEN = 5_000


class Opened(Protocol):
    """What the engine itself needs of a process's resources."""

    @property
    def database(self) -> Database: ...

    @property
    def urls(self) -> Urls: ...


Lifespan = Callable[[], AbstractAsyncContextManager[Opened]]


class Worker(StockWorker):
    """Runs jobs until stopped.

    Args:
        app: the App, which is a list of declarations too.
        tasks: the same, for its policies.
        lifespan: opens what jobs need, for as long as the worker runs.
        timetable: the schedules to seed.
        sweeps: what looks for rows whose job is gone.
        supervisor: the name of what started this process and would start another.
        patience: how long to wait before it believes the worst.
        options: those of procrastinate's worker.
    """

    def __init__(
        self,
        app: procrastinate.App,
        *,
        tasks: Declarations,
        lifespan: Lifespan,
        timetable: Sequence[New],
        sweeps: Sequence[Sweep],
        supervisor: str | None = None,
        patience: Patience = Patience(),  # noqa: B008 # frozen
        **options: Any,
    ) -> None:
        if options.get("concurrency", 1) < 1:
            raise ValueError("concurrency must be at least 1")
        super().__init__(app, **options)
        self._tasks = tasks
        self._lifespan = lifespan
        self._timetable = timetable
        self._sweeps = sweeps
        self._patience = patience
        if not self.worker_name or self.worker_name == "worker":
            self.worker_name = f"{socket.gethostname()}-{os.getpid()}"
        self._us = Self(
            name=self.worker_name,
            queues=None if self.queues is None else list(self.queues),
            concurrency=self.concurrency,
            version=__version__,
            supervisor=supervisor,
            tasks=app.tasks,
        )
        self._stopping = asyncio.Event()
        self._aborting = asyncio.Event()
        self._awake = asyncio.Event()
        self._slot = asyncio.Event()
        self._condemned = False
        self._url = ""
        self.dismissed = False
        """Whether an operator wanted this worker to end."""
        self._dead_man: DeadMan | None = None
        if self.install_signal_handlers:  # a process of its own
            self._dead_man = DeadMan(
                lambda: accuse(self._crew.culprit(self._loop), self._url), patience.deaf_after
            )
        self._crew = Crew(
            self,
            tasks,
            self._us,
            ended=self._end_job,
            changed=self._wake,
            condemn=self._condemn,
            dead_man=self._dead_man,
        )

    @property
    def us(self) -> Self:
        """What it tells of itself, kept up to date."""
        return self._us

    @property
    def fullness(self) -> float:
        """The share of its slots in use: of all of them, or of those for bulk jobs where that is more."""
        bulk = self._crew.bulk / max(1, self.concurrency // 2)
        return min(1.0, max(len(self._crew) / self.concurrency, bulk))

    @override
    def stop(self) -> None:
        """Drain: claim nothing more, let what runs end. Asked again: cancel it and give it back."""
        if self._loop is None:
            self._stop()
        else:  # another thread may ask
            self._loop.call_soon_threadsafe(self._stop)

    @override
    async def run(self) -> None:
        """Until stopped or cancelled; with ``wait=False`` until no job is left that could run now."""
        self.run_task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        try:
            async with contextlib.AsyncExitStack() as stack:
                stack.enter_context(self._signals())
                await self._open(stack)
                if self._dead_man:
                    later.settled()
                work = asyncio.create_task(self._work(), name="claim jobs")
                try:
                    await asyncio.shield(work)
                except asyncio.CancelledError:
                    self.stop()
                    await work
                    raise
                finally:
                    await self._drain()
        finally:
            self._loop = None
            self._stopping.clear()
            self._aborting.clear()
            if self._dead_man:
                self._dead_man.disarm()
        if self._condemned:
            self._exit()

    async def _open(self, stack: contextlib.AsyncExitStack) -> None:
        if self._dead_man:
            self._dead_man.arm(None)
        resources = await stack.enter_async_context(self._lifespan())
        self._url = resources.urls.direct
        self.additional_context = {**(self.additional_context or {}), RESOURCES: resources}
        lines = [
            Line(
                resources.urls.direct,
                name=f"socialsync {of} {self._us.name}"[:63],
                answer_within=self._patience.answer_within,
            )
            for of in ("claims", "endings", "lease", "stats")
        ]
        for line in lines:
            stack.push_async_callback(line.close)
        claims, endings, lease, stats = lines
        crew = self._crew
        heard = Heard(self._wake, crew.abort, self._obey, crew.cut_off, self._keep, self._owned)
        patience = self._patience
        self._lease = Lease(
            lease,
            self._us,
            heard,
            listen=self.listen_notify,
            beat_every=patience.beat_every,
            cut_off_after=patience.cut_off_after,
        )
        self._claimer = Claimer(claims, queues=self._us.queues, details=self._tasks.details)
        self._endings = Endings(endings, self._lease.worker_id, name=self._us.name, written=self._wake)
        upkeep = Upkeep(resources.database, tasks=self._tasks, timetable=self._timetable, sweeps=self._sweeps)
        rescuer = Rescuer(
            resources.database,
            self._tasks,
            steady_since=lambda: self._lease.steady_since,
            steady_for=patience.steady_for,
            dead_after=patience.dead_after,
        )
        stack.push_async_callback(self._lease.leave)
        duties = [
            asyncio.create_task(duty)
            for duty in (
                self._lease.run(),
                self._endings.run(),
                upkeep.run(),
                rescuer.run(),
                crew.keep_time(),
                self._count(stats),
            )
        ]
        for task in duties:
            task.add_done_callback(self._miss)
        stack.push_async_callback(_end, duties)

    async def _work(self) -> None:
        while not self._stopping.is_set():
            free = self.concurrency - len(self._crew)
            if free <= 0 or len(self._endings) > _MOST_UNWRITTEN:
                self._slot.clear()
                await self._slot.wait()
                continue
            self._awake.clear()
            look = await self._look(min(free, max(1, self.concurrency // 2)))
            if look is None:
                continue
            for claimed in look.jobs:
                self._crew.start(claimed)
            if look.full:
                continue  # ask for more before these begin: Postgres works while they run
            if look.jobs:
                await asyncio.sleep(0)  # these begin at once
                continue
            if not self.wait and not len(self._crew):
                await self._endings.all_written()
                look = await self._look(1)
                for claimed in look.jobs if look else ():
                    self._crew.start(claimed)
                if look is not None and not look.jobs:
                    break
            else:
                await self._rest(look)

    async def _look(self, wanted: int) -> Look | None:
        """Claim; None when that was not possible just now."""
        worker_id = await self._lease_or_stop()
        if worker_id is None:
            return None
        self.worker_id = worker_id
        bulk_free = max(1, self.concurrency // 2) - self._crew.bulk
        try:
            look = await self._claimer.claim(
                worker_id,
                self.app.tasks,
                wanted=wanted,
                bulk_wanted=max(0, min(wanted, bulk_free)),
                most_kills=self._crew.most_kills,
            )
        except (psycopg.Error, OSError) as error:
            if is_away(error) or isinstance(error, OSError):
                log.warning("[WORKER] Cannot claim; trying again", reason=type(error).__name__)
            else:
                log.exception("[WORKER] Cannot claim; trying again")
            self._lease.distrust()
            await asyncio.sleep(_TRY_AGAIN_EVERY)
            return None
        if self._lease.current_id != worker_id:
            return None  # claimed in a name that we gave up since: they went back with it
        return look

    async def _lease_or_stop(self) -> int | None:
        if self._lease.current_id is not None:
            return self._lease.current_id
        held = asyncio.create_task(self._lease.worker_id())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((held, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if held.done():
            return held.result()
        held.cancel()
        return None

    async def _rest(self, look: Look) -> None:
        """Until something may have changed: a notification, the next due time, or the poll interval."""
        seconds = self.fetch_job_polling_interval
        if look.again_in is not None:
            seconds = max(0.001, min(seconds, look.again_in))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._awake.wait()

    def _wake(self) -> None:
        self._awake.set()
        self._slot.set()

    def _owned(self) -> list[int]:
        """The jobs that are ours: what runs, and what has run but is not written yet."""
        return [*self._crew.ids(), *self._endings.ids()]

    def _keep(self, job_ids: Sequence[int], worker_id: int) -> None:
        """We have another id, and of our jobs only these."""
        self._crew.keep(job_ids, worker_id)
        self._endings.lose(job_ids)

    def _miss(self, duty: "asyncio.Task[None]") -> None:
        """A duty that ends by itself leaves a worker that only looks alive: end it."""
        if not duty.cancelled() and (error := duty.exception()):
            log.error("[WORKER] A duty failed", exc_info=error)
            self._condemn()

    def _end_job(self, ending: Ending) -> None:
        self._endings.add(ending)

    def _obey(self, wanted: str) -> None:
        """What an operator asked for: ``drain``, or ``stop`` without waiting for what runs."""
        self.dismissed = True
        if not self._stopping.is_set():
            self._stop()
        if wanted == "stop" and not self._aborting.is_set():
            self._us.state = "stopping"
            self._aborting.set()

    def _stop(self) -> None:
        if self._stopping.is_set():
            self._aborting.set()
        else:
            log.info("[WORKER] Draining", running=len(self._crew), worker=self._us.name)
        self._us.state = "draining"
        self._stopping.set()
        self._wake()

    def _condemn(self) -> None:
        self._condemned = True
        self._stop()
        self._aborting.set()

    async def _drain(self) -> None:
        if not await self._crew.drain(self.shutdown_graceful_timeout, self._aborting):
            self._condemned = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * GRACE):
                await self._endings.all_written()

    async def _count(self, line: Line) -> None:
        try:
            while True:
                await asyncio.sleep(_STATS_EVERY)
                await self._write_stats(line)
        finally:
            await self._write_stats(line)

    async def _write_stats(self, line: Line) -> None:
        try:
            await self._crew.stats.write(line)
        except (psycopg.Error, OSError) as error:
            log.warning("[WORKER] Statistics of a few seconds are lost", reason=type(error).__name__)

    def _exit(self) -> None:
        """End the process: a coroutine is left that cannot be ended otherwise."""
        if self._dead_man is None:
            log.error("[WORKER] A job that does not end is left in this process")
            return
        log.error("[WORKER] Condemned: a job could not be ended")
        os._exit(CONDEMNED)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT drain; the second one aborts. Ours stay installed until the end."""
        if not self.install_signal_handlers:
            yield
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


async def _end(duties: "Sequence[asyncio.Task[None]]") -> None:
    for _ in range(2):  # psycopg takes the first for a wish to cancel the statement, and waits for an answer
        if left := [duty for duty in duties if not duty.done()]:
            for duty in left:
                duty.cancel()
            await asyncio.wait(left, timeout=GRACE)

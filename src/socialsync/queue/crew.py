"""The jobs that run in this process: begun, limited in time, aborted, lost, settled."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from procrastinate import exceptions
from procrastinate.job_context import JobContext
from procrastinate.jobs import DeleteJobCondition, Job
from procrastinate.worker import Worker as StockWorker

from socialsync import clock, telemetry
from socialsync.queue import running as attempts
from socialsync.queue.claiming import Claimed
from socialsync.queue.deadman import DeadMan
from socialsync.queue.endings import Ending
from socialsync.queue.lease import Self
from socialsync.queue.running import Running, Why
from socialsync.queue.stats import Stats
from socialsync.queue.tasks import Declarations, policy_of

log = telemetry.get_logger(__name__)

GRACE = 5.0
"""Seconds that a cancelled job has to end, before its process is condemned."""
_BINDING = frozenset({Why.ABORT, Why.HARD, Why.CUT_OFF, Why.LOST})
"""What no job may ignore, unless with its process; ``STOP`` ends that anyway."""
_TICK = 0.1
_MANY = 1_000


class Crew:
    """Everything that runs.

    Args:
        worker: whose settings hold: the App, middleware, context, which jobs to delete.
        tasks: for their policies.
        us: kept up to date, for the heartbeat.
        ended: called with each ending that is to be written.
        changed: called when a slot became free.
        condemn: called once a job cannot be ended but with its process.
        dead_man: of a process that is ours alone.
    """

    def __init__(
        self,
        worker: StockWorker,
        tasks: Declarations,
        us: Self,
        *,
        ended: Callable[[Ending], None],
        changed: Callable[[], None],
        condemn: Callable[[], None],
        dead_man: DeadMan | None,
    ) -> None:
        self._worker = worker
        self._tasks = tasks
        self._us = us
        self._ended = ended
        self._changed = changed
        self._condemn = condemn
        self._dead_man = dead_man
        self._running: set[Running] = set()  # not by id: one that is lost may still unwind while it runs anew
        self.stats = Stats()

    def __len__(self) -> int:
        return len(self._running)

    def ids(self) -> list[int]:
        return [running.id for running in self._running if running.why is not Why.LOST]

    @property
    def bulk(self) -> int:
        """How many bulk jobs run."""
        return sum(running.claimed.bulk for running in self._running)

    @property
    def most_kills(self) -> int:
        """How often a job's process may have died while it ran, for it to run here now: suspects run alone
        among their kind, but those of a single death side by side.
        """
        worst = max((running.claimed.kills for running in self._running), default=0)
        return 0 if worst > 1 else 1 if worst else _MANY

    def start(self, claimed: Claimed) -> None:
        """Begin a job that was just claimed."""
        task = self._worker.app.tasks.get(claimed.job.task_name)
        running = Running(claimed, policy_of(task, self._tasks.details), time.monotonic())
        self._running.add(running)
        self._us.running = len(self._running)
        running.task = asyncio.create_task(self._run(running))
        if self._dead_man:
            self._dead_man.expect(running.hard_at)

    def culprit(self, loop: asyncio.AbstractEventLoop | None) -> Job | None:
        """Whose code the loop runs at this moment, asked from another thread."""
        task = asyncio.current_task(loop) if loop is not None else None
        jobs = (running.claimed.job for running in list(self._running) if running.task is task is not None)
        return next(jobs, None)

    def abort(self, job_ids: Iterable[int]) -> None:
        """Cancel these, as somebody asked."""
        asked = set(job_ids)
        for running in list(self._running):
            if running.id in asked:
                running.cancel(Why.ABORT)

    def cut_off(self) -> None:
        """Others are about to take all that runs: end it. What it comes to is stored if they did not."""
        for running in list(self._running):
            running.cancel(Why.CUT_OFF)

    def keep(self, job_ids: Sequence[int], worker_id: int) -> None:
        """Only these are ours still, under another id, by which ``still_mine`` knows them; what else runs is
        somebody else's: cancel it and store nothing.
        """
        ours = set(job_ids)
        for running in list(self._running):
            if running.id not in ours:
                running.cancel(Why.LOST)
            elif running.why is not Why.LOST:
                running.claimed.job.__dict__["worker_id"] = worker_id  # a frozen class of the library

    async def drain(self, within: float | None, aborting: asyncio.Event) -> bool:
        """Wait ``within`` seconds (None: for ever) or until told to abort; then cancel and put back what
        still runs. Returns whether all coroutines ended.
        """
        tasks = [running.task for running in self._running if running.task]
        if tasks:
            told = asyncio.create_task(aborting.wait())
            over = asyncio.ensure_future(asyncio.wait(tasks))
            await asyncio.wait((over, told), timeout=within, return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
            for running in list(self._running):
                running.cancel(Why.STOP)
            await asyncio.wait([over], timeout=GRACE)
            over.cancel()
        stuck = False
        for running in list(self._running):
            stuck |= running.task is not None and not running.task.done()
            self._settle(running, None if running.why is Why.LOST else attempts.put_back(running))
        return not stuck

    async def keep_time(self) -> None:
        """Until cancelled: time limits, the dead-man switch, and how busy we are."""
        marked_at, used = time.monotonic(), time.process_time()
        while True:
            await asyncio.sleep(_TICK)
            now = time.monotonic()
            next_hard: float | None = None
            for running in list(self._running):
                self._limit(running, now)
                if running.why is None and (next_hard is None or running.hard_at < next_hard):
                    next_hard = running.hard_at
            if self._dead_man:
                self._dead_man.arm(next_hard)
            if now - marked_at >= 1.0:
                cpu = (time.process_time() - used) / (now - marked_at)
                share = min(1.0, max(cpu, len(self._running) / self._worker.concurrency))
                self._us.busy_share = round(0.7 * self._us.busy_share + 0.3 * share, 3)
                self._us.done = self.stats.done
                marked_at, used = now, time.process_time()

    async def _run(self, running: Running) -> None:
        job = running.claimed.job
        worker = self._worker
        task = worker.app.tasks.get(job.task_name)
        result: Any = None
        error: BaseException | None = None
        telemetry.add_to_context(job_id=str(running.id))
        try:
            if task is None:
                raise exceptions.TaskNotFound  # noqa: TRY301 # it ends like any failure of the job
            context = JobContext(
                app=worker.app,
                worker_name=worker.worker_name,
                worker_queues=worker.queues,
                additional_context=dict(worker.additional_context or {}),
                job=job,
                abort_reason=running.abort_reason,
                start_timestamp=clock.now().timestamp(),
            )
            result = await attempts.attempt(running, task, context, worker)
        except BaseException as raised:  # noqa: BLE001 # whatever it was, it becomes the job's ending
            error = raised
        try:
            details = self._tasks.details.get(task.name) if task else None
            ending = attempts.ending(running, task, result, error, details)
        except Exception as raised:
            log.exception("[JOB] Its retry strategy failed", job_id=running.id, task=job.task_name)
            ending = Ending(running.id, "failed", error=attempts.brief(raised))
        self._settle(running, ending)

    def _settle(self, running: Running, ending: Ending | None) -> None:
        """The job is over here: its slot is free, and its ending is on its way."""
        if running not in self._running:
            return
        self._running.remove(running)
        self._us.running = len(self._running)
        if ending is not None:
            delete = self._worker.delete_jobs
            ending.delete = delete is DeleteJobCondition.ALWAYS or (
                delete is DeleteJobCondition.SUCCESSFUL and ending.outcome == "succeeded"
            )
            job = running.claimed.job
            seconds = time.monotonic() - running.began_at
            self.stats.add(
                job.task_name, job.queue, ending.outcome, seconds=seconds, waited=running.claimed.waited
            )
            self._ended(ending)
        self._changed()

    def _limit(self, running: Running, now: float) -> None:
        if running.task is not None and running.task.done():  # cancelled before its first step
            self._settle(running, attempts.ending(running, None, None, asyncio.CancelledError(), None))
        elif running.cancelled_at is not None and running.why in _BINDING:
            if now - running.cancelled_at >= GRACE:
                log.error("[JOB] Does not end when cancelled", job_id=running.id)
                error = asyncio.CancelledError()
                self._settle(running, attempts.ending(running, None, None, error, None))
                self._condemn()
        elif now >= running.hard_at:
            log.error("[JOB] Past its hard limit", job_id=running.id, task=running.claimed.job.task_name)
            running.cancel(Why.HARD)
        elif running.may_be_softened(now):
            running.cancel(Why.SOFT)

"""The supervisor: keeps as many workers as are wanted, and replaces those that have done their share.

Rules decide what is to be done (``roster``, ``recycling``, ``backoff``, ``autoscale``); here it is done.
"""

import asyncio
import contextlib
import functools
import signal
import time

import psycopg

from socialsync import telemetry
from socialsync.db.direct import Line
from socialsync.worker import autoscale, backlog, recycling, reload, roster
from socialsync.worker.autoscale import Scale
from socialsync.worker.backoff import Backoff
from socialsync.worker.farewell import Farewell, Step
from socialsync.worker.orders import Orders
from socialsync.worker.process import Child
from socialsync.worker.roster import Phase, Seen
from socialsync.worker.wire import Options, Status, Word

log = telemetry.get_logger(__name__)

_TICK = 0.25
_ASK_EVERY = 1.0


def supervise(orders: Orders, database: str) -> int:
    """Run until SIGTERM or SIGINT: the first drains, the second aborts, the third kills.

    Args:
        orders: what to keep.
        database: libpq URL, to ask how long jobs wait.

    Returns:
        The exit status: 0, or 1 if the App does not load or a child had to be killed.
    """

    async def run() -> int:
        supervisor = Supervisor(orders, database)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, supervisor.stop)
        return await supervisor.run()

    return asyncio.run(run())


class Supervisor:
    """See the module.

    Args:
        orders: what to keep.
        database: libpq URL, to ask how long jobs wait.
    """

    def __init__(self, orders: Orders, database: str) -> None:
        self._orders = orders
        self._database = database
        self._bounds = orders.bounds
        self._scale = Scale(orders.bounds.least)
        self._children: dict[int, Child] = {}
        self._backoff = Backoff()
        self._generation = 0
        self._broken: int | None = None
        self._served = False
        self._failed = False
        self._farewell = Farewell()
        self._changed = asyncio.Event()

    def stop(self) -> None:
        """Let the children drain; asked again, abort what they run; a third time, kill them."""
        self._farewell = self._farewell.next(time.monotonic(), drain_timeout=self._orders.drain_timeout)
        what = self._farewell.step.name.title()
        log.info(f"[SUPERVISOR] {what}", supervisor=self._orders.name, workers=len(self._children))
        self._changed.set()

    async def run(self) -> int:
        """Until stopped and all children have ended; the exit status, as of ``supervise``."""
        beside = (
            [asyncio.create_task(self._follow_backlog())] if self._bounds.least < self._bounds.most else []
        )
        if self._orders.reload:
            beside.append(asyncio.create_task(self._follow_code()))
        ticked_at = time.monotonic()
        try:
            while not self._farewell.begun or self._children:
                now = time.monotonic()
                await self._tick(now, late=now - ticked_at - _TICK)
                ticked_at = now
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_TICK):
                        await self._changed.wait()
                self._changed.clear()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            for child in self._children.values():  # what is left here drains by the end of its line
                await child.close()
        return int(self._failed)

    async def _tick(self, now: float, *, late: float) -> None:
        for child in [child for child in self._children.values() if child.status is not None]:
            del self._children[child.number]
            await child.close()
            self._bury(child, now)
        for child in self._children.values():
            if late > 1:  # it was us who did not listen: a suspended machine, a stopped process
                child.heard_at += late
            self._look_at(child, now)
        if self._farewell.begun:
            self._say_farewell(now)
        else:
            await self._keep(now)

    async def _keep(self, now: float) -> None:
        """As many as are wanted."""
        children = [
            Seen(child.number, child.phase, self._is_stale(child), child.report.running)
            for child in self._children.values()
        ]
        plan = roster.plan(children, self._scale.wanted)
        for number in plan.retire:
            child = self._children[number]
            child.tell(Word.DRAIN if child.generation < self._generation else Word.RETIRE)
        for _ in range(plan.start if now >= self._backoff.until else 0):
            await self._start(now)

    async def _start(self, now: float) -> None:
        orders = self._orders
        number = roster.lowest_free(set(self._children))
        options = Options(
            app=orders.app,
            name=f"{orders.name}-{number}",
            supervisor=orders.name,
            queues=orders.queues,
            concurrency=orders.concurrency,
            drain_timeout=orders.drain_timeout,
        )
        try:
            child = await Child.start(
                number, self._generation, options, log_level=orders.log_level, changed=self._changed.set
            )
        except OSError as error:
            log.error("[SUPERVISOR] Cannot start a worker", reason=error.strerror)  # noqa: TRY400 - the reason says it
            self._backoff = self._backoff.crashed(now, served=None)
            return
        self._children[number] = child
        log.info("[SUPERVISOR] Started a worker", worker=options.name, pid=child.pid)

    def _look_at(self, child: Child, now: float) -> None:
        report, limits = child.report, self._orders.limits
        if child.silent(now):
            log.error("[SUPERVISOR] Killing a deaf worker", worker=self._name(child), pid=child.pid)
            child.kill()
            child.heard_at = now
        if child.phase is not Phase.SERVING or child.ready_at is None:
            return
        if not self._served and recycling.too_small(limits, child.base_memory):
            log.warning("[SUPERVISOR] Ignoring --max-memory-per-child: a worker starts above it",
                        mib=child.base_memory // recycling.MIB)  # fmt: skip
        self._served = True
        self._backoff = self._backoff.serving(now, since=child.ready_at)
        if report.draining:
            child.leaving = True
            if report.dismissed:
                self._dismiss(child)
        elif child.stale is None:
            child.stale = recycling.reason(limits, report, base_memory=child.base_memory)
            if child.stale:
                log.info("[SUPERVISOR] Replacing a worker", worker=self._name(child), after=child.stale)

    def _bury(self, child: Child, now: float) -> None:
        """What an ended child means for the others."""
        said = {"worker": self._name(child), "pid": child.pid, "status": child.status}
        if self._farewell.begun or child.told or child.status == Status.DISMISSED:
            if child.status == Status.DISMISSED and not child.leaving:
                self._dismiss(child)
            log.info("[SUPERVISOR] A worker has ended", **said)
            return
        log.warning("[SUPERVISOR] A worker ended by itself; replacing it", **said)
        served = None if child.ready_at is None else now - child.ready_at
        self._backoff = self._backoff.crashed(now, served=served)
        if served is None and child.status == Status.UNLOADABLE:
            if any(other.generation < child.generation for other in self._children.values()):
                log.error("[SUPERVISOR] The new code does not start; the old workers go on")
                self._broken = child.generation
            elif not self._served and not self._orders.reload:
                self._failed = True
                self.stop()

    def _dismiss(self, child: Child) -> None:
        """An operator wanted this one to end: there is one process less to keep, for good."""
        self._bounds = self._bounds.fewer()
        self._scale = Scale(min(self._scale.wanted - 1, self._bounds.most))
        log.info(
            "[SUPERVISOR] An operator let a worker go", worker=self._name(child), left=self._scale.wanted
        )
        if self._scale.wanted == 0:
            self.stop()

    def _say_farewell(self, now: float) -> None:
        if self._farewell.overdue(now):
            self.stop()
        for child in self._children.values():
            if self._farewell.step is Step.KILLING:
                self._failed = True
                child.kill()
            else:
                child.tell(Word.DRAIN if self._farewell.step is Step.DRAINING else Word.ABORT)

    def _is_stale(self, child: Child) -> bool:
        return child.stale is not None or child.generation < self._generation != self._broken

    def _name(self, child: Child) -> str:
        return f"{self._orders.name}-{child.number}"

    async def _follow_backlog(self) -> None:
        line = Line(self._database, name=f"socialsync supervisor {self._orders.name}"[:63])
        try:
            while True:
                await asyncio.sleep(_ASK_EVERY)
                with contextlib.suppress(psycopg.Error, OSError):  # Postgres is away: as many as there are
                    self._rescale(await backlog.oldest(line, self._orders.queues))
        finally:
            await line.close()

    def _rescale(self, oldest: float | None) -> None:
        busy = [child.report.busy for child in self._children.values() if child.phase is Phase.SERVING]
        decide = functools.partial(autoscale.decide, oldest=oldest, busy=busy, calm_for=self._orders.calm_for)
        before, self._scale = self._scale, decide(self._scale, self._bounds, at=time.monotonic())
        if self._scale.wanted != before.wanted and not self._farewell.begun:
            log.info(
                "[SUPERVISOR] Scaling", workers=self._scale.wanted, before=before.wanted, oldest_s=oldest
            )
            self._changed.set()

    async def _follow_code(self) -> None:
        async for _ in reload.changes(reload.sources(self._orders.app)):
            self._generation += 1
            self._backoff = Backoff()
            log.info("[SUPERVISOR] The code has changed; replacing the workers")
            self._changed.set()

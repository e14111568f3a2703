"""The worker: procrastinate's loop, with the process's resources opened and the upkeep beside it.

This is its first form. The claim, the finish, the lease and the limits of the queue engine's own worker
replace the stock loop here, behind the same two methods (docs/decisions/0004).
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import procrastinate
import psycopg
from procrastinate import exceptions
from procrastinate.worker import Worker as StockWorker
from typing_extensions import override

from socialsync import telemetry
from socialsync.db.transaction import Database
from socialsync.queue.schedules import New
from socialsync.queue.tasks import Declarations
from socialsync.queue.upkeep import Sweep, Upkeep

log = telemetry.get_logger(__name__)

TRY_AGAIN_EVERY = 2.0
RESOURCES = "resources"
"""Where a job's context keeps what its process has opened: ``job.additional_context[RESOURCES]``."""


class Opened(Protocol):
    """What the engine itself needs of a process's resources."""

    @property
    def database(self) -> Database: ...


Lifespan = Callable[[], AbstractAsyncContextManager[Opened]]


class Worker(StockWorker):
    """Runs jobs until stopped.

    Args:
        app: the App, which is a list of declarations too.
        tasks: the same, for its policies.
        lifespan: opens what jobs need, for as long as the worker runs.
        timetable: the schedules to seed.
        sweeps: what looks for rows whose job is gone.
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
        **options: Any,
    ) -> None:
        super().__init__(app, **options)
        self._tasks = tasks
        self._lifespan = lifespan
        self._timetable = timetable
        self._sweeps = sweeps
        self._cut_off = False

    @override
    async def run(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            resources = await stack.enter_async_context(self._lifespan())
            self.additional_context = {**(self.additional_context or {}), RESOURCES: resources}
            upkeep = Upkeep(
                resources.database, tasks=self._tasks, timetable=self._timetable, sweeps=self._sweeps
            )
            care = asyncio.create_task(upkeep.run(), name="upkeep")
            stack.push_async_callback(_end, care)
            while await self._run_until_stopped_or_cut_off():
                log.warning("[WORKER] Cut off from Postgres; trying again", seconds=TRY_AGAIN_EVERY)
                await asyncio.sleep(TRY_AGAIN_EVERY)

    async def _run_until_stopped_or_cut_off(self) -> bool:
        """Whether Postgres went away; procrastinate's loop ends then, with an error or without."""
        self._cut_off = False
        try:
            await super().run()  # type: ignore[no-untyped-call] # procrastinate leaves it unannotated
        except (exceptions.ConnectorException, psycopg.OperationalError, OSError):
            return True
        return self._cut_off

    @override
    async def _monitor_side_tasks(self, side_tasks: list[asyncio.Task[Any]]) -> None:
        """Procrastinate stops the worker when its listener or heartbeat fails: we begin again instead."""
        await super()._monitor_side_tasks(side_tasks)
        self._cut_off = any(task.done() and not task.cancelled() and task.exception() for task in side_tasks)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

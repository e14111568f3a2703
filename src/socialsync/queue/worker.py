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
from procrastinate.worker import Worker as StockWorker
from typing_extensions import override

from socialsync.db.transaction import Database
from socialsync.queue.schedules import New
from socialsync.queue.tasks import Declarations
from socialsync.queue.upkeep import Sweep, Upkeep

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
            await super().run()  # type: ignore[no-untyped-call] # procrastinate leaves it unannotated


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

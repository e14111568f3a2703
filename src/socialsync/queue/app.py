"""Procrastinate's App with our tasks and our worker behind the stock command."""

from collections.abc import Sequence
from typing import Any

import procrastinate
from procrastinate.connector import BaseConnector
from typing_extensions import override

from socialsync.queue import schedules
from socialsync.queue.patience import Patience
from socialsync.queue.schedules import New
from socialsync.queue.tasks import Declarations
from socialsync.queue.upkeep import Sweep
from socialsync.queue.worker import Lifespan, Worker


class App(Declarations, procrastinate.App):
    """The App that the stock command loads.

    Args:
        connector: where jobs are kept.
        lifespan: opens what a worker's jobs need, for as long as the worker runs.
        timetable: the schedules to seed.
        sweeps: what looks for rows whose job is gone.
        patience: how long a worker waits before it believes the worst.
        options: those of ``procrastinate.App``.
    """

    def __init__(
        self,
        *,
        connector: BaseConnector,
        lifespan: Lifespan,
        timetable: Sequence[New] = (),
        sweeps: Sequence[Sweep] = (),
        patience: Patience = Patience(),  # noqa: B008 # frozen
        **options: Any,
    ) -> None:
        self.details = {}
        procrastinate.App.__init__(self, connector=connector, **options)
        self._ours: dict[str, Any] = {
            "tasks": self,
            "lifespan": lifespan,
            "timetable": timetable,
            "sweeps": sweeps,
            "patience": patience,
        }

    @override
    def _worker(self, **options: Any) -> Worker:
        ours = {**self._ours, "timetable": [*self._ours["timetable"], *schedules.of_periodic(self)]}
        return Worker(self, **ours, **{**self.worker_defaults, **options})

    def worker(self, **options: Any) -> Worker:
        """A worker that does not run yet, for whoever watches over it.

        Args:
            options: those of ``run_worker_async``, and ``supervisor``, the name of who watches.
        """
        return self._worker(**options)

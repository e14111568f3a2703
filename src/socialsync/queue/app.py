"""Procrastinate's App with our tasks, our job manager and our worker behind the stock command."""

from collections.abc import Sequence
from typing import Any

import procrastinate
from procrastinate.connector import BaseConnector
from typing_extensions import override

from socialsync.queue.manager import JobManager
from socialsync.queue.schedules import Entry
from socialsync.queue.tasks import Declarations
from socialsync.queue.worker import Lifespan, Worker


class App(Declarations, procrastinate.App):
    """The App that the stock command loads.

    Args:
        connector: where jobs are kept.
        lifespan: opens what a worker's jobs need, for as long as the worker runs.
        timetable: the schedules to seed.
        options: those of ``procrastinate.App``.
    """

    def __init__(
        self, *, connector: BaseConnector, lifespan: Lifespan, timetable: Sequence[Entry] = (), **options: Any
    ) -> None:
        self.details = {}
        procrastinate.App.__init__(self, connector=connector, **options)
        self.job_manager = JobManager(connector)
        self._lifespan = lifespan
        self._timetable = timetable

    @override
    def _worker(self, **options: Any) -> Worker:
        given = {**self.worker_defaults, **options}
        return Worker(self, tasks=self, lifespan=self._lifespan, timetable=self._timetable, **given)

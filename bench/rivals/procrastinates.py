"""Ours and the stock one: the same tables, so the same questions."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import override

from bench.ground import Connection, Ground
from bench.processes import Process, run
from bench.progress import Tell
from bench.rivals.contract import APPS, LOOK_EVERY, QUEUE, Rival, Stuck, environment_of
from socialsync.db import migrations
from socialsync.db.embedded import APP_ROLE

_MIGRATED = "ours_migrated"
STATEMENT = 10_000
"""Jobs enqueued in one statement."""
_DEFER = """
select count(*) from unnest(procrastinate_defer_jobs_v1(array(
    select row(%(queue)s, %(task)s, 0, null, null, %(args)s::jsonb, null)::procrastinate_job_to_defer_v1
    from generate_series(1, %(count)s)
)))
"""
_SPAN = """
select count(*) filter (where type = 'succeeded'),
    extract(epoch from max(at) filter (where type = 'succeeded')
        - min(at) filter (where type = 'started'))::float
from procrastinate_events where id > %s
"""


class Procrastinate(Rival):
    """What both have in common.

    Args:
        database: its name.
    """

    app: str
    tables: str

    def __init__(self, ground: Ground, database: str) -> None:
        super().__init__(ground)
        self.database = database
        self._kept: Connection | None = None
        self._mark = 0
        self._filled = 0

    @property
    def connection(self) -> Connection:
        """Kept open: connecting costs more than asking."""
        if self._kept is None or self._kept.closed or self._kept.broken:
            self._kept = self.ground.connect(self.database)
        return self._kept

    @property
    def environment(self) -> Mapping[str, str]:
        return {}

    @property
    def python(self) -> str:
        return sys.executable

    @override
    def reset(self) -> None:
        self.connection.execute(f"truncate {self.tables} restart identity cascade".encode())

    def reset_jobs(self) -> None:
        """Forget all jobs, but not the workers."""
        self.connection.execute("truncate procrastinate_jobs, procrastinate_events restart identity cascade")

    @override
    def fill(self, count: int, task: str = "bench.noop") -> int:
        """Give the id of the last event before they start, too."""
        self.defer(count, task)
        self.connection.execute("vacuum analyze procrastinate_jobs")
        self._mark, self._filled = self._events(), count
        return self._mark

    def defer(self, count: int, task: str = "bench.noop", args: str = "{}") -> None:
        """Enqueue with procrastinate's own function."""
        for start in range(0, count, STATEMENT):
            n = min(STATEMENT, count - start)
            self.connection.execute(_DEFER, {"queue": QUEUE, "task": task, "args": args, "count": n})

    def _events(self) -> int:
        row = self.connection.execute(
            "select case when is_called then last_value else 0 end from procrastinate_events_id_seq"
        ).fetchone()
        return int(row[0]) if row else 0

    @override
    def done(self) -> int:
        """From the number of events: two for each job, the last of which may not be committed yet."""
        written = self._events() - self._mark
        return written // 2 if written < 2 * self._filled else self.span()[0]

    def progress(self, deferred: int) -> int:
        """About how many have ended since ``reset`` of those deferred; cheap. Right once all have."""
        ended = (self._events() - deferred) // 2
        return ended if ended < deferred else self.ended()

    def ended(self) -> int:
        """How many have ended since ``reset``, however they were enqueued."""
        row = self.connection.execute(
            "select count(*) from procrastinate_jobs where status in ('succeeded', 'failed', 'aborted')"
        ).fetchone()
        return int(row[0]) if row else 0

    def wait_ended(self, count: int, workers: list[Process], tell: Tell, *, within: float = 120) -> None:
        """Like ``wait``, however they were enqueued."""
        deadline = time.monotonic() + within
        while (ended := self.ended()) < count:
            tell(ended)
            for worker in workers:
                worker.check()
            if time.monotonic() > deadline:
                raise Stuck(f"{self.name}: {ended} of {count} jobs ended")
            time.sleep(5 * LOOK_EVERY)
        tell(count)

    def span(self) -> tuple[int, float]:
        """How many ended since ``fill``, and the seconds from the first start to the last finish."""
        row = self.connection.execute(_SPAN, (self._mark,)).fetchone()
        return (int(row[0]), float(row[1] or 0)) if row else (0, 0.0)

    @override
    def rate(self, count: int) -> float:
        ended, seconds = self.span()
        if ended < count:
            raise Stuck(f"{self.name}: {ended} of {count} jobs ended")
        return count / seconds

    @override
    def worker(self, **settings: Any) -> Process:
        flags = [f"--concurrency={settings.get('concurrency', 10)}", *settings.get("flags", ())]
        return self._start(["-m", "procrastinate", *self._before(), "worker", "-q", QUEUE, *flags])

    def _before(self) -> Sequence[str]:
        return ()

    def _start(self, words: Sequence[str]) -> Process:
        return Process([self.python, *words], self._surroundings(), self.ground.folder, self.name)

    def _surroundings(self) -> dict[str, str]:
        return {
            "PROCRASTINATE_APP": f"{self.app}.app",
            "PYTHONPATH": os.pathsep.join((str(APPS), str(APPS.parents[1] / "src"))),
            "BENCH_SINK": str(self.sink),
            **self.environment,
        }

    @override
    def enqueue(self, what: str, count: int, seconds: float) -> None:
        self.execute([str(APPS / f"{self.app}.py"), what, str(count), str(seconds)])

    def execute(self, words: Sequence[str]) -> None:
        """Run its Python to the end."""
        run([self.python, *words], self._surroundings(), self.ground.folder)

    @override
    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None


class Ours(Procrastinate):
    """The stock command on our App; events and results kept. All databases are copies of one migrated one."""

    name = "ours"
    app = "ours_app"
    tables = (
        "procrastinate_jobs, procrastinate_events, procrastinate_workers, worker_info, job_results, job_stats"
    )

    def __init__(self, ground: Ground, database: str = "ours") -> None:
        super().__init__(ground, database)

    @property
    @override
    def environment(self) -> Mapping[str, str]:
        return {
            "DATABASE_URL": self.ground.url(self.database, APP_ROLE),
            "DATABASE_OWNER_URL": self.ground.url(self.database),
            "SOCIALSYNC_HOME": str(self.ground.folder / "ours"),
            "SOCIALSYNC_LOG_LEVEL": os.environ.get("BENCH_LOG_LEVEL", "warning"),
        }

    @override
    def prepare(self) -> None:
        if not self.ground.has(_MIGRATED):
            self.ground.create(_MIGRATED)
            migrations.upgrade(self.ground.url(_MIGRATED))
        self.ground.create(self.database, _MIGRATED)


class SqlLimit(Ours):
    """SQL alone on a copy of our tables."""

    name = "SQL alone"

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground, "sql_limit")

    @override
    def worker(self, **settings: Any) -> Process:
        return self._start([str(APPS / "sql_limit.py"), settings["how"], str(settings["batch"])])

    @override
    def wait(self, count: int, workers: list[Process], *given: Any, **options: Any) -> None:
        """It ends by itself."""
        for worker in workers:
            worker.finish()


class Stock(Procrastinate):
    """Stock procrastinate on its own schema; no line per job in its log."""

    name = "procrastinate"
    app = "stock_app"
    tables = "procrastinate_jobs, procrastinate_events, procrastinate_workers"

    def __init__(self, ground: Ground, database: str = "stock") -> None:
        super().__init__(ground, database)

    @property
    @override
    def environment(self) -> Mapping[str, str]:
        return {"BENCH_URL": self.ground.url(self.database)}

    @property
    @override
    def python(self) -> str:
        return str(environment_of("procrastinate") / "bin" / "python")

    @override
    def prepare(self) -> None:
        self.ground.create(self.database)
        self.execute(["-m", "procrastinate", "schema", "--apply"])

    @override
    def _before(self) -> Sequence[str]:
        return ("--log-level", "warning")

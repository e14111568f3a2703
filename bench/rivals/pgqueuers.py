"""PgQueuer with its psycopg driver and its own command, which uses uvloop."""

from pathlib import Path
from typing import Any

from typing_extensions import override

from bench.ground import Connection, Ground
from bench.processes import Process, run
from bench.rivals.contract import APPS, Rival, Stuck, environment_of

_SPAN = """
select count(*) filter (where status = 'successful'),
    extract(epoch from max(created) filter (where status = 'successful')
        - min(created) filter (where status = 'picked'))::float
from pgqueuer_log where id > %s
"""


class PgQueuer(Rival):
    """Its log is kept, as its users have it; a batch is claimed and written at once."""

    name = "PgQueuer"
    database = "pgqueuer"

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self._kept: Connection | None = None
        self._mark = 0
        self._filled = 0

    @property
    def _bin(self) -> Path:
        return environment_of("pgqueuer") / "bin"

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "BENCH_URL": self.ground.url(self.database),
            "BENCH_SINK": str(self.sink),
            "PYTHONPATH": str(APPS),
        }

    @property
    def _connection(self) -> Connection:
        if self._kept is None:
            self._kept = self.ground.connect(self.database)
        return self._kept

    def _run(self, what: str, count: int = 0, seconds: float = 0) -> None:
        script = [str(self._bin / "python"), str(APPS / "pgqueuer_app.py")]
        run([*script, what, str(count), str(seconds)], self._environment, self.ground.folder)

    @override
    def prepare(self) -> None:
        self.ground.create(self.database)
        self._run("install")

    @override
    def reset(self) -> None:
        self._connection.execute("truncate pgqueuer, pgqueuer_log, pgqueuer_statistics restart identity")

    @override
    def fill(self, count: int) -> None:
        self._run("enqueue", count)
        self._connection.execute("vacuum analyze pgqueuer")
        self._mark, self._filled = self._logged(), count

    def _logged(self) -> int:
        row = self._connection.execute(
            "select case when is_called then last_value else 0 end from pgqueuer_log_id_seq"
        ).fetchone()
        return int(row[0]) if row else 0

    @override
    def done(self) -> int:
        written = self._logged() - self._mark
        return written // 2 if written < 2 * self._filled else self._span()[0]

    def _span(self) -> tuple[int, float]:
        row = self._connection.execute(_SPAN, (self._mark,)).fetchone()
        return (int(row[0]), float(row[1] or 0)) if row else (0, 0.0)

    @override
    def rate(self, count: int) -> float:
        ended, seconds = self._span()
        if ended < count:
            raise Stuck(f"{self.name}: {ended} of {count} jobs ended")
        return count / seconds

    @override
    def worker(self, **settings: Any) -> Process:
        words = [str(self._bin / "pgq"), "run", "pgqueuer_app:worker"]
        batch = f"--batch-size={settings.get('batch', 10)}"
        return Process([*words, batch], self._environment, self.ground.folder, self.name)

    @override
    def enqueue(self, what: str, count: int, seconds: float) -> None:
        self._run(what, count, seconds)

    @override
    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()

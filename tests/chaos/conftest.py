"""Real worker processes on a real Postgres, and what must hold whatever is done to them.

A worker is the stock ``procrastinate worker`` (``nursery`` spares it the imports) on the App of ``works``,
whose tasks write down in a ledger what really ran. ``Works.audit`` compares the ledger with the jobs.
"""

import contextlib
import itertools
import json
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from socialsync.db.embedded import OWNER, EmbeddedServer
from socialsync.db.urls import Urls
from tests.chaos.births import PATIENCE, Nursery
from tests.chaos.proxy import Proxy
from tests.conftest import execute, migrate, urls_of

HERE = Path(__file__).parent
NUMBERED = {"work", "retry", "wait"}
SAMPLED = 3
IMPATIENT = {"steady_for": 0.5, "beat_every": 0.5}
LEDGER = """
create table ledger (job_id bigint, run uuid, pid integer, what text, kills integer, attempts integer,
    at timestamptz not null default clock_timestamp(), primary key (run, what));
create index on ledger (job_id);
grant select, insert on ledger to socialsync_app;
"""
DEFER = """
insert into procrastinate_jobs (queue_name, task_name, args, lock, queueing_lock)
select 'chaos', %(task)s,
    %(args)s::jsonb || (case when %(numbered)s then jsonb_build_object('n', n) else '{}' end),
    case when %(locks)s > 0 then 'lock ' || n %% greatest(%(locks)s, 1) end, null
from generate_series(1, %(count)s) n returning id
"""
SLIDE = """
insert into procrastinate_jobs (queue_name, task_name, args, queueing_lock, scheduled_at)
select 'chaos', 'chaos.slide', jsonb_build_object('n', %(n)s::int), 'slide ' || lane,
    clock_timestamp() + interval '50 ms'
from generate_series(1, %(lanes)s) lane
on conflict (queueing_lock) where status = 'todo'
do update set scheduled_at = excluded.scheduled_at, args = excluded.args
"""
TWICE = """
select job_id, count(*) from procrastinate_events where type = 'succeeded' group by job_id having count(*) > 1
"""
UNSEEN = """
select job.id from procrastinate_jobs job where job.status = 'succeeded' and not exists (
    select from job_results told join ledger on ledger.job_id = job.id and ledger.what = 'ended'
        and ledger.run = (told.result #>> '{}')::uuid
    where told.job_id = job.id and told.outcome = 'succeeded')
"""
OVERLAPS = """
with done as (
    select job.id, job.lock, tstzrange(began.at, ended.at) as during
    from procrastinate_jobs job
    join job_results told on told.job_id = job.id and told.outcome = 'succeeded'
    join ledger began on began.run = (told.result #>> '{}')::uuid and began.what = 'started'
    join ledger ended on ended.run = began.run and ended.what = 'ended'
    where job.lock is not null and job.status = 'succeeded'
)
select a.id, b.id as other from done a join done b on a.lock = b.lock and a.id < b.id and a.during && b.during
"""
REPEATED = "select job_id, count(*) from ledger where what = 'ended' group by job_id having count(*) > 1"


@pytest.hookimpl(tryfirst=True)  # before the journeys are dealt out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    thorough = config.getoption("--thorough")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.chaos)
            item.add_marker(pytest.mark.timeout(1_800 if thorough else 240))
    named = config.getoption("keyword") or any("::" in each for each in config.args)
    if not thorough and not named:
        _deselect(config, items)


def _deselect(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the boundaries at which processes die, every third; `make chaos` has them all."""
    points: defaultdict[str, int] = defaultdict(int)
    kept, left_out = [], []
    for item in items:
        if HERE in item.path.parents and item.path.name == "test_boundaries.py":
            name = item.nodeid.partition("[")[0]
            points[name] += 1
            (left_out if points[name] % SAMPLED else kept).append(item)
        else:
            kept.append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@dataclass
class Works:
    """A database with jobs and a ledger, and the workers on it."""

    urls: Urls
    home: Path
    nursery: Nursery
    patience: dict[str, float] = field(default_factory=dict)
    pids: list[int] = field(default_factory=list)
    _line: psycopg.Connection | None = None

    def start(self, *arguments: str, url: str | None = None, **given) -> int:
        """Start a worker; returns its process id at once."""
        environment = {
            "DATABASE_URL": url or self.urls.app,
            "LEDGER_URL": self.urls.app,
            "PROCRASTINATE_APP": "works.app",
            "CHAOS": json.dumps({"patience": self.patience, **given}),
        }
        log = self.home / f"{len(self.pids)}.log"
        pid = self.nursery.bear(["worker", "-q", "chaos", *arguments], environment, log)
        self.pids.append(pid)
        return pid

    def ready(self, *pids: int) -> None:
        wait_for(lambda: set(pids) <= self.registered(), f"readiness of {pids}", tell=self.tell)

    def crew(self, count: int, **given) -> list[int]:
        pids = [self.start(**given) for _ in range(count)]
        self.ready(*pids)
        return pids

    def steady(self) -> None:
        """Let the workers become old enough to judge others: time itself is what they wait for."""
        time.sleep(self.patience.get("steady_for", 5.0))

    def registered(self) -> set[int]:
        return {pid for (pid,) in self.ask("select pid from worker_info where state = 'running'")}

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        assert self.nursery.status(pid, PATIENCE) == -signal.SIGKILL

    def alive(self) -> list[int]:
        return [pid for pid in self.pids if self.nursery.status(pid) is None]

    def stop(self) -> None:
        """Let every worker drain: each ends well, and nothing of it is left."""
        alive = self.alive()
        for pid in alive:
            os.kill(pid, signal.SIGTERM)
        statuses = {pid: self.nursery.status(pid, PATIENCE) for pid in alive}
        assert set(statuses.values()) <= {0}, (statuses, self.tell())
        assert self.ask("select id from procrastinate_workers") == []

    def buried(self) -> None:
        """Wait until nobody is registered but who lives."""
        wait_for(
            lambda: self.ask("select count(*) from procrastinate_workers") == [(len(self.alive()),)],
            "the burial of the dead", tell=self.tell,
        )  # fmt: skip

    def end(self) -> None:
        for pid in self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self.nursery.status(pid, PATIENCE)
        self._hang_up()

    def log(self, pid: int) -> str:
        return (self.home / f"{self.pids.index(pid)}.log").read_text()

    def tell(self) -> str:
        """The last words of the latest workers, and what they wait for."""
        for pid in set(self.alive()) & set(self.pids[-4:]):
            os.kill(pid, signal.SIGUSR1)
        time.sleep(0.5)
        return "\n".join(
            f"--- {pid}, status {self.nursery.status(pid)}\n{self.log(pid)[-3_000:]}"
            for pid in self.pids[-4:]
        )

    def ask(self, statement: str, **parameters):
        """Rows; what is asked of a server that is away just now is asked again."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                cursor = self._connected().execute(statement, parameters or None)
                return cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError:
                self._hang_up()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _connected(self) -> psycopg.Connection:
        """One connection for all questions: to make one takes ten times a question."""
        if self._line is None:
            self._line = psycopg.connect(
                self.urls.owner, autocommit=True, row_factory=namedtuple_row, connect_timeout=5
            )
        return self._line

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def defer(self, task: str, count: int = 1, *, locks: int = 0, **args) -> list[int]:
        """Defer so many jobs, each with one of so many locks."""
        rows = self.ask(
            DEFER,
            task=f"chaos.{task}",
            count=count,
            locks=locks,
            args=json.dumps(args),
            numbered=task in NUMBERED,
        )
        return [row.id for row in rows]

    def slide(self, lanes: int, n: int) -> None:
        """What ``deferring.slide`` does, for many queueing locks at once."""
        self.ask(SLIDE, lanes=lanes, n=n)

    def jobs(self, ids: list[int] | None = None):
        return self.ask(
            "select id, task_name, status::text, attempts, x_kills, worker_id, queueing_lock,"
            " (select error from job_results r where r.job_id = id order by attempt desc limit 1) as error"
            " from procrastinate_jobs where id = any (%(ids)s::bigint[]) or %(ids)s::bigint[] is null"
            " order by id",
            ids=ids,
        )

    def started(self, ids: list[int]) -> dict[int, int]:
        """Jobs that are under way by the ledger, and the process of the latest run."""
        rows = self.ask(
            "select distinct on (job_id) job_id, pid from ledger where job_id = any (%(ids)s)"
            " and what = 'started' order by job_id, at desc",
            ids=ids,
        )
        return {row.job_id: row.pid for row in rows}

    def left(self) -> int:
        ((count,),) = self.ask("select count(*) from procrastinate_jobs where status in ('todo', 'doing')")
        return count

    def settle(self, within: float = PATIENCE) -> None:
        """Wait until no job waits or runs."""
        wait_for(lambda: not self.left(), "the end of all jobs", within, tell=self.hanging)

    def hanging(self) -> str:
        rows = self.ask(
            "select id, task_name, status, attempts, x_kills, worker_id, lock, queueing_lock,"
            " scheduled_at - clock_timestamp() as due_in from procrastinate_jobs"
            " where status in ('todo', 'doing') order by id limit 10"
        )
        return "\n".join(map(str, rows)) + self.tell()

    def audit(self, *, repeats: bool = True) -> None:
        """Everything is finished, once, by who owned it. Without ``repeats`` nothing even ran twice."""
        assert self.left() == 0
        assert self.ask(TWICE) == []
        assert self.ask(UNSEEN) == []
        assert self.ask(OVERLAPS) == []
        assert self.ask("select id from procrastinate_jobs where worker_id is not null") == []
        if not repeats:
            assert self.ask(REPEATED) == []

    def all_succeeded(self) -> None:
        """No job came to anything else; but one may have left its work to a twin that ended well after it."""
        odd = self.ask(
            "select id, task_name, status, x_kills, attempts from procrastinate_jobs job"
            " where status <> 'succeeded'"
            " and not (status = 'aborted' and queueing_lock is not null and exists ("
            " select from procrastinate_jobs twin where twin.queueing_lock = job.queueing_lock"
            " and twin.status = 'succeeded' and twin.x_finished_at > job.x_finished_at))"
        )
        assert odd == []


@pytest.fixture
def works(fresh: Urls, tmp_path: Path, nursery: Nursery, thorough) -> Iterator[Works]:
    """On the shared server."""
    yield from _works(fresh, tmp_path, nursery, thorough)


def _works(urls: Urls, home: Path, nursery: Nursery, thorough: bool) -> Iterator[Works]:
    works = Works(urls, home, nursery, {} if thorough else IMPATIENT)
    works.ask(LEDGER)
    yield works
    works.end()


_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server to restart and to fill. What it has committed survives its crash, though not the machine's."""
    options = {"fsync": "off", "full_page_writes": "off", "max_connections": "40", "autovacuum": "off"}
    server = EmbeddedServer(tmp_path_factory.mktemp("chaos"), options)
    server.ensure_running()
    migrate(server.url(OWNER))
    yield server
    let_in(server)
    server.stop()


def let_in(server: EmbeddedServer) -> None:
    """Started by root: other runs of pytest close the folder above theirs and ours, and pg_ctl is nobody."""
    if server._user:
        server._let_in(server._user)


@pytest.fixture
def restartable(own_server, tmp_path: Path, nursery: Nursery, thorough) -> Iterator[Works]:
    """On a server of its own."""
    name = f"chaos_{next(_numbers)}"
    execute(own_server, f"create database {name} template socialsync strategy file_copy")
    yield from _works(urls_of(own_server, name), tmp_path, nursery, thorough)
    execute(own_server, f"drop database {name} with (force)")


@pytest.fixture
def proxy(server: EmbeddedServer) -> Iterator[Proxy]:
    with Proxy(str(server.socket_dir / ".s.PGSQL.5432")) as proxy:
        yield proxy


def through(proxy: Proxy, urls: Urls) -> str:
    """The same database by way of the proxy."""
    base, _, query = urls.app.partition("?")
    parts = [part for part in query.split("&") if not part.startswith(("host=", "port="))]
    host = quote("127.0.0.1")
    return f"{base}?{'&'.join([*parts, f'host={host}', f'port={proxy.port}', 'sslmode=disable'])}"


def measured(figure: str) -> None:
    """Shown with ``-s``."""
    sys.stdout.write(f"{figure}\n")


def wait_for(condition, what: str, within: float = PATIENCE, *, tell=lambda: ""):
    """Ask until the answer is true; other processes have no event that we could wait for."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.03)
    pytest.fail(f"{what} did not happen within {within:.0f} s\n{tell()}")

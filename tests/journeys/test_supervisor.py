"""`socialsync worker` under load: its processes are replaced for every reason, and no job notices."""

import json
import os
import re
import shutil
import signal
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil
import psycopg
import pytest

from socialsync.db.urls import Urls
from tests.journeys.conftest import Installation, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]
SHOP = Path(__file__).with_name("shop.py")
SUPERVISE = """
from socialsync.worker.autoscale import Bounds
from socialsync.worker.orders import Orders
from socialsync.worker.recycling import Limits
from socialsync.worker.supervisor import supervise
raise SystemExit(supervise({orders}, {database!r}))
"""
LEDGER = """
create table ledger (what text, number integer, pid integer, version integer, worker text,
    at timestamptz default clock_timestamp());
grant select, insert on ledger to socialsync_app;
"""
DEFER = """
insert into procrastinate_jobs (queue_name, task_name, args, scheduled_at)
select 'shop', %(task)s, jsonb_build_object(%(name)s::text, n) || %(more)s::jsonb,
    clock_timestamp() + (n - %(first)s) * %(apart)s * interval '1 second'
from generate_series(%(first)s::int, %(last)s::int) n
"""


@dataclass
class Shop(Installation):
    """A folder with ``shop.py``, and a database with its ledger."""

    urls: Urls = None

    def ask(self, statement: str, **parameters):
        with psycopg.connect(self.urls.owner, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def defer(self, task: str, name: str, first: int, last: int, *, apart: float = 0, more: str = "{}"):
        self.ask(DEFER, task=task, name=name, first=first, last=last, apart=apart, more=more)

    def workers(self) -> dict[str, int]:
        """Of those that claim jobs: names and process ids."""
        return dict(self.ask("select name, pid from worker_info where state = 'running'"))

    def succeeded(self) -> list[int]:
        found = self.ask(
            "select (args->>'number')::int from procrastinate_jobs where task_name = 'shop.sell'"
            " and status = 'succeeded' order by 1"
        )
        return [number for (number,) in found]

    def numbers(self, what: str, since: int = 0) -> list[int]:
        found = self.ask(
            "select number from ledger where what = %(what)s and number >= %(since)s order by at",
            what=what, since=since,
        )  # fmt: skip
        return [number for (number,) in found]

    def longest_pause(self) -> float:
        """Seconds between the beginnings of two jobs that follow one another."""
        ((seconds,),) = self.ask(
            "select max(extract(epoch from gap))::float8 from ("
            "select at - lag(at) over (order by at) as gap from ledger where what = 'began') as gaps"
        )
        return seconds

    def shortest_start(self, supervisor) -> float:
        """Seconds from the start of a process to its first job."""
        began = dict(self.ask("select pid, min(at) from ledger group by pid"))
        lines = [json.loads(line) for line in self.log(supervisor).splitlines() if line.startswith("{")]
        started = {
            line["pid"]: datetime.fromisoformat(line["timestamp"])
            for line in lines
            if line["event"] == "[SUPERVISOR] Started a worker"
        }
        return min((began[pid] - started[pid]).total_seconds() for pid in began)


@pytest.fixture
def shop(fresh: Urls, tmp_path: Path):
    home = tmp_path / "shop"
    home.mkdir()
    shutil.copy(SHOP, home)
    environment = {
        **os.environ,
        "DATABASE_URL": fresh.app,
        "SOCIALSYNC_HOME": str(home / "home"),
        "SOCIALSYNC_SECRET_KEY": "a key of the tests",
        "SOCIALSYNC_LOG_FORMAT": "json",
        "PROCRASTINATE_APP": "shop.app",
    }
    there = Shop(home, environment, urls=fresh)
    there.ask(LEDGER)
    yield there
    there.end()


def test_processes_come_and_go_while_every_job_runs_once(shop):
    supervisor = shop.start(
        "socialsync", "worker", "-q", "shop", "--name", "shop", "--concurrency", "4", "--reload",
        "--max-tasks-per-child", "150", "--max-memory-per-child", "220M", "--drain-timeout", "60",
    )  # fmt: skip
    pids = []

    def another_works(why: str) -> int:
        pids.append(wait_for(lambda: set(shop.workers().values()).difference(pids), why).pop())
        return pids[-1]

    first = another_works("the first worker")
    assert shop.ask("select name, supervisor from worker_info where pid = %(pid)s", pid=first) == [
        ("shop-1", "shop")
    ]
    shop.defer("shop.sell", "number", 1, 160)
    shop.defer("shop.sell", "number", 161, 1000, apart=0.2)  # for nearly three minutes
    another_works("recycling by tasks")
    wait_for(lambda: "A worker has ended" in shop.log(supervisor), "the end of its predecessor")
    shop.defer("shop.hoard", "mebibytes", 150, 150)
    another_works("recycling by memory")
    reasons = re.findall(r'"after": "\d+ (\w+)"', shop.log(supervisor))
    assert (reasons[0], reasons[-1]) == ("tasks", "MiB")

    code = (shop.home / "shop.py").read_text()
    (shop.home / "shop.py").write_text("this is no Python\n")
    wait_for(lambda: "The new code does not start" in shop.log(supervisor), "the complaint")
    assert pids[-1] in shop.workers().values()
    (shop.home / "shop.py").write_text(code.replace("VERSION = 1", "VERSION = 2"))
    another_works("reloading")
    wait_for(lambda: shop.ask("select 1 from ledger where version = 2 and number <= 1000"), "the new code")
    shop.ask("delete from procrastinate_jobs where status = 'todo'")
    wait_for(lambda: not shop.ask("select 1 from procrastinate_jobs where status = 'doing'"), "the end of it")
    assert sorted(shop.numbers("ended")) == shop.succeeded()
    assert shop.longest_pause() < shop.shortest_start(supervisor), "nobody waited for a process"

    os.kill(pids[-1], signal.SIGKILL)
    another_works("replacing what was killed")
    shop.defer("shop.sell", "number", 1001, 1001, more='{"seconds": 60}')
    wait_for(lambda: shop.numbers("began", 1001), "a long job")
    supervisor.send_signal(signal.SIGTERM)
    wait_for(lambda: "[SUPERVISOR] Draining" in shop.log(supervisor), "draining")
    assert supervisor.poll() is None
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(20) == 0
    assert shop.ask(
        "select status::text, attempts from procrastinate_jobs where args->>'number' = '1001'"
    ) == [("todo", 0)]


def test_processes_follow_the_backlog_and_end_with_their_supervisor(shop):
    shop.defer("shop.sell", "number", 1, 400, more='{"seconds": 0.3}')  # half a minute for one process
    orders = "Orders('shop.app', 'shop', ['shop'], 4, Bounds(1, 2), Limits(), 5, False, 'info', calm_for=0.5)"
    supervisor = shop.start("python", "-c", SUPERVISE.format(orders=orders, database=shop.urls.direct))
    wait_for(lambda: shop.workers().keys() == {"shop-1", "shop-2"}, "scaling up")
    shop.ask("delete from procrastinate_jobs where status = 'todo'")
    wait_for(lambda: not shop.ask("select 1 from procrastinate_jobs where status = 'doing'"), "the end of it")
    wait_for(lambda: len(shop.workers()) == 1, "scaling down")
    assert sorted(shop.numbers("ended")) == shop.succeeded()
    shop.defer("shop.sell", "number", 1001, 1001, more='{"seconds": 1}')
    wait_for(lambda: shop.numbers("began", 1001), "a job")
    wait_for(lambda: len(psutil.Process(supervisor.pid).children()) == 1, "the end of the other one")
    (child,) = psutil.Process(supervisor.pid).children()
    supervisor.kill()
    assert psutil.wait_procs([child], timeout=10)[1] == []
    assert shop.numbers("ended", 1001) == [1001]
    assert shop.ask("select 1 from procrastinate_workers") == []

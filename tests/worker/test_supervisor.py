"""What a supervisor makes of an App that does not load, and of an operator's wishes."""

import asyncio
import os

import psycopg
import pytest

from socialsync.worker.autoscale import Bounds
from socialsync.worker.orders import Orders
from socialsync.worker.recycling import Limits
from socialsync.worker.supervisor import Supervisor

pytestmark = [pytest.mark.journey, pytest.mark.timeout(90)]
WISH = """
with wished as (update worker_info set wanted = %(wanted)s where name = %(name)s returning name)
select pg_notify('queue_control', name) from wished
"""


def orders(app: str, processes: int) -> Orders:
    return Orders(app, "here", ["shop"], None, Bounds(processes, processes), Limits(), 30, False, "info")


@pytest.fixture
def environment(monkeypatch, tmp_path, fresh):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("META_", "INSTAGRAM_", "SOCIALSYNC_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABASE_URL", fresh.app)
    monkeypatch.setenv("SOCIALSYNC_HOME", str(tmp_path / "home"))


async def test_an_app_that_does_not_load_ends_it(environment, fresh):
    assert await Supervisor(orders("nowhere.app", 1), fresh.direct).run() == 1


async def test_whom_an_operator_let_go_is_not_replaced(environment, fresh):
    running = asyncio.create_task(Supervisor(orders("socialsync.worker.app", 2), fresh.direct).run())
    async with await psycopg.AsyncConnection.connect(fresh.owner, autocommit=True) as connection:

        async def until(*names: str) -> None:
            found = None
            while found != names:
                assert not running.done()
                await asyncio.sleep(0.1)
                rows = await connection.execute("select name from worker_info order by name")
                found = tuple(name for (name,) in await rows.fetchall())

        await until("here-1", "here-2")
        await connection.execute(WISH, {"wanted": "drain", "name": "here-1"})
        await until("here-2")
        await asyncio.sleep(0.5)
        await until("here-2")
        await connection.execute(WISH, {"wanted": "stop", "name": "here-2"})
        assert await running == 0

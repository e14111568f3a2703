"""How long jobs wait, as Postgres answers it."""

import psycopg
import pytest

from socialsync.db.direct import Line
from socialsync.worker.backlog import _OLDEST, oldest

ADD = """
insert into procrastinate_jobs (queue_name, task_name, lock, scheduled_at, x_created_at)
select %s, 'tests.note', %s, clock_timestamp() + %s * interval '1 second',
    clock_timestamp() - %s * interval '1 second'
"""


@pytest.fixture
async def line(fresh):
    line = Line(fresh.app, name="tests")
    yield line
    await line.close()


def add(fresh, queue="a", *, lock=None, in_s=None, ago=0):
    with psycopg.connect(fresh.owner) as connection:
        connection.execute(ADD, (queue, lock, in_s, ago))


async def test_the_oldest_that_could_run_counts(fresh, line):
    assert await oldest(line, None) is None
    add(fresh, in_s=3600, ago=500)
    assert await oldest(line, ["a"]) is None
    add(fresh, ago=10)
    assert await oldest(line, ["a"]) == pytest.approx(10, abs=2)
    add(fresh, in_s=-20, ago=500)
    assert await oldest(line, ["a"]) == pytest.approx(20, abs=2)
    add(fresh, lock="x", ago=30)
    assert await oldest(line, None) == pytest.approx(30, abs=2)


async def test_other_queues_and_paused_ones_do_not(fresh, line):
    add(fresh, "a", ago=10)
    add(fresh, "b", ago=20)
    assert await oldest(line, ["a"]) == pytest.approx(10, abs=2)
    with psycopg.connect(fresh.owner) as connection:
        connection.execute("update queue_settings set paused_at = now() where queue_name = 'b'")
    assert await oldest(line, None) == pytest.approx(10, abs=2)
    assert await oldest(line, ["c"]) is None


def test_what_it_costs_does_not_grow_with_the_backlog(fresh):
    """The claim's own indexes answer it; when their expressions change, this statement changes with them."""
    with psycopg.connect(fresh.owner, cursor_factory=psycopg.ClientCursor, autocommit=True) as connection:
        connection.execute(
            "insert into procrastinate_jobs (queue_name, task_name, lock, scheduled_at)"
            " select 'a', 'tests.note', case when n % 3 = 0 then 'l' || n end,"
            " case when n % 4 = 0 then now() + n * interval '1 second' end from generate_series(1, 20000) n"
        )
        connection.execute("analyze procrastinate_jobs")
        plan = "\n".join(row for (row,) in connection.execute(f"explain {_OLDEST}", {"queues": ["a"]}))
    for index in ("ready", "ready_locked", "scheduled"):
        assert f"using procrastinate_jobs_x_{index}_idx" in plan, plan
    assert "Sort" not in plan, plan

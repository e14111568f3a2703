"""Connections that are kept, and a server that ends them meanwhile."""

import psycopg
from sqlalchemy import text

TERMINATE = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
"""


async def test_a_connection_that_the_server_has_ended_is_not_used_again(fresh_database, fresh):
    pids = set()
    with psycopg.connect(fresh.owner, autocommit=True) as owner:
        for _ in range(3):
            async with fresh_database.system_transaction("a test connects") as session:
                pids.add(await session.scalar(text("select pg_backend_pid()")))
            owner.execute(TERMINATE)
    assert len(pids) == 3


async def test_a_connection_is_kept_otherwise(fresh_database):
    pids = set()
    for _ in range(3):
        async with fresh_database.system_transaction("a test connects") as session:
            pids.add(await session.scalar(text("select pg_backend_pid()")))
    assert len(pids) == 1

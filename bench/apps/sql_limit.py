"""The set-based limit of our tables: claim and finish in SQL, nothing in between, two connections at once.

``functions`` calls the engine's own SQL; ``bare`` is the shortest SQL over the same tables and triggers that
claims in order of priority and id, and finishes only its own.
"""

import asyncio
import os
import sys
from typing import Any

import psycopg

_QUEUE, _TASK = "bench", "bench.noop"
_REGISTER = "select queue_register(true)"
_DESCRIBE = (
    "insert into worker_info (worker_id, name, host, pid, concurrency, version, leased, started_at)"
    " values (%s, 'limit', 'limit', 0, 1, '0', true, now())"
)
_CLAIM = (
    "select id from queue_claim(worker => %s, only_queues => %s::text[], tasks => %s::text[],"
    " bulk => '{}', wanted => %s, bulk_wanted => 0, suspect => true, since => %s, after_key => '')"
)
_FINISH = (
    "select queue_finish(worker => %s, ids => %s::bigint[], outcomes => %s::text[],"
    " retry_ats => %s::timestamptz[], priorities => %s::integer[], queues => %s::text[],"
    " locks => %s::text[], spends => %s::boolean[], deletes => '{}', told => '{}', results => '{}',"
    " errors => '{}', tracebacks => '{}', keeps => '{}', name => 'limit')"
)
_BARE_CLAIM = """
update procrastinate_jobs set status = 'doing', worker_id = %s where id in (
    select id from procrastinate_jobs
    where queue_name = %s and coalesce(x_limit_key, '') = '' and task_name = any (%s) and status < 'doing'
        and lock is null and x_kills is null and (scheduled_at is null or x_due_at = scheduled_at)
        and id >= %s
    order by priority desc, id limit %s for update skip locked
) returning id
"""
_BARE_FINISH = """
update procrastinate_jobs set status = 'succeeded', worker_id = null, attempts = attempts + 1
where id = any (%s) and status = 'doing' and worker_id + 0 = %s returning id
"""

Ours = psycopg.AsyncConnection[tuple[Any, ...]]


async def connect() -> Ours:
    return await psycopg.AsyncConnection.connect(
        os.environ["DATABASE_URL"], autocommit=True, prepare_threshold=0, options="-c role=socialsync_app"
    )


async def rows(connection: Ours, statement: str, parameters: tuple[Any, ...]) -> list[int]:
    cursor = await connection.execute(statement, parameters, binary=True)
    return [row[0] for row in await cursor.fetchall() if row[0] is not None]


async def claim(connection: Ours, worker: int, batch: int, since: int, *, bare: bool) -> list[int]:
    if bare:
        return await rows(connection, _BARE_CLAIM, (worker, _QUEUE, [_TASK], since, batch))
    return await rows(connection, _CLAIM, (worker, [_QUEUE], [_TASK], batch, since))


async def finish(connection: Ours, worker: int, ids: list[int], *, bare: bool) -> None:
    n = len(ids)
    nothing = [None] * n
    given = (
        (ids, worker)
        if bare
        else (worker, ids, ["succeeded"] * n, nothing, nothing, nothing, nothing, [True] * n)
    )
    ended = await rows(connection, _BARE_FINISH if bare else _FINISH, given)
    assert len(ended) == n


async def main(how: str, batch: int) -> None:
    """While one connection finishes a batch, the other claims the next, until nothing is left."""
    bare = how == "bare"
    claims, ends = await connect(), await connect()
    (worker,) = await rows(claims, _REGISTER, ())
    await claims.execute(_DESCRIBE, (worker,))
    if bare:
        await claims.execute("set enable_seqscan = off")
    claimed = await claim(claims, worker, batch, 0, bare=bare)
    while claimed:
        claimed, _ = await asyncio.gather(
            claim(claims, worker, batch, min(claimed), bare=bare), finish(ends, worker, claimed, bare=bare)
        )
    await claims.close()
    await ends.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))

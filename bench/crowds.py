"""Rows that are in the way: jobs of tomorrow, of other queues, and finished ones; set-based, no triggers."""

from psycopg import sql

from bench.progress import step
from bench.rivals.contract import QUEUE
from bench.rivals.procrastinates import Procrastinate

ELSEWHERE = "elsewhere"
_CHUNK = 250_000
_WITHOUT_TRIGGERS = "set session_replication_role = replica"
_TOMORROW = """
insert into procrastinate_jobs (queue_name, task_name, priority, args, scheduled_at)
select %(queue)s, 'bench.noop', 0, '{}', now() + interval '1 day' + n * interval '1 ms'
from generate_series(%(first)s::bigint, %(last)s::bigint) n
"""
_WAITING = """
insert into procrastinate_jobs (queue_name, task_name, priority, args)
select %(elsewhere)s, 'bench.noop', 0, '{}' from generate_series(%(first)s::bigint, %(last)s::bigint)
"""
_EVENTS = """
insert into procrastinate_events (job_id, type, at)
select id, kind::procrastinate_job_event_type, now() from born, unnest(array[{kinds}]) as kind
"""
_FINISHED = """
with born as (
    insert into procrastinate_jobs
        (queue_name, task_name, priority, args, status, attempts{columns})
    select %(queue)s, 'bench.noop', 0, '{{}}', 'succeeded', 1{values}
    from generate_series(%(first)s::bigint, %(last)s::bigint) n
    returning id
)
"""
_OURS = (
    ", x_started_at, x_finished_at",
    ", now() - n * interval '10 ms' - interval '1 s', now() - n * interval '10 ms'",
)


def add(rival: Procrastinate, *, tomorrow: int = 0, elsewhere: int = 0, finished: int = 0) -> None:
    """Fill a rival's tables with so many rows of each sort, events included, and vacuum them.

    Finished ones ended within the last day: nothing prunes them meanwhile.
    """
    ours = rival.name == "ours"
    with rival.ground.connect(rival.database) as connection:
        connection.execute(_WITHOUT_TRIGGERS)
        deferred = sql.SQL(_EVENTS.format(kinds="'deferred'"))
        ended = sql.SQL(_EVENTS.format(kinds="'deferred', 'started', 'succeeded'"))
        columns, values = _OURS if ours else ("", "")
        done = sql.SQL(_FINISHED.format(columns=columns, values=values))
        for statement, count, events in (
            (sql.SQL("with born as (" + _TOMORROW + " returning id) "), tomorrow, deferred),
            (sql.SQL("with born as (" + _WAITING + " returning id) "), elsewhere, deferred),
            (done, finished, ended),
        ):
            if not count:
                continue
            with step(f"flat: rows in the way of {rival.name}", count) as tell:
                for first in range(0, count, _CHUNK):
                    last = min(first + _CHUNK, count)
                    span = {"queue": QUEUE, "elsewhere": ELSEWHERE, "first": first + 1, "last": last}
                    connection.execute(statement + events, span)
                    tell(last)
        if ours:
            connection.execute(
                "insert into queue_settings (queue_name) values (%s), (%s) on conflict do nothing",
                [QUEUE, ELSEWHERE],
            )
        with step(f"flat: vacuum of {rival.name}"):
            connection.execute("vacuum analyze procrastinate_jobs, procrastinate_events")
            connection.execute("checkpoint")

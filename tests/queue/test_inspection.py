"""Looks at the queue: the views of schema ``inspect``, and jobs one by one."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

from socialsync.queue import history, inspection, registration, schedules, tasks
from socialsync.queue.history import Filters, NoSuchJob
from socialsync.queue.shapes import QueueState, WorkerState
from tests.queue.conftest import SYSTEM

VIEWS = {
    "active", "scheduled", "registered", "queues", "workers", "schedules", "failures", "timeline",
    "task_stats", "stranded",
}  # fmt: skip
JOB = text("""
insert into procrastinate_jobs (queue_name, task_name, status, args, lock, scheduled_at)
values (:queue, :task, cast(:status as procrastinate_job_status), cast(:args as jsonb), :lock, now() + :later)
returning id
""")
EVERYTHING = {"queue": "a", "task": "x", "status": "todo", "args": "{}", "lock": None, "later": None}


async def add_job(session, queue="a", **more):
    return await session.scalar(JOB, {**EVERYTHING, "queue": queue, **more})


async def add_worker(session, name="w1", *, age=0, queues=None, busy=0.5, concurrency=10):
    worker_id = await session.scalar(
        text("insert into procrastinate_workers (last_heartbeat) values (now() - :age) returning id"),
        {"age": timedelta(seconds=age)},
    )
    await session.execute(
        text("insert into worker_info (worker_id, name, host, pid, queues, concurrency, version, leased,"
             " started_at, running, busy_share, memory_bytes, done)"
             " values (:id, :name, 'h', 7, :queues, :concurrency, '0', true, now(), 3, :busy, 100, 12)"),
        {"id": worker_id, "name": name, "queues": queues, "busy": busy, "concurrency": concurrency},
    )  # fmt: skip
    return worker_id


async def know(session, worker_id, names):
    values = {"id": worker_id, "tasks": names}
    await session.execute(text("update worker_info set tasks = :tasks where worker_id = :id"), values)


async def finish(session, job_id, status, *, worker=None, **told):
    """End a job as a worker would, with what it told."""
    await session.execute(
        text("update procrastinate_jobs set status = 'doing', x_started_at = now() where id = :id"),
        {"id": job_id},
    )
    await session.execute(
        text("update procrastinate_jobs set status = cast(:status as procrastinate_job_status),"
             " attempts = attempts + 1, x_finished_at = clock_timestamp() where id = :id"),
        {"id": job_id, "status": status},
    )  # fmt: skip
    values = {"result": None, "error": None, "traceback": None, "expires": None, **told}
    await session.execute(
        text("insert into job_results"
             " (job_id, attempt, outcome, result, error, traceback, worker, expires_at)"
             " select id, attempts, status, cast(:result as jsonb), :error, :traceback, :worker,"
             " now() + :expires"
             " from procrastinate_jobs where id = :id"),
        {"id": job_id, "worker": worker, **values},
    )  # fmt: skip


def test_the_views_are_those_that_are_promised_each_with_its_comment(shared):
    with psycopg.connect(shared.app) as connection:
        rows = connection.execute(
            "select viewname, obj_description(format('inspect.%I', viewname)::regclass) from pg_views"
            " where schemaname = 'inspect'"
        ).fetchall()
        for name, comment in rows:
            assert comment, name
            connection.execute(f"select * from inspect.{name} limit 1")  # noqa: S608 - our own words
    assert {name for name, _ in rows} == VIEWS


async def test_without_jobs_there_are_no_queues(database):
    async with database.system_transaction(SYSTEM) as session:
        assert await inspection.queue_states(session) == {}


async def test_jobs_are_counted_by_queue(database):
    async with database.system_transaction(SYSTEM) as session:
        for queue, status in (
            ("a", "todo"),
            ("a", "todo"),
            ("a", "doing"),
            ("b", "doing"),
            ("c", "succeeded"),
        ):
            await add_job(session, queue, status=status)
        await add_job(session, "a", lock="l")
        found = await inspection.queue_states(session)
        assert [queue.name for queue in await inspection.queues(session)] == ["a", "b", "c"]
    assert {name: (state.waiting, state.running) for name, state in found.items()} == {
        "a": (3, 1),
        "b": (0, 1),
    }
    assert found["a"].oldest_waiting_s >= 0
    assert found["b"].oldest_waiting_s is None


async def test_what_is_scheduled_for_later_does_not_wait(database):
    async with database.system_transaction(SYSTEM) as session:
        job_id = await add_job(session, later=timedelta(days=1))
        assert await inspection.queue_states(session) == {"a": QueueState("a", scheduled=1)}
        (job,) = await inspection.scheduled(session)
        assert (job.id, job.queue) == (job_id, "a")
        assert 86_000 < job.due_in_s <= 86_400


@pytest.mark.parametrize("change", ["x_kills = 1", "lock = 'l'", "x_due_at = scheduled_at", "id = id"])
async def test_a_job_whose_time_has_come_waits_whatever_else_it_is(database, change):
    async with database.system_transaction(SYSTEM) as session:
        await add_job(session, later=timedelta(seconds=-60))
        await session.execute(text(f"update procrastinate_jobs set {change}"))  # noqa: S608 - our own words
        (queue,) = await inspection.queues(session)
        assert (queue.waiting, queue.scheduled) == (1, 0)
        assert 60 <= queue.oldest_waiting_s < 61
        assert await inspection.scheduled(session) == []


async def test_the_oldest_is_the_one_that_could_have_run_first(database):
    async with database.system_transaction(SYSTEM) as session:
        await add_job(session, later=timedelta(seconds=-60))
        born = await add_job(session)
        await add_job(session)
        assert 60 <= (await inspection.get_queue(session, "a")).oldest_waiting_s < 61
        await session.execute(
            text("update procrastinate_jobs set x_created_at = now() - interval '90 s' where id = :id"),
            {"id": born},
        )
        assert 90 <= (await inspection.get_queue(session, "a")).oldest_waiting_s < 91


async def test_a_queue_is_counted_up_to_ten_thousand(database):
    async with database.system_transaction(SYSTEM) as session:
        for later in (None, timedelta(days=1)):
            await session.execute(
                text("insert into procrastinate_jobs (queue_name, task_name, scheduled_at)"
                     " select 'a', 'x', now() + :later from generate_series(1, 10100)"),
                {"later": later},
            )  # fmt: skip
        queue = await inspection.get_queue(session, "a")
    assert (queue.waiting, queue.scheduled) == (10_000, 10_000)


async def test_a_queue_tells_who_serves_it_whether_it_is_paused_and_what_failed_lately(database):
    async with database.system_transaction(SYSTEM) as session:
        await finish(session, await add_job(session), "failed")
        old = await add_job(session)
        await finish(session, old, "failed")
        await session.execute(
            text("update procrastinate_jobs set x_finished_at = now() - interval '2 hours' where id = :id"),
            {"id": old},
        )
        await session.execute(text("update queue_settings set paused_at = now()"))
        await add_worker(session, "all")
        await add_worker(session, "some", queues=["a", "b"])
        await add_worker(session, "other", queues=["b"])
        await add_worker(session, "dead", age=60)
        queue = await inspection.get_queue(session, "a")
    assert (queue.failed_lately, queue.paused, queue.workers) == (1, True, 2)
    assert queue.paused_at.tzinfo is UTC


async def test_jobs_whose_task_no_living_worker_of_the_queue_knows_are_stranded(database):
    async with database.system_transaction(SYSTEM) as session:
        for task in ("known", "strange", "elsewhere"):
            await add_job(session, task=task)
        await add_job(session, task="strange", lock="l")
        await add_job(session, task="strange", later=timedelta(hours=1))
        await session.execute(text("update procrastinate_jobs set x_created_at = now() - interval '61 s'"))
        await add_job(session, task="young")
        await know(session, await add_worker(session, "here", queues=["a"]), ["known"])
        await know(session, await add_worker(session, "there", queues=["b"]), ["elsewhere"])
        await know(session, await add_worker(session, "dead", age=60), ["strange"])
        (queue,) = await inspection.queues(session)
        assert [(found.task, found.waiting) for found in queue.stranded] == [("elsewhere", 1), ("strange", 2)]
        assert 61 <= queue.stranded[0].oldest_waiting_s < 62
        await add_worker(session, "of before, which tells no tasks")
        (queue,) = await inspection.queues(session)
        assert queue.stranded == ()


HELD = "last_at = now() - interval '10 s'"


@pytest.mark.parametrize(
    ("status", "paused_s", "schedule", "held"),
    [
        ("todo", 90, HELD, ("tick",)), ("cancelled", 90, HELD, ("tick",)), ("todo", 30, HELD, ()),
        ("succeeded", 90, HELD, ()), ("todo", 90, "enabled = false", ()),
        ("todo", 90, "removed_at = now()", ()),
        ("cancelled", 90, "last_at = now() - interval '100 s'", ()),
    ],
)  # fmt: skip
async def test_a_paused_queue_tells_the_schedules_that_it_holds_back(
    database, status, paused_s, schedule, held
):
    async with database.system_transaction(SYSTEM) as session:
        job_id = await add_job(session, status=status)
        tick = schedules.New("tick", "tests.note", cron="* * * * *", args={"word": "hello"})
        await schedules.add(session, tick)
        await session.execute(
            text(f"update schedules set last_job_id = :id, {schedule}"),  # noqa: S608 - our own words
            {"id": job_id},
        )
        paused = text("update queue_settings set paused_at = now() - :paused")
        await session.execute(paused, {"paused": timedelta(seconds=paused_s)})
        assert (await inspection.queue_states(session))["a"].held == held
        await session.execute(text("update queue_settings set paused_at = null"))
        assert [queue.held for queue in await inspection.queues(session)] == [()]


async def test_a_running_job_tells_where_and_for_how_long(database):
    async with database.system_transaction(SYSTEM) as session:
        worker = await add_worker(session)
        workspace = uuid4()
        job_id = await add_job(session, status="doing", args=f'{{"workspace_id": "{workspace}"}}')
        await add_job(session, "b", status="doing")
        await session.execute(
            text("update procrastinate_jobs set worker_id = :worker, x_started_at = now() - interval '5 s'"),
            {"worker": worker},
        )
        (job,) = await inspection.active(session, workspace_id=workspace)
        assert (job.id, job.worker, job.workspace_id) == (job_id, "w1", str(workspace))
        assert 5 <= job.running_s < 6
        assert len(await inspection.active(session)) == 2
        assert [job.queue for job in await inspection.active(session, queue="b")] == ["b"]


async def test_the_soonest_of_all_queues_come_first(database):
    async with database.system_transaction(SYSTEM) as session:
        ids = [
            await add_job(session, queue, later=timedelta(minutes=minutes))
            for queue, minutes in (("a", 3), ("b", 1), ("a", 2), ("b", 4))
        ]
        found = await inspection.scheduled(session, limit=3)
        assert [job.id for job in found] == [ids[1], ids[2], ids[0]]
        assert [job.id for job in await inspection.scheduled(session, queue="b")] == [ids[1], ids[3]]


async def test_a_worker_counts_while_its_heart_beats(database):
    async with database.system_transaction(SYSTEM) as session:
        for age in (0, 29, 31, 3600):
            await add_worker(session, f"after-{age:04}", age=age)
        assert await inspection.count_active_workers(session) == 2
        assert [worker.alive for worker in await inspection.workers(session)] == [True, True, False, False]


async def test_a_worker_of_the_library_itself_is_shown_too(database):
    async with database.system_transaction(SYSTEM) as session:
        worker_id = await session.scalar(
            text("insert into procrastinate_workers default values returning id")
        )
        (worker,) = await inspection.workers(session)
        assert (worker.id, worker.name, worker.alive, worker.host) == (
            worker_id,
            f"worker {worker_id}",
            True,
            None,
        )


async def test_utilisation_weighs_the_living_by_their_slots(database):
    async with database.system_transaction(SYSTEM) as session:
        assert inspection.utilisation(await inspection.workers(session)) is None
        await add_worker(session, "large", concurrency=30, busy=1.0)
        await add_worker(session, "small", concurrency=10, busy=0.2)
        await add_worker(session, "dead", age=60, busy=0.0)
        found = await inspection.workers(session)
    assert inspection.utilisation(found) == 0.8
    assert all(isinstance(worker, WorkerState) for worker in found)


async def test_a_worker_announces_its_tasks_once_and_anew(database):
    async with database.system_transaction(SYSTEM) as session:
        for _ in range(2):
            await registration.announce(session, tasks.HOUSE)
        found = {task.name: task for task in await inspection.registered(session)}
    note = found["tests.note"]
    assert (note.queue, note.policy, note.scope, note.soft_s, note.hard_s, note.priority) == (
        "tests", "base", "system", 270, 300, 3,
    )  # fmt: skip
    assert set(found) == set(tasks.HOUSE.details)


async def test_a_schedule_is_overdue_when_nobody_ticked(database):
    async with database.system_transaction(SYSTEM) as session:
        await session.execute(
            text("insert into schedules (name, task, every_s, next_at, enabled, removed_at) values"
                 " ('late', 't', 5, now() - interval '11 s', true, null),"
                 " ('fine', 't', 5, now() - interval '9 s', true, null),"
                 " ('off', 't', 5, now() - interval '1 day', false, null),"
                 " ('gone', 't', 5, now() - interval '1 day', true, now())")
        )  # fmt: skip
        found = await inspection.schedules(session)
    assert {schedule.name: schedule.overdue for schedule in found} == {
        "late": True,
        "fine": False,
        "off": False,
    }


async def test_failures_come_with_their_last_error_the_latest_first(database):
    async with database.system_transaction(SYSTEM) as session:
        for n in range(3):
            await finish(session, await add_job(session), "failed", worker="w1", error=f"E{n}", traceback="T")
        await finish(session, await add_job(session), "succeeded", result="1")
        found = await inspection.failures(session, limit=2)
    assert [(failure.error, failure.traceback, failure.worker) for failure in found] == [
        ("E2", "T", "w1"), ("E1", "T", "w1"),
    ]  # fmt: skip


async def test_statistics_are_those_of_the_last_day(database):
    async with database.system_transaction(SYSTEM) as session:
        await session.execute(
            text("insert into job_stats (task_name, queue_name, minute_at, succeeded, failed, retried,"
                 " running_s, longest_s, waited_s, buckets) values"
                 " ('t', 'a', now() - interval '1 hour', 6, 1, 1, 4, 3, 2, array[1, 2]::bigint[]),"
                 " ('t', 'b', now() - interval '2 hours', 3, 0, 1, 2, 1, 1, array[1, 2]::bigint[]),"
                 " ('t', 'a', now() - interval '25 hours', 100, 0, 0, 0, 9, 0, array[1, 2]::bigint[])")
        )  # fmt: skip
        (stats,) = await inspection.task_stats(session)
        assert (stats.succeeded, stats.failed, stats.retried, stats.success_rate) == (9, 1, 2, 0.9)
        assert (stats.mean_s, stats.longest_s, stats.mean_wait_s) == (0.5, 3, 0.25)
        of_a, of_b = await inspection.totals(session)
        assert (of_a.succeeded, of_b.succeeded) == (106, 3)
        assert of_a.buckets[:3] == [2, 4, 0]


async def test_a_job_tells_its_story(database):
    async with database.system_transaction(SYSTEM) as session:
        job_id = await add_job(session)
        await finish(session, job_id, "failed", error="Oops", traceback="Traceback ...", worker="w1")
        job = await history.get_job(session, job_id)
    assert [event.event for event in job.timeline] == ["deferred", "started", "failed"]
    assert (job.status, job.error, job.traceback, job.result) == ("failed", "Oops", "Traceback ...", None)
    assert [(attempt.attempt, attempt.worker) for attempt in job.attempts_made] == [(1, "w1")]
    assert isinstance(job.finished_at, datetime)


async def test_a_result_is_shown_until_it_expires(database):
    async with database.system_transaction(SYSTEM) as session:
        job_id = await add_job(session)
        await finish(session, job_id, "succeeded", result='{"n": 1}', expires=timedelta(hours=1))
        assert (await history.get_job(session, job_id)).result == {"n": 1}
        await session.execute(text("update job_results set expires_at = now()"))
        assert (await history.get_job(session, job_id)).result is None


@pytest.mark.parametrize("job_id", [0, -1, 1, 2**63 - 1, 2**63, 10**40])
async def test_a_job_that_is_not_there(database, job_id):
    async with database.system_transaction(SYSTEM) as session:
        with pytest.raises(NoSuchJob):
            await history.get_job(session, job_id)


async def listed(session, before=None, limit=50, **filters):
    found = await history.list_jobs(session, Filters(**filters), before=before, limit=limit)
    return [job.id for job in found.jobs], found.next_before


async def test_jobs_are_listed_newest_first_in_slices(database):
    async with database.system_transaction(SYSTEM) as session:
        ids = [await add_job(session) for _ in range(5)][::-1]
        assert await listed(session, limit=2) == (ids[:2], ids[1])
        assert await listed(session, limit=2, before=ids[1]) == (ids[2:4], ids[3])
        assert await listed(session, limit=2, before=ids[3]) == (ids[4:], None)
        assert await listed(session, limit=5) == (ids, None)


async def test_jobs_are_found_by_what_they_are(database):
    async with database.system_transaction(SYSTEM) as session:
        one = await add_job(session, "a", task="posts.publish", args='{"word": "Sun 100%"}', lock="post:7")
        two = await add_job(session, "b", task="posts.enqueue", status="failed", args='{"n": 1}')
        for filters, ids in (
            ({"queue": "a"}, [one]), ({"queue": "%"}, []), ({"task": "posts.enqueue"}, [two]),
            ({"status": "failed"}, [two]), ({"status": "doing"}, []), ({"q": "POSTS."}, [two, one]),
            ({"q": "sun 100%"}, [one]), ({"q": "post:7"}, [one]), ({"q": "s_n"}, []), ({"q": "%"}, [one]),
            ({"q": str(two)}, [two]), ({"q": str(one), "queue": "b"}, []), ({"q": "9" * 200}, []),
        ):  # fmt: skip
            assert await listed(session, **filters) == (ids, None), filters


async def test_a_workspace_finds_its_own_jobs_only(database):
    async with database.system_transaction(SYSTEM) as session:
        mine, theirs = uuid4(), uuid4()
        job_id = await add_job(session, args=f'{{"workspace_id": "{mine}"}}')
        await add_job(session)
        assert await listed(session, workspace_id=mine) == ([job_id], None)
        assert await listed(session, workspace_id=theirs) == ([], None)
        assert await listed(session, workspace_id=theirs, q=str(job_id)) == ([], None)
        assert (await history.get_job(session, job_id, workspace_id=mine)).workspace_id == str(mine)
        for ask in (history.get_job, history.get_status):
            with pytest.raises(NoSuchJob):
                await ask(session, job_id, workspace_id=theirs)


async def test_a_search_for_a_needle_ends_after_so_many_rows_and_leads_on(database):
    async with database.system_transaction(SYSTEM) as session:
        needle = await add_job(session, task="needle")
        await session.execute(
            text("insert into procrastinate_jobs (queue_name, task_name, status)"
                 " select 'a', 'hay', 'succeeded' from generate_series(1, :most)"),
            {"most": history.EXAMINED},
        )  # fmt: skip
        ids, before = await listed(session, task="needle")
        assert ids == []
        assert await listed(session, task="needle", before=before) == ([needle], None)


async def plan(session, query, **values):
    """With every way closed but index scans, so that an empty table plans as a full one would."""
    for other in ("seqscan", "bitmapscan", "sort"):
        await session.execute(text(f"set local enable_{other} = off"))
    return "\n".join(await session.scalars(text(f"explain {query}"), values))


LIST = "select id from procrastinate_jobs where {} order by id desc limit 50"


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("select * from inspect.active", "procrastinate_jobs_lock_idx_v1|procrastinate_jobs_id_lock_idx_v1"),
        ("select * from inspect.scheduled where queue = 'a' order by due_at limit 9",
         "procrastinate_jobs_x_scheduled_idx"),
        ("select * from inspect.failures order by failed_at desc limit 9", "procrastinate_jobs_x_failed_idx"),
        ("select * from inspect.timeline where job_id = 1", "procrastinate_events_job_id_fkey_v1"),
        (LIST.format("status = 'failed'"), "procrastinate_jobs_x_unusual_idx"),
        (LIST.format("status = 'todo'"), "procrastinate_jobs_id_lock_idx_v1"),
        (LIST.format("args ->> 'workspace_id' = 'x'"), "procrastinate_jobs_x_workspace_idx"),
        (LIST.format("id < 1000"), "procrastinate_jobs_pkey"),
    ],
)  # fmt: skip
async def test_hot_questions_are_answered_from_an_index(database, query, index):
    async with database.system_transaction(SYSTEM) as session:
        lines = await plan(session, query)
        assert any(f"using {name} " in lines for name in index.split("|")), lines
        assert "Sort" not in lines


async def test_a_look_is_bounded(database):
    async with database.system_transaction(SYSTEM) as session:
        await inspection.bound(session)
        assert await session.scalar(text("show statement_timeout")) == "2s"

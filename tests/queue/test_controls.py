"""What people do to jobs, queues and workers: each deed as rows, the note in the audit log among them."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

from socialsync.errors import Forbidden, Invalid, NotFound
from socialsync.queue import controls, history, switches, tasks
from socialsync.queue.controls import By, UnknownTask, WrongState
from socialsync.queue.deferring import AlreadyWaiting
from socialsync.queue.history import NoSuchJob
from socialsync.queue.switches import WorkerSilent
from socialsync.worker import app
from tests.queue.conftest import SYSTEM, jobs, work

ME = By("a test")
NOTE = "tests.note"
ALL = ("cancel", "abort", "retry", "rerun", "revoke")


async def add_job(
    session, status="todo", *, queueing_lock=None, task=NOTE, args='{"word": "hi"}', queue="tests"
):
    return await session.scalar(
        text("insert into procrastinate_jobs"
             " (queue_name, task_name, status, queueing_lock, args, priority, lock, x_finished_at,"
             " x_expires_at)"
             " values (:queue, :task, cast(:status as procrastinate_job_status), :queueing_lock,"
             " cast(:args as jsonb), 3, 'l', now(), now()) returning id"),
        {"queue": queue, "task": task, "status": status, "queueing_lock": queueing_lock, "args": args},
    )  # fmt: skip


async def row(session, job_id):
    found = await session.execute(text("select * from procrastinate_jobs where id = :id"), {"id": job_id})
    return found.mappings().one()


async def notes(session):
    rows = await session.execute(
        text("select actor, action, subject, workspace_id from audit_log order by id")
    )
    return [tuple(row) for row in rows]


async def events(session, job_id):
    query = text("select type::text from procrastinate_events where job_id = :id order by id")
    return list(await session.scalars(query, {"id": job_id}))


async def test_a_waiting_job_is_cancelled(database):
    async with database.system_transaction(SYSTEM) as session:
        job_id = await add_job(session)
        await controls.cancel(session, job_id, ME)
        assert (await row(session, job_id))["status"] == "cancelled"
        assert await events(session, job_id) == ["deferred", "cancelled"]
        assert await notes(session) == [("a test", "jobs.cancelled", f"job:{job_id}", None)]


async def test_a_running_job_is_asked_to_end(database):
    async with database.system_transaction(SYSTEM) as session:
        job_id = await add_job(session, "doing")
        for _ in range(2):
            await controls.abort(session, job_id, ME)
        found = await row(session, job_id)
        assert (found["status"], found["abort_requested"]) == ("doing", True)
        assert await events(session, job_id) == ["abort_requested"]


@pytest.mark.parametrize("status", ["failed", "aborted", "cancelled"])
async def test_a_job_that_ended_badly_is_tried_again_at_once(database, status):
    async with database.system_transaction(SYSTEM) as session:
        job_id = await add_job(session, status)
        await controls.retry(session, job_id, ME)
        found = await row(session, job_id)
        assert found["status"] == "todo"
        assert found["scheduled_at"] <= datetime.now(UTC) + timedelta(seconds=1)
        assert found["x_finished_at"] is found["x_expires_at"] is None
        assert "retried" in await events(session, job_id)
        assert [action for _, action, *_ in await notes(session)] == ["jobs.retried"]


FORBIDDEN = [
    ("cancel", "doing", "Abort"), ("cancel", "succeeded", None), ("cancel", "cancelled", None),
    ("abort", "todo", "Cancel"), ("abort", "failed", None),
    ("retry", "todo", None), ("retry", "doing", None), ("retry", "succeeded", "rerun"),
    ("revoke", "doing", "Abort"), ("revoke", "aborted", None),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "status", "fix"), FORBIDDEN)
async def test_what_the_state_forbids_is_refused_with_what_to_do_instead(database, verb, status, fix):
    async with database.system_transaction(SYSTEM) as session:
        job_id = await add_job(session, status)
        with pytest.raises(WrongState) as refused:
            await getattr(controls, verb)(session, job_id, ME)
        assert (await row(session, job_id))["status"] == status
        assert await notes(session) == []
    assert str(job_id) in refused.value.message
    assert (fix or "") in (refused.value.fix or "")


@pytest.mark.parametrize(("status", "action"), [("todo", "cancelled"), ("doing", "abort_requested")])
async def test_to_revoke_is_to_cancel_or_to_terminate(database, status, action):
    async with database.system_transaction(SYSTEM) as session:
        job_id = await add_job(session, status)
        await controls.revoke(session, job_id, ME, terminate=True)
        assert await notes(session) == [("a test", f"jobs.{action}", f"job:{job_id}", None)]


@pytest.mark.parametrize("verb", ALL)
@pytest.mark.parametrize("job_id", [0, -5, 2**62, 2**63, 10**30])
async def test_a_job_that_is_not_there(database, verb, job_id):
    async with database.system_transaction(SYSTEM) as session:
        with pytest.raises(NoSuchJob):
            await getattr(controls, verb)(session, job_id, ME)


@pytest.mark.parametrize("verb", ALL)
async def test_another_workspaces_job_is_not_there(database, workspace, verb):
    async with database.system_transaction(SYSTEM) as session:
        theirs = await add_job(session, args=f'{{"workspace_id": "{uuid4()}"}}')
        nobodys = await add_job(session)
    for job_id in (theirs, nobodys):
        async with database.transaction(workspace.id) as session:
            with pytest.raises(NoSuchJob):
                await getattr(controls, verb)(session, job_id, By("key", workspace.id))


async def test_a_workspaces_deed_is_noted_in_its_own_log(database, workspace):
    async with database.transaction(workspace.id) as session:
        job_id = await add_job(session, args=f'{{"workspace_id": "{workspace.id}"}}')
        await controls.cancel(session, job_id, By("key", workspace.id))
        assert (await notes(session))[-1] == ("key", "jobs.cancelled", f"job:{job_id}", workspace.id)


async def test_a_job_is_not_tried_again_beside_its_waiting_twin(database):
    async with database.system_transaction(SYSTEM) as session:
        job_id = await add_job(session, "failed", queueing_lock="one")
        twin = await add_job(session, queueing_lock="one")
        with pytest.raises(AlreadyWaiting, match=f"Job {twin} "):
            await controls.retry(session, job_id, ME)
        with pytest.raises(AlreadyWaiting, match=f"Job {twin} "):
            await controls.rerun(session, job_id, ME)
        await controls.cancel(session, twin, ME)
        await controls.retry(session, job_id, ME)


async def test_a_twin_that_comes_in_the_same_moment_is_a_conflict_too(fresh_database):
    async with fresh_database.system_transaction(SYSTEM) as session:
        job_id = await add_job(session, "failed", queueing_lock="one")

    async def retry():
        async with fresh_database.system_transaction(SYSTEM) as session:
            await controls.retry(session, job_id, ME)

    async with fresh_database.system_transaction(SYSTEM) as session:
        await add_job(session, queueing_lock="one")
        retried = asyncio.create_task(retry())
        while not await session.scalar(text("select exists (select from pg_locks where not granted)")):
            await asyncio.sleep(0.01)
    with pytest.raises(AlreadyWaiting):
        await retried


@pytest.mark.parametrize("status", ["todo", "doing", "succeeded", "failed", "cancelled"])
async def test_a_rerun_is_a_new_job_like_the_old_one(database, status):
    async with database.system_transaction(SYSTEM) as session:
        old = await add_job(session, status)
        new = await controls.rerun(session, old, ME)
        made, before = await row(session, new), await row(session, old)
        for column in ("queue_name", "task_name", "priority", "lock", "args"):
            assert made[column] == before[column]
        assert (made["status"], made["x_rerun_of"], made["attempts"]) == ("todo", old, 0)
        assert before["status"] == status
        assert await notes(session) == [("a test", "jobs.rerun", f"job:{old}", None)]


async def test_a_rerun_may_differ(database):
    at = datetime(2030, 1, 1, tzinfo=UTC)
    async with database.system_transaction(SYSTEM) as session:
        old = await add_job(session, "failed")
        new = await controls.rerun(session, old, ME, args={"word": "other"}, queue="low", schedule_at=at)
        made = await row(session, new)
    assert (made["args"], made["queue_name"], made["scheduled_at"]) == ({"word": "other"}, "low", at)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"args": {"word": 5}}, "args.word"), ({"args": {}}, "args.word"),
        ({"args": {"word": "x", "more": 1}}, "args.more"), ({"queue": ""}, "queue"),
        ({"queue": "ü" * 21}, "queue"),
    ],
)  # fmt: skip
async def test_a_rerun_that_could_not_run_is_refused(database, change, field):
    async with database.system_transaction(SYSTEM) as session:
        old = await add_job(session, "failed")
        with pytest.raises(Invalid) as refused:
            await controls.rerun(session, old, ME, **change)
        assert len(await jobs(session)) == 1
    assert refused.value.field == field


async def test_a_task_that_only_workers_know_is_left_to_them(database):
    async with database.system_transaction(SYSTEM) as session:
        old = await add_job(session, "failed", task="shop.remind")
        with pytest.raises(UnknownTask):
            await controls.rerun(session, old, ME)
        await session.execute(
            text("insert into task_info (name, queue, policy, scope, soft_s, hard_s, priority)"
                 " values ('shop.remind', 'shop', 'base', 'system', 1, 2, 0)")
        )  # fmt: skip
        new = await controls.rerun(session, old, ME)
        assert (await row(session, new))["lock"] == "l"


async def test_a_workspace_cannot_rerun_into_another(database, workspace):
    async with database.transaction(workspace.id) as session:
        job_id = await add_job(session, "failed", args=f'{{"workspace_id": "{workspace.id}"}}')
        for args in ({"workspace_id": str(uuid4())}, {"workspace_id": None}):
            with pytest.raises(Forbidden):
                await controls.rerun(session, job_id, By("key", workspace.id), args=args)
        for args in ({}, {"word": "nobody's"}):
            with pytest.raises(Invalid):
                await controls.rerun(session, job_id, By("key", workspace.id), args=args)


async def test_a_retried_job_wakes_a_worker_and_runs(app, fresh_database):
    async with fresh_database.system_transaction(SYSTEM) as session:
        job_id = await add_job(session, "failed")
        await session.execute(text("update procrastinate_jobs set lock = null"))
        await controls.retry(session, job_id, ME)
        await controls.rerun(session, job_id, ME, args={"word": "again"})
    await work(app)
    async with fresh_database.system_transaction(SYSTEM) as session:
        assert [job["status"] for job in await jobs(session)] == ["succeeded", "succeeded"]
        assert (await history.get_job(session, job_id)).result.endswith(": hi")


async def test_a_paused_queue_is_left_alone_until_it_is_resumed(app, fresh_database):
    async with fresh_database.system_transaction(SYSTEM) as session:
        await app.configure_task(NOTE).defer_async(word="one")
        await switches.pause(session, "tests", ME)
        await switches.pause(session, "tests", ME)
    await work(app)
    async with fresh_database.system_transaction(SYSTEM) as session:
        assert [job["status"] for job in await jobs(session)] == ["todo"]
        await switches.resume(session, "tests", ME)
    await work(app)
    async with fresh_database.system_transaction(SYSTEM) as session:
        assert [job["status"] for job in await jobs(session)] == ["succeeded"]
        assert [action for _, action, *_ in await notes(session)] == [
            "queues.paused", "queues.paused", "queues.resumed",
        ]  # fmt: skip


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_a_queue_that_nobody_names_cannot_be_switched(database, verb):
    async with database.system_transaction(SYSTEM) as session:
        with pytest.raises(NotFound):
            await getattr(switches, verb)(session, "tests.misspelt", ME)
        assert await session.scalar(text("select count(*) from queue_settings")) == 0


async def test_a_queue_may_be_paused_before_its_first_job(database):
    async with database.system_transaction(SYSTEM) as session:
        await switches.pause(session, "tests", ME)
        await add_job(session)
        assert await session.scalar(text("select paused_at from queue_settings")) is not None


@pytest.mark.parametrize(("queue", "left"), [("tests", {"low"}), (None, set())])
async def test_a_purge_deletes_what_waits(database, queue, left):
    async with database.system_transaction(SYSTEM) as session:
        running, over = await add_job(session, "doing"), await add_job(session, "failed")
        for name in ("tests", "tests", "low"):
            await add_job(session, queue=name)
        await session.execute(
            text("update procrastinate_jobs set scheduled_at = now() + interval '1 day'"
                 " where id = (select min(id) from procrastinate_jobs where status = 'todo')")
        )  # fmt: skip
    assert await switches.purge(database, queue, ME) == (2 if queue else 3)
    async with database.system_transaction(SYSTEM) as session:
        rows = await jobs(session)
        assert {row["id"] for row in rows if row["status"] != "todo"} == {running, over}
        assert {row["queue_name"] for row in rows if row["status"] == "todo"} == left
        assert await notes(session) == [
            ("a test", "queues.purged", f"queue:{queue}" if queue else "queues", None)
        ]


async def test_a_purge_of_many_goes_in_batches(database):
    async with database.system_transaction(SYSTEM) as session:
        await session.execute(
            text("insert into procrastinate_jobs (queue_name, task_name)"
                 " select case when n % 3 = 0 then 'low' else 'tests' end, 'x'"
                 " from generate_series(1, 18000) n")
        )  # fmt: skip
    assert await switches.purge(database, "tests", ME) == 12_000
    assert await switches.purge(database, "tests", ME) == 0
    async with database.system_transaction(SYSTEM) as session:
        assert await session.scalar(text("select count(*) from procrastinate_jobs")) == 6_000
        assert len(await notes(session)) == 3


async def test_a_purge_of_no_such_queue(database):
    with pytest.raises(NotFound):
        await switches.purge(database, "tests.misspelt", ME)


async def add_worker(session, name, *, age=0):
    worker_id = await session.scalar(
        text("insert into procrastinate_workers (last_heartbeat) values (now() - :age) returning id"),
        {"age": timedelta(seconds=age)},
    )
    await session.execute(
        text("insert into worker_info (worker_id, name, host, pid, concurrency, version, leased, started_at)"
             " values (:id, :name, 'h', 1, 1, '0', false, now())"),
        {"id": worker_id, "name": name},
    )  # fmt: skip
    return worker_id


@pytest.mark.parametrize(("verb", "wanted"), [(switches.drain, "drain"), (switches.stop, "stop")])
async def test_a_worker_is_asked_by_its_name_or_id_and_told_at_once(fresh, fresh_database, verb, wanted):
    async with fresh_database.system_transaction(SYSTEM) as session:
        ids = [await add_worker(session, name) for name in ("w1", "w2", "w2")]
    with psycopg.connect(fresh.app, autocommit=True) as listening:
        listening.execute("listen queue_control")
        async with fresh_database.system_transaction(SYSTEM) as session:
            assert await verb(session, str(ids[0]), ME) == ids[:1]
            assert await verb(session, "w2", ME) == ids[1:]
            assert set(await session.scalars(text("select wanted from worker_info"))) == {wanted}
            assert len(await notes(session)) == 3
        told = [notification.payload for notification in listening.notifies(timeout=5, stop_after=3)]
    assert told == [str(worker_id) for worker_id in ids]


async def test_a_stopping_worker_does_not_go_back_to_draining(database):
    async with database.system_transaction(SYSTEM) as session:
        await add_worker(session, "w1")
        await switches.stop(session, "w1", ME)
        await switches.drain(session, "w1", ME)
        assert await session.scalar(text("select wanted from worker_info")) == "stop"


async def test_a_worker_that_is_silent_or_unknown_cannot_be_asked(database):
    async with database.system_transaction(SYSTEM) as session:
        await add_worker(session, "dead", age=60)
        with pytest.raises(WorkerSilent):
            await switches.drain(session, "dead", ME)
        with pytest.raises(NotFound):
            await switches.stop(session, "nobody", ME)


async def test_a_workspaces_rerun_goes_to_no_queue_of_its_invention(database):
    async with database.system_transaction(SYSTEM) as session:
        workspace_id = uuid4()
        old = await add_job(session, "failed")
        await session.execute(
            text(
                "update procrastinate_jobs"
                " set args = args || jsonb_build_object('workspace_id', cast(:id as text))"
            ),
            {"id": str(workspace_id)},
        )
        with pytest.raises(Invalid) as caught:
            await controls.rerun(session, old, By("key:ss_1", workspace_id), queue="nobodys")
    assert caught.value.field == "queue"


async def test_a_rerun_with_another_workspaces_ids_gets_no_lock_of_that_workspace(database, workspace):
    """Nor a lock of its own by spelling an id otherwise."""
    assert "posts.publish_post" in app.tasks
    ours, theirs, post_id = workspace.id, uuid4(), uuid4()
    args = {"workspace_id": str(ours), "post_id": str(post_id)}
    async with database.system_transaction(SYSTEM) as session:
        old = await add_job(session, "failed", task="posts.publish_post", args=json.dumps(args))
        given = {**args, "post_id": str(post_id).upper()}
        new = await controls.rerun(session, old, By("key:ss_1", ours), args=given)
        taken = (await row(session, new))["lock"]
    assert taken == f"post:{post_id}@{ours}"
    _, details = tasks.find("posts.publish_post")
    assert taken != details.lock(workspace_id=theirs, post_id=post_id)

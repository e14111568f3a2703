"""Jobs are born with their rows or not at all."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from socialsync.db.transaction import psycopg_connection
from socialsync.errors import Invalid, NotFound
from socialsync.queue import deferring
from socialsync.queue.deferring import AlreadyWaiting, Options
from socialsync.worker import app
from tests.queue.conftest import SYSTEM, jobs

LATER = datetime(2030, 1, 1, tzinfo=UTC)


async def test_a_job_takes_what_its_task_says(database):
    async with database.system_transaction(SYSTEM) as session:
        job_id = await deferring.defer(session, "tests.note", {"word": "hello"})
        (job,) = await jobs(session)
    assert (job["id"], job["queue_name"], job["task_name"]) == (job_id, "tests", "tests.note")
    assert (job["priority"], job["status"], job["args"]) == (3, "todo", {"word": "hello"})


async def test_options_overrule_the_task(database):
    options = Options(at=LATER, queue="other", priority=0, expires_at=LATER)
    async with database.system_transaction(SYSTEM) as session:
        await deferring.defer(session, "tests.note", {"word": "hello"}, options)
        (job,) = await jobs(session)
    assert (job["queue_name"], job["priority"]) == ("other", 0)
    assert (job["scheduled_at"], job["x_expires_at"]) == (LATER, LATER)


async def test_a_job_disappears_with_its_transaction(fresh_database):
    with pytest.raises(RuntimeError, match="never mind"):
        async with fresh_database.system_transaction(SYSTEM) as session:
            await deferring.defer(session, "tests.note", {"word": "hello"})
            raise RuntimeError("never mind")
    async with fresh_database.system_transaction(SYSTEM) as session:
        assert await jobs(session) == []


async def test_procrastinates_own_defer_runs_on_the_sessions_connection(fresh_database):
    with pytest.raises(RuntimeError, match="never mind"):
        async with fresh_database.system_transaction(SYSTEM) as session:
            connection = await psycopg_connection(session)
            task = app.configure_task("health.health_check", connection=connection)
            await task.defer_async()
            (job,) = await jobs(session)
            assert job["task_name"] == "operations.health_check"
            raise RuntimeError("never mind")
    async with fresh_database.system_transaction(SYSTEM) as session:
        assert await jobs(session) == []


async def test_wrong_arguments_are_refused_before_anything_is_queued(database):
    async with database.system_transaction(SYSTEM) as session:
        with pytest.raises(Invalid):
            await deferring.defer(session, "tests.note", {"word": 1, "other": 2})
        assert await jobs(session) == []


async def test_an_unknown_task_is_refused(database):
    async with database.system_transaction(SYSTEM) as session:
        with pytest.raises(NotFound):
            await deferring.defer(session, "tests.unknown", {})


async def test_a_taken_queueing_lock_leaves_the_transaction_usable(database):
    options = Options(queueing_lock="only one")
    async with database.system_transaction(SYSTEM) as session:
        await deferring.defer(session, "tests.note", {"word": "first"}, options)
        with pytest.raises(AlreadyWaiting):
            await deferring.defer(session, "tests.note", {"word": "second"}, options)
        assert [job["args"]["word"] for job in await jobs(session)] == ["first"]


async def test_ten_thousand_jobs_are_one_statement(database):
    async with database.system_transaction(SYSTEM) as session:
        born = await deferring.defer_each(
            session, "tests.note", [{"word": str(number)} for number in range(10_000)]
        )
        assert len({job.id for job in born}) == 10_000
        assert {job.args["word"] for job in born} == {str(number) for number in range(10_000)}


async def test_a_waiting_job_slides(database):
    async with database.system_transaction(SYSTEM) as session:
        first = await deferring.slide(session, "tests.note", {"word": "a"}, queueing_lock="window", at=LATER)
        second = await deferring.slide(
            session, "tests.note", {"word": "b"}, queueing_lock="window", at=LATER + timedelta(seconds=5)
        )
        (job,) = await jobs(session)
    assert (first.fresh, second.fresh, second.id) == (True, False, first.id)
    assert job["scheduled_at"] == LATER + timedelta(seconds=5)


async def test_a_job_that_waits_for_its_retry_slides_too(database):
    async with database.system_transaction(SYSTEM) as session:
        first = await deferring.slide(session, "tests.note", {"word": "a"}, queueing_lock="window", at=LATER)
        await session.execute(text("update procrastinate_jobs set attempts = 1"))
        await deferring.slide(session, "tests.note", {"word": "b"}, queueing_lock="window", at=LATER)
        (job,) = await jobs(session)
    assert (job["id"], job["attempts"]) == (first.id, 1)


async def test_a_running_job_gets_a_successor_instead(database):
    async with database.system_transaction(SYSTEM) as session:
        await deferring.slide(session, "tests.note", {"word": "a"}, queueing_lock="window", at=LATER)
        await session.execute(text("update procrastinate_jobs set status = 'doing'"))
        second = await deferring.slide(session, "tests.note", {"word": "b"}, queueing_lock="window", at=LATER)
        assert second.fresh
        assert [job["status"] for job in await jobs(session)] == ["doing", "todo"]


async def test_twenty_slides_at_once_leave_one_waiting_job(fresh_database):
    async def slide(number: int) -> None:
        async with fresh_database.system_transaction(SYSTEM) as session:
            await deferring.slide(
                session, "tests.note", {"word": str(number)}, queueing_lock="window", at=LATER
            )

    await asyncio.gather(*(slide(number) for number in range(20)))
    async with fresh_database.system_transaction(SYSTEM) as session:
        assert len(await jobs(session)) == 1


async def test_a_waiting_job_can_be_cancelled_and_a_running_one_cannot(database):
    async with database.system_transaction(SYSTEM) as session:
        waiting = await deferring.defer(session, "tests.note", {"word": "a"})
        running = await deferring.defer(session, "tests.note", {"word": "b"})
        await session.execute(
            text("update procrastinate_jobs set status = 'doing' where id = :id"), {"id": running}
        )
        assert await deferring.cancel_waiting(session, waiting)
        assert not await deferring.cancel_waiting(session, running)
        assert [job["status"] for job in await jobs(session)] == ["cancelled", "doing"]


async def test_a_statement_bears_a_job_for_each_of_its_rows(database):
    born = deferring.births(
        "posts.publish_post",
        source="rows",
        args={"workspace_id": "rows.workspace", "post_id": "rows.post"},
        limit_key="'instagram:' || rows.account",
    )
    rows = "select uuidv7() as workspace, uuidv7() as post, n::text as account from generate_series(1, 3) n"
    async with database.system_transaction(SYSTEM) as session:
        found = (
            await session.execute(
                text(
                    f"with rows as materialized ({rows}), born as ({born}) select * from rows join born"  # noqa: S608 - SQL of ours
                    " on born.args->>'post_id' = rows.post::text"
                )
            )
        ).all()
        stored = await jobs(session)
        keys = await session.scalars(text("select x_limit_key from procrastinate_jobs order by 1"))
    assert len(found) == len(stored) == 3
    assert {job["lock"] for job in stored} == {f"post:{row.post}@{row.workspace}" for row in found}
    assert {tuple(job["args"].values()) for job in stored} == {
        (str(row.post), str(row.workspace)) for row in found
    }
    assert {(job["queue_name"], job["priority"], job["status"]) for job in stored} == {
        ("scheduler", 0, "todo")
    }
    assert list(keys) == ["instagram:1", "instagram:2", "instagram:3"]


async def test_a_statement_slides_the_job_of_each_of_its_rows(database):
    slides = deferring.slides(
        "tests.note",
        source="rows",
        args={"word": "word"},
        queueing_lock=lambda word: f"window:{word}",
        at="due_at",
    )
    rows = "select word, cast(:at as timestamptz) as due_at from unnest(cast(:words as text[])) as word"
    statement = text(f"with rows as materialized ({rows}), slid as ({slides}) select")
    async with database.system_transaction(SYSTEM) as session:
        await session.execute(statement, {"words": ["b", "a"], "at": LATER})
        first = {job["id"] for job in await jobs(session)}
        later = LATER + timedelta(seconds=5)
        await session.execute(statement, {"words": ["b", "c"], "at": later})
        stored = await jobs(session)
    assert len(first) == 2
    assert {(job["args"]["word"], job["scheduled_at"], job["id"] in first) for job in stored} == {
        ("a", LATER, True), ("b", later, True), ("c", later, False),
    }  # fmt: skip
    assert {job["queueing_lock"] for job in stored} == {"window:a", "window:b", "window:c"}
    assert {(job["queue_name"], job["priority"], job["lock"]) for job in stored} == {("tests", 3, None)}


@pytest.mark.parametrize(
    "args", [{}, {"post_id": "id"}, {"workspace_id": "w", "post_id": "id", "colour": "'blue'"}]
)
def test_jobs_that_would_not_fit_their_task_are_not_born(args):
    with pytest.raises(Invalid):
        deferring.births("posts.publish_post", source="rows", args=args)


def test_jobs_of_an_unknown_task_are_not_born():
    with pytest.raises(NotFound):
        deferring.births("posts.nothing", source="rows", args={})

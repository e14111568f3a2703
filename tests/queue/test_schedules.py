"""Schedules as rows: seeded once, ticked once, then the operators' own."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from socialsync.errors import Conflict, Invalid
from socialsync.queue import schedules
from socialsync.queue.schedules import New
from tests.queue.conftest import SYSTEM, jobs

OFTEN = New(name="often", task="tests.note", every_s=60, args={"word": "tick"}, expires_s=55)


async def make_due(session, name: str = "often") -> None:
    await session.execute(
        text("update schedules set next_at = now() - interval '1 hour' where name = :name"), {"name": name}
    )


async def test_the_timetable_seeds_what_never_was_and_leaves_the_rest_alone(database):
    async with database.system_transaction(SYSTEM) as session:
        await schedules.seed(session, [OFTEN])
        await schedules.change_rule(session, "often", cron="0 0 * * *", every_s=None)
        await schedules.seed(session, [OFTEN])
        assert (await schedules.get_schedule(session, "often")).cron == "0 0 * * *"


async def test_a_removed_schedule_is_not_seeded_again_but_can_be_added_again(database):
    async with database.system_transaction(SYSTEM) as session:
        await schedules.seed(session, [OFTEN])
        await schedules.remove(session, "often")
        await schedules.seed(session, [OFTEN])
        assert await schedules.list_schedules(session) == []
        await schedules.add(session, OFTEN)
        assert [row.name for row in await schedules.list_schedules(session)] == ["often"]
        with pytest.raises(Conflict):
            await schedules.add(session, OFTEN)


async def test_a_tick_defers_one_job_and_moves_on(database):
    async with database.system_transaction(SYSTEM) as session:
        await schedules.seed(session, [OFTEN])
        assert 0 < await schedules.tick(session) <= 60
        assert await jobs(session) == []
        await make_due(session)
        await schedules.tick(session)
        await schedules.tick(session)
        (job,) = await jobs(session)
    assert (job["task_name"], job["args"], job["queueing_lock"]) == (
        "tests.note",
        {"word": "tick"},
        "schedule:often",
    )


async def test_a_pause_is_followed_by_one_tick(database):
    async with database.system_transaction(SYSTEM) as session:
        await schedules.seed(session, [OFTEN])
        await make_due(session)
        await schedules.tick(session)
        schedule = await schedules.get_schedule(session, "often")
        assert schedule.next_at > schedule.last_at
        assert schedule.next_at - schedule.last_at <= timedelta(seconds=60)


async def test_a_new_tick_cancels_its_unrun_predecessor(database):
    async with database.system_transaction(SYSTEM) as session:
        await schedules.seed(session, [OFTEN])
        for _ in range(2):
            await make_due(session)
            await schedules.tick(session)
        assert [job["status"] for job in await jobs(session)] == ["cancelled", "todo"]


async def test_a_tick_leaves_a_running_predecessor_alone(database):
    async with database.system_transaction(SYSTEM) as session:
        await schedules.seed(session, [OFTEN])
        await make_due(session)
        await schedules.tick(session)
        await session.execute(text("update procrastinate_jobs set status = 'doing'"))
        await make_due(session)
        await schedules.tick(session)
        assert [job["status"] for job in await jobs(session)] == ["doing", "todo"]


async def test_a_ticks_job_carries_its_expiry(database):
    async with database.system_transaction(SYSTEM) as session:
        await schedules.seed(session, [OFTEN])
        await make_due(session)
        await schedules.tick(session)
        (job,) = await jobs(session)
        schedule = await schedules.get_schedule(session, "often")
    assert job["x_expires_at"] == schedule.last_at + timedelta(seconds=55)


async def test_ten_workers_tick_once(fresh_database):
    async with fresh_database.system_transaction(SYSTEM) as session:
        await schedules.seed(session, [OFTEN])
        await make_due(session)

    async def worker() -> None:
        async with fresh_database.system_transaction(SYSTEM) as session:
            await schedules.tick(session)

    await asyncio.gather(*(worker() for _ in range(10)))
    async with fresh_database.system_transaction(SYSTEM) as session:
        assert len(await jobs(session)) == 1


async def test_a_disabled_schedule_does_not_tick_and_an_enabled_one_starts_from_now(database):
    async with database.system_transaction(SYSTEM) as session:
        await schedules.seed(session, [OFTEN])
        await schedules.set_enabled(session, "often", enabled=False)
        await make_due(session)
        assert await schedules.tick(session) is None
        assert await jobs(session) == []
        await schedules.set_enabled(session, "often", enabled=True)
        await schedules.tick(session)
        assert await jobs(session) == []


async def test_a_schedule_whose_task_is_gone_does_not_stop_the_others(database):
    async with database.system_transaction(SYSTEM) as session:
        await schedules.seed(session, [New(name="broken", task="gone.away", every_s=60), OFTEN])
        await make_due(session, "broken")
        await make_due(session)
        await schedules.tick(session)
        assert [job["task_name"] for job in await jobs(session)] == ["tests.note"]


OTHERS = """
with worker as (
    insert into procrastinate_workers (last_heartbeat) values (now() - make_interval(secs => :silent))
    returning id
)
insert into worker_info (worker_id, name, host, pid, concurrency, version, leased, started_at, tasks)
select id, 'theirs', 'there', 1, 1, '1', true, now(), '{shop.every}' from worker
"""


@pytest.mark.parametrize(("silent", "left"), [(0, True), (60, False)])
async def test_a_tick_is_left_to_those_who_know_its_task_as_long_as_they_live(database, silent, left):
    async with database.system_transaction(SYSTEM) as session:
        await schedules.seed(session, [New(name="theirs", task="shop.every", every_s=60), OFTEN])
        await session.execute(text(OTHERS), {"silent": silent})
        await make_due(session, "theirs")
        await make_due(session)
        assert 0 < await schedules.tick(session) <= 60
        assert [job["task_name"] for job in await jobs(session)] == ["tests.note"]
        overdue = await session.scalar(text("select next_at < now() from schedules where name = 'theirs'"))
        assert overdue == left


async def test_run_now_is_besides_the_ticks(database):
    async with database.system_transaction(SYSTEM) as session:
        await schedules.seed(session, [OFTEN])
        before = (await schedules.get_schedule(session, "often")).next_at
        job_id = await schedules.run_now(session, "often")
        assert [job["id"] for job in await jobs(session)] == [job_id]
        assert (await schedules.get_schedule(session, "often")).next_at == before


@pytest.mark.parametrize(
    ("change", "kind"),
    [({"task": "no.such"}, Invalid), ({"args": {"oops": 1}}, Invalid), ({"every_s": 0.01}, Invalid)],
)
async def test_a_schedule_that_could_never_run_is_refused(database, change, kind):
    values = {"name": "new", "task": "tests.note", "every_s": 60, "args": {"word": "x"}, **change}
    async with database.system_transaction(SYSTEM) as session:
        with pytest.raises(kind):
            await schedules.add(session, New(**values))


@pytest.mark.parametrize("wrong", ["timezone = 'Mars/Olympus'", "cron = '0 0 30 2 *', every_s = null"])
async def test_a_rule_broken_in_psql_disables_itself_and_nothing_else(database, wrong):
    async with database.system_transaction(SYSTEM) as session:
        await schedules.seed(session, [New(name="broken", task="tests.note", cron="* * * * *"), OFTEN])
        await session.execute(text(f"update schedules set {wrong} where name = 'broken'"))  # noqa: S608 - our own words
        await make_due(session, "broken")
        await make_due(session)
        await schedules.tick(session)
        assert [job["queueing_lock"] for job in await jobs(session)] == ["schedule:often"]
        assert not (await schedules.get_schedule(session, "broken")).enabled


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"cron": "0 0 * * *"}, ("0 0 * * *", None)),
        ({"every_s": 5}, (None, 5)),
        ({"timezone": "Europe/Paris"}, (None, 60)),
        ({"args": {"word": "other"}, "queue": "low", "expires_s": None}, (None, 60)),
    ],
)
async def test_an_edit_changes_what_it_names_and_nothing_else(database, changes, rule):
    async with database.system_transaction(SYSTEM) as session:
        await schedules.seed(session, [OFTEN])
        before = (await schedules.get_schedule(session, "often")).next_at
        await session.execute(text("update schedules set next_at = next_at - interval '1 hour'"))
        session.expire_all()
        edited = await schedules.edit(session, "often", changes)
        assert (edited.cron, edited.every_s) == rule
        for field, value in changes.items():
            assert getattr(edited, field) == value
        restarted = bool(changes.keys() & {"cron", "every_s", "timezone"})
        assert (edited.next_at > before - timedelta(minutes=1)) is restarted


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cron": "* * * * *", "every_s": 5}, "cron"),
        ({"every_s": None}, "cron"),
        ({"every_s": float("nan")}, "every_s"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"task": "no.such"}, "task"),
        ({"args": {"word": 1}}, "args.word"),
        ({"queue": "x" * 41}, "queue"),
        ({"expires_s": 0.0}, "expires_s"),
        ({"expires_s": float("inf")}, "expires_s"),
    ],
)
async def test_an_edit_that_could_not_be_followed_is_refused(database, changes, field):
    async with database.system_transaction(SYSTEM) as session:
        await schedules.seed(session, [OFTEN])
        with pytest.raises(Invalid) as refused:
            await schedules.edit(session, "often", changes)
    assert refused.value.field == field


@pytest.mark.parametrize("bad", ["queue = repeat('q', 60)", "expires_s = 1e15", "args = '[1]'"])
async def test_a_schedule_that_postgres_refuses_stops_no_other(fresh_database, bad):
    async with fresh_database.system_transaction(SYSTEM) as session:
        for name in ("bad", "good"):
            await schedules.add(session, New(name, "tests.note", every_s=60, args={"word": "x"}))
        await session.execute(text("update schedules set next_at = now() - interval '1 s'"))
        await session.execute(text(f"update schedules set {bad} where name = 'bad'"))  # noqa: S608 # of the list
    async with fresh_database.system_transaction(SYSTEM) as session:
        await schedules.tick(session)
    async with fresh_database.system_transaction(SYSTEM) as session:
        rows = await session.execute(
            text("select name, last_at is null as never from schedules order by name")
        )
        assert [tuple(row) for row in rows] == [("bad", True), ("good", False)]

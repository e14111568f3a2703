"""Statements that are told together."""

import psycopg
import pytest
from psycopg.errors import ReadOnlySqlTransaction, UndefinedTable
from sqlalchemy import text

from socialsync.db.asking import Question, ask
from socialsync.db.transaction import savepoint

REASON = "a test asks"
PULSE = text("insert into pulses (name, beat_at) values (:name, now()) returning name")
COUNT = text("select count(*) as pulses from pulses where name like 'a %'")
PID = text("select pg_backend_pid()")


def pulse(name: str) -> Question:
    return Question(PULSE, {"name": name})


async def test_each_sees_what_those_before_it_did(database):
    first, count, second, again = pulse("a test"), Question(COUNT, {}), pulse("a 100 %"), Question(COUNT, {})
    async with database.system_transaction(REASON) as session:
        await ask(session, first, count, second, again)
        await ask(session)
    assert first.rows == [{"name": "a test"}]
    assert second.rows == [{"name": "a 100 %"}]
    assert (count.rows, again.rows) == ([{"pulses": 1}], [{"pulses": 2}])


async def test_the_first_of_a_transaction_are_asked_in_its_scope(database):
    role = Question(text("select current_user::text as name, app_is_system() as is_system"), {})
    async with database.system_transaction(REASON, role):
        assert role.rows == [{"name": "socialsync_app", "is_system": True}]


async def test_the_first_that_fails_is_told_and_a_savepoint_undoes_the_rest(database):
    wrong, count = Question(text("select from nothing"), {}), Question(COUNT, {})
    async with database.system_transaction(REASON) as session:
        with pytest.raises(UndefinedTable):
            async with savepoint(session):
                await ask(session, pulse("a test"), wrong, pulse("a test"))
        await ask(session, count)
    assert count.rows == [{"pulses": 0}]


async def test_what_fails_with_the_beginning_leaves_nothing_and_the_next_begins_anew(fresh_database):
    count = Question(COUNT, {})
    with pytest.raises(UndefinedTable):
        async with fresh_database.system_transaction(
            REASON, pulse("a test"), Question(text("select from nothing"), {})
        ):
            pass
    async with fresh_database.system_transaction(REASON, count):
        assert count.rows == [{"pulses": 0}]


async def test_a_connection_to_what_only_reads_now_is_not_used_again(fresh_database):
    async with fresh_database.system_transaction(REASON) as session:
        before = await session.scalar(PID)
    with pytest.raises(ReadOnlySqlTransaction):
        async with fresh_database.system_transaction(
            REASON, Question(text("set transaction read only"), {}), pulse("a test")
        ):
            pass
    async with fresh_database.system_transaction(REASON) as session:
        assert await session.scalar(PID) != before


async def test_a_connection_that_ended_while_it_was_asked_is_not_used_again(fresh_database):
    end = Question(text("select pg_terminate_backend(pg_backend_pid())"), {})
    with pytest.raises(psycopg.OperationalError):
        async with fresh_database.system_transaction(REASON) as session:
            await ask(session, end)
    async with fresh_database.system_transaction(REASON) as session:
        assert await session.scalar(PID)

"""Kinds of errors as problem documents."""

from datetime import timedelta

import psycopg
import pytest
import sqlalchemy.exc
from psycopg import errors as postgres

from socialsync import errors
from tests.api.small import post, raising, small_app
from tests.conftest import calling


class FloorTaken(errors.Conflict):
    pass


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Invalid("no"), 422),
        (errors.Unauthenticated("no"), 401),
        (errors.Forbidden("no"), 403),
        (errors.NotFound("no"), 404),
        (errors.Conflict("no"), 409),
        (FloorTaken("no"), 409),
        (errors.Refused("no"), 400),
        (errors.Temporary("no"), 503),
        (errors.Permanent("no"), 502),
        (errors.UnknownOutcome("no"), 502),
        (errors.Failed("no"), 502),
    ],
)
async def test_every_kind_has_its_status(error, status):
    answer = await post(small_app(it=raising(error)), "/it")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert (problem["status"], problem["detail"], problem["instance"]) == (status, "no", "/it")
    assert problem["code"] == type(error).__name__
    assert problem["errors"] == []


async def test_a_problem_names_field_problem_and_fix():
    error = errors.Invalid("It is too late.", field="publish_at", fix="Choose a later time.")
    answer = await post(small_app(it=raising(error)), "/it")
    assert answer.json()["errors"] == [
        {"field": "publish_at", "problem": "It is too late.", "fix": "Choose a later time."}
    ]


async def test_who_is_not_signed_in_is_told_how():
    answer = await post(small_app(it=raising(errors.Unauthenticated("no"))), "/it")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("wait", "header"), [(None, "2"), (timedelta(milliseconds=1), "1"), (timedelta(seconds=90.2), "91")]
)
async def test_a_temporary_error_says_when_to_come_back(wait, header):
    answer = await post(small_app(it=raising(errors.Temporary("no", retry_after=wait))), "/it")
    assert answer.headers["retry-after"] == header


def wrapped(kind, cause, **more):
    return kind("select 1", {}, cause, **more)


@pytest.mark.parametrize(
    "error",
    [
        wrapped(sqlalchemy.exc.OperationalError, psycopg.OperationalError("server closed the connection")),
        wrapped(sqlalchemy.exc.OperationalError, postgres.DeadlockDetected("deadlock")),
        wrapped(sqlalchemy.exc.InternalError, postgres.ReadOnlySqlTransaction("cannot execute INSERT")),
        wrapped(sqlalchemy.exc.InterfaceError, psycopg.InterfaceError("x"), connection_invalidated=True),
        sqlalchemy.exc.TimeoutError("QueuePool limit reached"),
        psycopg.OperationalError("connection refused: host=secret.internal"),
    ],
)
async def test_the_database_being_away_is_temporary_and_tells_no_internals(error):
    answer = await post(small_app(it=raising(error)), "/it")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["code"] == "DatabaseAway"
    assert not any(word in answer.text for word in ("select", "secret", "Pool", "server closed"))


async def test_a_value_that_postgres_refuses_is_the_callers():
    error = wrapped(sqlalchemy.exc.DataError, postgres.NumericValueOutOfRange("integer out of range"))
    answer = await post(small_app(it=raising(error)), "/it")
    assert (answer.status_code, answer.json()["code"]) == (422, "Invalid")


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError("the token is EAAsecret"),
        wrapped(sqlalchemy.exc.ProgrammingError, postgres.UndefinedTable("no table tokens")),
        wrapped(sqlalchemy.exc.IntegrityError, postgres.ForeignKeyViolation("key (a)=(EAAsecret)")),
    ],
)
async def test_a_fault_of_ours_is_told_without_internals(error, capsys):
    answer = await post(small_app(it=raising(error)), "/it")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "InternalError"
    assert answer.headers["x-request-id"] in answer.json()["detail"]
    assert not any(word in answer.text for word in ("EAAsecret", "tokens", "Traceback", "Error("))
    assert "Traceback" in capsys.readouterr().out


async def test_an_address_that_is_not_there_is_a_problem():
    answer = await post(small_app(), "/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_method_that_is_not_there_is_a_problem_that_lists_the_others():
    async with calling(small_app(it=raising(errors.Invalid("no")))) as client:
        answer = await client.get("/it")
    assert (answer.status_code, answer.json()["code"]) == (405, "MethodNotAllowed")
    assert answer.headers["allow"] == "POST"

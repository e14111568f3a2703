"""What we use of procrastinate, pinned: an upgrade within <4 that moves any of it fails here, loudly."""

import inspect

import attr
import procrastinate
import psycopg
import pytest
from procrastinate import app, job_context, jobs, middleware, retry, tasks, worker
from procrastinate.blueprints import Blueprint
from sqlalchemy import text

from socialsync.queue import library
from tests.queue.conftest import SYSTEM, work

HOW = "procrastinate moved what we build on: read its changelog, adapt queue/, then change this list."


def parameters(function) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_the_hook_through_which_the_stock_command_gets_our_worker():
    assert parameters(app.App._worker) == ["self", "kwargs"], HOW
    source = inspect.getsource(app.App.run_worker_async)
    assert "self._worker(" in source, HOW
    assert "await worker.run()" in source, HOW


def test_the_workers_options_and_attributes():
    assert parameters(worker.Worker.__init__) == [
        "self", "app", "queues", "name", "concurrency", "wait", "fetch_job_polling_interval",
        "abort_job_polling_interval", "shutdown_graceful_timeout", "listen_notify", "delete_jobs",
        "additional_context", "install_signal_handlers", "update_heartbeat_interval",
        "stalled_worker_timeout", "task_middleware", "worker_middleware",
    ], HOW  # fmt: skip
    stock = worker.Worker(procrastinate.App(connector=procrastinate.PsycopgConnector()))
    for name in (
        "app", "queues", "worker_name", "concurrency", "wait", "fetch_job_polling_interval", "listen_notify",
        "shutdown_graceful_timeout", "delete_jobs", "additional_context", "install_signal_handlers",
        "task_middleware", "worker_middleware", "worker_id", "run_task", "_loop",
    ):  # fmt: skip
        assert hasattr(stock, name), f"{name}: {HOW}"


def test_the_job_and_its_context():
    fields = {field.name for field in attr.fields(jobs.Job)}
    assert fields == {
        "id", "status", "queue", "priority", "lock", "queueing_lock", "task_name", "task_kwargs",
        "scheduled_at", "attempts", "abort_requested", "worker_id",
    }, HOW  # fmt: skip
    fields = {field.name for field in attr.fields(job_context.JobContext)}
    assert fields == {
        "app", "worker_name", "worker_queues", "job", "start_timestamp", "additional_context", "abort_reason",
    }, HOW  # fmt: skip
    assert {reason.name for reason in job_context.AbortReason} == {"USER_REQUEST", "SHUTDOWN"}, HOW
    assert {status.value for status in jobs.Status} == {
        "todo", "doing", "succeeded", "failed", "cancelled", "aborting", "aborted",
    }, HOW  # fmt: skip


def test_tasks_middleware_and_retries():
    assert parameters(middleware.compose) == ["middlewares", "run_task", "context", "worker"], HOW
    assert parameters(tasks.Task.get_retry_exception) == ["self", "exception", "job"], HOW
    decision = retry.RetryDecision(retry_in={"seconds": 1})
    assert {"retry_at", "priority", "queue", "lock"} <= set(dir(decision)), HOW
    assert parameters(Blueprint._add_task) == ["self", "task", "name", "to"], HOW


def test_the_library_loads_nothing_of_ours_by_accident():
    assert procrastinate.__version__.split(".")[0] == "3", HOW


async def test_the_triggers_are_as_we_left_them(fresh_database):
    async with fresh_database.system_transaction(SYSTEM) as session:
        assert await library.faults(session) == []


TAMPERING = {
    "alter table procrastinate_jobs enable trigger procrastinate_trigger_scheduled_events_v1": (
        "written twice"
    ),
    "alter table procrastinate_jobs disable trigger queue_jobs_updated": "nobody is woken",
    "create trigger procrastinate_new_v9 after insert on procrastinate_jobs for each row"
    " execute function procrastinate_trigger_function_status_events_insert_v1()": "newer procrastinate",
}


@pytest.mark.parametrize(("sql", "said"), TAMPERING.items())
async def test_a_trigger_that_an_upgrade_moved_is_told_with_its_fix(fresh, fresh_database, sql, said):
    with psycopg.connect(fresh.owner) as connection:
        connection.execute(sql)
    async with fresh_database.system_transaction(SYSTEM) as session:
        (fault,) = await library.faults(session)
    assert said in fault


async def test_events_are_written_once(app, fresh_database):
    @app.task(name="mine.task")
    async def task(): ...

    await task.defer_async()
    await task.configure(schedule_in={"seconds": -1}).defer_async()
    await work(app)
    async with fresh_database.system_transaction(SYSTEM) as session:
        rows = await session.execute(
            text("select job_id, type::text from procrastinate_events order by job_id, id")
        )
        events = [row.type for row in rows]
    assert events == ["deferred", "started", "succeeded", "deferred", "scheduled", "started", "succeeded"]

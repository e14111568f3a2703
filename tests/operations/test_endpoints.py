"""Health, through the door."""

import dataclasses

import pytest
from sqlalchemy import text

from socialsync.app import create_app
from socialsync.db.engine import create_engine
from socialsync.db.transaction import Database
from socialsync.db.urls import Urls, as_app
from tests.conftest import calling


@pytest.fixture
async def cut_off(resources):
    """Somebody at an application whose database is away."""
    url = as_app("postgresql://me:secret@127.0.0.1:1/db")
    engine = create_engine(Urls(app=url, direct=url, owner=url))
    async with calling(create_app(dataclasses.replace(resources, database=Database(engine)))) as client:
        yield client
    await engine.dispose()


async def test_health_needs_no_key(stranger):
    answer = await stranger.get("/health")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["status"], told["workers"], told["queues"]) == ("degraded", "0 worker(s) active", {})
    assert [alert["about"] for alert in told["alerts"]] == ["workers"]
    assert (await stranger.get("/health/live")).json() == {"status": "ok"}
    assert (await stranger.get("/health/ready")).json() == {"status": "ready"}


async def test_health_tells_of_workers_and_queues(stranger, database):
    async with database.system_transaction("a test plays a worker") as session:
        await session.execute(text("insert into procrastinate_workers default values"))
        await session.execute(text("insert into procrastinate_workers default values"))
        await session.execute(
            text("insert into procrastinate_jobs (queue_name, task_name) values ('a', 'x'), ('a', 'x')")
        )
    content = (await stranger.get("/health")).json()
    assert content["status"] == "ok"
    assert content["workers"] == "2 worker(s) active"
    queue = content["queues"]["a"]
    assert (queue["waiting"], queue["running"], queue["scheduled"], queue["level"]) == (2, 0, 0, "good")
    assert content["oldest_waiting_s"] == queue["oldest_waiting_s"] >= 0


async def test_jobs_that_nobody_works_on_degrade(stranger, database):
    async with database.system_transaction("a test defers a job") as session:
        await session.execute(
            text("insert into procrastinate_jobs (queue_name, task_name) values ('ingest', 'x')")
        )
    answer = await stranger.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    [alert] = answer.json()["alerts"]
    assert (alert["level"], alert["about"]) == ("alarm", "workers")
    assert alert["fix"]


async def test_the_database_being_away_is_told_in_json(cut_off):
    answer = await cut_off.get("/health")
    assert answer.status_code == 503
    content = answer.json()
    assert (content["status"], content["queues"]) == ("down", {})
    [alert] = content["alerts"]
    assert alert["about"] == "database"
    assert "does not answer" in alert["message"]
    assert "secret" not in answer.text


async def test_a_process_cut_off_is_alive_but_not_ready(cut_off):
    assert (await cut_off.get("/health/live")).status_code == 200
    answer = await cut_off.get("/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "NotReady")
    assert "socialsync db start" in answer.json()["errors"][0]["fix"]
    assert answer.headers["retry-after"]


async def test_a_process_cut_off_answers_everything_else_503(cut_off):
    key = {"Authorization": "Bearer ss_" + "a" * 43}
    answer = await cut_off.get("/api/v1/channels", headers=key)
    assert (answer.status_code, answer.json()["code"]) == (503, "DatabaseAway")
    assert answer.headers["retry-after"]


async def test_only_where_something_could_change_its_being_away_leaves_that_open(cut_off):
    key = {"Authorization": "Bearer ss_" + "a" * 43}
    for method, is_open in (("GET", False), ("POST", True)):
        answer = await cut_off.request(method, "/api/v1/channels", headers=key)
        assert ("whether anything was changed" in answer.json()["detail"]) is is_open


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
async def test_a_monitor_may_ask_with_head(stranger, path):
    answer = await stranger.head(path)
    assert (answer.status_code, answer.content) == (200, b"")


async def test_home_leads_to_the_documentation(stranger):
    answer = await stranger.get("/")
    assert answer.status_code == 307
    assert (await stranger.get("/", follow_redirects=True)).url.path == "/docs"

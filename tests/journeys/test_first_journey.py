"""A scheduled post travels from the API to the platform, through the commands that users type."""

import asyncio
import os
import re
import signal
from datetime import UTC, datetime, timedelta

import httpx
import psutil
import psycopg
import pytest

from socialsync.db.engine import create_engine
from socialsync.db.transaction import Database
from tests.conftest import add_key, add_workspace
from tests.journeys.conftest import free_port, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


@pytest.fixture
def api(installation, fresh):
    """The API as `uvicorn socialsync.app:app` runs it, with a workspace's key."""
    port = free_port()
    installation.start("uvicorn", "socialsync.app:app", "--port", str(port))
    key = asyncio.run(found_workspace(fresh))
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {key}"}, timeout=10
    ) as client:
        wait_for(lambda: client.get("/health/ready").status_code == 200, "readiness")
        yield client


async def found_workspace(urls) -> str:
    engine = create_engine(urls)
    database = Database(engine)
    key = await add_key(database, (await add_workspace(database, "Bakery")).id)
    await engine.dispose()
    return key


def connect(api, platform: str, external_id: str) -> str:
    body = {"platform": platform, "name": platform, "external_id": external_id, "access_token": "EAAtoken"}
    answer = api.post("/api/v1/channels", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def test_the_stock_worker_publishes_scheduled_posts(installation, api, simulator, fresh):
    worker = installation.start("procrastinate", "worker", "-q", "scheduler,default", "--name", "stock")
    wait_for(lambda: "1 worker" in api.get("/health").text, "a worker")
    installation.run("procrastinate", "defer", "health.health_check", "{}")
    installation.run("socialsync", "schedules", "edit", "enqueue-due-posts", "--every", "0.5")
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    image = {
        "channel_id": connect(api, "instagram", "17841400000000001"),
        "text": "Sunrise",
        "media_urls": ["https://example.com/sunrise.jpg"],
        "publish_at": soon,
    }
    message = {
        "channel_id": connect(api, "whatsapp", "106540352242922"),
        "text": "We open at nine.",
        "recipients": ["+33612345601", "+33612345602"],
        "publish_at": soon,
    }
    ids = [api.post("/api/v1/posts", json=body).json()["id"] for body in (image, message)]
    for post_id in ids:
        wait_for(
            lambda post_id=post_id: api.get(f"/api/v1/posts/{post_id}").json()["status"] == "published",
            f"publication of {post_id}",
        )
        (run,) = api.get(f"/api/v1/posts/{post_id}/runs").json()["items"]
        assert (run["status"], run["attempt"]) == ("success", 1)
    assert [effect["caption"] for effect in simulator.ledger(kind="instagram.publish")] == ["Sunrise"]
    assert len(simulator.ledger(kind="whatsapp.message")) == 2
    said = installation.log(worker)
    found = [int(count) for count in re.findall(r"\[ENQUEUE\] Found (\d+) due posts?", said)]
    assert sum(found) == 2  # of one tick, or of two on a slow machine
    for post_id, platform in zip(ids, ("instagram", "whatsapp"), strict=True):
        assert f"[PUBLISH] Starting publish task for post {post_id}" in said
        assert f"[PUBLISH] Successfully published post {post_id} to {platform}" in said
    assert "EAAtoken" not in said
    assert "OK" in installation.run("procrastinate", "healthchecks")
    with psycopg.connect(fresh.app) as connection:
        (status,) = connection.execute(
            "select status::text from procrastinate_jobs where task_name = 'operations.health_check'"
        ).fetchone()
    assert status == "succeeded"
    _it_finishes_what_it_has_begun_when_it_is_told_to_stop(worker, api, simulator, image["channel_id"])


def _it_finishes_what_it_has_begun_when_it_is_told_to_stop(worker, api, simulator, channel):
    simulator.fault(action="slow", delay_s=2, match={"kind": "instagram.publish"})
    body = {"channel_id": channel, "text": "Slow", "media_urls": ["https://example.com/s.jpg"]}
    post_id = api.post("/api/v1/posts", json=body).json()["id"]
    api.post(f"/api/v1/posts/{post_id}/publish").raise_for_status()
    wait_for(lambda: api.get(f"/api/v1/posts/{post_id}/runs").json()["items"][0]["effect_at"], "the intent")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert api.get(f"/api/v1/posts/{post_id}").json()["status"] == "published"


def test_up_runs_everything_and_stops_all_of_it(quick_path, installation):
    port = free_port()
    home = quick_path / "another home"
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "META_GRAPH_URL"):
        installation.environment.pop(name)
    installation.environment["SOCIALSYNC_HOME"] = str(home)
    up = installation.start("socialsync", "up", "--port", str(port))
    wait_for(lambda: "SocialSync is up" in installation.log(up), "the start", patience=90)
    said = installation.log(up)
    key = re.search(r"ss_[\w-]{43}", said).group()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {key}"}) as api:
        assert api.get("/health").json()["workers"] == "1 worker(s) active"
        assert {row["platform"] for row in api.get("/api/v1/channels").json()["items"]} == {
            "instagram",
            "whatsapp",
        }
        assert api.get("/docs").status_code == 200
    children = psutil.Process(up.pid).children(recursive=True)
    assert len(children) >= 3
    os.kill(up.pid, signal.SIGINT)
    assert up.wait(30) == 0
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
    assert not (home / "world.json").exists()
    assert not (home / "postgres" / "postmaster.pid").exists()


def test_the_demo_comes_true(installation):
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "META_GRAPH_URL"):
        installation.environment.pop(name)
    demo = installation.start("socialsync", "demo")
    assert demo.wait(240) == 0, installation.log(demo)
    lines = [line.rstrip() for line in installation.log(demo).splitlines()]
    for title in ("What happened", "What it learnt", "Who wrote", "Who commented"):
        assert lines.count(title) == 1, "each table once, and its title on a line of its own"
    assert "  A carousel of three: published" in lines, "what is done is a line as soon as it is"
    assert not any("\x1b" in line for line in lines)
    said = " ".join(" ".join(lines).split())
    assert "All of it came true" in said
    for came in (
        "each told twice: the world saw 10 answers, 10 of them read.",
        "Interrupted: 2 answers written, 1 of them stale and dropped, 1 seen.",
        "Repeated: the same words 3 times in 2 bursts, 2 answers.",
        "At night: 2 answers, 1 of them that nobody is there now.",
    ):
        assert came in said

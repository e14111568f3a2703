"""Queues, workers and schedules, through the real application: for whoever runs the installation."""

import pytest
from sqlalchemy import text

from tests.conftest import add_key, calling
from tests.operations.test_jobs import add_job, execute, problem

SCHEDULE = {"name": "check", "task": "operations.health_check", "every_s": 60}
DOORS = [
    ("GET", "/queues"), ("POST", "/queues/default/pause"), ("POST", "/queues/default/resume"),
    ("POST", "/queues/default/purge"), ("GET", "/workers"), ("POST", "/workers/1/drain"),
    ("POST", "/workers/1/stop"), ("GET", "/schedules"), ("POST", "/schedules"), ("PATCH", "/schedules/check"),
    ("DELETE", "/schedules/check"), ("POST", "/schedules/check/run"),
]  # fmt: skip


def at(path):
    return f"/api/v1{path}"


async def notes(database):
    return await execute(
        database,
        "select array_agg(action order by id) from audit_log where action ~ '^(queue|worker|schedule)s'",
    )


async def add_worker(database, name="w1", queues=None):
    worker_id = await execute(database, "insert into procrastinate_workers default values returning id")
    await execute(
        database,
        "insert into worker_info (worker_id, name, host, pid, queues, concurrency, version, leased,"
        " started_at, running, busy_share, memory_bytes)"
        " values (:id, :name, 'h', 1, :queues, 10, '0', false, now(), 5, 0.5, 7)",
        id=worker_id, name=name, queues=queues,
    )  # fmt: skip
    return worker_id


@pytest.mark.parametrize(("method", "path"), DOORS)
async def test_a_workspaces_key_is_told_that_this_needs_an_installation_key(client, method, path):
    body = {"json": SCHEDULE} if path == "/schedules" and method == "POST" else {}
    body = {"json": {}} if method == "PATCH" else body
    found = problem(await client.request(method, at(path), **body), 403)
    assert "installation" in found["errors"][0]["fix"]


@pytest.mark.parametrize(("method", "path"), [door for door in DOORS if door[0] != "GET"])
async def test_an_installations_viewer_changes_nothing(app, database, method, path):
    async with calling(app, await add_key(database, None, role="viewer")) as viewer:
        body = {"json": SCHEDULE if method == "POST" else {}}
        found = problem(await viewer.request(method, at(path), **body), 403)
    assert "operator" in found["detail"]


async def test_queues_schedules_and_workers_come_in_pages(installation_client, database):
    for number in range(3):
        await execute(
            database,
            "insert into procrastinate_jobs (queue_name, task_name) values (:queue, 'x')",
            queue=f"q{number}",
        )
        await add_worker(database, name="twin")
        schedule = {**SCHEDULE, "name": f"s{number}"}
        await installation_client.post(at("/schedules"), json=schedule)
    for path in ("/queues", "/schedules", "/workers"):
        whole = (await installation_client.get(at(path))).json()
        seen, cursor = [], {}
        while cursor is not None:
            answer = (await installation_client.get(at(path), params={"limit": 2, **cursor})).json()
            assert len(answer["items"]) <= 2
            seen += answer["items"]
            cursor = {"cursor": answer["next_cursor"]} if answer["next_cursor"] else None
        assert (len(seen), whole["next_cursor"]) == (3, None)
        assert [row["name"] for row in seen] == [row["name"] for row in whole["items"]]
        problem(await installation_client.get(at(path), params={"cursor": "nonsense"}), 422)


async def test_queues_are_listed_with_what_waits(installation_client, database):
    await add_job(database)
    await add_worker(database)
    [queue] = (await installation_client.get(at("/queues"))).json()["items"]
    assert (queue["name"], queue["waiting"], queue["paused"], queue["workers"]) == ("default", 1, False, 1)


async def test_a_queue_is_paused_resumed_and_purged(installation_client, database):
    await add_job(database)
    running = await add_job(database, status="doing")
    paused = (await installation_client.post(at("/queues/default/pause"))).json()
    assert (paused["paused"], paused["paused_at"] is not None) == (True, True)
    resumed = (await installation_client.post(at("/queues/default/resume"))).json()
    assert (resumed["paused"], resumed["paused_at"]) == (False, None)
    purged = (await installation_client.post(at("/queues/default/purge"))).json()
    assert purged == {"queue": "default", "deleted": 1}
    assert await execute(database, "select array_agg(id) from procrastinate_jobs") == [running]
    assert await notes(database) == ["queues.paused", "queues.resumed", "queues.purged"]


@pytest.mark.parametrize("verb", ["pause", "resume", "purge"])
@pytest.mark.parametrize(
    ("name", "status"), [("misspelt", 404), ("%00", 422), ("x" * 41, 422), ("x" * 129, 422)]
)
async def test_a_queue_that_is_not_there(installation_client, verb, name, status):
    problem(await installation_client.post(at(f"/queues/{name}/{verb}")), status)


async def test_workers_are_listed_and_asked_to_leave(installation_client, database):
    worker_id = await add_worker(database, queues=["a"])
    [worker] = (await installation_client.get(at("/workers"))).json()["items"]
    assert (worker["id"], worker["name"], worker["queues"], worker["alive"]) == (worker_id, "w1", ["a"], True)
    answer = await installation_client.post(at(f"/workers/{worker_id}/drain"))
    assert (answer.status_code, answer.json()) == (202, {"workers": [worker_id], "wanted": "drain"})
    answer = await installation_client.post(at("/workers/w1/stop"))
    assert (answer.status_code, answer.json()["wanted"]) == (202, "stop")
    assert await execute(database, "select wanted from worker_info") == "stop"
    assert await notes(database) == ["workers.drain_asked", "workers.stop_asked"]


@pytest.mark.parametrize(("worker", "status"), [("7", 404), ("%00", 422), (str(2**70), 404), ("NaN", 404)])
async def test_a_worker_that_is_not_there(installation_client, worker, status):
    problem(await installation_client.post(at(f"/workers/{worker}/stop")), status)


async def test_a_silent_worker_cannot_be_asked(installation_client, database):
    await add_worker(database)
    await execute(database, "update procrastinate_workers set last_heartbeat = now() - interval '1 minute'")
    found = problem(await installation_client.post(at("/workers/w1/drain")), 409)
    assert found["code"] == "WorkerSilent"


async def test_a_schedule_is_added_once_edited_run_and_removed(installation_client, database):
    headers = {"Idempotency-Key": "k"}
    first, again = [
        await installation_client.post(at("/schedules"), json=SCHEDULE, headers=headers) for _ in range(2)
    ]
    assert (first.status_code, again.json()) == (201, first.json())
    assert (first.json()["enabled"], first.json()["overdue"], first.json()["timezone"]) == (
        True,
        False,
        "UTC",
    )
    problem(await installation_client.post(at("/schedules"), json=SCHEDULE), 409, "name")
    changes = {"cron": "0 6 * * *", "timezone": "Europe/Paris", "enabled": False, "expires_s": 30}
    edited = (await installation_client.patch(at("/schedules/check"), json=changes)).json()
    assert {name: edited[name] for name in changes} == changes
    assert edited["every_s"] is None
    answer = await installation_client.post(at("/schedules/check/run"))
    assert answer.status_code == 202
    job = (await installation_client.get(at(f"/jobs/{answer.json()['job_id']}"))).json()
    assert (job["task"], job["queueing_lock"]) == ("operations.health_check", "schedule:check")
    assert (await installation_client.delete(at("/schedules/check"))).status_code == 204
    assert (await installation_client.get(at("/schedules"))).json()["items"] == []
    assert await notes(database) == [
        "schedules.added", "schedules.edited", "schedules.run", "schedules.removed",
    ]  # fmt: skip


async def test_a_schedule_may_be_born_disabled(installation_client):
    answer = await installation_client.post(at("/schedules"), json={**SCHEDULE, "enabled": False})
    assert (answer.status_code, answer.json()["enabled"]) == (201, False)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cron": "* * * * *"}, "cron"), ({"every_s": None}, "cron"), ({"every_s": 0.01}, "every_s"),
        ({"every_s": 10**400}, "every_s"), ({"every_s": "5"}, "every_s"), ({"every_s": 1e308}, "every_s"),
        ({"every_s": None, "cron": "often"}, "cron"), ({"every_s": None, "cron": "0 0 30 2 *"}, "cron"),
        ({"timezone": "Mars"}, "timezone"), ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"task": "no.such"}, "task"), ({"args": {"a": 1}}, "args.a"), ({"args": [1]}, "args"),
        ({"queue": "x" * 41}, "queue"), ({"expires_s": 0}, "expires_s"), ({"expires_s": -1}, "expires_s"),
        ({"expires_s": 1e300}, "expires_s"), ({"enabled": "yes"}, "enabled"), ({"name": "a/b"}, "name"),
        ({"name": ""}, "name"), ({"name": "nul\x00"}, "name"), ({"colour": 1}, "colour"),
    ],
)  # fmt: skip
async def test_a_schedule_that_could_not_be_followed_names_what_is_wrong(
    installation_client, database, change, field
):
    body = {**SCHEDULE, **change}
    problem(await installation_client.post(at("/schedules"), json=body), 422, field)
    assert await execute(database, "select count(*) from schedules") == 0
    if field != "name":
        await installation_client.post(at("/schedules"), json=SCHEDULE)
        problem(
            await installation_client.patch(at("/schedules/check"), json=change | _cleared(change)),
            422,
            field,
        )


def _cleared(change):
    """What a PATCH must say beside a cron to clash with the rule that is there."""
    return {"every_s": 60} if change == {"cron": "* * * * *"} else {}


@pytest.mark.parametrize(("method", "path"), [("PATCH", "/none"), ("DELETE", "/none"), ("POST", "/none/run")])
async def test_a_schedule_that_is_not_there(installation_client, method, path):
    body = {"json": {"enabled": True}} if method == "PATCH" else {}
    problem(await installation_client.request(method, at(f"/schedules{path}"), **body), 404)


async def test_the_figures_for_prometheus(stranger, database, workspace):
    await add_job(database, workspace.id)
    await add_worker(database)
    await execute(
        database,
        "insert into job_stats (task_name, queue_name, minute_at, succeeded, failed, retried,"
        " running_s, waited_s, buckets)"
        " values ('t', 'q', now(), 2, 1, 1, 3.5, 0.5, '{1,2,0,0,0,0,0,0,0,0,0,0,0,0,1}')",
    )
    answer = await stranger.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    for line in (
        'socialsync_jobs_total{outcome="succeeded",queue="q",task="t"} 2.0',
        'socialsync_jobs_total{outcome="failed",queue="q",task="t"} 1.0',
        'socialsync_job_duration_seconds_bucket{le="0.005",task="t"} 1.0',
        'socialsync_job_duration_seconds_bucket{le="300",task="t"} 3.0',
        'socialsync_job_duration_seconds_bucket{le="+Inf",task="t"} 4.0',
        'socialsync_job_duration_seconds_count{task="t"} 4.0',
        'socialsync_job_duration_seconds_sum{task="t"} 3.5',
        'socialsync_job_success_ratio{task="t"} 0.6666666666666666',
        'socialsync_queue_depth{queue="default"} 1.0',
        "socialsync_workers_active 1.0",
        "socialsync_worker_utilization 0.5",
    ):
        assert f"\n{line}\n" in answer.text, line
    assert str(workspace.id) not in answer.text


async def test_figures_of_an_empty_installation(stranger):
    answer = await stranger.get("/metrics")
    assert answer.status_code == 200
    assert "socialsync_workers_active 0.0" in answer.text


async def test_many_who_ask_for_figures_share_one_look(stranger, database):
    await stranger.get("/metrics")
    await add_worker(database)
    assert "socialsync_workers_active 0.0" in (await stranger.get("/metrics")).text


async def test_health_tells_how_busy_the_workers_are(stranger, database):
    await add_worker(database)
    assert (await stranger.get("/health")).json()["utilisation"] == 0.5
    async with database.system_transaction("a test tires a worker") as session:
        await session.execute(text("update worker_info set busy_share = 0.99"))
    told = (await stranger.get("/health")).json()
    assert (told["status"], told["alerts"][0]["about"]) == ("degraded", "workers")
    assert "99%" in told["alerts"][0]["message"]

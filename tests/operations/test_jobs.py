"""`/api/v1/jobs`, through the real application."""

import asyncio
import dataclasses
import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text

from socialsync.app import create_app
from tests.conftest import add_key, calling

URL = "/api/v1/jobs"
CHECK = "operations.health_check"
VERBS = ("retry", "cancel", "abort", "rerun")


async def execute(database, statement, **values):
    async with database.system_transaction("a test changes the queue") as session:
        found = await session.execute(text(statement), values)
        return found.scalar() if found.returns_rows else None


async def add_job(database, workspace_id=None, *, status="todo", task=CHECK, **args):
    if workspace_id:
        args["workspace_id"] = str(workspace_id)
    return await execute(
        database,
        "insert into procrastinate_jobs (queue_name, task_name, status, args)"
        " values ('default', :task, cast(:status as procrastinate_job_status), cast(:args as jsonb))"
        " returning id",
        task=task, status=status, args=json.dumps(args),
    )  # fmt: skip


def problem(answer, status, field=None):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    if field:
        assert [entry["field"] for entry in found["errors"]] == [field], found
        assert found["errors"][0]["problem"]
    return found


async def test_a_job_is_shown_with_its_story(installation_client, database):
    job_id = await add_job(database)
    found = (await installation_client.get(f"{URL}/{job_id}")).json()
    assert (found["id"], found["task"], found["queue"], found["status"]) == (job_id, CHECK, "default", "todo")
    assert [event["event"] for event in found["timeline"]] == ["deferred"]
    assert (found["attempt_count"], found["attempts"], found["result"], found["error"]) == (0, [], None, None)
    assert datetime.fromisoformat(found["created_at"]).tzinfo


async def test_a_failed_job_tells_why(installation_client, database):
    job_id = await add_job(database, status="failed")
    await execute(
        database,
        "insert into job_results (job_id, attempt, outcome, error, traceback, worker)"
        " values (:id, 1, 'failed', 'ValueError: x', 'Traceback', 'w')", id=job_id,
    )  # fmt: skip
    found = (await installation_client.get(f"{URL}/{job_id}")).json()
    assert (found["error"], found["traceback"]) == ("ValueError: x", "Traceback")
    assert [(attempt["attempt"], attempt["worker"]) for attempt in found["attempts"]] == [(1, "w")]


async def test_a_workspace_sees_and_touches_only_its_own_jobs(client, other_client, database, workspace):
    mine = await add_job(database, workspace.id)
    nobodys = await add_job(database)
    assert [job["id"] for job in (await client.get(URL)).json()["items"]] == [mine]
    assert (await other_client.get(URL)).json() == {"items": [], "next_cursor": None}
    assert (await client.get(f"{URL}/{mine}")).json()["workspace_id"] == str(workspace.id)
    for stranger, job_id in ((other_client, mine), (client, nobodys)):
        problem(await stranger.get(f"{URL}/{job_id}"), 404)
        problem(await stranger.get(f"{URL}/{job_id}", params={"wait": 0.1}), 404)
        for verb in VERBS:
            problem(await stranger.post(f"{URL}/{job_id}/{verb}"), 404)
    found = (await client.get(URL, params={"q": str(nobodys)})).json()["items"]
    assert nobodys not in [job["id"] for job in found]


async def test_the_installation_sees_all_or_one_workspaces(installation_client, database, workspace):
    mine, nobodys = await add_job(database, workspace.id), await add_job(database)
    assert [job["id"] for job in (await installation_client.get(URL)).json()["items"]] == [nobodys, mine]
    installation_client.headers["X-Workspace-Id"] = str(workspace.id)
    assert [job["id"] for job in (await installation_client.get(URL)).json()["items"]] == [mine]
    problem(await installation_client.post(f"{URL}/{nobodys}/cancel"), 404)


async def test_jobs_come_in_pages_and_filtered(installation_client, database):
    ids = [await add_job(database, n=n) for n in range(5)][::-1]
    failed = await add_job(database, status="failed", task="posts.publish_post")
    seen, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await installation_client.get(URL, params=params)).json()
        seen += [job["id"] for job in page["items"]]
        if not (cursor := page["next_cursor"]):
            break
    assert seen == [failed, *ids]
    for params, expected in (
        ({"status": "failed"}, [failed]), ({"task": "posts.publish_post"}, [failed]), ({"queue": "low"}, []),
        ({"q": "publish"}, [failed]), ({"q": str(ids[0])}, [ids[0]]), ({"q": '"n": 3'}, [ids[1]]),
    ):  # fmt: skip
        page = (await installation_client.get(URL, params=params)).json()
        assert [job["id"] for job in page["items"]] == expected, params


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("?cursor=x", "cursor"), ("?cursor=_____________________w", "cursor"), ("?limit=0", "limit"),
        ("?status=lost", "status"), ("?q=%00", "q"), ("?task=%00", "task"), ("?q=" + "x" * 201, "q"),
        ("/abc", "job_id"), ("/0", "job_id"), ("/-1", "job_id"), (f"/{2**63}", "job_id"), ("/1.5", "job_id"),
        ("/NaN", "job_id"), ("/1?wait=NaN", "wait"), ("/1?wait=-1", "wait"), ("/1?wait=61", "wait"),
        ("/1?wait=inf", "wait"), ("/1?wait=soon", "wait"),
    ],
)  # fmt: skip
async def test_an_odd_question_names_what_is_odd(installation_client, path, field):
    problem(await installation_client.get(f"{URL}{path}"), 422, field)


async def test_controls_change_the_row_and_leave_a_note(client, database, workspace):
    async def status_after(verb, **job):
        job_id = await add_job(database, workspace.id, **job)
        answer = await client.post(f"{URL}/{job_id}/{verb}")
        assert answer.status_code == 200, answer.text
        stored = await execute(database, "select status from procrastinate_jobs where id = :id", id=job_id)
        assert stored == answer.json()["status"]
        return answer.json()

    assert (await status_after("cancel"))["status"] == "cancelled"
    assert (await status_after("abort", status="doing"))["abort_requested"]
    assert (await status_after("retry", status="failed"))["status"] == "todo"
    actions = await execute(
        database,
        "select array_agg(action order by id) from audit_log where workspace_id = :id and actor like 'key:%'"
        " and action like 'jobs.%'", id=workspace.id,
    )  # fmt: skip
    assert actions == ["jobs.cancelled", "jobs.abort_requested", "jobs.retried"]


@pytest.mark.parametrize(
    ("verb", "status"), [("cancel", "doing"), ("abort", "todo"), ("retry", "succeeded"), ("cancel", "failed")]
)
async def test_what_the_state_forbids_is_a_conflict_with_its_reason(
    installation_client, database, verb, status
):
    job_id = await add_job(database, status=status)
    found = problem(await installation_client.post(f"{URL}/{job_id}/{verb}"), 409)
    assert found["code"] == "WrongState"
    assert str(job_id) in found["detail"]


async def test_a_rerun_is_a_new_job_once_for_each_key(installation_client, database):
    old = await add_job(database, status="succeeded")
    at = "2030-01-01T00:00:00+00:00"
    body, headers = {"queue": "low", "schedule_at": at}, {"Idempotency-Key": "k"}
    first, second = [
        await installation_client.post(f"{URL}/{old}/rerun", json=body, headers=headers) for _ in range(2)
    ]
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    made = first.json()
    assert (made["rerun_of"], made["queue"], made["status"]) == (old, "low", "todo")
    assert datetime.fromisoformat(made["scheduled_at"]) == datetime(2030, 1, 1, tzinfo=UTC)
    assert await execute(database, "select count(*) from procrastinate_jobs") == 2
    plain = await installation_client.post(f"{URL}/{old}/rerun")
    assert (plain.status_code, plain.json()["queue"]) == (201, "default")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"args": {"a": 1}}, "args.a"), ({"args": []}, "args"), ({"args": "x"}, "args"),
        ({"queue": 5}, "queue"),
        ({"queue": "nul \x00"}, "queue"), ({"queue": "x" * 41}, "queue"), ({"queue": "ü" * 30}, "queue"),
        ({"args": {"\x00": 1}}, "args"), ({"schedule_at": "2030-01-01T00:00:00"}, "schedule_at"),
        ({"schedule_at": 5}, "schedule_at"), ({"when": 1}, "when"),
    ],
)  # fmt: skip
async def test_an_odd_rerun_names_what_is_odd(installation_client, database, body, field):
    old = await add_job(database)
    found = problem(await installation_client.post(f"{URL}/{old}/rerun", json=body), 422)
    assert found["errors"][0]["field"] == field
    assert await execute(database, "select count(*) from procrastinate_jobs") == 1


@pytest.mark.parametrize("body", ['{"args": {"a": NaN}}', "[]", "5", '"x"', "{"])
async def test_an_odd_body_is_refused(installation_client, database, body):
    old = await add_job(database)
    answer = await installation_client.post(
        f"{URL}/{old}/rerun", content=body, headers={"content-type": "application/json"}
    )
    problem(answer, 422)


async def test_a_workspace_that_leaves_its_name_out_is_told_what_is_wrong(client, database, workspace):
    old = await add_job(database, workspace.id, status="succeeded", task="posts.publish_post")
    answer = await client.post(f"{URL}/{old}/rerun", json={"args": {"foo": 1}})
    assert problem(answer, 422)["errors"][0]["field"] in {"args.foo", "args.workspace_id"}


async def test_a_workspace_cannot_rerun_into_another(client, database, workspace):
    old = await add_job(database, workspace.id)
    body = {"args": {"workspace_id": str(uuid4())}}
    problem(await client.post(f"{URL}/{old}/rerun", json=body), 403, "args.workspace_id")


async def test_a_viewer_looks_and_touches_nothing(viewer_client, database, workspace):
    job_id = await add_job(database, workspace.id)
    assert (await viewer_client.get(f"{URL}/{job_id}")).status_code == 200
    for verb in VERBS:
        problem(await viewer_client.post(f"{URL}/{job_id}/{verb}"), 403)


@pytest.fixture
async def waiting_client(resources, fresh_database):
    """Somebody at an application whose transactions commit."""
    key = await add_key(fresh_database, None)
    async with calling(create_app(dataclasses.replace(resources, database=fresh_database)), key) as client:
        yield client


async def test_a_wait_ends_with_the_job_and_holds_no_connection(waiting_client, fresh_database):
    job_id = await add_job(fresh_database)
    waits = [
        asyncio.create_task(waiting_client.get(f"{URL}/{job_id}", params={"wait": 50})) for _ in range(40)
    ]
    await asyncio.sleep(0.5)
    assert not any(wait.done() for wait in waits)
    await execute(
        fresh_database,
        "with told as (insert into job_results (job_id, attempt, outcome, result)"
        " values (:id, 1, 'x', '\"r\"'))"
        " update procrastinate_jobs set status = 'succeeded', attempts = 1 where id = :id", id=job_id,
    )  # fmt: skip
    answers = [(await wait).json() for wait in waits]
    assert {(answer["status"], answer["result"]) for answer in answers} == {("succeeded", "r")}


async def test_a_wait_that_is_over_shows_the_job_as_it_is(waiting_client, fresh_database):
    job_id = await add_job(fresh_database)
    answer = await waiting_client.get(f"{URL}/{job_id}", params={"wait": 0.05})
    assert (answer.status_code, answer.json()["status"]) == (200, "todo")

"""The queue's commands, on rows: what they show, what they do, what they refuse."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from socialsync import cli

SOCIALSYNC = Path(sys.executable).parent / "socialsync"
HEALTH = "operations.health_check"


@pytest.fixture
def rows(fresh):
    """Statements by the owner, committed at once."""
    with psycopg.connect(fresh.owner, autocommit=True) as connection:
        yield lambda statement, *values: connection.execute(statement, values)


@pytest.fixture
def add(rows):
    def add(status="todo", *, task=HEALTH, queue="default", args="{}", at=None) -> int:
        return rows(
            "insert into procrastinate_jobs (queue_name, task_name, status, args, scheduled_at, x_started_at)"
            " values (%s, %s, %s, %s, %s, case when %s = 'todo' then null else now() end) returning id",
            queue, task, status, args, at, status,
        ).fetchone()[0]  # fmt: skip

    return add


@pytest.fixture
def status(rows):
    return lambda job_id: rows("select status from procrastinate_jobs where id = %s", job_id).fetchone()[0]


@pytest.fixture
def deeds(rows):
    """Who did what, as the audit log has it."""
    return lambda: rows("select actor, action, subject from audit_log order by id").fetchall()


@pytest.fixture
def worker(rows):
    def worker(name: str, supervisor: str | None = None) -> int:
        (worker_id,) = rows("insert into procrastinate_workers default values returning id").fetchone()
        rows(
            "insert into worker_info (worker_id, name, host, pid, queues, concurrency, version, leased,"
            " supervisor, started_at, running, busy_share)"
            " values (%s, %s, 'h', 7, '{default}', 10, '1', false, %s, now(), 3, 0.97)",
            worker_id, name, supervisor,
        )  # fmt: skip
        return worker_id

    return worker


def read(run, *command):
    return json.loads(run(*command, "--json"))


VIEWS = {
    "active": "No job runs",
    "scheduled": "No job waits for a time",
    "registered": "No task is known yet",
    "stats": "No job has ended",
    "queues": "No queue has had a job",
    "workers": "No worker is active",
    "schedules": "No schedule yet",
}


def test_an_empty_installation_says_so_in_sentences(run):
    for view, sentence in VIEWS.items():
        assert sentence in run("inspect", view)
        assert read(run, "inspect", view) == []
    assert run("jobs", "list") == "No job yet.\n"
    assert "No limit is set" in run("limits", "list")
    assert read(run, "jobs", "list") == read(run, "limits", "list") == []


def test_what_runs_and_waits_is_shown(run, add, worker):
    running = add("doing", args='{"a": 1}')
    later = add(at="2031-01-01T00:00:00+00:00")
    worker("w-1")
    (active,) = read(run, "inspect", "active", "-q", "default")
    assert (active["id"], active["task"], active["args"]) == (running, HEALTH, {"a": 1})
    assert datetime.fromisoformat(active["started_at"]).tzinfo is not None
    (scheduled,) = read(run, "inspect", "scheduled")
    assert (scheduled["id"], scheduled["due_at"]) == (later, "2031-01-01T00:00:00Z")
    (queue,) = read(run, "inspect", "queues")
    assert (queue["name"], queue["running"], queue["scheduled"], queue["level"]) == ("default", 1, 1, "good")
    (found,) = read(run, "inspect", "workers")
    assert (found["name"], found["running"], found["alive"]) == ("w-1", 3, True)
    assert read(run, "inspect", "active", "-q", "other") == []
    assert "busy 97%" in run("inspect", "workers")
    assert "The workers are busy 97%" in run("inspect", "workers")
    assert re.search(r"in \d+ d", run("inspect", "scheduled"))


def test_a_deep_queue_raises_its_alarm_below_the_table(run, rows, add):
    add()
    rows(
        "insert into procrastinate_jobs (queue_name, task_name)"
        " select 'low', 't' from generate_series(1, 1001)"
    )
    said = run("inspect", "queues")
    assert "alarm: 1,001 jobs wait in the queue low, more than 1,000." in said
    assert "No worker is active" in said
    assert "unserved" in said


def test_stats_and_tasks_are_shown(run, rows):
    rows(
        "insert into task_info (name, queue, policy, scope, soft_s, hard_s, priority)"
        " values ('shop.report', 'reports', 'base', 'system', 270, 300, 0)"
    )
    rows(
        "insert into job_stats (minute_at, task_name, queue_name, succeeded, failed)"
        " values (date_trunc('minute', now()), 'shop.report', 'reports', 999, 1)"
    )
    (task,) = read(run, "inspect", "registered")
    assert (task["name"], task["hard_s"]) == ("shop.report", 300)
    (found,) = read(run, "inspect", "stats")
    assert (found["task"], found["succeeded"], found["failed"]) == ("shop.report", 999, 1)
    assert "99.9 %" in run("inspect", "stats")


def test_watching_and_json_exclude_each_other(run):
    run("inspect", "queues", "--watch", "--json", expect=2)


def test_watching_ends_well_with_ctrl_c(run, fresh):
    with subprocess.Popen(
        # Whoever starts the tests behind a shell's & has them deaf to it, and their children too
        ["env", "--default-signal=INT", SOCIALSYNC, "inspect", "active", "--watch"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"}, text=True,
    ) as watching:  # fmt: skip
        lines = [watching.stdout.readline() for _ in range(2)]  # the second look is there too
        watching.send_signal(signal.SIGINT)
        _, complaint = watching.communicate(timeout=20)
    assert watching.returncode == 0, complaint
    assert lines == ["No job runs at present.\n"] * 2
    assert complaint == ""


def test_jobs_are_listed_by_filters_and_in_pages(run, add):
    ids = [add(queue=queue, args=f'{{"n": {n}}}') for n, queue in enumerate(["a", "b", "a"])]
    failed = add("failed", queue="b")
    assert [job["id"] for job in read(run, "jobs", "list")] == [failed, *reversed(ids)]
    assert [job["id"] for job in read(run, "jobs", "list", "--queue", "a")] == [ids[2], ids[0]]
    assert [job["id"] for job in read(run, "jobs", "list", "--status", "failed", "--task", HEALTH)] == [
        failed
    ]
    assert [job["id"] for job in read(run, "jobs", "list", "--q", '"n": 1')] == [ids[1]]
    assert [job["id"] for job in read(run, "jobs", "list", "--limit", "1", "--cursor", str(ids[1]))] == [
        ids[0]
    ]
    paged = run("jobs", "list", "--limit", "1", "--queue", "a")
    assert f"Go on: socialsync jobs list --queue a --limit 1 --cursor {ids[2]}" in paged
    run("jobs", "list", "--status", "lost", expect=2)


def test_a_list_without_a_match_names_what_it_was_asked_for(run, add):
    only = add("failed", queue="a")
    listing = ("jobs", "list")
    assert run(*listing, "-q", "b", "--status", "failed") == "No job matches --queue b --status failed.\n"
    assert run(*listing, "--q", "two words") == "No job matches --q 'two words'.\n"
    assert run(*listing, "--cursor", str(only)) == f"No job matches --cursor {only}.\n"
    assert run("inspect", "active", "-q", "b") == "No job runs in the queue 'b' at present.\n"
    assert run("inspect", "scheduled", "-q", "b") == "No job waits for a time in the queue 'b'.\n"
    assert run("webhooks", "list") == "Nothing came.\n"
    asked = ("--troubled", "--since", "2026-03-04")
    assert run("webhooks", "list", *asked) == "Nothing matches --since 2026-03-04T00:00:00 --troubled.\n"


def test_a_failed_job_is_shown_with_its_traceback(run, rows, add):
    job_id = add(args='{"who": "\\u001b[31m"}')
    for status in ("doing", "failed"):
        rows("update procrastinate_jobs set status = %s where id = %s", status, job_id)
    rows(
        "insert into job_results (job_id, attempt, outcome, error, traceback, worker)"
        " values (%s, 1, 'failed', 'ValueError: [bold]no', E'Traceback\\n  ValueError: no', 'w-1')",
        job_id,
    )
    shown = json.loads(run("jobs", "show", str(job_id), "--json"))
    assert (shown["error"], shown["attempts"][0]["outcome"]) == ("ValueError: [bold]no", "failed")
    assert [event["event"] for event in shown["timeline"]] == ["deferred", "started", "failed"]
    said = run("jobs", "show", str(job_id))
    assert "ValueError: [bold]no" in said
    assert "Traceback" in said
    assert "\x1b" not in said
    assert "no job 999" in run("jobs", "show", "999", expect=1)
    run("jobs", "show", "first", expect=2)


def test_a_result_is_shown(run, rows, add):
    job_id = add("succeeded")
    assert "Nothing, or it has expired" in run("jobs", "show", str(job_id))
    rows(
        "insert into job_results (job_id, attempt, outcome, result) values (%s, 1, 'succeeded', %s)",
        job_id,
        '{"sold": 42}',
    )
    assert '"sold": 42' in run("jobs", "show", str(job_id))


def test_a_long_result_is_shown_in_part(run, rows, add):
    job_id = add("succeeded")
    rows(
        "insert into job_results (job_id, attempt, outcome, result)"
        " values (%s, 1, 'succeeded', to_jsonb(repeat('x', 50000)))",
        job_id,
    )
    assert "... and 40,002 characters more; all: --json" in run("jobs", "show", str(job_id))
    assert "x" * 50_000 in run("jobs", "show", str(job_id), "--json")


def test_jobs_are_cancelled_retried_and_run_again(run, rows, add, status, deeds):
    job_id = add(args="{}")
    run("jobs", "cancel", str(job_id))
    assert status(job_id) == "cancelled"
    run("jobs", "retry", str(job_id))
    assert status(job_id) == "todo"
    new_id = int(run("jobs", "rerun", str(job_id), "-q", "low", "--at", "2031-01-01T00:00:00+01:00"))
    found = rows("select queue_name, scheduled_at, x_rerun_of from procrastinate_jobs where id = %s", new_id)
    queue, at, of = found.fetchone()
    assert (queue, at.isoformat(), of) == ("low", "2030-12-31T23:00:00+00:00", job_id)
    assert deeds() == [
        ("cli", "jobs.cancelled", f"job:{job_id}"),
        ("cli", "jobs.retried", f"job:{job_id}"),
        ("cli", "jobs.rerun", f"job:{job_id}"),
    ]


def test_what_a_state_forbids_is_said_with_the_command_that_helps(run, add):
    running, done = add("doing"), add("succeeded")
    assert f"socialsync revoke {running} --terminate" in run("jobs", "cancel", str(running), expect=1)
    assert f"socialsync jobs rerun {done}" in run("jobs", "retry", str(done), expect=1)
    assert "no job 999" in run("revoke", "999", expect=1)


def test_of_several_jobs_the_possible_are_done(run, add, status):
    waiting, done, other = add(), add("succeeded"), add()
    result = CliRunner().invoke(cli.app, ["jobs", "cancel", str(waiting), str(done), str(other)])
    assert result.exit_code == 1
    assert (status(waiting), status(done), status(other)) == ("cancelled", "succeeded", "cancelled")
    assert f"Error: Job {done} has ended" in result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--args", "{oops"),
        ("--args", "[1]"),
        ("--at", "tomorrow"),
        ("--at", "2031-01-01T00:00:00"),
        ("-q", ""),
    ],
)
def test_wrong_words_for_a_rerun_are_wrong_usage(run, add, options):
    run("jobs", "rerun", str(add()), *options, expect=2)


def test_arguments_that_do_not_fit_are_refused(run, add):
    assert "argument x" in run("jobs", "rerun", str(add()), "--args", '{"x": 1}', expect=1)


def test_revoke_cancels_and_terminates(run, rows, add, status):
    waiting, running = add(), add("doing")
    assert "Cancelled" in run("revoke", str(waiting))
    assert "--terminate" in run("revoke", str(running), expect=1)
    assert "its worker ends it" in run("revoke", str(running), "--terminate")
    assert status(waiting) == "cancelled"
    assert rows("select abort_requested from procrastinate_jobs where id = %s", running).fetchone() == (True,)


def test_a_purge_deletes_what_waits(run, rows, add, deeds):
    running = add("doing", queue="a")
    for queue in ("a", "a", "b", "c"):
        add(queue=queue)
    assert "Deleted 2 jobs" in run("purge", "-q", "a")
    assert "Deleted 1 job " in run("purge", "-Q", "b,a", "--yes")
    assert "Deleted 1 job that waited in all queues" in run("purge", "--all")
    assert rows("select id from procrastinate_jobs").fetchall() == [(running,)]
    assert ("cli", "queues.purged", "queue:a") in deeds()
    assert "no queue named" in run("purge", "-q", "nowhere", expect=1)
    run("purge", expect=2)
    run("purge", "--all", "-q", "a", expect=2)


def test_on_a_terminal_a_purge_asks(run, rows, add):
    add(queue="a")
    ours, theirs = pty.openpty()
    for answer, left in ((b"n\n", 1), (b"y\n", 0)):
        os.write(ours, answer)
        done = subprocess.run(
            [SOCIALSYNC, "purge", "-q", "a"], stdin=theirs, capture_output=True, text=True, check=False
        )
        assert "Delete 1 waiting job of a?" in done.stdout + done.stderr
        assert done.returncode == left
        assert rows("select count(*) from procrastinate_jobs").fetchone() == (left,)
    os.close(ours)
    os.close(theirs)


def test_queues_are_paused_and_resumed(run, add, deeds):
    add(queue="a")
    run("pause", "a", "scheduler")
    assert {row["name"]: row["paused"] for row in read(run, "inspect", "queues")} == {
        "a": True,
        "scheduler": True,
    }
    assert "paused" in run("inspect", "queues")
    run("resume", "a")
    assert deeds()[-1] == ("cli", "queues.resumed", "queue:a")
    assert "no queue named" in run("pause", "nowhere", expect=1)
    run("pause", expect=2)


def test_workers_are_asked_to_leave_by_name_or_by_supervisor(run, rows, worker):
    one, two, other = worker("w-1", "w"), worker("w-2", "w"), worker("x")
    run("workers", "drain", "x")
    assert "2 workers" in run("workers", "stop", "w")
    wanted = dict(rows("select worker_id, wanted from worker_info").fetchall())
    assert wanted == {one: "stop", two: "stop", other: "drain"}
    assert "asked to drain" in run("inspect", "workers")
    assert "no worker 'nobody'" in run("workers", "drain", "nobody", expect=1)


def test_limits_are_set_listed_and_removed(run, deeds):
    run("limits", "set", "channel:7", "--max-running", "5", "--rate", "600/m", "--burst", "20")
    (found,) = read(run, "limits", "list")
    assert (found["key"], found["max_running"], found["rate_per_s"], found["burst"]) == (
        "channel:7",
        5,
        10,
        20,
    )
    assert "10/s" in run("limits", "list")
    run("limits", "remove", "channel:7")
    assert read(run, "limits", "list") == []
    assert [action for _, action, _ in deeds()] == ["limits.set", "limits.removed"]
    assert "no limit" in run("limits", "remove", "channel:7", expect=1)


def test_a_limit_that_is_set_leaves_the_others_of_its_key_alone(run):
    run("limits", "set", "whatsapp:1", "--rate", "80/s", "--burst", "10")
    run("limits", "set", "whatsapp:1", "--max-running", "0")
    run("limits", "set", "whatsapp:2", "--max-running", "3")
    run("limits", "set", "whatsapp:2", "--rate", "5/s")
    found = [(each["max_running"], each["rate_per_s"], each["burst"]) for each in read(run, "limits", "list")]
    assert found == [(0, 80, 10), (3, 5, 1)]


def test_a_block_is_listed_with_its_end_whether_or_not_a_job_waits_for_it(run, rows):
    rows(
        "insert into limits (key, rate_per_s, burst, blocked_until) values"
        " ('whatsapp:1', 80, 10, now() + interval '5 min 30 s'),"
        " ('instagram:2', null, 1, now() + interval '2 h 30 min'),"
        " ('instagram:3', null, 1, now() - interval '1 s')"
    )
    listed = run("limits", "list")
    assert "blocked until" in listed
    assert re.search(r"instagram:2 .* \d\d:\d\d:\d\d UTC, in 2 h", listed)
    assert re.search(r"whatsapp:1 .* \d\d:\d\d:\d\d UTC, in 5 min", listed)
    assert [limit["key"] for limit in read(run, "limits", "list")] == ["instagram:2", "whatsapp:1"]


@pytest.mark.parametrize("options", [(), ("--burst", "3"), ("--rate", "fast"), ("--max-running", "-1")])
def test_a_limit_that_says_nothing_is_wrong_usage(run, options):
    run("limits", "set", "k", *options, expect=2)


def test_a_schedule_is_changed_in_all_it_has(run):
    often = ("schedules", "add", "often", HEALTH)
    run(*often, "--every", "500ms", "--expires", "5m", "-q", "low", "--disabled")
    (row,) = read(run, "schedules", "list")
    assert (row["every_s"], row["expires_s"], row["queue"], row["enabled"]) == (0.5, 300, "low", False)
    run(
        "schedules",
        "edit",
        "often",
        "--cron",
        "0 3 * * *",
        "--timezone",
        "Europe/Paris",
        "--own-queue",
        "--no-expiry",
    )
    run("schedules", "enable", "often")
    (row,) = read(run, "inspect", "schedules")
    assert (row["when"], row["expires_s"], row["queue"], row["enabled"]) == (
        "0 3 * * * Europe/Paris", None, None, True,
    )  # fmt: skip
    assert "already" in run(*often, "--every", "1h", expect=1)
    assert "no task named 'nope'" in run("schedules", "add", "x", "nope", "--every", "5", expect=1)


def test_an_overdue_schedule_is_shown(run, rows):
    run("schedules", "add", "often", HEALTH, "--every", "2h")
    rows("update schedules set next_at = now() - interval '1 minute'")
    assert "overdue" in run("schedules", "list")
    assert "every 2 h" in run("schedules", "list")


@pytest.mark.parametrize(
    "command",
    [
        "add x operations.health_check",
        "add x operations.health_check --every 5 --cron *",
        "add x operations.health_check --every soon",
        "add -x- operations.health_check --every 5",
        "edit x",
        "edit x --every 5 --cron *",
        "edit x --queue a --own-queue",
    ],
)
def test_wrong_words_for_a_schedule_are_wrong_usage(run, command):
    run("schedules", *command.split(), expect=2)


def test_a_users_own_task_is_scheduled_and_its_arguments_checked(run, tmp_path, rows):
    (tmp_path / "shop.py").write_text(
        "from socialsync.worker import app\n"
        "@app.task(name='shop.report', queue='reports')\n"
        "async def report(day: str): ...\n"
    )

    def add(*options, app="shop.app"):
        command = [SOCIALSYNC, "schedules", "add", "daily", "shop.report", "--every", "1h", *options]
        given = {**os.environ, "PROCRASTINATE_APP": app}
        return subprocess.run(command, env=given, capture_output=True, text=True, check=False)

    unfit = add()
    assert (unfit.returncode, "argument day" in unfit.stderr) == (1, True)
    done = add("--args", '{"day": "monday"}')
    assert done.returncode == 0, done.stderr
    assert rows("select task, args from schedules").fetchall() == [("shop.report", {"day": "monday"})]
    lost = add(app="nowhere.app")
    assert lost.returncode == 1
    assert "PROCRASTINATE_APP" in lost.stderr
    assert "Traceback" not in lost.stderr

"""What each command prints, and how it ends."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import typer

from socialsync import cli

COMMANDS = ("up", "demo", "serve", "worker", "simulator", "db", "workspace", "apikey", "channel", "schedules")


@pytest.mark.parametrize(
    "command", ["", *COMMANDS, "db url", "apikey create", "schedules add", "channel add"]
)
def test_every_command_explains_itself(run, command):
    said = run(*command.split(), "--help")
    assert "Usage" in said
    assert len(said.splitlines()) > 5


def test_a_workspace_is_made_and_its_key_printed_alone(run):
    workspace_id = UUID(run("workspace", "create", "Bakery").strip())
    key = run("apikey", "create", "--workspace", "Bakery", "--role", "operator")
    assert re.fullmatch(r"ss_[\w-]{43}\n", key)
    (row,) = json.loads(run("apikey", "list", "--json"))
    assert (UUID(row["workspace_id"]), row["role"]) == (workspace_id, "operator")
    assert key.strip() not in json.dumps(row)
    assert [row["name"] for row in json.loads(run("workspace", "list", "--json"))] == ["Bakery"]
    run("apikey", "revoke", row["prefix"])
    assert "no such key" in run("apikey", "revoke", row["prefix"], expect=1)


def test_a_key_of_the_installation_belongs_to_no_workspace(run):
    run("apikey", "create", "--installation")
    (row,) = json.loads(run("apikey", "list", "--json"))
    assert row["workspace_id"] == "installation"


@pytest.mark.parametrize("options", [(), ("--workspace", "Bakery", "--installation")])
def test_a_key_belongs_to_one_or_the_other(run, options):
    run("apikey", "create", *options, expect=2)


def test_what_is_not_there_is_said(run):
    run("workspace", "create", "Bakery")
    assert "exists already" in run("workspace", "create", "Bakery", expect=1)
    assert "no workspace 'Butcher'" in run("apikey", "create", "--workspace", "Butcher", expect=1)
    assert "no schedule named" in run("schedules", "run", "nothing", expect=1)


def test_a_channel_is_connected_without_its_token_on_the_command_line(run):
    run("workspace", "create", "Bakery")
    at = ("--workspace", "Bakery")
    channel_id = run(
        "channel", "add", "instagram", "1784", *at, "--name", "Shop", "--token", "-", answer="EAAsecret\n"
    ).strip()
    run("channel", "edit", channel_id, *at, "--name", "Bakery's shop")
    listed = run("channel", "list", *at, "--json")
    (row,) = json.loads(listed)
    assert (row["id"], row["name"], row["status"]) == (channel_id, "Bakery's shop", "active")
    assert "EAAsecret" not in listed


def test_a_channel_is_paused_resumed_and_given_a_new_token(run, fresh):
    run("workspace", "create", "Bakery")
    at = ("--workspace", "Bakery")
    channel_id = run(
        "channel", "add", "instagram", "1784", *at, "--name", "Shop", "--token", "-", answer="EAAsecret\n"
    ).strip()
    run("channel", "edit", channel_id, *at, "--pause")
    with psycopg.connect(fresh.owner) as connection:
        connection.execute("update channels set status = 'needs_reauth', status_reason = 'It was removed.'")
    (row,) = json.loads(run("channel", "list", *at, "--json"))
    assert (row["status"], row["status_reason"]) == ("needs_reauth", "It was removed.")
    assert row["paused_at"]
    assert row["token_expires_at"]
    said = run("channel", "list", *at)
    assert "needs reauth, paused" in " ".join(said.split())
    run("channel", "edit", channel_id, *at, "--resume", "--token", "-", answer="EAAnew\n")
    (row,) = json.loads(run("channel", "list", *at, "--json"))
    assert (row["status"], row["status_reason"], row["paused_at"]) == ("active", None, None)
    run("channel", "edit", channel_id, *at, expect=2)


def test_schedules_are_added_changed_run_and_removed(run, fresh):
    run("schedules", "add", "often", "operations.health_check", "--every", "3600")
    run("schedules", "edit", "often", "--cron", "0 0 * * *")
    (row,) = json.loads(run("schedules", "list", "--json"))
    assert (row["name"], row["when"], row["enabled"]) == ("often", "0 0 * * * UTC", True)
    job_id = int(run("schedules", "run", "often"))
    run("schedules", "disable", "often")
    run("schedules", "remove", "often")
    assert json.loads(run("schedules", "list", "--json")) == []
    with psycopg.connect(fresh.owner) as connection:
        deeds = connection.execute("select action from audit_log order by id").fetchall()
        (task,) = connection.execute(
            "select task_name from procrastinate_jobs where id = %s", [job_id]
        ).fetchone()
    assert [action for (action,) in deeds] == [
        "schedules.added",
        "schedules.edited",
        "schedules.run",
        "schedules.edited",
        "schedules.removed",
    ]
    assert task == "operations.health_check"


def test_arguments_that_are_no_json_are_wrong_usage(run):
    run("schedules", "add", "x", "operations.health_check", "--every", "5", "--args", "{oops", expect=2)


def test_the_url_is_the_applications_role(run):
    with psycopg.connect(run("db", "url").strip()) as connection:
        assert connection.execute("select current_user::text").fetchone() == ("socialsync_app",)
    with psycopg.connect(run("db", "url", "--admin").strip()) as connection:
        assert connection.execute("select current_user::text").fetchone() == ("postgres",)


def test_the_embedded_servers_commands_refuse_when_another_is_named(run):
    assert "DATABASE_URL" in run("db", "start", expect=1)


def test_upgrade_says_the_revision(run):
    assert "at revision" in run("db", "upgrade")


def test_a_taken_port_is_said_before_anything_starts(run, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port}" in run("up", "--port", str(port), expect=1)
    assert not (tmp_path / "home").exists()


def test_an_error_is_a_sentence_on_stderr_and_status_1(tmp_path):
    done = subprocess.run(
        [Path(sys.executable).parent / "socialsync", "workspace", "list"],
        env={"DATABASE_URL": "postgresql://me:hunter2@127.0.0.1:1/db", "SOCIALSYNC_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_list_of_commands_says_what_each_says_itself_and_imports_none_of_them():
    group = typer.main.get_group(cli.app)
    helps = {name: group.commands[name].help for name in cli.COMMANDS}
    said = {name: " ".join(each.partition("\n\n")[0].split()) for name, each in helps.items()}
    assert said == {name: summary for name, (_, summary) in cli.COMMANDS.items()}
    code = "import sys; from socialsync import cli; sys.argv = ['socialsync', '--help']\ntry: cli.main()\n"
    code += "finally: assert not {'sqlalchemy', 'psycopg', 'fastapi'} & set(sys.modules), sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in cli.COMMANDS)


@pytest.mark.parametrize("command", ["serve", "simulator"])
def test_a_port_that_is_taken_is_told_in_a_line_with_a_fix(run, command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = run(command, "--port", port, expect=1)
    assert said.startswith(f"Port {port} of 127.0.0.1 is taken. Free it")
    assert f"socialsync {command} --port" in said


def test_a_host_that_is_not_here_is_told_in_a_line(run):
    assert "no address of this machine" in run("serve", "--host", "203.0.113.7", "--port", "8000", expect=1)

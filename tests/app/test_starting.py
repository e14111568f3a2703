"""``uvicorn socialsync.app:app``, as a person starts it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest

from socialsync.app import create_app
from tests import cluster
from tests.conftest import REPOSITORY, calling, urls_of


@contextmanager
def started(home, **environment):
    """The port of an application that was just started in this home; it is asked to stop in the end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "socialsync.app:app", "--fd", str(listening.fileno())],
            cwd=home,
            env={**bare(), "SOCIALSYNC_HOME": str(home), **environment},
            pass_fds=[listening.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            yield listening.getsockname()[1], process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)


def bare():
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": str(REPOSITORY / "src"),
    }


def ask(port, path):
    """Waits until the application is up: its socket listens already."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=40)
    connection.request("GET", path)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, json.loads(content)


def test_it_starts_without_its_database_and_finds_it_later(server, template, tmp_path):
    urls = urls_of(server, name := cluster.new_name())
    with started(tmp_path, DATABASE_URL=urls.app) as (port, _):
        status, health = ask(port, "/health")
        assert (status, health["status"]) == (503, "down")
        assert ask(port, "/health/live") == (200, {"status": "ok"})
        cluster.create(server, name, template)
        assert ask(port, "/health/ready") == (200, {"status": "ready"})
        status, health = ask(port, "/health")
        assert (status, health["status"]) == (200, "degraded")  # no worker yet


def test_with_nothing_set_it_starts_the_embedded_server(quick_path):
    home = quick_path / "a home"
    home.mkdir()
    try:
        with started(home) as (port, _):
            status, health = ask(port, "/health")
            assert (status, health["status"]) == (503, "down")
            assert "alembic upgrade head" in health["alerts"][0]["fix"]
    finally:
        subprocess.run([sys.executable, "-c", STOP, str(home)], env=bare(), check=True, timeout=30, cwd=home)


def test_what_meta_wants_to_know_is_there_before_it_asks(server, shared, tmp_path):
    with started(tmp_path, DATABASE_URL=shared.app) as (port, _):
        assert ask(port, "/health/live")[0] == 200
        made = {path.name: path for path in (tmp_path / "secrets").iterdir()}
    assert made.keys() == {"secret_key", "app_secret", "verify_token"}
    assert {path.stat().st_mode & 0o777 for path in made.values()} == {0o600}


STOP = """
import sys, pathlib
from socialsync.db.embedded import EmbeddedServer
EmbeddedServer(pathlib.Path(sys.argv[1])).stop()
"""


@pytest.mark.parametrize(
    ("variable", "value"), [("SOCIALSYNC_LOG_LEVEL", "loud"), ("META_GRAPH_URL", "graph.facebook.com")]
)
def test_an_invalid_environment_ends_it_with_one_line(tmp_path, variable, value):
    ended = subprocess.run(
        [sys.executable, "-m", "uvicorn", "socialsync.app:app", "--port", "0"],
        cwd=tmp_path,
        env={**bare(), "SOCIALSYNC_HOME": str(tmp_path), variable: value},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    [line] = ended.stderr.strip().splitlines()
    assert variable in line


def test_importing_the_package_reads_no_environment(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", "import socialsync.app; print(socialsync.app.create_app.__name__)"],
        cwd=tmp_path,
        env={**bare(), "SOCIALSYNC_LOG_LEVEL": "loud"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.stdout.strip() == "create_app", ended.stderr


def test_the_log_has_our_lines_and_not_uvicorns(server, shared, tmp_path):
    with started(tmp_path, DATABASE_URL=shared.app) as (port, process):
        assert ask(port, "/nowhere?hub.verify_token=secret")[0] == 404
        process.send_signal(signal.SIGTERM)
        log = process.stdout.read().decode()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    [line] = [line for line in lines if line["event"] == "request"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/nowhere", 404)
    assert "secret" not in log


async def test_before_it_has_opened_anything_it_asks_for_patience(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOCIALSYNC_HOME", str(tmp_path))
    async with calling(create_app()) as client:
        assert (await client.get("/health/live")).status_code == 200
        answer = await client.get("/api/v1/workspace")
    assert (answer.status_code, answer.json()["code"]) == (503, "StillStarting")
    assert answer.headers["retry-after"] == "2"

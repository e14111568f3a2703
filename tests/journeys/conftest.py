"""Real processes of an installation: the commands that users type, ended by their ids."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from socialsync.db.urls import Urls

BIN = Path(sys.executable).parent
PATIENCE = 90.0


@dataclass
class Installation:
    """A home and a database, and the processes started on them."""

    home: Path
    environment: dict[str, str]
    processes: list[subprocess.Popen] = field(default_factory=list)

    def start(self, *command: str) -> subprocess.Popen:
        log = (self.home / f"{len(self.processes)}.log").open("wb")
        process = subprocess.Popen(
            [BIN / command[0], *command[1:]],
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.close()
        self.processes.append(process)
        return process

    def run(self, *command: str, expect: int = 0) -> str:
        done = subprocess.run(
            [BIN / command[0], *command[1:]],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout

    def log(self, process: subprocess.Popen) -> str:
        return (self.home / f"{self.processes.index(process)}.log").read_text()

    def end(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def installation(fresh: Urls, quick_path: Path, simulator):
    """An installation on a migrated database, with the simulator as its outside world."""
    home = quick_path / "home"
    home.mkdir()
    environment = {
        **os.environ,
        "DATABASE_URL": fresh.app,
        "DATABASE_OWNER_URL": fresh.owner,
        "SOCIALSYNC_HOME": str(home),
        "META_GRAPH_URL": simulator.url,
        "PROCRASTINATE_APP": "socialsync.worker.app",
        "SOCIALSYNC_LOG_FORMAT": "json",
    }
    there = Installation(home, environment)
    yield there
    there.end()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what: str, patience: float = PATIENCE):
    """Ask until the answer is true; other processes have no event that we could wait for."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if found := condition():
                return found
        time.sleep(0.1)
    pytest.fail(f"{what} did not happen within {patience:.0f} s")

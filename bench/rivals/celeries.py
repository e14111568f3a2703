"""Celery with a Redis of its own: Debian's redis-server with its default persistence, on a Unix socket."""

import shutil
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

from typing_extensions import override

from bench.ground import Ground
from bench.processes import Process, run
from bench.rivals.contract import APPS, Rival, Stuck, environment_of, told

_READY_WITHIN = 10.0
_BROKER, _RESULTS = 0, 1


class Celery(Rival):
    """Prefork, results kept in Redis, no events, no gossip: what its users set for speed."""

    name = "Celery + Redis"
    persistence = ("--save", "3600 1 300 100 60 10000", "--appendonly", "no")
    """Debian's default: snapshots."""
    late = False
    """Whether a job is acknowledged when it has ended, so that a killed worker's job runs again."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self._folder = Path(tempfile.mkdtemp(prefix="bench-"))  # a short path, for a socket's name
        self._socket = self._folder / "redis.sock"
        self._redis: Process | None = None

    @property
    def _bin(self) -> Path:
        return environment_of("celery") / "bin"

    def _environment(self, prefetch: int = 4) -> dict[str, str]:
        return {
            "BENCH_REDIS": str(self._socket),
            "BENCH_PREFETCH": str(prefetch),
            "BENCH_LATE": str(int(self.late)),
            "BENCH_SINK": str(self.sink),
            "PYTHONPATH": str(APPS),
        }

    def _run(self, what: str, count: int = 0, seconds: float = 0) -> str:
        script = [str(self._bin / "python"), str(APPS / "celery_app.py")]
        return run([*script, what, str(count), str(seconds)], self._environment(), self.ground.folder)

    @override
    def prepare(self) -> None:
        server = shutil.which("redis-server")
        if server is None:
            raise SystemExit(
                "Celery needs redis-server. Install it with: apt install redis-server"
                " (or leave Celery out: --without celery)"
            )
        words = [server, "--port", "0", "--unixsocket", str(self._socket), "--daemonize", "no"]
        self._redis = Process([*words, *self.persistence], {}, self._folder, "redis")
        deadline = time.monotonic() + _READY_WITHIN
        while not self._socket.exists():
            self._redis.check()
            if time.monotonic() > deadline:
                raise Stuck(f"redis-server does not answer\n{self._redis.told()}")
            time.sleep(0.05)

    def _ask(self, *commands: str) -> str:
        """Redis's answer to the last of these commands, in its own words."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self._socket))
            answers = line.makefile()
            for command in commands:
                line.sendall(f"{command}\r\n".encode())
                answer = answers.readline().strip()
            return answer

    @override
    def reset(self) -> None:
        self._ask("FLUSHALL")

    @override
    def fill(self, count: int) -> None:
        self._run("enqueue", count)
        self._ask(f"SELECT {_RESULTS}", "FLUSHDB")

    @override
    def done(self) -> int:
        return int(self._ask(f"SELECT {_RESULTS}", "DBSIZE").lstrip(":"))

    @override
    def rate(self, count: int) -> float:
        """From the first finish to the last: Celery does not record starts."""
        found = told(self._run("span"))
        if found["count"] < count:
            raise Stuck(f"{self.name}: {found['count']} of {count} jobs ended")
        return float((count - 1) / found["seconds"])

    @override
    def worker(self, **settings: Any) -> Process:
        words = [str(self._bin / "celery"), "--app", "celery_app", "worker", "--queues", "bench"]
        pool = ["--pool", "prefork", "--concurrency", str(settings.get("processes", 2))]
        quiet = ["--loglevel", "ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        environment = self._environment(settings.get("prefetch", 4))
        return Process([*words, *pool, *quiet], environment, self.ground.folder, "celery")

    @override
    def enqueue(self, what: str, count: int, seconds: float) -> None:
        self._run(what, count, seconds)

    def web(self) -> tuple[str, dict[str, str]]:
        """The Python for its web processes, and their environment."""
        return str(self._bin / "python"), self._environment()

    @override
    def close(self) -> None:
        if self._redis is not None:
            self._redis.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


class DurableCelery(Celery):
    """What it takes to lose no job: every write of Redis reaches the disk before it is answered, and jobs are
    acknowledged late.
    """

    name = "Celery + Redis, durable"
    persistence = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")
    late = True

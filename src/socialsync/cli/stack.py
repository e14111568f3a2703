"""All processes of an installation on this machine, started and ended together."""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import psutil

from socialsync import settings
from socialsync.cli.ports import free_port
from socialsync.db import migrations, urls
from socialsync.db.embedded import EmbeddedServer
from socialsync.errors import Conflict, Failed
from socialsync.settings import WORLD_FILE, Settings, world

READY_WITHIN = 60.0
"""Seconds for a process to answer after its start, on a slow machine."""
DRAIN_WITHIN = 20
END_WITHIN = 30.0
Say = Callable[[str], None]


@dataclass
class Stack:
    """What runs.

    Attributes:
        api: base URL of the API.
        simulator: base URL of the simulator; None when the environment names the real world.
        environment: what every process was given on top of our own environment.
        output: file descriptor for what the processes print; None is the terminal.
    """

    settings: Settings
    api: str
    environment: dict[str, str]
    output: int | None = None
    simulator: str | None = None
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    async def start(self, name: str, *arguments: str) -> None:
        """Start one more ``socialsync`` process."""
        self.processes[name] = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "socialsync", *arguments,
            env={**os.environ, **self.environment},
            stdout=self.output,
            stderr=self.output,
            start_new_session=True,  # Ctrl-C reaches us alone, and we end them in order
            preexec_fn=_end_with_parent,
        )  # fmt: skip

    async def ended(self) -> str:
        """Wait until any process ends by itself; its name."""
        waits = {asyncio.create_task(process.wait()): name for name, process in self.processes.items()}
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()
        return waits[done.pop()]

    async def stop(self) -> None:
        """End one after the other, the last started first: a worker that drains still needs the world. What
        does not end in time is killed.
        """
        for process in reversed(self.processes.values()):
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), END_WITHIN)
            except TimeoutError:
                process.kill()
                await process.wait()


@asynccontextmanager
async def running(
    say: Say, *, port: int = 0, extra: Mapping[str, str] | None = None, output: int | None = None
) -> AsyncIterator[Stack]:
    """Start database, simulator, API and a worker; end them with the block.

    Args:
        say: told what happens.
        port: of the API; 0 takes a free one.
        extra: environment for all processes and for reading our own settings.
        output: file descriptor for what the processes print; None is the terminal.

    Raises:
        Conflict: the port is taken.
        Failed: a process did not come up.
    """
    port = free_port(port, command="socialsync up")
    environment = dict(extra or {})
    with _environment(environment):
        found = settings.load()
        if world(found.home):
            raise Conflict(
                f"SocialSync is up already in {found.home}.",
                fix="Stop that one, or set SOCIALSYNC_HOME to another.",
            )
        server = EmbeddedServer(found.home) if found.embedded else None
        say("Postgres")
        started = server.ensure_running() if server else False
        say("Migrations")
        await asyncio.to_thread(migrations.upgrade, urls.resolve(found).owner)
    stack = Stack(found, f"http://127.0.0.1:{port}", environment, output)
    try:
        if found.meta_graph_url is None:
            await _start_simulator(stack, say)
        say("API")
        await stack.start("api", "serve", "--port", str(port))
        await _until(f"{stack.api}/health/ready", stack, "api")
        say("Worker")
        await stack.start("worker", "worker", "--drain-timeout", str(DRAIN_WITHIN))
        await _until(f"{stack.api}/health", stack, "worker", lambda body: not body["workers"].startswith("0"))
        yield stack
    finally:
        await stack.stop()
        (found.home / WORLD_FILE).unlink(missing_ok=True)
        if server and started:
            await asyncio.to_thread(server.stop)


async def _start_simulator(stack: Stack, say: Say) -> None:
    say("Simulator of the outside world")
    port = free_port(0, command="socialsync up")
    stack.simulator = f"http://127.0.0.1:{port}"
    # The secret that signs its calls it reads where the API does, so that no command line shows it
    await stack.start("simulator", "simulator", "--port", str(port), "--callback", stack.api)
    await _until(f"{stack.simulator}/_sim/health", stack, "simulator")
    pid = stack.processes["simulator"].pid
    told = {"url": stack.simulator, "pid": pid, "born": psutil.Process(pid).create_time()}
    (stack.settings.home / WORLD_FILE).write_text(json.dumps(told))


async def _until(
    url: str, stack: Stack, name: str, enough: Callable[[dict[str, str]], bool] = lambda _: True
) -> None:
    """Wait until the process answers well."""
    deadline = asyncio.get_running_loop().time() + READY_WITHIN
    async with httpx.AsyncClient(timeout=5) as client:
        while asyncio.get_running_loop().time() < deadline:
            if stack.processes[name].returncode is not None:
                raise Failed(f"The {name} process ended at its start.", fix="Its log above says why.")
            with contextlib.suppress(httpx.TransportError):
                answer = await client.get(url)
                if answer.status_code == httpx.codes.OK and enough(answer.json()):
                    return
            await asyncio.sleep(0.1)
    raise Failed(f"The {name} process did not answer at {url} in {READY_WITHIN:.0f} s.")


@contextlib.contextmanager
def _environment(extra: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in extra}
    os.environ.update(extra)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _end_with_parent() -> None:
    """Linux: the kernel ends a child whose parent was killed, so that nothing is left behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)

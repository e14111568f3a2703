"""Processes that we start and that end with us, each by its own id."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

STOP_WITHIN = 15.0
_TOLD = 2_000


class Died(Exception):
    """A process ended that should have run; the message has the end of its log."""


class Process:
    """A command that runs in the background, in a session of its own.

    Args:
        command: its words.
        environment: on top of ours, without what would point it at other installations.
        folder: where it runs and leaves its log.
        name: of the log.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path, name: str
    ) -> None:
        self.log = folder / f"{name}.log"
        self.started_at = time.time()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own words
                command,
                env=surroundings(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    def check(self) -> None:
        """Raises Died: when it has ended."""
        if (status := self._process.poll()) is not None:
            raise Died(f"{self.log.name}: ended with {status}\n{self.told()}")

    def finish(self, within: float = 300) -> None:
        """Wait for its own end.

        Raises:
            Died: it failed.
        """
        if self._process.wait(within):
            self.check()

    def told(self) -> str:
        return self.log.read_text(errors="replace")[-_TOLD:]

    def memory(self) -> int:
        """Bytes that it keeps resident."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def kill(self) -> None:
        """Without warning, as the kernel does when memory runs out."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """As an operator does; by force when that takes too long."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        try:
            os.killpg(self.pid, signal.SIGKILL)  # what it may have left behind in its session
        except ProcessLookupError:
            return


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path, *, within: float = 600) -> str:
    """Run a command to its end and give what it printed.

    Raises:
        Died: it failed.
    """
    ended = subprocess.run(  # noqa: S603 - our own words
        command, env=surroundings(environment), cwd=folder, capture_output=True, text=True, timeout=within,
        check=False,
    )  # fmt: skip
    if ended.returncode:
        raise Died(f"{' '.join(command[:3])} ended with {ended.returncode}\n{ended.stderr[-_TOLD:]}")
    return ended.stdout


def surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    """Our environment without what names databases, Apps or modules of this one."""
    foreign = ("DATABASE_", "SOCIALSYNC_", "PROCRASTINATE_", "PGQUEUER_", "PYTHONPATH", "PG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "PYTHONUNBUFFERED": "1", **environment}

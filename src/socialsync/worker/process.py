"""A child as its supervisor sees it: a process, what it said last, and what it was told."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable

from socialsync.worker.roster import Phase
from socialsync.worker.wire import Options, Report, Word

DEAF_AFTER = 25.0
"""Seconds without a report: its own dead-man switch should have ended it at 20."""
STARTS_WITHIN = 60.0
"""Seconds without a report until it claims jobs; reports begin when the App is loaded."""


class Child:
    """One worker process.

    Args:
        number: the last part of its name.
        generation: of the code that it runs.
        process: itself.
        changed: called when it became ready, or ended.
    """

    _watches: "tuple[asyncio.Task[None], ...]"
    _writer: asyncio.StreamWriter

    def __init__(
        self,
        number: int,
        generation: int,
        process: asyncio.subprocess.Process,
        changed: Callable[[], None],
    ) -> None:
        self.number = number
        self.generation = generation
        self.report = Report()
        self.base_memory = 0
        self.ready_at: float | None = None
        self.heard_at = time.monotonic()
        self.told: Word | None = None
        self.leaving = False
        self.stale: str | None = None
        self._process = process
        self._changed = changed

    @classmethod
    async def start(
        cls, number: int, generation: int, options: Options, *, log_level: str, changed: Callable[[], None]
    ) -> "Child":
        """A fresh interpreter, in a session of its own: Ctrl-C reaches the supervisor alone.

        Raises:
            OSError: the system has no room for another process.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-P", "-m", "socialsync.worker",
                    options.written(), str(theirs.fileno()),
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                    env={**os.environ, "SOCIALSYNC_LOG_LEVEL": log_level},
                )  # fmt: skip
            reader, writer = await asyncio.open_connection(sock=ours)
        except BaseException:
            ours.close()
            raise
        child = cls(number, generation, process, changed)
        child._watches = (
            asyncio.create_task(child._listen(reader), name=f"listen to {options.name}"),
            asyncio.create_task(child._wait(), name=f"wait for {options.name}"),
        )
        child._writer = writer
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status; negative for a signal, None while it lives."""
        return self._process.returncode

    @property
    def phase(self) -> Phase:
        if self.leaving:
            return Phase.LEAVING
        return Phase.STARTING if self.ready_at is None else Phase.SERVING

    def silent(self, now: float) -> bool:
        """Whether it has not reported for so long that it must be stuck."""
        return now - self.heard_at > (STARTS_WITHIN if self.ready_at is None else DEAF_AFTER)

    def tell(self, word: Word) -> None:
        """Say it once; a child that does not work yet just ends."""
        if self.told == word or self.status is not None:
            return
        starting = self.ready_at is None
        self.told, self.leaving = word, True
        if starting:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
        elif not self._writer.is_closing():
            self._writer.write(f"{word}\n".encode())

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """Forget an ended process."""
        for watch in self._watches:
            watch.cancel()
        self._writer.close()
        await asyncio.gather(*self._watches, return_exceptions=True)

    async def _wait(self) -> None:
        await self._process.wait()
        self._changed()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                report = Report.read(line)
                if report is None:
                    continue
                self.heard_at = time.monotonic()
                self.report = report
                if report.ready and self.ready_at is None:
                    self.ready_at = self.heard_at
                    self.base_memory = report.memory
                    self._changed()

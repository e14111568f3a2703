"""Hears from tasks that they started."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from bench.rivals.contract import Stuck

_LOOK_UP_EVERY = 0.2
_NANO = 1e9
_FORMAT = "<qqq"


class Start(NamedTuple):
    """A task's start: the number that it was given, when it started, and where."""

    number: int
    at: int
    pid: int

    @property
    def late(self) -> float:
        """Seconds after the instant that its number names (nanoseconds since 1970)."""
        return (self.at - self.number) / _NANO


class Sink:
    """Collects starts while it is open.

    Args:
        path: of the socket that tasks know.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._open = True
        self._starts: list[Start] = []
        self._thread = threading.Thread(target=self._hear, name="sink")

    def __enter__(self) -> Self:
        self._path.unlink(missing_ok=True)
        self._socket.bind(str(self._path))
        self._socket.settimeout(_LOOK_UP_EVERY)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self._thread.join()
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def __len__(self) -> int:
        return len(self._starts)

    def _hear(self) -> None:
        while self._open:
            with contextlib.suppress(TimeoutError):
                self._starts.append(Start(*struct.unpack(_FORMAT, self._socket.recv(64))))

    def take(
        self, count: int, *, within: float, check: Callable[[], None], tell: Callable[[float], None]
    ) -> list[Start]:
        """Wait for so many starts; give and forget them.

        Raises:
            Stuck: they did not come in time.
        """
        deadline = time.monotonic() + within
        while len(self._starts) < count:
            check()
            tell(len(self._starts))
            if time.monotonic() > deadline:
                raise Stuck(f"{len(self._starts)} of {count} jobs started in {within:.0f} s")
            time.sleep(0.05)
        tell(count)
        return self.take_all()

    def take_all(self) -> list[Start]:
        """Give and forget what came so far."""
        taken, self._starts = self._starts, []
        return taken

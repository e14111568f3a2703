"""Enqueues at a steady rate while something is measured."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import psycopg

from bench.ground import Connection

_STEP = 0.05
_TRY_AGAIN_EVERY = 0.1


class Feeder:
    """A thread that enqueues until the block ends.

    Args:
        connect: gives a connection of its own.
        rate: jobs a second.
        defer: enqueues the jobs numbered ``first`` to ``last``, in one statement.
        patient: whether it outlives lost connections, as a producer in production would.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        rate: float,
        defer: Callable[[Connection, int, int], object],
        *,
        patient: bool = False,
    ) -> None:
        self.sent = 0
        self._connect = connect
        self._rate = rate
        self._defer = defer
        self._patient = patient
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="feeder")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if self._error and error is None:
            raise self._error

    def _run(self) -> None:
        began = time.monotonic()
        while not self._stop.is_set():
            try:
                with self._connect() as connection:
                    self._feed(connection, began)
            except psycopg.OperationalError as error:
                if not self._patient:
                    self._error = error
                    return
                self._stop.wait(_TRY_AGAIN_EVERY)
            except BaseException as error:  # noqa: BLE001 - raised where the block ends
                self._error = error
                return

    def _feed(self, connection: Connection, began: float) -> None:
        while not self._stop.is_set():
            wanted = int((time.monotonic() - began) * self._rate)
            if wanted > self.sent:
                self._defer(connection, self.sent + 1, wanted)
                self.sent = wanted
            self._stop.wait(_STEP)

"""One worker process under a supervisor: ``python -m socialsync.worker OPTIONS DESCRIPTOR``.

It runs the engine's worker, reports how it is, and obeys. When its supervisor is gone it drains and ends.
"""

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import AsyncIterator

import procrastinate
import psutil
from procrastinate import exceptions

from socialsync import settings, telemetry
from socialsync.queue.app import App
from socialsync.queue.worker import Worker
from socialsync.worker.wire import REPORT_EVERY, Options, Report, Status, Word

log = telemetry.get_logger("socialsync.worker.child")

_TRY_AGAIN_EVERY = 1.0
_SOON = 0.05
"""Seconds between reports until it claims jobs: an old child may be waiting for it."""
_MOST_UNSENT = 65_536
"""Bytes that wait for a supervisor which does not read, before reports are left out."""


class Unloadable(Exception):
    """The path leads to no App of ours."""


def main() -> None:
    """Work until told to end; the exit status is one of ``Status``, or the engine's ``CONDEMNED``."""
    options, descriptor = Options.read(sys.argv[1]), int(sys.argv[2])
    found = settings.load_or_exit()
    telemetry.configure(level=found.log_level, form=found.log_format)
    os.set_inheritable(descriptor, False)  # what jobs start has no part in it
    try:
        app = _load(options.app)
    except (Unloadable, exceptions.LoadFromPathError) as error:
        log.error("[WORKER] Cannot load the App", app=options.app, reason=str(error))  # noqa: TRY400 - a sentence says it
        sys.exit(Status.UNLOADABLE)
    except Exception:
        log.exception("[WORKER] Cannot load the App", app=options.app)
        sys.exit(Status.UNLOADABLE)
    sys.exit(asyncio.run(_serve(app, options, descriptor)))


def _load(path: str) -> App:
    sys.path.append(str(os.getcwd()))  # noqa: PTH109 - last, so that no file there hides a library
    found = procrastinate.App.from_path(path)
    if not isinstance(found, App):
        raise Unloadable("it is not SocialSync's: declare your tasks on socialsync.worker.app")
    found.perform_import_paths()  # type: ignore[no-untyped-call] # procrastinate leaves it unannotated
    return found


async def _serve(app: App, options: Options, descriptor: int) -> int:
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=descriptor))
    given = {"concurrency": options.concurrency} if options.concurrency else {}
    worker = app.worker(
        queues=options.queues,
        name=options.name,
        supervisor=options.supervisor,
        shutdown_graceful_timeout=options.drain_timeout,
        **given,
    )
    working = asyncio.create_task(_work(app, worker), name="work")
    beside = [
        asyncio.create_task(_report(worker, writer), name="report"),
        asyncio.create_task(_Obeying(worker, working, options.drain_timeout).run(reader), name="obey"),
    ]
    with contextlib.suppress(asyncio.CancelledError):
        await working
    for task in beside:
        task.cancel()
    writer.close()
    return Status.DISMISSED if worker.dismissed else Status.DONE


async def _work(app: App, worker: Worker) -> None:
    async with _opened(app):
        await worker.run()


@contextlib.asynccontextmanager
async def _opened(app: App) -> AsyncIterator[None]:
    """The App open for those who defer, as soon as Postgres is there."""
    while True:
        try:
            await app.open_async()
        except exceptions.ConnectorException as error:
            log.warning("[WORKER] Waiting for Postgres", reason=type(error.__cause__).__name__)
            await app.close_async()
            await asyncio.sleep(_TRY_AGAIN_EVERY)
        else:
            break
    try:
        yield
    finally:
        await app.close_async()


async def _report(worker: Worker, writer: asyncio.StreamWriter) -> None:
    process = psutil.Process()
    at, used = time.monotonic(), time.process_time()
    busy = 0.0
    while not writer.is_closing():
        us = worker.us
        report = Report(
            ready=worker.worker_id is not None,
            draining=us.state != "running",
            dismissed=worker.dismissed,
            done=us.done,
            running=us.running,
            busy=round(max(busy, worker.fullness), 3),
            memory=int(process.memory_info().rss),
        )
        if writer.transport.get_write_buffer_size() < _MOST_UNSENT:
            writer.write(report.written())
        await asyncio.sleep(REPORT_EVERY if report.ready else _SOON)
        now, spent = time.monotonic(), time.process_time()
        busy = min(1.0, (spent - used) / (now - at))
        at, used = now, spent


class _Obeying:
    """Does what the supervisor says.

    Args:
        worker: who drains or aborts.
        working: to cancel while the worker does not run yet.
        patience: seconds between draining and aborting.
    """

    def __init__(self, worker: Worker, working: "asyncio.Task[None]", patience: float) -> None:
        self._worker = worker
        self._working = working
        self._patience = patience

    async def run(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                self._obey(line.decode().strip())
        log.warning("[WORKER] The supervisor is gone; draining", worker=self._worker.us.name)
        self._obey(Word.DRAIN)

    def _obey(self, word: str) -> None:
        if self._worker.run_task is None:
            self._working.cancel()
            return
        if word == Word.RETIRE:
            self._worker.shutdown_graceful_timeout = None
        if self._worker.us.state == "running":
            self._worker.stop()
        if word == Word.DRAIN:
            asyncio.get_running_loop().call_later(self._patience, self._obey, Word.ABORT)
        elif word == Word.ABORT:
            self._worker.stop()

"""Heavy and CPU-bound work in processes that can be killed: a parser that hangs or eats the memory takes
nobody along.

Processes are spawned when first needed, limited in memory, and replaced after some calls. What they run is
named by its path, so that only they import it.
"""

import asyncio
import importlib
import multiprocessing
import os
import resource
import threading
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any, Final

from socialsync import later
from socialsync.errors import Permanent

if TYPE_CHECKING:
    import pebble
else:
    pebble = later.module("pebble")

WORKERS: Final = 1
CALLS_EACH: Final = 50
MEMORY: Final = 3 * 2**30
"""Bytes of address space; what lingua, lxml and a large document take together stays well below."""


class WorkTookTooLong(Permanent):
    """The work was ended at its time limit."""


class WorkerDied(Permanent):
    """The process died while it worked: out of memory, or by a fault of a library."""


class Pool:
    """A pool of one process of ours. Nothing is started before the first call.

    Args:
        workers: processes at most.
        memory: bytes of address space each may have.
    """

    def __init__(self, workers: int = WORKERS, memory: int = MEMORY) -> None:
        self._workers = workers
        self._memory = memory
        self._pool: Any = None

    async def call(self, path: str, *args: Any, within: float) -> Any:
        """Run a function there.

        Args:
            path: ``package.module:function``; arguments and result are pickled.
            within: seconds after which the process is killed.

        Raises:
            WorkTookTooLong, WorkerDied.
            Exception: what the function raises.
        """
        if self._pool is None:
            self._pool = pebble.ProcessPool(
                max_workers=self._workers,
                max_tasks=CALLS_EACH,
                initializer=_begin,
                initargs=(self._memory,),
                context=multiprocessing.get_context("spawn"),
            )
        try:
            future = self._pool.schedule(_called, args=(path, args), timeout=within)
        except RuntimeError:  # it broke, and takes nothing any more
            self._pool = None
            raise WorkerDied("No process could be started for it.") from None
        try:
            return await asyncio.wrap_future(future)
        except TimeoutError:
            raise WorkTookTooLong(f"It was not done within {within:g} seconds.") from None
        except MemoryError:
            raise WorkerDied("It needed more memory than one piece of work may have.") from None
        except pebble.ProcessExpired:
            raise WorkerDied("The process that worked on it died.") from None
        except BrokenProcessPool:
            self._pool = None  # the next call starts another
            raise WorkerDied("No process could be started for it.") from None
        except asyncio.CancelledError:
            future.cancel()
            raise

    async def close(self) -> None:
        """Kill whatever still works."""
        if self._pool is not None:
            self._pool.stop()
            await asyncio.to_thread(self._pool.join)


def _begin(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    threading.Thread(target=_follow, name="follow", daemon=True).start()


def _follow() -> None:
    """Nobody waits for what is worked on here once the process that asked for it is gone, killed perhaps."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _called(path: str, args: tuple[Any, ...]) -> Any:
    module, _, name = path.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function(*args)

"""What the scenarios ask of each rival."""

import json
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from bench.ground import CACHE, Ground
from bench.processes import Process, run
from bench.progress import Tell, step

APPS = Path(__file__).parent.parent / "apps"
QUEUE = "bench"
LOOK_EVERY = 0.1


class Stuck(Exception):
    """Jobs did not end in time; the message has the end of the worker's log."""


class Rival(ABC):
    """A job queue that can be filled, emptied and asked what it did.

    Args:
        ground: the server and the folder of the run.
    """

    name: str

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.sink = ground.sink

    @abstractmethod
    def prepare(self) -> None:
        """Install what is missing and make the tables."""

    @abstractmethod
    def reset(self) -> None:
        """Forget all jobs."""

    @abstractmethod
    def fill(self, count: int) -> object:
        """Enqueue so many jobs that do nothing."""

    @abstractmethod
    def worker(self, **settings: Any) -> Process:
        """Start a worker."""

    @abstractmethod
    def done(self) -> int:
        """About how many jobs have ended since ``fill``; cheap, for it is asked while we measure."""

    @abstractmethod
    def rate(self, count: int) -> float:
        """Jobs a second from the first start to the last finish, out of what the queue itself recorded.

        Raises:
            Stuck: not all ``count`` ended.
        """

    @abstractmethod
    def enqueue(self, what: str, count: int, seconds: float) -> None:
        """Run ``latency`` or ``scheduled`` of this rival's App, to the end."""

    @abstractmethod
    def close(self) -> None:
        """End what ``prepare`` started."""

    def wait(self, count: int, workers: list[Process], tell: Tell, *, within: float = 300) -> None:
        """Until so many jobs have ended.

        Raises:
            Died: a worker ended.
            Stuck: they did not in time.
        """
        deadline = time.monotonic() + within
        while (done := self.done()) < count:
            tell(done)
            for worker in workers:
                worker.check()
            if time.monotonic() > deadline:
                raise Stuck(f"{self.name}: {done} of {count} jobs ended\n{workers[0].told()}")
            time.sleep(LOOK_EVERY)
        tell(count)


def environment_of(name: str) -> Path:
    """The folder of a rival's own virtual environment, made when it is asked for the first time."""
    folder = CACHE / name
    wanted = (Path(__file__).parent / f"{name}.txt").read_text()
    ready = folder / "ready.txt"
    if not ready.exists() or ready.read_text() != wanted:
        with step(f"installing {name} into {folder.relative_to(CACHE.parent)} (once)"):
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)  # noqa: S603 - our own words
            pinned = Path(__file__).parent / f"{name}.txt"
            pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
            run([*pip, "-r", str(pinned)], {}, CACHE)
        ready.write_text(wanted)
    return folder


def told(output: str) -> dict[str, Any]:
    """What an App printed as JSON."""
    found: dict[str, Any] = json.loads(output)
    return found

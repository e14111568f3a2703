"""Where workers are born: imports once what the stock command needs, and forks a process for each worker.

``python nursery.py`` reads a line of JSON for each birth (arguments, environment, log) and answers in lines,
``born PID`` and, whenever a child ends, ``ended PID STATUS`` (negative: the signal that killed it).
"""

import json
import os
import selectors
import signal
import sys

import httpcore  # noqa: F401 # httpx imports it for its first client
import openai
import pebble
import procrastinate.builtin_tasks
import procrastinate.cli
import truststore  # noqa: F401 # for the first client of openai

import socialsync.queue.app
import socialsync.timetable  # noqa: F401 # what the Apps import, once for all workers
from socialsync import registry

registry.load()
FIRST_USED_LATER = openai.AsyncOpenAI, pebble.ProcessPool
"""What these import takes most of a worker's first second."""


def main() -> None:
    """Until standard input is closed; then whoever is left is killed."""
    children: set[int] = set()
    told, telling = os.pipe()
    os.set_blocking(telling, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(telling)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    ears = selectors.DefaultSelector()
    ears.register(sys.stdin, selectors.EVENT_READ)
    ears.register(told, selectors.EVENT_READ)
    try:
        while listen(ears, told, children):
            pass
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)


def listen(ears: selectors.BaseSelector, told: int, children: set[int]) -> bool:
    """Do what is asked, tell what has happened; False when nobody asks any more."""
    for key, _ in ears.select():
        if key.fileobj is sys.stdin:
            line = sys.stdin.buffer.raw.readline()
            if not line:
                return False
            children.add(bear(json.loads(line)))
        else:
            os.read(told, 4096)
            bury(children)
    return True


def bear(wanted: dict) -> int:
    """A fork that runs the stock command."""
    pid = os.fork()
    if pid:
        say(f"born {pid}")
        return pid
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setsid()
    with open(os.devnull, "rb") as nothing, open(wanted["log"], "ab") as log:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ.update(wanted["environment"])
    sys.path.insert(0, os.path.dirname(__file__))  # noqa: PTH120
    sys.argv = ["procrastinate", *wanted["arguments"]]
    status = 1
    try:
        procrastinate.cli.main()
        status = 0
    except SystemExit as ending:
        status = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def bury(children: set[int]) -> None:
    for pid in list(children):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            children.discard(pid)
            say(f"ended {pid} {os.waitstatus_to_exitcode(status)}")


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    main()

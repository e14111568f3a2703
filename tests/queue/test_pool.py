"""Processes for heavy work end with whoever asked for it."""

import os
import signal
import subprocess
import sys
import time

import psutil

ASKS = """
import asyncio
from socialsync.queue.pool import Pool

if __name__ == "__main__":
    asyncio.run(Pool().call("time:sleep", 600, within=600))
"""
PATIENCE = 60


def until(found, what: str):
    deadline = time.monotonic() + PATIENCE
    while not (value := found()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return value


def test_a_killed_process_leaves_no_worker_of_its_pool_behind(tmp_path, request):
    script = tmp_path / "asks.py"
    script.write_text(ASKS)
    asking = subprocess.Popen([sys.executable, str(script)])
    request.addfinalizer(asking.kill)
    workers = until(
        lambda: [
            each for each in psutil.Process(asking.pid).children() if "spawn_main" in " ".join(each.cmdline())
        ],
        "a worker",
    )
    until(lambda: any(each.num_threads() > 1 for each in workers), "a worker that has begun")
    os.kill(asking.pid, signal.SIGKILL)
    asking.wait()
    until(lambda: not any(each.is_running() for each in workers), "the end of the worker")

"""The process that forks workers, seen from the tests."""

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).parent
PATIENCE = 90.0


class Nursery:
    """The process that forks workers, and what it says of them."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, HERE / "nursery.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._born: queue.Queue[int] = queue.Queue()
        self._ended: dict[int, int] = {}
        self._changed = threading.Condition()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def bear(self, arguments: list[str], environment: dict[str, str], log: Path) -> int:
        wanted = {"arguments": arguments, "environment": environment, "log": str(log)}
        self._process.stdin.write(json.dumps(wanted).encode() + b"\n")
        self._process.stdin.flush()
        return self._born.get(timeout=PATIENCE)

    def status(self, pid: int, within: float = 0.0) -> int | None:
        """The exit status, once the process has ended; None while it lives."""
        with self._changed:
            self._changed.wait_for(lambda: pid in self._ended, within)
            return self._ended.get(pid)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._listener.join(PATIENCE)
        self._process.stdout.close()

    def _listen(self) -> None:
        for line in self._process.stdout:
            what, pid, *status = line.split()
            if what == b"born":
                self._born.put(int(pid))
            else:
                with self._changed:
                    self._ended[int(pid)] = int(status[0])
                    self._changed.notify_all()

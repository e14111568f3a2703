"""Somebody who is called by Meta: checks each signature, remembers the bodies, answers as told."""

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

SECRET = "the-app-secret"
PATIENCE = 10.0


class Receiver:
    """Answers with the ``answers`` in turn, then 200; ``hold`` is waited for before any answer."""

    def __init__(self, port: int = 0, answers: tuple[int, ...] = ()) -> None:
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.hold = threading.Event()
        self.hold.set()
        self._answers = list(answers)
        self._came = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._calls())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def updates(self) -> list[dict[str, Any]]:
        """Every status of every change of every entry of every body."""
        return [
            status
            for body in self.bodies
            for entry in json.loads(body)["entry"]
            for change in entry["changes"]
            for status in change["value"]["statuses"]
        ]

    @property
    def names(self) -> list[str]:
        return [update["status"] for update in self.updates]

    def wait(self, updates: int) -> list[dict[str, Any]]:
        """The updates, once there are so many."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.updates) >= updates, PATIENCE), self.updates
        return self.updates

    def wait_bodies(self, count: int) -> list[bytes]:
        with self._came:
            assert self._came.wait_for(lambda: len(self.bodies) >= count, PATIENCE), self.bodies
        return self.bodies

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def _take(self, path: str, body: bytes, signature: str) -> int:
        expected = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature, expected):
            return 401
        with self._came:
            self.bodies.append(body)
            self.paths.append(path)
            answer = self._answers.pop(0) if self._answers else 200
            self._came.notify_all()
        self.hold.wait(PATIENCE)
        return answer

    def _calls(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Calls(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = take(self.path, body, self.headers["X-Hub-Signature-256"])
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Calls

"""The simulator in a thread, over real HTTP, for any test that needs the outside world."""

import socket
import ssl
import threading
from types import TracebackType
from typing import Any, Self

import httpx

from socialsync.simulator import create_app, server_for
from socialsync.simulator.world import Setup

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that only speak HTTP: loading the certificates of the world takes each of them 50 ms."""


class SimulatorServer:
    """Use it as a context manager, or `start` and `stop` it. ``setup`` are fields of `Setup`, as in
    ``SimulatorServer(processing_reads=2)``."""

    def __init__(self, **setup: Any) -> None:
        # With the protocol spelt out: asyncio turns off Nagle's 40 ms only for sockets that say they are TCP
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self._server = server_for(create_app(Setup(**setup)))
        self._thread = threading.Thread(target=self._serve, name="simulator", daemon=True)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._client = httpx.Client(base_url=self.url, timeout=10, verify=PLAIN)

    def start(self) -> Self:
        self._socket.listen()  # before the thread runs, so that an early caller waits instead of failing
        self._thread.start()
        self._get("/_sim/health")
        return self

    def stop(self) -> None:
        self._client.close()
        self._server.should_exit = True
        self._server.force_exit = True  # whoever still waits for an answer won't get one
        self._thread.join(timeout=10)

    def reset(self) -> None:
        """Forget every effect, fault and object."""
        self._client.post("/_sim/reset").raise_for_status()

    def ledger(self, **filters: str) -> list[dict[str, Any]]:
        """The effects the world saw, oldest first; filters: ``kind``, ``account``."""
        effects: list[dict[str, Any]] = self._get("/_sim/ledger", **filters)["effects"]
        return effects

    def requests(self) -> dict[str, Any]:
        """``{"total", "by_kind", "by_answer"}``."""
        counts: dict[str, Any] = self._get("/_sim/ledger")["requests"]
        return counts

    def fault(self, **spec: Any) -> dict[str, Any]:
        """Order a fault, as ``fault(action="lost_answer", match={"kind": "instagram.publish"})``."""
        answer = self._client.post("/_sim/faults", json=spec)
        assert answer.status_code == 201, answer.text
        ordered: dict[str, Any] = answer.json()["faults"][0]
        return ordered

    def faults(self) -> list[dict[str, Any]]:
        ordered: list[dict[str, Any]] = self._get("/_sim/faults")["faults"]
        return ordered

    def clear_faults(self) -> None:
        self._client.delete("/_sim/faults").raise_for_status()

    def set_up(self, **changes: Any) -> None:
        """Change fields of `Setup`, until the next reset."""
        answer = self._client.post("/_sim/setup", json=changes)
        assert answer.status_code == 200, answer.text

    def tell(self, url: str, app_secret: str, *, calls: int = 1) -> None:
        """Have webhooks sent to ``{url}/webhooks/{platform}``, so many at a time, until the next reset."""
        body = {"url": url, "app_secret": app_secret, "calls": calls}
        self._client.post("/_sim/webhooks", json=body).raise_for_status()

    def told(self) -> dict[str, Any]:
        """``{"url", "told", "refused", "given_up", "lost", "waiting"}``."""
        return self._get("/_sim/webhooks")

    def lose_webhooks(self, lost: bool = True) -> None:
        """From now on they are lost for good, or arrive again."""
        self._client.request("POST" if lost else "DELETE", "/_sim/webhooks/lost").raise_for_status()

    def happens(self, **inbound: Any) -> None:
        """As ``happens(statuses=[{"id": wamid, "status": "read"}])``."""
        answer = self._client.post("/_sim/inbound", json=inbound)
        assert answer.status_code == 202, answer.text

    def comments(self, **inbound: Any) -> dict[str, list[str]]:
        """As ``comments(comments=[{"media_id": media, "text": "Lovely"}])``: ``{"media", "ids"}``."""
        answer = self._client.post("/_sim/inbound/comments", json=inbound)
        assert answer.status_code == 202, answer.text
        made: dict[str, list[str]] = answer.json()
        return made

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])

    def _get(self, path: str, **query: str) -> dict[str, Any]:
        answer = self._client.get(path, params=query)
        answer.raise_for_status()
        content: dict[str, Any] = answer.json()
        return content

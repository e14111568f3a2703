"""Comments under any medium, each answer after a pause: ``python slow_graph.py PORT SECONDS COUNT``.

``COUNT`` comments a medium, always the same, of two days ago. ``GET /asked`` says how often it was asked.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta

WRITTEN = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S+0000")


class World:
    def __init__(self, pause_s: float, count: int) -> None:
        self.pause_s = pause_s
        self.count = count
        self.asked = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request after the other, as long as the line is open."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await self._answer(head.split(b" ", 2)[1].decode())
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                    % (len(body), body)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, path: str) -> bytes:
        if path == "/asked":
            return str(self.asked).encode()
        self.asked += 1
        await asyncio.sleep(self.pause_s)
        return json.dumps({"data": self._comments(path.split("/")[2])}).encode()

    def _comments(self, media: str) -> list[dict[str, object]]:
        return [
            {
                "id": f"{media}{number:03d}",
                "text": f"What number {number} has to say",
                "timestamp": WRITTEN,
                "username": f"person_{number}",
                "from": {"id": f"9{number:03d}", "username": f"person_{number}"},
                "hidden": False,
            }
            for number in range(self.count)
        ]


async def main() -> None:
    port, pause_s, count = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    server = await asyncio.start_server(World(pause_s, count).talk, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

"""Tells webhooks as Meta does, from a process of its own: ``PORT SECRET CALLS SECONDS`` with so many calls
under way at once, as fast as they are answered; ``PORT SECRET RATE SECONDS open`` so many a second, however
fast they are answered, each timed from the instant at which it was due. Of ``PEOPLE`` persons (400).

Plain sockets on loopback: a client library would take more of the machine than what is measured.
"""

import asyncio
import hashlib
import hmac
import json
import os
import sys
import time
from collections import Counter
from itertools import count

NUMBER = "106540352242922"
PEOPLE = int(os.environ.get("BENCH_PEOPLE", "400"))
MOST_CALLS = 256
"""Connections of an open loop, at most: a call that finds none waits, and that counts."""
_WARM_UP = 0.2
"""Share of the time whose calls do not count."""
_RUN = os.urandom(4).hex()
_numbers = count()


def call(secret: bytes) -> bytes:
    """A new text message of somebody's, as a request."""
    n = next(_numbers)
    phone = f"33600{n % PEOPLE:06d}"
    metadata = {"display_phone_number": "15550783881", "phone_number_id": NUMBER}
    message = {
        "from": phone, "id": f"wamid.{_RUN}.{n}", "timestamp": str(int(time.time())), "type": "text",
        "text": {"body": f"Do you have a table for {n}?"},
    }  # fmt: skip
    contact = {"profile": {"name": f"Guest {n % PEOPLE}"}, "wa_id": phone}
    value = {
        "messaging_product": "whatsapp", "metadata": metadata, "contacts": [contact], "messages": [message],
    }  # fmt: skip
    entry = {"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
    head = (
        "POST /webhooks/whatsapp HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: facebookexternalua\r\n"
        f"Content-Type: application/json\r\nX-Hub-Signature-256: sha256={signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Line:
    """A connection that is kept open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, request: bytes) -> int:
        """The status."""
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        await self._reader.readexactly(int(length or 0))
        return int(head[9:12])


class Load:
    def __init__(self, port: int, secret: str, seconds: float) -> None:
        self.statuses: Counter[int] = Counter()
        self.took: list[float] = []
        self._port = port
        self._secret = secret.encode()
        self._began = time.perf_counter()
        self._seconds = seconds

    async def closed(self, calls: int) -> None:
        """So many at once."""
        lines = [await self._open() for _ in range(calls)]
        self._began = time.perf_counter()
        await asyncio.gather(*(self._go_on(line) for line in lines))

    async def open(self, rate: float) -> None:
        """So many a second."""
        free: asyncio.Queue[Line] = asyncio.Queue()
        for _ in range(MOST_CALLS):
            free.put_nowait(await self._open())
        self._began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for n in range(round(rate * self._seconds)):
                due = self._began + n / rate
                request = call(self._secret)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(self._on(free, request, due))

    def as_json(self) -> str:
        counted = self._seconds * (1 - _WARM_UP)
        return json.dumps(
            {"statuses": self.statuses, "rate": len(self.took) / counted, "took": sorted(self.took)}
        )

    async def _open(self) -> Line:
        return Line(*await asyncio.open_connection("127.0.0.1", self._port))

    async def _go_on(self, line: Line) -> None:
        while (now := time.perf_counter()) < self._began + self._seconds:
            await self._ask(line, call(self._secret), now)

    async def _on(self, free: asyncio.Queue[Line], request: bytes, due: float) -> None:
        line = await free.get()
        await self._ask(line, request, due)
        free.put_nowait(line)

    async def _ask(self, line: Line, request: bytes, since: float) -> None:
        status = await line.ask(request)
        now = time.perf_counter()
        self.statuses[status] += 1
        if self._began + _WARM_UP * self._seconds <= now <= self._began + self._seconds:
            self.took.append(now - since)


async def main(port: str, secret: str, much: str, seconds: str, how: str = "closed") -> None:
    load = Load(int(port), secret, float(seconds))
    await (load.open(float(much)) if how == "open" else load.closed(int(much)))
    print(load.as_json())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

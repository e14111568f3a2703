"""A server that misbehaves as told, so that the wire is replaced and nothing else."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Seen:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class World:
    """Answers every request in the same way until told otherwise, and remembers the requests."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    behaviour: Behaviour | None = None
    called: asyncio.Event = field(default_factory=asyncio.Event)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def answers(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.answers_bytes(json.dumps(body).encode(), status, headers)

    def answers_bytes(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.says("\r\n".join([*lines, "", ""]).encode() + body)

    def says(self, raw: bytes) -> None:
        async def behaviour(writer: asyncio.StreamWriter) -> None:
            writer.write(raw)
            await writer.drain()

        self.behaviour = behaviour

    def hangs_up(self) -> None:
        self.says(b"")

    def resets(self) -> None:
        async def behaviour(writer: asyncio.StreamWriter) -> None:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

        self.behaviour = behaviour

    def stays_silent(self) -> None:
        async def behaviour(_writer: asyncio.StreamWriter) -> None:
            await self.closing.wait()

        self.behaviour = behaviour

    def drips(self) -> None:
        """Sends a byte every now and then, for ever: no read ever times out."""

        async def behaviour(writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not self.closing.is_set():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)

        self.behaviour = behaviour

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.seen.append(await _read(reader))
            self.called.set()
            assert self.behaviour is not None
            await self.behaviour(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    method, target, _ = first.split(" ")
    return Seen(method, target, headers, await reader.readexactly(int(headers.get("content-length", "0"))))

"""Something between a worker and Postgres that can stall, cut, or lose an answer."""

import asyncio
import contextlib
import threading
from typing import Self

READY = b"Z\x00\x00\x00\x05I"
"""What Postgres says last, after it has committed."""


class Proxy:
    """Listens on a port of its own, in a thread of its own; forwards to the server's socket.

    Args:
        socket: the path of Postgres's Unix socket.
    """

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._flows = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._lose: tuple[bytes, bytes] | None = None
        self.lost: list[bytes] = []
        """The beginnings of answers that were not passed on."""
        self.port = 0

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def stall(self) -> None:
        """Pass nothing on, and close nothing."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def flow(self) -> None:
        """Pass on again, beginning with what was held back."""
        self._loop.call_soon_threadsafe(self._flows.set)

    def cut(self) -> None:
        """Break every connection."""
        self._do(self._cut())

    def lose(self, caller: bytes, content: bytes) -> None:
        """Break the connection that calls itself so, in place of its next answer that contains this; Postgres
        has committed by then.
        """
        self._lose = (caller, content)

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _listen(self) -> None:
        self._flows.set()
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        self._flows.set()
        await self._cut()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.wait(others, timeout=5) if others else None

    async def _cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._flows.wait()
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self._socket)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        start: list[bytes] = []
        try:
            await asyncio.gather(
                self._pass_on(reader, far_writer, start), self._answer(far_reader, writer, start)
            )
        except OSError:
            pass
        finally:
            self._writers -= {writer, far_writer}
            for end in (writer, far_writer):
                end.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, start: list[bytes]
    ) -> None:
        while data := await reader.read(65_536):
            if len(start) < 3:
                start.append(data)
            await self._flows.wait()
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, start: list[bytes]
    ) -> None:
        held = b""
        while data := await reader.read(65_536):
            await self._flows.wait()
            if self._lose is not None and self._lose[0] in b"".join(start):
                held += data
                if not held.endswith(READY):
                    continue
                if self._lose[1] in held:
                    self._lose = None
                    self.lost.append(held[:200])
                    raise ConnectionResetError
                data, held = held, b""
            elif held:
                data, held = held + data, b""
            writer.write(data)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
        raise ConnectionResetError

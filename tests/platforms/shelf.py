"""A web server with files on it, as users have them: some right, some not, some gone."""

import asyncio
import io
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from PIL import Image

from tests.platforms.world import Seen, _read


def picture(width: int, height: int, form: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, form, **options)
    return file.getvalue()


@dataclass
class File:
    """What is answered.

    Args:
        heads: whether HEAD is answered like GET; else with 403, as presigned URLs do.
        ranges: whether a part can be asked for.
        silent: whether no answer comes at all.
    """

    body: bytes = b""
    content_type: str | None = "image/jpeg"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    heads: bool = True
    ranges: bool = True
    silent: bool = False
    hangs_up: bool = False


@dataclass
class Shelf:
    url: str = ""
    files: dict[str, File] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    sent: int = 0
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def put(
        self, path: str, body: bytes = b"", content_type: str | None = "image/jpeg", **more: object
    ) -> str:
        """The URL of a new file."""
        self.files[path] = File(body, content_type, **more)  # type: ignore[arg-type]
        return f"{self.url}{path}"

    def redirect(self, path: str, to: str, status: int = 302) -> str:
        return self.put(path, status=status, headers={"Location": to})

    @property
    def asked(self) -> list[str]:
        return [f"{seen.method} {seen.target}" for seen in self.seen]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            seen = await _read(reader)
            self.seen.append(seen)
            await self._answer(seen, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        file = self.files.get(seen.target, File(b"gone", "text/plain", status=404))
        if file.silent:
            await self.closing.wait()
            return
        if file.hangs_up and seen.method == "HEAD":
            return
        status, headers, body = file.status, dict(file.headers), file.body
        if seen.method == "HEAD" and not file.heads:
            status = 403
        headers.setdefault("Content-Length", str(len(body)))
        part = re.fullmatch(r"bytes=0-([0-9]+)", seen.headers.get("range", ""))
        if part and file.ranges and status == 200 and len(body) > int(part[1]) + 1:
            status, whole, body = 206, len(body), body[: int(part[1]) + 1]
            headers |= {"Content-Range": f"bytes 0-{len(body) - 1}/{whole}", "Content-Length": str(len(body))}
        if file.content_type is not None:
            headers["Content-Type"] = file.content_type
        lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        if seen.method != "HEAD":
            for start in range(0, len(body), 65_536):
                writer.write(body[start : start + 65_536])
                await writer.drain()
                self.sent += len(body[start : start + 65_536])


@asynccontextmanager
async def open_shelf(tls: ssl.SSLContext | None = None) -> AsyncIterator[Shelf]:
    shelf = Shelf()
    server = await asyncio.start_server(shelf.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    shelf.url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
    async with server:
        yield shelf
        shelf.closing.set()

"""How large a body may be. A larger one is answered 413, and never held in memory.

Most clients read no answer before they have sent everything, so what they still send is read and thrown
away, within bounds; only one that waits for ``100 Continue`` is answered at once.
"""

import asyncio
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from socialsync.api.errors import Problem, ProblemResponse
from socialsync.api.validation import Entry

MIB = 2**20
USUAL = 10 * MIB
THROWN_AWAY = 128 * MIB
"""Bytes that are read for the sake of an orderly answer; who sends more loses the connection."""
PATIENCE_S = 30.0


class BodyTooLarge(HTTPException):
    """An HTTPException, because FastAPI makes a plain 400 of anything else that reading a body raises."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"The body is larger than {limit / MIB:g} MiB, the most that is taken here.")


class BodyLimit:
    """ASGI middleware.

    Args:
        limits: pairs of a path's beginning and its limit in bytes; the longest beginning counts.
        usual: the limit of all other paths.
    """

    def __init__(self, app: ASGIApp, *, limits: Sequence[tuple[str, int]] = (), usual: int = USUAL) -> None:
        self._app = app
        self._limits = sorted(limits, key=lambda pair: len(pair[0]), reverse=True)
        self._usual = usual

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self.limit_of(scope["path"])
        headers = Headers(scope=scope)
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > limit:
            if headers.get("expect", "").lower() != "100-continue":
                await _throw_away(receive)
            problem = BodyTooLarge(limit)
            entries = [Entry(None, problem.detail)]
            answer = Problem(problem.status_code, type(problem).__name__, problem.detail, entries)
            await ProblemResponse(answer, instance=scope["path"])(scope, receive, send)
            return
        await self._app(scope, _Counted(receive, limit), send)

    def limit_of(self, path: str) -> int:
        return next((limit for start, limit in self._limits if path.startswith(start)), self._usual)


class _Counted:
    """Counts what comes in without having been announced."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._seen = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > self._limit:
            if message.get("more_body"):
                await _throw_away(self._receive)
            raise BodyTooLarge(self._limit)
        return message


async def _throw_away(receive: Receive) -> None:
    seen = 0
    try:
        async with asyncio.timeout(PATIENCE_S):
            while seen <= THROWN_AWAY:
                message = await receive()
                seen += len(message.get("body", b""))
                if not message.get("more_body"):
                    return
    except TimeoutError:
        return

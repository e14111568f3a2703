"""The outermost layer: an id and a log line for each request, headers that browsers obey, the last net.

A log line has the path but never the query, which may hold secrets (Meta's verify token comes in one).
"""

import re
import time
import uuid
from http import HTTPStatus
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from socialsync import telemetry
from socialsync.api.errors import ProblemResponse, unexpected

log = telemetry.get_logger(__name__)

REQUEST_ID = "X-Request-Id"
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LONGEST_PATH = 300
_QUIET = ("/health", "/metrics", "/docs")
"""Asked all day long by machines, or dull: logged as debug."""
_ALWAYS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
_HTML = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none';"
        " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
}


class Access:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        telemetry.begin_context(request_id=request_id)
        began, status = time.perf_counter(), 0

        async def answering(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                _add_headers(message, request_id)
            await send(message)

        try:
            await self._app(scope, receive, answering)
        except Exception:
            log.exception("request failed", method=scope["method"], path=_path(scope))
            if status:
                raise  # half an answer is out: only closing the connection can still say that it failed
            await ProblemResponse(unexpected(request_id), instance=scope["path"])(scope, receive, answering)
        finally:
            _note(scope, status, began)


def _add_headers(message: Message, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers[REQUEST_ID] = request_id
    kind = headers.get("content-type", "")
    for name, value in (_ALWAYS | _HTML if kind.startswith("text/html") else _ALWAYS).items():
        headers.setdefault(name, value)
    if "json" in kind:
        headers.setdefault("Cache-Control", "no-store")


def _note(scope: Scope, status: int, began: float) -> None:
    path = _path(scope)
    quiet = path.startswith(_QUIET) and status < HTTPStatus.INTERNAL_SERVER_ERROR
    ms = round((time.perf_counter() - began) * 1000, 1)
    (log.debug if quiet else log.info)("request", method=scope["method"], path=path, status=status, ms=ms)


def _path(scope: Scope) -> str:
    return quote(scope["path"])[:_LONGEST_PATH]

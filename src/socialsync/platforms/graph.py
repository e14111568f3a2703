"""The one door to Meta's Graph API.

The token travels in a header, never in a URL; nothing httpx raises gets out of here, since its errors carry
the request. What a failure means depends on whether the request may have left, and on its `Reach`.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, NoReturn, Protocol
from urllib.parse import quote

import httpx

from socialsync import clock, telemetry
from socialsync.platforms import faults, tls, usage, verdicts
from socialsync.platforms.contract import Heed, Reach, Sender
from socialsync.platforms.errors import (
    ContentRefused,
    PairRateLimited,
    PlatformError,
    QuotaSpent,
    RateLimited,
    Said,
    ThroughputReached,
)
from socialsync.platforms.pauses import Pauses

TIMEOUT: Final = httpx.Timeout(connect=5, read=30, write=10, pool=5)
ANSWER_WITHIN: Final = 60.0
"""Seconds for the whole call, because a read timeout starts anew with every byte."""
ANSWER_LIMIT: Final = 2**22
"""Bytes; fifty comments of usual length with all their replies are far below."""
NEARLY_FULL: Final = 80.0
POOLS: Final = 8
IDLE_S: Final = 2.0
"""Seconds for which an idle connection is kept. Servers close theirs too, after 5 in the shortest of usual
settings, and a message that is sent in that very moment has an unknown outcome.
"""

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")

_log = telemetry.get_logger(__name__)


class Http(Protocol):
    """What a call needs: httpx's client, or many of them that take turns."""

    def build_request(self, method: str, url: str, **content: Any) -> httpx.Request: ...
    async def send(self, request: httpx.Request, *, stream: bool) -> httpx.Response: ...


class Turns:
    """Clients that take turns. httpx looks at every connection of a pool for each call and each answer: of
    many small pools it looks at few.
    """

    def __init__(self, clients: Sequence[httpx.AsyncClient]) -> None:
        self._first, self._turns = clients[0], itertools.cycle(clients)

    def build_request(self, method: str, url: str, **content: Any) -> httpx.Request:
        return self._first.build_request(method, url, **content)

    async def send(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        return await next(self._turns).send(request, stream=stream)


@asynccontextmanager
async def open_http(timeouts: httpx.Timeout = TIMEOUT) -> AsyncIterator[Http]:
    """The connections of a process, pooled. Proxies are taken from the environment, except for this machine
    itself, where the simulator lives.
    """
    async with AsyncExitStack() as stack:
        yield Turns([await stack.enter_async_context(_client(timeouts)) for _ in range(POOLS)])


def _client(timeouts: httpx.Timeout) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=tls.authorities(),
        timeout=timeouts,
        follow_redirects=False,
        limits=httpx.Limits(max_connections=20, max_keepalive_connections=10, keepalive_expiry=IDLE_S),
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "socialsync"},
        mounts=dict.fromkeys(_LOOPBACK),
    )


@dataclass(frozen=True)
class Answer:
    """A JSON object that Graph answered with success, and how far its call reached."""

    body: Mapping[str, Any]
    reach: Reach

    def text(self, *path: str | int) -> str:
        """The non-empty text at this path, numbers included.

        Raises:
            AnswerLost: of an effect: without its id we can't tell what happened.
            PlatformUnavailable: of anything harmless.
        """
        found: Any = self.body
        try:
            for step in path:
                found = found[step]
        except (LookupError, TypeError):
            found = None
        if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
            self.unclear(f"its answer has no {'.'.join(map(str, path))}")
        return str(found)

    def unclear(self, why: str) -> NoReturn:
        """Refuse an answer that makes no sense."""
        raise _unclear(self.reach, why)


@dataclass(frozen=True)
class Graph:
    """Calls to one Graph host, with connections that the process owns.

    Args:
        base_url: absolute, without version: ``https://graph.facebook.com``.
        version: ``v25.0``.
        answer_within: seconds for a whole call.
        heed: told when the sender's account should be left alone for a while.
    """

    http: Http
    base_url: str
    version: str
    answer_within: float = ANSWER_WITHIN
    heed: Heed | None = None
    pauses: Pauses = field(default_factory=Pauses)

    async def read(self, sender: Sender, *path: str, **params: str) -> Answer:
        """GET. Raises as `write`, with nothing worse than Temporary for a lost answer."""
        return await self._call(sender, Reach.READ, self._request(sender, "GET", path, params=params))

    async def write(self, sender: Sender, reach: Reach, *path: str, body: Mapping[str, Any]) -> Answer:
        """POST a JSON object.

        Cancelled in the midst of an effect, it leaves the outcome as unknown as a lost answer does.

        Raises:
            PlatformError: one of `platforms.errors`; an UnknownOutcome for effects only, but for
                ActionBlocked.
        """
        return await self._call(sender, reach, self._request(sender, "POST", path, json=body))

    async def download(
        self, sender: Sender, url: str, *, most: int, signed: bool
    ) -> tuple[bytes, str | None]:
        """A file to which an answer or a webhook of Meta has pointed: its bytes, and their type. Redirects
        are not followed.

        Args:
            most: bytes; a larger file is refused.
            signed: whether the token is needed; it is shown to nobody but the host that the URL names.

        Raises:
            ContentRefused: too large, gone, or not at a web address.
            PlatformUnavailable: again later.
        """
        if not url.startswith("https://") and not _same_host(url, self.base_url):
            raise ContentRefused("The file is not at an https address.")
        headers = {"Authorization": f"Bearer {sender.token}"} if signed else {}
        request = self.http.build_request("GET", url, headers={**headers, "Accept": "*/*"})
        try:
            async with asyncio.timeout(self.answer_within):
                response = await self.http.send(request, stream=True)
                try:
                    return await _file(response, most), response.headers.get("Content-Type")
                finally:
                    await response.aclose()
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            raise _unclear(Reach.READ, _in_words(error)) from None

    def _request(self, sender: Sender, method: str, path: tuple[str, ...], **content: Any) -> httpx.Request:
        url = "/".join((self.base_url.rstrip("/"), self.version, *(quote(part, safe="") for part in path)))
        return self.http.build_request(
            method, url, headers={"Authorization": f"Bearer {sender.token}"}, **content
        )

    async def _call(self, sender: Sender, reach: Reach, request: httpx.Request) -> Answer:
        waits: list[timedelta] = []
        try:
            status, headers, content = await self._exchange(reach, request)
            waits += _note_usage(sender, headers)
            return Answer(_understood(status, headers, content, reach, sender), reach)
        except PlatformError as failure:
            if isinstance(failure, ThroughputReached) and failure.retry_after is None:
                failure.retry_after = self.pauses.after_refusal(sender.limit_key, clock.now())
            _log.warning(
                f"[GRAPH] {request.method} {request.url.path}: {failure.code}",
                reach=reach.value,
                status=failure.said.status,
                graph_code=failure.said.code,
                graph_subcode=failure.said.subcode,
                fbtrace_id=failure.said.fbtrace_id,
                problem=failure.message,
                limit_key=sender.limit_key,
            )
            waits += _waits_of(failure)
            raise
        finally:
            if self.heed is not None and waits:
                await self.heed(sender.limit_key, max(waits))

    async def _exchange(self, reach: Reach, request: httpx.Request) -> tuple[int, httpx.Headers, bytes]:
        # `from None`: what httpx raises names the request, and with it the token
        try:
            async with asyncio.timeout(self.answer_within):
                response = await self.http.send(request, stream=True)
                try:
                    return response.status_code, response.headers, await _bounded(response, reach)
                finally:
                    await response.aclose()
        except _NOT_SENT as error:
            raise _because(verdicts.NOT_SENT, _in_words(error)) from None
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            raise _unclear(reach, _in_words(error)) from None


def _same_host(url: str, base_url: str) -> bool:
    """Whether it is at Meta's own place; that is this machine where the simulator is."""
    try:
        one, other = httpx.URL(url), httpx.URL(base_url)
    except httpx.InvalidURL:
        return False
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


async def _file(response: httpx.Response, most: int) -> bytes:
    if response.status_code >= 500 or response.status_code == 429:  # noqa: PLR2004 - HTTP's classes
        raise _unclear(Reach.READ, "it does not give the file now", response.status_code)
    if not response.is_success:
        raise ContentRefused("The platform does not give the file (any more).")
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > most:
            raise ContentRefused(f"The file has more than {most // 2**20} MiB, the most that is kept.")
    return bytes(content)


def _in_words(error: Exception) -> str:
    if isinstance(error, httpx.PoolTimeout):
        return "all our connections to it are busy"
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return "no connection"
    return (
        "no answer in time"
        if isinstance(error, httpx.TimeoutException | TimeoutError)
        else "the connection broke"
    )


@dataclass(frozen=True)
class Doors:
    """The Graph hosts there are. A token of one is none at the other (Meta, "Instagram API with Instagram
    Login").
    """

    meta: Graph
    instagram: Graph


async def _bounded(response: httpx.Response, reach: Reach) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > ANSWER_LIMIT:
            if reach is Reach.EFFECT:
                raise _unclear(reach, "its answer is too long", response.status_code)
            raise faults.raised(verdicts.TOO_LONG, Said(status=response.status_code))
    return bytes(content)


def _understood(
    status: int, headers: httpx.Headers, content: bytes, reach: Reach, sender: Sender
) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    wait = usage.read_wait(headers, clock.now())
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        raise faults.from_graph(body["error"], reach, status=status, wait=wait, secret=sender.token)
    if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's success class
        raise faults.from_status(status, reach, wait)
    if not isinstance(body, dict):
        raise _unclear(reach, "its answer is not a JSON object", status)
    return body


def _unclear(reach: Reach, why: str, status: int | None = None) -> PlatformError:
    """No usable answer to a request that may have left."""
    verdict = verdicts.ANSWER_LOST if reach is Reach.EFFECT else verdicts.NO_ANSWER
    return _because(verdict, why, status)


def _because(verdict: verdicts.Verdict, why: str, status: int | None = None) -> PlatformError:
    return faults.raised(verdict._replace(happened=f"{verdict.happened} ({why})"), Said(status=status))


def _note_usage(sender: Sender, headers: httpx.Headers) -> Iterator[timedelta]:
    """How long the account should be left alone for what it has used."""
    used = usage.read_usage(headers)
    if used.percent >= NEARLY_FULL:
        _log.warning("[GRAPH] Rate limit nearly used up", percent=used.percent, limit_key=sender.limit_key)
    if wait := usage.wait_for(used, usage.read_wait(headers, clock.now())):
        yield wait


def _waits_of(failure: PlatformError) -> Iterator[timedelta]:
    """How long a refusal asks to wait, if it concerns every call of the account: not one person alone, nor
    its posts of the day.
    """
    if isinstance(failure, RateLimited) and not isinstance(failure, PairRateLimited | QuotaSpent):
        yield from filter(None, [failure.retry_after])

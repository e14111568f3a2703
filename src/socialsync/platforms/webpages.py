"""Fetching a page of the web, or a file there, that a user wants to be learnt.

From public addresses only, at every redirect (``fetching``); but for the origins of a world that runs on this
machine, which are named.
"""

import asyncio
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import BinaryIO

import httpx

from socialsync.errors import Permanent, Temporary
from socialsync.platforms.fetching import AddressNotPublic, NotFetched, open_fetcher, open_url

WITHIN_S = 60.0
LONGEST_WAIT = timedelta(hours=1)
_AT_ONCE = 2**20
_PASSING = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}


class PageRefused(Permanent):
    """It will not be had from there, however often one asks."""


class PageUnreachable(Temporary):
    """Nobody there at the moment, or out of order."""


@dataclass(frozen=True)
class Page:
    """What was written to the file. ``name``: the end of the path where it was found, after all redirects."""

    name: str | None
    content_type: str | None
    size: int


async def fetch_page(
    url: str, file: BinaryIO, *, most: int, here: Collection[str] = (), within: float = WITHIN_S
) -> Page:
    """Fetch what is at this URL into a file, and no more of it than ``most`` bytes.

    Args:
        here: origins (``http://127.0.0.1:8090``) that may be asked though they are not public.

    Raises:
        PageRefused, PageUnreachable: with sentences for whoever gave the URL.
    """
    try:
        async with (
            asyncio.timeout(within),
            open_fetcher() as http,
            open_url(http, "GET", url, here=here) as answer,
        ):
            _check(answer)
            size = await _body(answer, file, most)
            name = answer.url.path.rpartition("/")[2] or None
            return Page(name, answer.headers.get("Content-Type"), size)
    except AddressNotPublic:
        raise PageRefused(
            "The URL leads to an address that is not on the public internet.",
            fix="Give one that everybody can open without signing in, or upload the file.",
        ) from None
    except NotFetched as error:
        raise PageUnreachable(f"The page could not be fetched: {_sentence(str(error))}") from None
    except (TimeoutError, httpx.HTTPError):
        raise PageUnreachable("The page could not be fetched: its server is too slow.") from None


def _check(answer: httpx.Response) -> None:
    status = answer.status_code
    if status == HTTPStatus.OK:
        return
    said = f"The server of the page answers {status} ({_name(status)})."
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise PageUnreachable(said, retry_after=_wait(answer))
    raise PageRefused(
        said, fix="Open the URL in a private window of a browser: it must show without signing in."
    )


async def _body(answer: httpx.Response, file: BinaryIO, most: int) -> int:
    """As it was meant before it was compressed for the way, which nobody asked for: a little at a time, since
    some kilobytes may become gigabytes.
    """
    size = 0
    inflate = _inflating(answer.headers.get("Content-Encoding", ""))
    async for raw in answer.aiter_raw():
        for part in inflate(raw):
            size += len(part)
            if size > most:
                raise PageRefused(f"What is at the URL is larger than {most // 2**20} MB.", fix="Split it.")
            file.write(part)
    return size


def _inflating(encoding: str) -> Callable[[bytes], Iterable[bytes]]:
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return lambda raw: (raw,)
    if name not in {"gzip", "x-gzip", "deflate"}:
        raise PageRefused(
            "The server of the page compresses it in a way that nobody asked for.", fix="Upload the file."
        )
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def parts(raw: bytes) -> Iterator[bytes]:
        while raw:
            try:
                yield inflater.decompress(raw, _AT_ONCE)
            except zlib.error:
                raise PageUnreachable("The page came damaged.") from None
            raw = inflater.unconsumed_tail

    return parts


def _wait(answer: httpx.Response) -> timedelta | None:
    said = answer.headers.get("Retry-After", "")
    return min(timedelta(seconds=int(said[:9])), LONGEST_WAIT) if said.isdecimal() else None


def _name(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.lower()
    except ValueError:
        return "which is no status of HTTP"


def _sentence(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}."

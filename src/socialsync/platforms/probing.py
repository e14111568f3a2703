"""A look at media before a post is queued, so that what the platform would surely refuse is refused at once.

Only what is certain counts. What we cannot reach, the platform may reach all the same.
"""

import asyncio
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx

from socialsync import clock, telemetry
from socialsync.errors import Invalid
from socialsync.platforms.catalogue import platform_named
from socialsync.platforms.contract import Format, Platform
from socialsync.platforms.fetching import (
    AddressNotPublic,
    NotFetched,
    NotReached,
    open_fetcher,
    open_url,
)
from socialsync.platforms.judging import FOUND, Problem, Seen, judge

HEAD_LIMIT = 256 * 1024
"""Bytes of an image that are read: enough for its shape."""
FORGOTTEN_AFTER = timedelta(seconds=60)
REMEMBERED = 1_000

_log = telemetry.get_logger(__name__)


class Unreached:
    """Hosts that we could not reach a moment ago, so that not every post waits for them."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def add(self, host: str) -> None:
        now = clock.now()
        self._until = {known: until for known, until in self._until.items() if until > now}
        if len(self._until) < REMEMBERED:
            self._until[host] = now + FORGOTTEN_AFTER

    def __contains__(self, host: str) -> bool:
        return host in self._until and self._until[host] > clock.now()


_unreached = Unreached()


async def probe_media(
    urls: Sequence[str],
    *,
    platform: str,
    media_type: str | None,
    here: Collection[str] = (),
    within: float = 3.0,
) -> None:
    """Look at the media of a post that `check_post` let through, all at once.

    Args:
        media_type: what `check_post` returned.
        here: the origin of the platform where it runs on this machine itself; it may be asked though it is
            not public.
        within: seconds for all of it. What takes longer is let through.

    Raises:
        Invalid: names the medium (``media_urls[1]``): it is not there or not public, too large, or of a type
            or shape that the platform does not take.
    """
    if not urls or media_type is None:
        return
    looks = [_Look(platform_named(platform), url, media_type, here) for url in urls]
    async with open_fetcher() as http, asyncio.TaskGroup() as group:
        tasks = [group.create_task(look.problem(http, within)) for look in looks]
    for index, task in enumerate(tasks):
        if problem := task.result():
            raise Invalid(problem.happened, field=f"media_urls[{index}]", fix=problem.fix)


@dataclass(frozen=True)
class _Look:
    platform: type[Platform]
    url: str
    media_type: str
    here: Collection[str]

    async def problem(self, http: httpx.AsyncClient, within: float) -> Problem | None:
        host = urlsplit(self.url).netloc.rpartition("@")[2]
        if host in _unreached:
            return None
        try:
            async with asyncio.timeout(within):
                return await self._look(http)
        except AddressNotPublic:
            return Problem(
                "This URL leads to an address that is not on the public internet",
                "Put the file where everybody can open it without signing in",
            )
        except (NotReached, TimeoutError) as error:
            _unreached.add(host)
            _log.debug("[MEDIA] Could not look at it", host=host, problem=str(error) or "no answer in time")
        except NotFetched as error:
            _log.debug("[MEDIA] Could not look at it", host=host, problem=str(error))
        return None

    async def _look(self, http: httpx.AsyncClient) -> Problem | None:
        """HEAD tells most; where it does not satisfy, GET decides, because some servers refuse HEAD."""
        try:
            seen = await self._ask(http, "HEAD")
            form = self._format(seen)
            if seen.status in FOUND and not form.ratios and judge(seen, form) is None:
                return None
        except NotReached:
            raise
        except NotFetched:
            pass
        seen = await self._ask(http, "GET", {"Range": f"bytes=0-{HEAD_LIMIT - 1}"})
        return judge(seen, self._format(seen))

    async def _ask(self, http: httpx.AsyncClient, method: str, headers: dict[str, str] | None = None) -> Seen:
        async with open_url(http, method, self.url, here=self.here, headers=headers) as answer:
            seen = Seen(answer.status_code, _type_of(answer.headers), _length_of(answer))
            if method == "HEAD" or answer.status_code not in FOUND or not self._format(seen).pictures:
                return seen
            return Seen(seen.status, seen.content_type, seen.length, await _head_of(answer))

    def _format(self, seen: Seen) -> Format:
        """What it has to be. Where a post takes images and videos, the answer tells which it is."""
        formats = self.platform.formats_of(self.media_type)
        said = next((kind for kind in formats if seen.content_type.startswith(f"{kind}/")), None)
        return formats[said or self.platform.kind_of(self.url, self.media_type)]


def _type_of(headers: httpx.Headers) -> str:
    said: str = headers.get("Content-Type", "")
    return said.partition(";")[0].strip().lower()


def _length_of(answer: httpx.Response) -> int | None:
    """Of the whole file: a part says it after the slash."""
    said = answer.headers.get("Content-Length", "")
    if answer.status_code == 206:  # noqa: PLR2004 - HTTP's number
        said = answer.headers.get("Content-Range", "").rpartition("/")[2]
    return int(said) if re.fullmatch(r"[0-9]{1,15}", said) else None


async def _head_of(answer: httpx.Response) -> bytes:
    head = bytearray()
    async for chunk in answer.aiter_raw():
        head += chunk
        if len(head) >= HEAD_LIMIT:
            break
    return bytes(head[:HEAD_LIMIT])

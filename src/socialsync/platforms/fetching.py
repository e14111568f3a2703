"""Fetching the URLs that users give: from public addresses only, at every redirect.

The address that was checked is the address that is connected to: a name that points elsewhere a moment later
(DNS rebinding) leads nowhere. No proxy, no cookies, and none of our tokens.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address

import httpx

from socialsync.errors import SocialSyncError
from socialsync.platforms import tls
from socialsync.platforms.addresses import is_public

REDIRECTS = 5
TRIED = 3
"""Addresses of one name that are tried, one after the other."""
TIMEOUT = httpx.Timeout(10)

_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "socialsync", "Connection": "close"}
_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout)


class AddressNotPublic(SocialSyncError):
    """The URL, or what it redirects to, leads to an address that is not of the public internet."""


class NotFetched(SocialSyncError):
    """No answer that makes sense. It says nothing about what others get."""


class NotReached(NotFetched):
    """Nobody there, as far as we can see."""


def open_fetcher() -> httpx.AsyncClient:
    """For ``async with``. Connections are not kept: they are to addresses, and names may share one."""
    return httpx.AsyncClient(
        verify=tls.authorities(),
        trust_env=False,
        follow_redirects=False,
        limits=httpx.Limits(max_keepalive_connections=0),
    )


@asynccontextmanager
async def open_url(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    here: Collection[str] = (),
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[httpx.Response]:
    """The answer at the end of all redirects, whatever its status, with its body still unread.

    Args:
        here: the origins (``http://127.0.0.1:8090``) of a world that runs on this machine: of them alone are
            addresses taken that are not public.

    Raises:
        AddressNotPublic, NotFetched.
    """
    response = await _follow(http, method, url, headers or {}, here)
    try:
        yield response
    except httpx.HTTPError as error:
        raise _senseless(error) from None
    finally:
        await response.aclose()


def local_origins(*bases: str) -> set[str]:
    """The origins of those of these bases that are on this machine: where the simulator plays the world."""
    return {origin_of(at) for at in map(httpx.URL, bases) if _is_loopback(at.host)}


def origin_of(at: httpx.URL) -> str:
    return f"{at.scheme}://{at.netloc.decode('ascii')}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _follow(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    headers: Mapping[str, str],
    here: Collection[str],
) -> httpx.Response:
    try:
        at = httpx.URL(url)
        for _ in range(REDIRECTS + 1):
            response = await _ask(http, method, at, headers, allow_private=origin_of(at) in here)
            if not response.has_redirect_location:
                return response
            await response.aclose()
            at = at.join(response.headers["Location"])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise _senseless(error) from None
    raise NotFetched(f"It redirects more than {REDIRECTS} times")


def _senseless(error: Exception) -> NotFetched:
    return NotFetched(f"The answer makes no sense ({type(error).__name__})")


async def _ask(
    http: httpx.AsyncClient, method: str, at: httpx.URL, headers: Mapping[str, str], *, allow_private: bool
) -> httpx.Response:
    if at.scheme not in {"http", "https"} or not at.host:
        raise NotFetched("It redirects to something that is no web page")
    for address in await _addresses(at, allow_private=allow_private):
        request = httpx.Request(
            method,
            at.copy_with(host=address),
            headers={**_HEADERS, **headers, "Host": at.netloc.decode("ascii")},
            # The certificate is the name's, not the address's
            extensions={"sni_hostname": at.raw_host.decode("ascii"), "timeout": TIMEOUT.as_dict()},
        )
        try:
            return await http.send(request, stream=True)
        except _NO_CONNECTION:
            continue
    raise NotReached("No connection")


async def _addresses(at: httpx.URL, *, allow_private: bool) -> list[str]:
    """What may be connected to."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            at.raw_host.decode("ascii"), at.port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError):
        raise NotReached("The name has no address") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    allowed = [address for address in addresses if allow_private or is_public(address)]
    if not allowed:
        raise AddressNotPublic("The address is not of the public internet")
    return allowed[:TRIED]

"""Bodies that are too large, over a real connection, from clients that send first and read later."""

import asyncio
import http.client
import json
import socket
import tracemalloc
from collections.abc import Iterator

import pytest
from starlette.requests import Request

from socialsync.api.bodies import MIB, BodyLimit
from tests.api.small import post, small_app
from tests.serving import serving

CHUNK = b"x" * 2**16
HUGE = 50 * MIB


async def length(request: Request) -> int:
    return len(await request.body())


async def ignorant() -> str:
    return "not read"


async def parsed(body: dict[str, int]) -> int:
    return len(body)


APP = small_app(length=length, ignorant=ignorant, parsed=parsed)


def chunks(total: int) -> Iterator[bytes]:
    for _ in range(total // len(CHUNK)):
        yield CHUNK


def send(port: int, path: str, total: int, *, announced: bool, **headers: str):
    """Send everything, then read the answer, as simple clients do; and ask again on the same connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers |= {"Content-Length": str(total)} if announced else {"Transfer-Encoding": "chunked"}
    connection.request("POST", path, body=chunks(total), headers=headers, encode_chunked=not announced)
    answer = connection.getresponse()
    body = answer.read()
    if headers.get("Connection") != "close":
        connection.request("POST", "/length", body=b"hello")
        assert connection.getresponse().read() == b"5"
    connection.close()
    return answer, body


def assert_too_large(answer, body):
    assert answer.status == 413
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(body)
    assert problem["code"] == "BodyTooLarge"
    assert "10 MiB" in problem["detail"]


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("path", ["/length", "/parsed"])
async def test_fifty_megabytes_are_refused_without_being_held(announced, path):
    async with serving(APP) as port:
        tracemalloc.start()
        answer, body = await asyncio.to_thread(send, port, path, HUGE, announced=announced)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert_too_large(answer, body)
    assert peak < 25 * MIB


async def test_a_client_that_closes_afterwards_gets_its_answer():
    async with serving(APP) as port:
        answer, body = await asyncio.to_thread(
            send, port, "/length", HUGE, announced=True, Connection="close"
        )
    assert_too_large(answer, body)


async def test_a_client_that_asks_first_is_refused_before_it_sends():
    head = b"POST /length HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 52428800\r\n\r\n"
    async with serving(APP) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        status = await reader.readline()
        writer.close()
    assert status.startswith(b"HTTP/1.1 413")


async def test_a_body_that_nobody_reads_is_refused_too():
    async with serving(APP) as port:
        answer, body = await asyncio.to_thread(send, port, "/ignorant", HUGE, announced=True)
    assert_too_large(answer, body)


async def test_a_client_that_gives_up_leaves_the_server_well():
    async with serving(APP) as port:
        with socket.create_connection(("127.0.0.1", port)) as sender:
            sender.sendall(b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 52428800\r\n\r\n" + CHUNK)
        answer = await asyncio.to_thread(_ask, port)
    assert answer == b"5"


def _ask(port: int) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/length", body=b"hello")
    body = connection.getresponse().read()
    connection.close()
    return body


@pytest.mark.parametrize(("size", "status"), [(10 * MIB, 200), (10 * MIB + 1, 413)])
async def test_the_limit_itself_is_allowed(size, status):
    answer = await post(APP, "/length", content=b"x" * size)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("path", "limit"),
    [("/api/v1/documents", 30), ("/api/v1/documents/7", 30), ("/api/v1/posts", 20), ("/webhooks/x", 10)],
)
def test_the_longest_beginning_decides(path, limit):
    middleware = BodyLimit(APP, limits=[("/api", 20), ("/api/v1/documents", 30)], usual=10)
    assert middleware.limit_of(path) == limit

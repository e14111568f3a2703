"""What a failure on the wire means: nothing sent, perhaps done, or refused."""

import asyncio
import contextlib
import io
import json
import logging
import traceback
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest
from structlog.testing import capture_logs

from socialsync.errors import Invalid, Permanent, Temporary, UnknownOutcome
from socialsync.platforms import Media, Platforms, Sender, errors, graph, open_platforms
from socialsync.platforms.contract import Reach
from socialsync.platforms.graph import Graph
from tests.platforms.world import World

Call = Callable[[Platforms, Sender], Awaitable[object]]


async def read(platforms: Platforms, sender: Sender) -> object:
    return await platforms.instagram.container_status(sender, "1")


async def prepare(platforms: Platforms, sender: Sender) -> object:
    return await platforms.instagram.create_container(
        sender, Media("https://example.org/1.jpg", "image"), "Hello", media_type="image"
    )


async def publish(platforms: Platforms, sender: Sender) -> object:
    return await platforms.instagram.publish_container(sender, "1")


async def send(platforms: Platforms, sender: Sender) -> object:
    return await platforms.whatsapp.send_text(sender, "+33612345678", "Hello", "outbox-1")


EVERY = pytest.mark.parametrize(
    ("call", "lost"),
    [
        (read, errors.PlatformUnavailable),
        (prepare, errors.PlatformUnavailable),
        (publish, errors.AnswerLost),
        (send, errors.AnswerLost),
    ],
)


async def test_a_connection_is_used_again_at_once_and_never_after_a_pause(monkeypatch, sender: Sender):
    """The server may be closing it at that moment, and nobody would know what became of the message."""
    connections = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        body = b'{"status_code": "FINISHED", "id": "1"}'
        with contextlib.suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    monkeypatch.setattr(graph, "POOLS", 1)
    monkeypatch.setattr(graph, "IDLE_S", 0.5)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with open_platforms(meta_graph_url=url, instagram_graph_url=url, version="v25.0") as platforms:
        await read(platforms, sender)
        await read(platforms, sender)
        assert len(connections) == 1
        await asyncio.sleep(0.6)
        await read(platforms, sender)
        assert len(connections) == 2
    server.close()
    for writer in connections:
        writer.close()


@pytest.mark.parametrize("call", [read, prepare, publish, send])
async def test_a_refused_connection_means_nothing_was_sent(call: Call, closed_port: str, sender: Sender):
    async with open_platforms(
        meta_graph_url=closed_port, instagram_graph_url=closed_port, version="v25.0"
    ) as platforms:
        with pytest.raises(errors.PlatformUnavailable, match="nothing was sent"):
            await call(platforms, sender)


async def test_no_free_connection_means_nothing_was_sent(world: World, sender: Sender):
    world.stays_silent()
    limits, timeouts = httpx.Limits(max_connections=1), httpx.Timeout(5, pool=0.1)
    async with httpx.AsyncClient(limits=limits, timeout=timeouts) as http:
        door = Graph(http, world.url, "v25.0")
        first = asyncio.create_task(door.read(sender, "1"))
        await world.called.wait()
        with pytest.raises(errors.PlatformUnavailable, match="busy"):
            await door.write(sender, Reach.EFFECT, "1", body={})
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    assert len(world.seen) == 1


@EVERY
async def test_an_answer_that_never_comes_may_hide_an_effect(
    call: Call, lost: type[Exception], platforms: Platforms, world: World, sender: Sender
):
    for misbehave in (world.hangs_up, world.resets, world.stays_silent):
        misbehave()
        with pytest.raises(lost):
            await call(platforms, sender)
    assert len(world.seen) == 3, "nothing is repeated behind the caller's back"


@EVERY
@pytest.mark.parametrize(
    "answer",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
async def test_a_broken_answer_may_hide_an_effect(
    *, call: Call, lost: type[Exception], answer: bytes, platforms: Platforms, world: World, sender: Sender
):
    world.says(answer)
    with pytest.raises(lost):
        await call(platforms, sender)


@EVERY
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe\xfa",
        b"[]",
        b"null",
        b"{}",
        b'{"id":""}',
        b'{"id":true}',
        b'{"id":{}}',
        b'{"messages":[]}',
        b'{"messages":{}}',
        b'{"error":"?"}',
        b"[" * 100_000,
        b'{"id":"' + b"1" * graph.ANSWER_LIMIT + b'"}',
    ],
)
async def test_a_success_without_the_id_may_hide_an_effect(
    *, call: Call, lost: type[Exception], body: bytes, platforms: Platforms, world: World, sender: Sender
):
    world.answers_bytes(body)
    with pytest.raises(lost):
        await call(platforms, sender)


@EVERY
@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_broken_gateway_may_hide_an_effect(
    *, call: Call, lost: type[Exception], status: int, platforms: Platforms, world: World, sender: Sender
):
    world.answers_bytes(b"<html>Bad Gateway</html>", status)
    with pytest.raises(UnknownOutcome if lost is errors.AnswerLost else Temporary):
        await call(platforms, sender)


@pytest.mark.parametrize("call", [read, prepare, publish, send])
@pytest.mark.parametrize("status", [301, 302, 307, 308, 401, 403, 404])
async def test_what_is_not_graph_is_named_and_not_followed(
    call: Call, status: int, platforms: Platforms, world: World, sender: Sender
):
    world.answers_bytes(b"<html>", status, {"Location": world.url})
    with pytest.raises(Permanent, match="not the Graph API") as refused:
        await call(platforms, sender)
    assert not isinstance(refused.value, errors.TokenRevoked)
    assert len(world.seen) == 1


@pytest.mark.parametrize("call", [read, prepare, publish, send])
async def test_too_many_requests_are_told_when_to_come_back(
    call: Call, platforms: Platforms, world: World, sender: Sender
):
    world.answers_bytes(b"", 429, {"Retry-After": "90"})
    with pytest.raises(errors.RateLimited) as refused:
        await call(platforms, sender)
    assert refused.value.retry_after == timedelta(seconds=90)


async def test_the_time_to_regain_access_is_obeyed(platforms: Platforms, world: World, sender: Sender):
    usage = {"106540352242922": [{"type": "whatsapp", "estimated_time_to_regain_access": 7}]}
    world.answers(
        {"error": {"code": 80007, "message": "Rate limit issues"}},
        status=400,
        headers={"X-Business-Use-Case-Usage": json.dumps(usage)},
    )
    with pytest.raises(errors.RateLimited) as refused:
        await send(platforms, sender)
    assert refused.value.retry_after == timedelta(minutes=7)


async def test_an_answer_that_drips_for_ever_is_given_up(world: World, sender: Sender):
    world.drips()
    async with graph.open_http() as http:
        door = Graph(http, world.url, "v25.0", answer_within=0.2)
        with pytest.raises(errors.AnswerLost, match="no answer in time"):
            await door.write(sender, Reach.EFFECT, "1", body={})
        with pytest.raises(errors.PlatformUnavailable):
            await door.read(sender, "1")


async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    world: World, sender: Sender, closed_port: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HTTP_PROXY", closed_port)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    world.answers({"id": "1"})
    async with graph.open_http() as http:
        assert (await Graph(http, world.url, "v25.0").read(sender, "1")).text("id") == "1"


# Secrets


def test_a_sender_never_shows_its_token(sender: Sender):
    assert sender.token not in f"{sender} {sender!r} {[sender]}"
    assert sender.external_id in repr(sender)


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "grüße", "\x00", "EAA\r\nX-Evil: 1"])
def test_a_token_that_no_header_can_carry_is_refused_unseen(token: str):
    with pytest.raises(Invalid) as refused:
        Sender("1", token, "key")
    assert refused.value.field == "access_token"
    assert not token or token not in "".join(traceback.format_exception(refused.value))


async def test_the_token_is_in_one_header_and_nowhere_else(
    platforms: Platforms, world: World, sender: Sender
):
    world.answers({"id": "1", "messages": [{"id": "1"}], "status_code": "FINISHED"})
    for call in (read, prepare, publish, send):
        await call(platforms, sender)
    for seen in world.seen:
        carrying = [name for name, value in seen.headers.items() if sender.token in value]
        assert carrying == ["authorization"]
        assert sender.token not in seen.target + seen.body.decode()


async def test_the_token_is_in_no_error_and_no_log(
    platforms: Platforms, world: World, sender: Sender, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    raised = []
    with capture_logs() as lines:
        for misbehave in (
            world.hangs_up,
            world.stays_silent,
            lambda: world.says(b"garbage\r\n\r\n"),
            lambda: world.answers_bytes(sender.token.encode()),
            lambda: world.answers(
                {
                    "error": {
                        "code": 190,
                        "message": f"Malformed access token {sender.token}",
                        "fbtrace_id": sender.token,
                    }
                },
                status=400,
            ),
            lambda: world.answers({"error": {"code": 7, "error_user_msg": f"{sender.token}x"}}, status=400),
        ):
            misbehave()
            for call in (read, prepare, publish, send):
                with pytest.raises(errors.PlatformError) as failure:
                    await call(platforms, sender)
                raised.append(failure.value)
    written = io.StringIO()
    for error in raised:
        traceback.print_exception(error, file=written)
        written.write(f"{error!r} {error} {error.fix} {vars(error)}")
    assert sender.token not in written.getvalue()
    assert sender.token not in str(lines) + caplog.text
    assert len(lines) == len(raised)


@pytest.mark.parametrize(
    "message",
    [
        "Malformed access token EAAGm0PX4ZCpsBAOther",
        "Cannot parse IGQVJWZAnotherToken-of_somebody",
        "Bad access token 1234567890abcdef",
    ],
)
async def test_tokens_of_others_are_not_repeated_either(
    message: str, platforms: Platforms, world: World, sender: Sender
):
    world.answers({"error": {"code": 190, "message": message}}, status=400)
    with pytest.raises(errors.TokenRevoked) as refused:
        await send(platforms, sender)
    assert message.rsplit(maxsplit=1)[-1] not in refused.value.message


async def test_a_failure_is_logged_with_what_metas_support_asks_for(
    platforms: Platforms, world: World, sender: Sender
):
    world.answers(
        {"error": {"code": 10, "error_subcode": 2534022, "fbtrace_id": "AbC123", "message": "outside"}},
        status=403,
    )
    with capture_logs() as lines, pytest.raises(errors.WindowClosed):
        await send(platforms, sender)
    [line] = lines
    assert line["event"] == "[GRAPH] POST /v25.0/106540352242922/messages: WindowClosed"
    assert (line["graph_code"], line["graph_subcode"], line["fbtrace_id"]) == (10, 2534022, "AbC123")
    assert line["status"] == 403


async def test_a_limit_that_is_nearly_used_up_is_logged(platforms: Platforms, world: World, sender: Sender):
    world.answers({"id": "1"}, headers={"X-App-Usage": '{"call_count":80}'})
    with capture_logs() as lines:
        await prepare(platforms, sender)
    assert [line["percent"] for line in lines] == [80.0]

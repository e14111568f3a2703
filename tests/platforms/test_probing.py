"""A look at media before a post is queued: what is certain is refused by its place, the rest let through."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from socialsync.clock import MovableClock
from socialsync.errors import Invalid
from socialsync.platforms import local_origins, probe_media
from socialsync.platforms.fetching import origin_of
from socialsync.platforms.probing import HEAD_LIMIT, Unreached
from tests.platforms.shelf import Shelf, open_shelf, picture
from tests.simulator.server import SimulatorServer

SQUARE = picture(640, 640)
MEGA = 2**20


@pytest.fixture
async def shelf() -> AsyncIterator[Shelf]:
    async with open_shelf() as shelf:
        yield shelf


async def instagram(*urls: str, media_type: str = "image", **more: Any) -> None:
    """The world on this machine is where the URLs lead, unless it is said to be elsewhere."""
    here = {origin_of(httpx.URL(url)) for url in urls}
    await probe_media(urls, platform="instagram", media_type=media_type, **{"here": here, **more})


async def whatsapp(url: str, media_type: str) -> None:
    here = {origin_of(httpx.URL(url))}
    await probe_media([url], platform="whatsapp", media_type=media_type, here=here)


async def refused(look: Any, field: str = "media_urls[0]") -> str:
    with pytest.raises(Invalid) as refusal:
        await look
    assert refusal.value.field == field
    assert refusal.value.fix
    return refusal.value.message


async def test_a_good_image_is_taken(shelf: Shelf):
    url = shelf.put("/photo.jpg", SQUARE)
    await instagram(url)
    assert shelf.asked == ["HEAD /photo.jpg", "GET /photo.jpg"]
    assert shelf.seen[1].headers["range"] == f"bytes=0-{HEAD_LIMIT - 1}"


async def test_the_simulators_picture_is_a_good_image(simulator: SimulatorServer):
    await instagram(f"{simulator.url}/_sim/media/sunrise.jpg")


async def test_a_post_without_media_is_not_looked_at():
    await probe_media([], platform="whatsapp", media_type=None)
    await probe_media(["http://127.0.0.1:1/a"], platform="whatsapp", media_type=None)


async def test_nothing_of_ours_is_sent(shelf: Shelf):
    await instagram(shelf.put("/photo.jpg", SQUARE, headers={"Set-Cookie": "a=b"}))
    for seen in shelf.seen:
        assert set(seen.headers) <= {
            *("host", "accept", "accept-encoding", "user-agent", "connection", "range"),
        }


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_what_is_not_there_for_everybody_is_refused(shelf: Shelf, status: int):
    for media_type, path in (("image", "/a.jpg"), ("reel", "/a.mp4"), ("story", "/a")):
        url = shelf.put(path, status=status)
        assert str(status) in await refused(instagram(url, media_type=media_type))


async def test_the_failing_one_of_several_is_named(shelf: Shelf):
    good, gone = shelf.put("/1.jpg", SQUARE), shelf.put("/2.jpg", status=404)
    await refused(instagram(good, good, gone, media_type="carousel"), "media_urls[2]")
    await refused(instagram(good, gone, gone, media_type="carousel"), "media_urls[1]")


@pytest.mark.parametrize("status", [400, 408, 429, 500, 502, 503])
async def test_what_may_be_a_passing_fault_is_let_through(shelf: Shelf, status: int):
    await instagram(shelf.put("/a.jpg", b"<html>", "text/html", status=status))


@pytest.mark.parametrize(
    "content_type", ["text/html", "text/html; charset=utf-8", "image/png", "application/pdf", "video/mp4"]
)
async def test_a_type_that_instagram_never_takes_is_refused(shelf: Shelf, content_type: str):
    url = shelf.put("/photo", b"?", content_type)
    assert content_type.partition(";")[0] in await refused(instagram(url))


@pytest.mark.parametrize("content_type", [None, "", "application/octet-stream", "binary/x", "IMAGE/JPG"])
async def test_a_type_that_says_little_says_nothing(shelf: Shelf, content_type: str | None):
    await instagram(shelf.put("/photo", b"?", content_type))


async def test_the_file_itself_is_believed_more_than_its_server(shelf: Shelf):
    await instagram(shelf.put("/1.jpg", SQUARE, "image/png"))
    await instagram(shelf.put("/1.jpg", SQUARE, "text/plain"))
    url = shelf.put("/2.jpg", picture(640, 640, "PNG"), "image/jpeg")
    assert "PNG" in await refused(instagram(url))
    assert "WEBP" in await refused(instagram(shelf.put("/3", picture(64, 64, "WEBP"), None)))


@pytest.mark.parametrize(
    ("width", "height", "taken"),
    [
        (800, 1_000, True),
        (795, 1_000, True),
        (780, 1_000, False),
        (1_910, 1_000, True),
        (1_925, 1_000, True),
        (1_950, 1_000, False),
        (1_080, 1_920, False),
    ],
)
async def test_the_feed_takes_images_of_certain_shapes(*, shelf: Shelf, width: int, height: int, taken: bool):
    url = shelf.put("/photo.jpg", picture(width, height))
    for urls, media_type in (([url], "image"), ([url, url], "carousel")):
        if taken:
            await instagram(*urls, media_type=media_type)
        else:
            await refused(instagram(*urls, media_type=media_type))
    await instagram(url, media_type="story")


async def test_a_photo_that_lies_on_its_side_is_measured_as_it_is_shown(shelf: Shelf):
    from_a_phone = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    await instagram(shelf.put("/1.jpg", picture(1_000, 800, exif=from_a_phone)))
    await refused(instagram(shelf.put("/2.jpg", picture(1_900, 1_000, exif=from_a_phone))))


async def test_an_image_that_would_fill_all_memory_is_only_measured(shelf: Shelf):
    # A PNG's header says its size; nothing of this one is there but the header
    bomb = picture(8, 8, "PNG")[:16] + (60_000).to_bytes(4) * 2 + picture(8, 8, "PNG")[24:]
    await refused(instagram(shelf.put("/1", bomb, "image/png")))
    await whatsapp(shelf.put("/2.png", bomb, "image/png"), "image")
    jpeg = bytearray(picture(640, 640))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = (65_000).to_bytes(2) * 2
    await instagram(shelf.put("/3.jpg", bytes(jpeg)))
    jpeg[at : at + 4] = (9_000).to_bytes(2) + (12_000).to_bytes(2)
    await instagram(shelf.put("/4.jpg", bytes(jpeg)))


@pytest.mark.parametrize(
    ("media_type", "path", "content_type", "limit"),
    [
        ("image", "/a.jpg", "image/jpeg", 8 * MEGA),
        ("reel", "/a.mp4", "video/mp4", 1024 * MEGA),
        ("story", "/a.mp4", "video/mp4", 1024 * MEGA),
        ("story", "/a.jpg", "image/jpeg", 8 * MEGA),
    ],
)
async def test_a_file_that_is_too_large_for_instagram_is_refused(
    *, shelf: Shelf, media_type: str, path: str, content_type: str, limit: int
):
    for length, taken in ((limit, True), (limit + 1, False)):
        part = {"Content-Range": f"bytes 0-0/{length}", "Content-Length": "1"}
        url = shelf.put(path, b"?", content_type, status=206, headers=part, heads=False)
        if taken:
            await instagram(url, media_type=media_type)
        else:
            assert "MB" in await refused(instagram(url, media_type=media_type))


@pytest.mark.parametrize(
    ("media_type", "content_type", "limit"),
    [
        ("image", "image/png", 5 * MEGA),
        ("video", "video/mp4", 16 * MEGA),
        ("audio", "audio/mpeg", 16 * MEGA),
        ("document", "application/pdf", 100 * MEGA),
    ],
)
async def test_a_file_that_is_too_large_for_whatsapp_is_refused(
    *, shelf: Shelf, media_type: str, content_type: str, limit: int
):
    for length, taken in ((limit, True), (limit + 1, False)):
        part = {"Content-Range": f"bytes 0-0/{length}", "Content-Length": "1"}
        url = shelf.put("/a", b"?", content_type, status=206, headers=part, heads=False)
        if taken:
            await whatsapp(url, media_type)
        else:
            await refused(whatsapp(url, media_type))


@pytest.mark.parametrize(
    ("media_type", "content_type", "taken"),
    [
        ("image", "image/png", True),
        ("image", "image/gif", False),
        ("image", "text/html", False),
        ("video", "video/3gpp", True),
        ("video", "video/webm", False),
        ("video", "image/jpeg", False),
        ("audio", "audio/x-m4a", True),
        ("audio", "video/mp4", True),
        ("audio", "audio/wav", False),
        ("document", "application/pdf", True),
        ("document", "text/plain", True),
        ("document", "image/gif", True),
        ("document", "text/html", False),
    ],
)
async def test_whatsapp_takes_what_it_shows(*, shelf: Shelf, media_type: str, content_type: str, taken: bool):
    url = shelf.put("/a", b"?", content_type)
    if taken:
        await whatsapp(url, media_type)
    else:
        await refused(whatsapp(url, media_type))


async def test_a_video_is_not_downloaded(shelf: Shelf):
    await instagram(shelf.put("/a.mp4", b"?" * MEGA, "video/mp4"), media_type="reel")
    assert shelf.asked == ["HEAD /a.mp4"]


async def test_of_an_image_only_the_beginning_is_read(shelf: Shelf):
    await instagram(shelf.put("/a.jpg", SQUARE + b"?" * 7 * MEGA, ranges=False))
    assert shelf.sent < 4 * MEGA
    shelf.sent = 0
    await instagram(shelf.put("/a.jpg", SQUARE + b"?" * 7 * MEGA))
    assert shelf.sent == HEAD_LIMIT


async def test_a_server_that_refuses_head_is_asked_again(shelf: Shelf):
    for odd in ({"heads": False}, {"hangs_up": True}):
        await instagram(shelf.put("/a.mp4", b"?", "video/mp4", **odd), media_type="reel")
        await refused(instagram(shelf.put("/a.mp4", b"?", "text/html", **odd), media_type="reel"))


async def test_an_answer_tells_whether_a_story_is_an_image_or_a_video(shelf: Shelf):
    await instagram(shelf.put("/1", b"?", "video/mp4"), media_type="story")
    await instagram(shelf.put("/2", b"?", "image/jpeg"), media_type="story")
    await refused(instagram(shelf.put("/3", b"?", "video/webm"), media_type="story"))
    await refused(instagram(shelf.put("/4", b"?", "image/png"), media_type="story"))


# Redirects and addresses


async def test_redirects_are_followed_a_few_times(shelf: Shelf):
    shelf.put("/photo.jpg", status=404)
    shelf.redirect("/5", "photo.jpg", 308)
    for number in range(5):
        shelf.redirect(f"/{number}", f"{shelf.url}/{number + 1}", 301)
    await refused(instagram(f"{shelf.url}/1"))
    await instagram(f"{shelf.url}/0")


@pytest.mark.parametrize("location", ["ftp://example.org/a.jpg", "file:///etc/passwd", "//[", "\x00", ""])
async def test_a_redirect_to_nowhere_says_nothing(shelf: Shelf, location: str):
    await instagram(shelf.redirect("/a.jpg", location))


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "10.0.0.1", "192.168.1.1", "172.16.0.1"),  # noqa: S104
        *("169.254.169.254", "100.64.0.1", "[fd00::1]", "[fe80::1]", "[::ffff:127.0.0.1]", "[::]"),
        *("[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]", "224.0.0.1", "2130706433", "0x7f.1"),
    ],
)
async def test_an_address_that_is_not_public_is_refused_without_a_word_to_it(shelf: Shelf, host: str):
    port = shelf.url.rpartition(":")[2]
    message = await refused(instagram(f"http://{host}:{port}/a.jpg", here=()))
    assert "public" in message
    assert shelf.seen == []


async def test_the_world_on_this_machine_may_be_looked_at_where_it_is_the_platform(shelf: Shelf):
    shelf.put("/a.jpg", SQUARE)
    await instagram(shelf.url.replace("127.0.0.1", "localhost") + "/a.jpg")
    assert shelf.seen[0].headers["host"] == shelf.url.replace("http://127.0.0.1", "localhost")


async def test_nothing_else_on_this_machine_is_looked_at(shelf: Shelf):
    async with open_shelf() as world:
        elsewhere = shelf.put("/a.jpg", SQUARE)
        assert "public" in await refused(instagram(elsewhere, here={world.url}))
        there = world.redirect("/b.jpg", elsewhere)
        assert "public" in await refused(instagram(there, here={world.url}))
    assert shelf.seen == []


@pytest.mark.parametrize(
    ("base", "origins"),
    [
        ("http://127.0.0.1:8090/graph", {"http://127.0.0.1:8090"}),
        ("http://localhost:80", {"http://localhost"}),
        ("http://[::1]:8090", {"http://[::1]:8090"}),
        ("https://graph.facebook.com", set()),
        ("http://10.0.0.7:8090", set()),
    ],
)
def test_a_world_on_this_machine_is_told_by_its_address(base: str, origins: set[str]):
    assert local_origins(base, "https://graph.instagram.com") == origins


# What we can't reach


async def test_a_closed_port_and_an_unknown_name_say_nothing(closed_port: str):
    await instagram(f"{closed_port}/a.jpg", "http://nobody.invalid/a.jpg", media_type="carousel")
    await instagram(f"http://{'a' * 64}.example/a.jpg", "http://a..b/a.jpg", media_type="carousel")


async def test_a_server_that_stays_silent_is_not_waited_for(shelf: Shelf, noon: MovableClock):
    url = shelf.put("/a.jpg", silent=True)
    await instagram(url, url, within=1.5, media_type="carousel")
    assert shelf.asked == ["HEAD /a.jpg"] * 2


async def test_a_host_that_was_not_reached_is_left_alone_for_a_minute(shelf: Shelf, noon: MovableClock):
    url, gone = shelf.put("/a.jpg", silent=True), shelf.put("/b.jpg", status=404)
    await instagram(url, within=1.5)
    noon.move(timedelta(seconds=59))
    await instagram(gone)
    assert shelf.asked == ["HEAD /a.jpg"]
    noon.move(timedelta(seconds=2))
    await refused(instagram(gone))


async def test_a_slow_medium_hides_no_other(shelf: Shelf, noon: MovableClock):
    async with open_shelf() as other:
        slow, gone = shelf.put("/a.jpg", silent=True), other.put("/b.jpg", status=404)
        await refused(instagram(slow, gone, within=1, media_type="carousel"), "media_urls[1]")


async def test_who_asks_no_longer_leaves_nothing_behind(shelf: Shelf):
    asking = asyncio.create_task(instagram(shelf.put("/a.jpg", silent=True)))
    while not shelf.seen:
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert len(asyncio.all_tasks()) <= 2, "this test, and the server's answer"


def test_only_so_many_hosts_are_remembered(noon: MovableClock):
    unreached = Unreached()
    for number in range(2_000):
        unreached.add(f"{number}.example")
    assert "0.example" in unreached
    assert "1999.example" not in unreached
    noon.move(timedelta(minutes=2))
    unreached.add("new.example")
    assert "0.example" not in unreached
    assert "new.example" in unreached

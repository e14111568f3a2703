"""What is asked of an account: its quota, its recent media, whether its token is good, and a fresh one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from socialsync.platforms import FreshToken, Media, Platforms, Quota, Sender, errors, open_platforms
from tests.platforms.world import World
from tests.simulator.server import SimulatorServer

ACCOUNT = Sender("17841400008460056", "a-token-of-instagram", "instagram:17841400008460056")
NUMBER = Sender("106540352242922", "a-token-of-whatsapp", "whatsapp:106540352242922")
PHOTO = "https://example.org/photo.jpg"
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def meta(simulator: SimulatorServer) -> AsyncIterator[Platforms]:
    async with open_platforms(
        meta_graph_url=simulator.url, instagram_graph_url=simulator.url, version="v25.0"
    ) as opened:
        yield opened


async def publish(meta: Platforms, caption: str) -> str:
    container = await meta.instagram.create_container(
        ACCOUNT, Media(PHOTO, "image"), caption, media_type="image"
    )
    return await meta.instagram.publish_container(ACCOUNT, container)


# Quota


async def test_the_quota_is_what_instagram_says_now(meta: Platforms):
    before = await meta.instagram.publishing_quota(ACCOUNT)
    await publish(meta, "Hello")
    after = await meta.instagram.publishing_quota(ACCOUNT)
    assert before == Quota(0, before.total, timedelta(days=1))
    assert after == Quota(1, before.total, timedelta(days=1))


async def test_the_quota_is_asked_in_metas_words(platforms: Platforms, world: World, sender: Sender):
    config = {"quota_total": 50, "quota_duration": 86_400}
    world.answers({"data": [{"quota_usage": 2, "config": config}]})
    assert await platforms.instagram.publishing_quota(sender) == Quota(2, 50, timedelta(days=1))
    [seen] = world.seen
    assert seen.target == (
        "/instagram/v25.0/106540352242922/content_publishing_limit?fields=config%2Cquota_usage"
    )


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"data": []},
        {"data": [{"quota_usage": 2}]},
        {"data": [{"quota_usage": "2", "config": {"quota_total": 50, "quota_duration": 86_400}}]},
        {"data": [{"quota_usage": True, "config": {"quota_total": 50, "quota_duration": 86_400}}]},
        {"data": [{"quota_usage": 2, "config": {"quota_total": -1, "quota_duration": 86_400}}]},
        {"data": [{"quota_usage": 2, "config": {"quota_total": 50, "quota_duration": 0}}]},
        {"data": [{"quota_usage": 2, "config": {"quota_total": 50, "quota_duration": 10**30}}]},
        {"data": {"quota_usage": 2}},
        {"error": {"code": 10}},
        {"error": {"code": 100, "error_subcode": 33}},
        {"error": {"code": 2}},
    ],
)
async def test_a_quota_that_cannot_be_told_is_no_obstacle(
    platforms: Platforms, world: World, sender: Sender, answer: Any
):
    world.answers(answer, status=400 if "error" in answer else 200)
    assert await platforms.instagram.publishing_quota(sender) is None


async def test_a_revoked_token_and_a_limit_are_told_of_a_quota(
    platforms: Platforms, world: World, sender: Sender
):
    for code, state in ((190, errors.TokenRevoked), (4, errors.RateLimited), (80002, errors.RateLimited)):
        world.answers({"error": {"code": code}}, status=400)
        with pytest.raises(state):
            await platforms.instagram.publishing_quota(sender)


# Recent media


async def test_the_newest_media_with_the_caption_is_found(meta: Platforms):
    first = await publish(meta, "Hello #world")
    await publish(meta, "Another")
    second = await publish(meta, "Hello #world")
    search = meta.instagram.find_media
    assert await search(ACCOUNT, caption="Hello #world", since=LONG_AGO) == second
    assert await search(ACCOUNT, caption="Hello #world", since=LONG_AGO, but={second}) == first
    assert await search(ACCOUNT, caption="Hello #world", since=LONG_AGO, but=[first, second]) is None
    assert await search(ACCOUNT, caption="Hello", since=LONG_AGO) is None
    assert await search(ACCOUNT, caption="", since=LONG_AGO) is None


async def test_media_without_a_caption_is_found_by_that(meta: Platforms):
    bare = await publish(meta, "")
    assert await meta.instagram.find_media(ACCOUNT, caption="", since=LONG_AGO) == bare


async def test_media_on_later_pages_is_found(meta: Platforms):
    wanted = await publish(meta, "Hello")
    for number in range(60):
        await publish(meta, f"Another {number}")
    assert await meta.instagram.find_media(ACCOUNT, caption="Hello", since=LONG_AGO) == wanted


def listed(*media: tuple[str, str | None, str], after: str | None = None) -> dict[str, Any]:
    entries = [
        {"id": known, "timestamp": at, **({"caption": caption} if caption is not None else {})}
        for known, caption, at in media
    ]
    paging = {"cursors": {"before": "a", "after": after}, "next": "https://secret"} if after else {}
    return {"data": entries, "paging": paging}


async def test_pages_are_asked_for_by_cursor_and_not_for_ever(
    platforms: Platforms, world: World, sender: Sender
):
    world.answers(listed(("1", "Another", "2026-03-04T12:00:01+0000"), after="QVFI="))
    assert await platforms.instagram.find_media(sender, caption="Hello", since=NOON) is None
    first = "/instagram/v25.0/106540352242922/media?fields=id%2Ccaption%2Ctimestamp&limit=50"
    assert [seen.target for seen in world.seen] == [first, *[f"{first}&after=QVFI%3D"] * 4]


async def test_the_search_ends_where_media_is_too_old(platforms: Platforms, world: World, sender: Sender):
    world.answers(
        listed(
            ("1", "Another", "2026-03-04T12:00:01+0000"),
            ("2", "Hello", "2026-03-04T11:59:59+0000"),
            after="QVFI=",
        )
    )
    assert await platforms.instagram.find_media(sender, caption="Hello", since=NOON) is None
    assert len(world.seen) == 1


@pytest.mark.parametrize(
    ("caption", "at", "found"),
    [
        ("Hello\nworld", "2026-03-04T12:00:00+0000", True),
        (" Hello\r\n\nworld ", "2026-03-04T12:00:00+0000", True),
        ("Hello world", "2026-03-04T11:59:59+0000", False),
        ("Hello world", "2026-03-04T13:00:00+0100", True),
        ("hello world", "2026-03-04T12:00:00+0000", False),
        ("Hello world", "2026-03-04T12:00:00", False),
        ("Hello world", "yesterday", False),
        (None, "2026-03-04T12:00:00+0000", False),
    ],
)
async def test_a_caption_is_compared_without_its_white_space_and_times_to_the_second(
    *, platforms: Platforms, world: World, sender: Sender, caption: str | None, at: str, found: bool
):
    world.answers(listed(("1", caption, at)))
    since = NOON + timedelta(milliseconds=900)
    answer = await platforms.instagram.find_media(sender, caption="Hello\nworld", since=since)
    assert answer == ("1" if found else None)


async def test_a_letter_is_the_same_however_it_is_composed(
    platforms: Platforms, world: World, sender: Sender
):
    world.answers(listed(("1", "Caf\u00e9", "2026-03-04T12:00:00+0000")))
    assert await platforms.instagram.find_media(sender, caption="Cafe\u0301", since=NOON) == "1"


@pytest.mark.parametrize("answer", [{}, {"data": {}}, {"data": None}])
async def test_a_list_that_is_none_says_nothing(
    platforms: Platforms, world: World, sender: Sender, answer: Any
):
    world.answers(answer)
    with pytest.raises(errors.PlatformUnavailable):
        await platforms.instagram.find_media(sender, caption="Hello", since=NOON)


async def test_entries_that_make_no_sense_are_passed_over(platforms: Platforms, world: World, sender: Sender):
    good = {"id": "2", "timestamp": "2026-03-04T12:00:00+0000", "caption": "Hello"}
    world.answers({"data": [None, 1, {}, {**good, "id": 7}, {**good, "timestamp": 7}, good], "paging": 7})
    assert await platforms.instagram.find_media(sender, caption="Hello", since=NOON) == "2"


# Tokens


async def test_a_good_token_passes_the_second_look(meta: Platforms):
    await meta.instagram.check_token(ACCOUNT)
    await meta.whatsapp.check_token(NUMBER)


async def test_a_dead_token_fails_the_second_look(meta: Platforms, simulator: SimulatorServer):
    for sender in (ACCOUNT, NUMBER):
        simulator.fault(action="revoke_token", match={"token": sender.token})
    with pytest.raises(errors.TokenRevoked):
        await meta.instagram.check_token(ACCOUNT)
    with pytest.raises(errors.TokenRevoked):
        await meta.whatsapp.check_token(NUMBER)


async def test_each_platform_is_asked_where_its_token_lives(
    platforms: Platforms, world: World, sender: Sender
):
    world.answers({"id": "1"})
    await platforms.instagram.check_token(sender)
    await platforms.whatsapp.check_token(sender)
    assert [seen.target for seen in world.seen] == [
        "/instagram/v25.0/me?fields=id",
        "/v25.0/106540352242922?fields=id",
    ]


@pytest.mark.parametrize(
    ("code", "state"),
    [(2, errors.PlatformUnavailable), (4, errors.RateLimited), (10, errors.PermissionMissing)],
)
async def test_other_refusals_say_nothing_about_the_token(
    *, platforms: Platforms, world: World, sender: Sender, code: int, state: type[errors.PlatformError]
):
    world.answers({"error": {"code": code}}, status=400)
    for platform in (platforms.instagram, platforms.whatsapp):
        with pytest.raises(state):
            await platform.check_token(sender)


async def test_a_token_is_refreshed_at_instagram_and_shown_to_nobody(
    platforms: Platforms, world: World, sender: Sender
):
    world.answers({"access_token": "IGAAnew", "token_type": "bearer", "expires_in": 5_183_944})
    fresh = await platforms.instagram.refresh_token(sender)
    assert fresh == FreshToken("IGAAnew", timedelta(seconds=5_183_944))
    assert "IGAAnew" not in f"{fresh} {fresh!r}"
    [seen] = world.seen
    assert (seen.method, seen.target) == (
        "GET",
        "/instagram/v25.0/refresh_access_token?grant_type=ig_refresh_token",
    )
    assert seen.headers["authorization"] == f"Bearer {sender.token}"


@pytest.mark.parametrize(
    "answer",
    [
        {"access_token": "IGAAnew"},
        {"access_token": "IGAAnew", "expires_in": 0},
        {"access_token": "IGAAnew", "expires_in": True},
        {"access_token": "IGAAnew", "expires_in": 10**30},
        {"access_token": "IGAA new\n", "expires_in": 5_183_944},
        {"access_token": "", "expires_in": 5_183_944},
        {"expires_in": 5_183_944},
    ],
)
async def test_a_refresh_without_a_token_that_can_be_used_leaves_the_old_one(
    platforms: Platforms, world: World, sender: Sender, answer: dict[str, Any]
):
    world.answers(answer)
    with pytest.raises(errors.PlatformUnavailable):
        await platforms.instagram.refresh_token(sender)


async def test_an_expired_token_is_not_refreshed(platforms: Platforms, world: World, sender: Sender):
    world.answers({"error": {"code": 190, "error_subcode": 463}}, status=400)
    with pytest.raises(errors.TokenRevoked, match="expired"):
        await platforms.instagram.refresh_token(sender)

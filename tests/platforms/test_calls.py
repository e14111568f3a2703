"""What we say to each platform, and what we make of its answers."""

import pytest

from socialsync.errors import Invalid, Permanent, Temporary
from socialsync.platforms import ContainerState, Media, Platforms, Sender, Template, contract, errors
from tests.platforms.world import World

JPEG = "https://example.org/photo.jpg"
MP4 = "https://example.org/film.mp4"
ACCEPTED = {"messaging_product": "whatsapp", "contacts": [{}], "messages": [{"id": "wamid.1"}]}


def test_every_platform_keeps_its_contract(platforms: Platforms):
    assert isinstance(platforms.whatsapp, contract.SendsMessages)
    assert isinstance(platforms.instagram, contract.PublishesMedia)
    assert isinstance(platforms.instagram, contract.CommentPlatform)
    assert not isinstance(platforms.whatsapp, contract.CommentPlatform)
    assert not isinstance(platforms.instagram, contract.SendsMessages)


def test_platforms_are_found_by_name(platforms: Platforms):
    assert platforms["whatsapp"] is platforms.whatsapp
    assert platforms["instagram"] is platforms.instagram
    with pytest.raises(Invalid, match="no such platform"):
        platforms["__class__"]


async def test_a_text_is_sent_with_its_tracker(platforms: Platforms, world: World, sender: Sender):
    world.answers(ACCEPTED)
    assert await platforms.whatsapp.send_text(sender, "+33612345678", "Grüße 👋", "outbox-1") == "wamid.1"
    [seen] = world.seen
    assert (seen.method, seen.target) == ("POST", "/v25.0/106540352242922/messages")
    assert seen.headers["authorization"] == f"Bearer {sender.token}"
    assert seen.json == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+33612345678",
        "type": "text",
        "text": {"body": "Grüße 👋", "preview_url": False},
        "biz_opaque_callback_data": "outbox-1",
    }


async def test_a_business_scoped_user_is_addressed_as_such(
    platforms: Platforms, world: World, sender: Sender
):
    world.answers(ACCEPTED)
    await platforms.whatsapp.send_text(sender, "FR.13491208655302741918", "Hello", "outbox-1")
    await platforms.whatsapp.send_text(sender, "16505551234", "Hello", "outbox-2")
    assert world.seen[0].json["recipient"] == "FR.13491208655302741918"
    assert "to" not in world.seen[0].json
    assert world.seen[1].json["to"] == "16505551234"


async def test_a_template_is_sent_with_its_values(platforms: Platforms, world: World, sender: Sender):
    world.answers(ACCEPTED)
    body = {"type": "body", "parameters": [{"type": "text", "text": "Ada"}]}
    await platforms.whatsapp.send_template(sender, "+33612345678", Template("hi", "en_US", [body]), "1")
    await platforms.whatsapp.send_template(sender, "+33612345678", Template("hi", "en"), "2")
    sent = [seen.json["template"] for seen in world.seen]
    assert sent == [
        {"name": "hi", "language": {"code": "en_US"}, "components": [body]},
        {"name": "hi", "language": {"code": "en"}},
    ]


async def test_an_impossible_text_never_leaves(platforms: Platforms, world: World, sender: Sender):
    for text in ("", "a" * 4_097):
        with pytest.raises(Invalid):
            await platforms.whatsapp.send_text(sender, "+33612345678", text, "outbox-1")
    for call in (
        platforms.instagram.create_container(sender, Media("a.png", "image"), "Hello", media_type="image"),
        platforms.instagram.create_container(sender, Media(JPEG, "image"), "", media_type="reel"),
        platforms.instagram.create_container(sender, Media(MP4, "video"), "a" * 2_201, media_type="story"),
        platforms.instagram.create_container(
            sender, Media(JPEG, "image", "a" * 1_001), "", media_type="image"
        ),
        platforms.instagram.create_child(sender, Media("https://example.org/a.png", "image")),
        platforms.instagram.create_carousel(sender, ["1", "2"], "#a" * 31),
        platforms.whatsapp.send_media(sender, "+33612345678", Media("a.pdf", "document"), "", "outbox-1"),
        platforms.whatsapp.send_media(sender, "+33612345678", Media(MP4, "image"), "", "outbox-1"),
        platforms.whatsapp.send_media(sender, "+33612345678", Media(JPEG, "image"), "a" * 1_025, "outbox-1"),
    ):
        with pytest.raises(Invalid):
            await call
    assert world.seen == []


async def test_a_reel_and_a_story_say_what_they_are(platforms: Platforms, world: World, sender: Sender):
    world.answers({"id": "1"})
    for media, media_type in (
        (Media(MP4, "video"), "reel"),
        (Media(MP4, "video"), "story"),
        (Media(JPEG, "image"), "story"),
    ):
        await platforms.instagram.create_container(sender, media, "Hello", media_type=media_type)
    assert [seen.json for seen in world.seen] == [
        {"media_type": "REELS", "video_url": MP4, "caption": "Hello"},
        {"media_type": "STORIES", "video_url": MP4, "caption": "Hello"},
        {"media_type": "STORIES", "image_url": JPEG, "caption": "Hello"},
    ]


async def test_a_carousel_is_bound_of_its_items(platforms: Platforms, world: World, sender: Sender):
    world.answers({"id": "1"})
    await platforms.instagram.create_child(sender, Media(JPEG, "image", "A photo"))
    await platforms.instagram.create_child(sender, Media(MP4, "video"))
    assert await platforms.instagram.create_carousel(sender, ("11", "12"), "Hello") == "1"
    assert {seen.target for seen in world.seen} == {"/instagram/v25.0/106540352242922/media"}
    assert [seen.json for seen in world.seen] == [
        {"image_url": JPEG, "alt_text": "A photo", "is_carousel_item": True},
        {"media_type": "VIDEO", "video_url": MP4, "is_carousel_item": True},
        {"media_type": "CAROUSEL", "children": ["11", "12"], "caption": "Hello"},
    ]


PRICES = "https://example.org/Price%20list.pdf?v=2"


@pytest.mark.parametrize(
    ("media", "caption", "said"),
    [
        (Media(JPEG, "image"), "Look", {"link": JPEG, "caption": "Look"}),
        (Media(MP4, "video"), "", {"link": MP4}),
        (Media("https://example.org/a.mp3", "audio"), "", {"link": "https://example.org/a.mp3"}),
        (
            Media(PRICES, "document"),
            "Prices",
            {"link": PRICES, "caption": "Prices", "filename": "Price list.pdf"},
        ),
        (Media("https://example.org", "document"), "", {"link": "https://example.org"}),
    ],
)
async def test_a_medium_is_sent_by_its_link(
    *, platforms: Platforms, world: World, sender: Sender, media: Media, caption: str, said: dict
):
    world.answers(ACCEPTED)
    sent = await platforms.whatsapp.send_media(sender, "+33612345678", media, caption, "outbox-1")
    assert sent == "wamid.1"
    [seen] = world.seen
    assert seen.target == "/v25.0/106540352242922/messages"
    assert seen.json == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+33612345678",
        "type": media.kind,
        media.kind: said,
        "biz_opaque_callback_data": "outbox-1",
    }


async def test_an_image_is_published_in_three_steps(platforms: Platforms, world: World, sender: Sender):
    world.answers({"id": "17889615691921648"})
    container = await platforms.instagram.create_container(
        sender, Media(JPEG, "image", "A photo"), "Hello #world", media_type="image"
    )
    world.answers({"status_code": "FINISHED", "status": "Finished: ready", "id": container})
    status = await platforms.instagram.container_status(sender, container)
    world.answers({"id": 90010778247259}, headers={"X-App-Usage": '{"call_count":95}'})
    assert await platforms.instagram.publish_container(sender, container) == "90010778247259"

    assert status == contract.ContainerStatus(ContainerState.FINISHED, "Finished: ready", None)
    assert [(seen.method, seen.target) for seen in world.seen] == [
        ("POST", "/instagram/v25.0/106540352242922/media"),
        ("GET", "/instagram/v25.0/17889615691921648?fields=status_code%2Cstatus"),
        ("POST", "/instagram/v25.0/106540352242922/media_publish"),
    ]
    assert world.seen[0].json == {"image_url": JPEG, "caption": "Hello #world", "alt_text": "A photo"}
    assert world.seen[2].json == {"creation_id": "17889615691921648"}


@pytest.mark.parametrize(
    ("word", "detail", "kind"),
    [
        ("IN_PROGRESS", None, None),
        ("PUBLISHED", None, None),
        ("EXPIRED", None, Temporary),
        ("ERROR", "Error: 2207032", Temporary),
        ("ERROR", "Error: 2207009", Permanent),
    ],
)
async def test_a_container_says_how_it_is(
    *, platforms: Platforms, world: World, sender: Sender, word: str, detail: str | None, kind: type | None
):
    world.answers({"status_code": word, "status": detail})
    status = await platforms.instagram.container_status(sender, "1")
    assert (status.state, status.detail) == (word, detail)
    assert status.failure is None if kind is None else isinstance(status.failure, kind)


async def test_a_container_in_an_unknown_state_is_asked_again(
    platforms: Platforms, world: World, sender: Sender
):
    for answer in ({"status_code": "RESTING"}, {"id": "1"}, {"status_code": ["FINISHED"]}):
        world.answers(answer)
        with pytest.raises(errors.PlatformUnavailable):
            await platforms.instagram.container_status(sender, "1")


async def test_an_id_cannot_leave_its_place_in_the_url(platforms: Platforms, world: World, sender: Sender):
    world.answers({"status_code": "FINISHED"})
    await platforms.instagram.container_status(sender, "1/../../me?a=b#c")
    assert world.seen[0].target == "/instagram/v25.0/1%2F..%2F..%2Fme%3Fa%3Db%23c?fields=status_code%2Cstatus"


@pytest.mark.parametrize("external_id", ["", "..", "me/media", "1?a=b", "1\n", "é"])
def test_a_sender_has_an_id_that_fits_into_a_url(external_id: str):
    with pytest.raises(Invalid) as refused:
        Sender(external_id, "token", "key")
    assert refused.value.field == "external_id"

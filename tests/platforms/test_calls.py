"""What we say to each platform, and what we make of its answers."""

import pytest

from socialsync.errors import Invalid, Permanent, Temporary
from socialsync.platforms import ContainerState, Media, Platforms, Sender, Template, contract, errors
from tests.platforms.world import World

JPEG = "https://example.org/photo.jpg"
ACCEPTED = {"messaging_product": "whatsapp", "contacts": [{}], "messages": [{"id": "wamid.1"}]}


def test_every_platform_keeps_its_contract(platforms: Platforms):
    assert isinstance(platforms.whatsapp, contract.SendsMessages)
    assert isinstance(platforms.instagram, contract.PublishesMedia)
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
    with pytest.raises(Invalid):
        await platforms.instagram.create_container(
            sender, Media("photo.png", "image"), "Hello", media_type="image"
        )
    assert world.seen == []


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

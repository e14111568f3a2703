"""The platforms against a Meta that follows Meta's pages."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from socialsync.errors import UnknownOutcome
from socialsync.platforms import ContainerState, Media, Platforms, Sender, Template, errors, open_platforms
from tests.simulator.server import SimulatorServer

PHOTO, FILM = "https://example.org/photo.jpg", "https://example.org/film.mp4"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NUMBER = Sender("106540352242922", "a-token-of-whatsapp", "whatsapp")
ACCOUNT = Sender("17841400008460056", "a-token-of-instagram", "instagram")


@pytest.fixture
async def platforms(simulator: SimulatorServer) -> AsyncIterator[Platforms]:
    async with open_platforms(
        meta_graph_url=simulator.url, instagram_graph_url=simulator.url, version="v25.0"
    ) as opened:
        yield opened


async def test_a_text_and_a_template_arrive(platforms: Platforms, simulator: SimulatorServer):
    parameters = [{"type": "body", "parameters": [{"type": "text", "text": "Ada"}]}]
    text = await platforms.whatsapp.send_text(NUMBER, "+33612345678", "Grüße 👋", "outbox-1")
    template = await platforms.whatsapp.send_template(
        NUMBER, "+33612345678", Template("welcome", "en_US", parameters), "outbox-2"
    )
    scoped = await platforms.whatsapp.send_text(NUMBER, "FR.13491208655302741918", "Hello", "outbox-3")
    sent = simulator.ledger(kind="whatsapp.message")
    assert len({text, template, scoped}) == len(sent) == 3
    trackers = [effect["biz_opaque_callback_data"] for effect in sent]
    assert trackers == ["outbox-1", "outbox-2", "outbox-3"]


async def test_an_image_is_published(platforms: Platforms, simulator: SimulatorServer):
    container = await platforms.instagram.create_container(
        ACCOUNT, Media(PHOTO, "image", "A photo"), "Hello #world", media_type="image"
    )
    assert simulator.ledger(kind="instagram.publish") == []
    status = await platforms.instagram.container_status(ACCOUNT, container)
    assert (status.state, status.failure) == (ContainerState.FINISHED, None)
    assert await platforms.instagram.publish_container(ACCOUNT, container)
    assert len(simulator.ledger(kind="instagram.publish")) == 1
    status = await platforms.instagram.container_status(ACCOUNT, container)
    assert status.state is ContainerState.PUBLISHED


async def test_a_carousel_is_published_once_as_a_whole(platforms: Platforms, simulator: SimulatorServer):
    instagram = platforms.instagram
    children = [
        await instagram.create_child(ACCOUNT, Media(PHOTO, "image", "A photo")),
        await instagram.create_child(ACCOUNT, Media(FILM, "video")),
    ]
    carousel = await instagram.create_carousel(ACCOUNT, children, "Hello")
    for container in (*children, carousel):
        status = await instagram.container_status(ACCOUNT, container)
        assert status.state is ContainerState.FINISHED
    media_id = await instagram.publish_container(ACCOUNT, carousel)
    [published] = simulator.ledger(kind="instagram.publish")
    assert (published["id"], published["media_type"], published["children"]) == (
        media_id,
        "CAROUSEL",
        children,
    )
    assert await instagram.find_media(ACCOUNT, caption="Hello", since=LONG_AGO) == media_id


async def test_a_reel_and_a_story_are_published(platforms: Platforms, simulator: SimulatorServer):
    for media, media_type in ((Media(FILM, "video"), "reel"), (Media(PHOTO, "image"), "story")):
        container = await platforms.instagram.create_container(ACCOUNT, media, "", media_type=media_type)
        assert await platforms.instagram.publish_container(ACCOUNT, container)
    published = simulator.ledger(kind="instagram.publish")
    assert [effect["media_type"] for effect in published] == ["REELS", "STORIES"]


async def test_media_arrive_by_link(platforms: Platforms, simulator: SimulatorServer):
    for number, kind in enumerate(("image", "video", "audio", "document")):
        ending = {"image": "jpg", "video": "mp4", "audio": "mp3", "document": "pdf"}[kind]
        media = Media(f"https://example.org/file.{ending}", kind)
        caption = "" if kind == "audio" else "Look"
        await platforms.whatsapp.send_media(NUMBER, "+33612345678", media, caption, f"outbox-{number}")
    sent = simulator.ledger(kind="whatsapp.message")
    assert [effect["type"] for effect in sent] == ["image", "video", "audio", "document"]
    assert [effect["biz_opaque_callback_data"] for effect in sent] == [f"outbox-{n}" for n in range(4)]


async def test_a_container_that_is_not_ready_is_waited_for(platforms: Platforms, simulator: SimulatorServer):
    simulator.fault(action="container_in_progress", reads=1)
    container = await platforms.instagram.create_container(
        ACCOUNT, Media(PHOTO, "image"), "", media_type="image"
    )
    with pytest.raises(errors.MediaNotReady):
        await platforms.instagram.publish_container(ACCOUNT, container)
    states = [(await platforms.instagram.container_status(ACCOUNT, container)).state for _ in range(2)]
    assert states == [ContainerState.IN_PROGRESS, ContainerState.FINISHED]
    assert await platforms.instagram.publish_container(ACCOUNT, container)


@pytest.mark.parametrize(
    ("fault", "state", "failure"),
    [
        ({"action": "container_error", "subcode": 2207053}, ContainerState.ERROR, errors.ContainerLost),
        ({"action": "container_error", "subcode": 2207026}, ContainerState.ERROR, errors.ContentRefused),
        ({"action": "container_expired"}, ContainerState.EXPIRED, errors.ContainerLost),
    ],
)
async def test_a_dead_container_says_why(
    platforms: Platforms, simulator: SimulatorServer, fault: dict, state: ContainerState, failure: type
):
    simulator.fault(**fault)
    container = await platforms.instagram.create_container(
        ACCOUNT, Media(PHOTO, "image"), "Hello", media_type="image"
    )
    status = await platforms.instagram.container_status(ACCOUNT, container)
    assert status.state is state
    assert type(status.failure) is failure


async def test_an_answer_lost_after_the_effect_is_an_unknown_outcome(
    platforms: Platforms, simulator: SimulatorServer
):
    container = await platforms.instagram.create_container(
        ACCOUNT, Media(PHOTO, "image"), "Hello", media_type="image"
    )
    simulator.fault(action="lost_answer", match={"kind": "instagram.publish"})
    simulator.fault(action="lost_answer", match={"kind": "whatsapp.message"})
    with pytest.raises(errors.AnswerLost):
        await platforms.instagram.publish_container(ACCOUNT, container)
    with pytest.raises(errors.AnswerLost):
        await platforms.whatsapp.send_text(NUMBER, "+33612345678", "Hello", "outbox-1")
    assert len(simulator.ledger(kind="instagram.publish")) == 1
    assert len(simulator.ledger(kind="whatsapp.message")) == 1


async def test_an_effect_hidden_behind_a_server_error_is_an_unknown_outcome(
    platforms: Platforms, simulator: SimulatorServer
):
    simulator.fault(action="status", status=500, when="after", match={"kind": "whatsapp.message"})
    simulator.fault(
        action="status", status=502, when="after", body="<html>", match={"kind": "whatsapp.message"}
    )
    for tracker in ("outbox-1", "outbox-2"):
        with pytest.raises(UnknownOutcome):
            await platforms.whatsapp.send_text(NUMBER, "+33612345678", "Hello", tracker)
    assert len(simulator.ledger(kind="whatsapp.message")) == 2


async def test_a_rate_limit_tells_when_to_come_back(platforms: Platforms, simulator: SimulatorServer):
    simulator.fault(action="retry_after", retry_after_s=120)
    with pytest.raises(errors.RateLimited) as refused:
        await platforms.whatsapp.send_text(NUMBER, "+33612345678", "Hello", "outbox-1")
    assert refused.value.retry_after is not None
    assert refused.value.retry_after.total_seconds() >= 120


@pytest.mark.parametrize(
    ("code", "subcode", "state"),
    [
        (4, 2207051, errors.ActionBlocked),
        (10, None, errors.PermissionMissing),
        (368, None, errors.SenderBlocked),
        (9, 2207042, errors.QuotaSpent),
        (2, None, errors.PlatformFaulted),
    ],
)
async def test_refusals_have_their_states(
    platforms: Platforms, simulator: SimulatorServer, code: int, subcode: int | None, state: type
):
    container = await platforms.instagram.create_container(
        ACCOUNT, Media(PHOTO, "image"), "Hello", media_type="image"
    )
    simulator.fault(action="error", code=code, subcode=subcode)
    with pytest.raises(state) as refused:
        await platforms.instagram.publish_container(ACCOUNT, container)
    assert type(refused.value) is state


async def test_a_revoked_token_is_known_as_such(platforms: Platforms, simulator: SimulatorServer):
    simulator.fault(action="revoke_token", match={"account": NUMBER.external_id}, subcode=460)
    with pytest.raises(errors.TokenRevoked, match="password"):
        await platforms.whatsapp.send_text(NUMBER, "+33612345678", "Hello", "outbox-1")


async def test_an_unknown_container_is_read_again_later(platforms: Platforms):
    with pytest.raises(errors.ObjectNotVisible):
        await platforms.instagram.container_status(ACCOUNT, "17912345678901234")

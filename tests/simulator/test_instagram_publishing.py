import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.simulator.asking import IG, PHOTO, client_of, ok, post, prepare, publish, refusal, status_of
from tests.simulator.server import SimulatorServer

FILM = "https://example.org/a.mp4"


class Watch:
    def __init__(self):
        self.at = datetime(2026, 3, 4, 12, tzinfo=UTC)

    def __call__(self):
        return self.at


def test_a_container_is_finished_at_once_and_becomes_media_that_the_ledger_shows(graph, simulator):
    container = prepare(graph, caption="Spring is here", alt_text="A tree")
    assert status_of(graph, container) == "FINISHED"
    media = ok(publish(graph, container))["id"]
    assert status_of(graph, container) == "PUBLISHED"

    (effect,) = simulator.ledger(kind="instagram.publish", account=IG)
    assert effect["id"] == media
    assert effect["creation_id"] == container
    assert effect["caption"] == "Spring is here"
    assert effect["alt_text"] == "A tree"
    assert effect["image_url"] == PHOTO
    assert effect["answer_lost"] is False


def test_a_container_that_was_published_cannot_be_published_again(graph, simulator):
    container = prepare(graph)
    ok(publish(graph, container))
    assert refusal(publish(graph, container)) == (9007, 2207027)
    assert len(simulator.ledger(kind="instagram.publish")) == 1


@pytest.mark.parametrize("way", ["params", "data", "json"])
def test_parameters_come_in_the_query_as_a_form_or_as_json(graph, simulator, way):
    container = ok(graph.post(f"/{IG}/media", **{way: {"image_url": PHOTO, "caption": "é #1 & more"}}))["id"]
    ok(graph.post(f"/{IG}/media_publish", **{way: {"creation_id": container}}))
    assert simulator.ledger(kind="instagram.publish")[0]["caption"] == "é #1 & more"


def test_a_container_in_progress_cannot_be_published_until_its_status_was_read_often_enough():
    with SimulatorServer(processing_reads=2) as slow, client_of(slow) as graph:
        container = prepare(graph)
        assert refusal(publish(graph, container)) == (9007, 2207027)
        assert [status_of(graph, container) for _ in range(3)] == ["IN_PROGRESS", "IN_PROGRESS", "FINISHED"]
        ok(publish(graph, container))


def test_a_container_takes_its_time_and_lives_for_a_day():
    watch = Watch()
    with SimulatorServer(processing_s=30, now=watch) as world, client_of(world) as graph:
        container, other = prepare(graph), prepare(graph)
        watch.at += timedelta(seconds=29)
        assert status_of(graph, container) == "IN_PROGRESS"
        watch.at += timedelta(seconds=1)
        assert status_of(graph, container) == "FINISHED"
        ok(publish(graph, other))
        watch.at += timedelta(hours=24)
        assert status_of(graph, container) == "EXPIRED"
        assert refusal(publish(graph, container)) == (-2, 2207020)
        assert status_of(graph, other) == "PUBLISHED"


def test_the_daily_quota_counts_posts_and_frees_itself_after_a_day():
    watch = Watch()
    with SimulatorServer(quota_total=2, now=watch) as world, client_of(world) as graph:
        post(graph)
        post(graph)
        limit = ok(graph.get(f"/{IG}/content_publishing_limit?fields=config,quota_usage"))
        assert limit == {"data": [{"config": {"quota_total": 2, "quota_duration": 86_400}, "quota_usage": 2}]}
        container = prepare(graph)
        answer = publish(graph, container)
        assert (answer.status_code, refusal(answer)) == (403, (9, 2207042))
        watch.at += timedelta(hours=23)
        later = prepare(graph)
        watch.at += timedelta(hours=1)
        ok(publish(graph, later))


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, (100, None)),
        ({"image_url": ""}, (100, None)),
        ({"image_url": ["x"]}, (100, None)),
        ({"image_url": "photo.jpg"}, (9004, 2207052)),
        ({"image_url": "ftp://example.org/photo.jpg"}, (9004, 2207052)),
        ({"image_url": "https://[example/photo.jpg"}, (9004, 2207052)),
        ({"image_url": "https://example.org/photo.PNG?as=x.jpg"}, (36001, 2207005)),
        ({"image_url": "https://example.org/photo.gif"}, (36001, 2207005)),
        ({"image_url": PHOTO, "caption": "x" * 2_201}, (36004, 2207010)),
        ({"image_url": PHOTO, "caption": "#a " * 31}, (36004, 2207010)),
        ({"image_url": PHOTO, "caption": "@a " * 21}, (100, 2207040)),
        ({"image_url": PHOTO, "alt_text": "x" * 1_001}, (100, None)),
        ({"image_url": PHOTO, "media_type": "PAINTING"}, (100, None)),
        ({"image_url": PHOTO, "captoin": "misspelt"}, (100, None)),
        ({"image_url": PHOTO, "is_carousel_item": "perhaps"}, (100, None)),
        ({"image_url": PHOTO, "video_url": "https://example.org/a.mp4"}, (100, None)),
        ({"video_url": "https://example.org/a.mp4", "media_type": "VIDEO"}, (100, None)),
        ({"media_type": "REELS", "image_url": PHOTO}, (100, None)),
        ({"media_type": "REELS", "video_url": "https://example.org/a.avi"}, (352, 2207026)),
        ({"media_type": "REELS", "video_url": FILM, "alt_text": "A tree"}, (100, None)),
        ({"media_type": "STORIES", "image_url": PHOTO, "alt_text": "A tree"}, (100, None)),
        ({"media_type": "VIDEO", "video_url": FILM, "alt_text": "A", "is_carousel_item": True}, (100, None)),
        ({"image_url": PHOTO, "caption": "A tree", "is_carousel_item": True}, (100, None)),
        ({"media_type": "REELS", "video_url": FILM, "is_carousel_item": True}, (100, None)),
        ({"media_type": "STORIES", "image_url": PHOTO, "is_carousel_item": True}, (100, None)),
        ({"image_url": "http://127.0.0.1/_sim/media/a.jpg?width=400&height=501"}, (36003, 2207009)),
        ({"image_url": "http://127.0.0.1/_sim/media/a.jpg?width=1240"}, (36003, 2207009)),
        ({"media_type": "CAROUSEL", "children": ["1"]}, (100, 2207028)),
        ({"media_type": "CAROUSEL", "children": [str(number) for number in range(11)]}, (100, 2207028)),
        ({"media_type": "CAROUSEL", "children": ["1", "2"]}, (100, None)),
    ],
)
def test_what_instagram_does_not_take_is_refused_and_leaves_no_trace(graph, simulator, params, expected):
    assert refusal(graph.post(f"/{IG}/media", json=params)) == expected
    assert simulator.ledger() == []


@pytest.mark.parametrize(
    "params",
    [
        {"image_url": PHOTO, "caption": "x" * 2_200},
        {"image_url": PHOTO, "caption": ""},
        {"image_url": "http://127.0.0.1:8000/media/1"},
        {"image_url": "https://example.org/a%20photo.JPEG?size=.png"},
        {"media_type": "REELS", "video_url": "https://example.org/a.mp4"},
        {"media_type": "STORIES", "video_url": "https://example.org/a.mov"},
        {"media_type": "STORIES", "image_url": PHOTO},
        {"media_type": "VIDEO", "video_url": "https://example.org/a.mp4", "is_carousel_item": "true"},
        {"image_url": PHOTO, "collaborators": '["somebody"]'},
        {"image_url": PHOTO, "alt_text": "A tree", "is_carousel_item": "true"},
        {"image_url": "http://127.0.0.1/_sim/media/a.jpg?width=400&height=500"},
        {"image_url": "http://127.0.0.1/_sim/media/a.jpg?width=wide"},
    ],
)
def test_what_instagram_takes_is_taken(graph, params):
    ok(graph.post(f"/{IG}/media", data=params))


@pytest.mark.parametrize("spelled", [list, ",".join, lambda ids: f'["{ids[0]}", "{ids[1]}"]'])
def test_a_carousel_is_made_of_items_that_are_not_posts_themselves(graph, simulator, spelled):
    items = [prepare(graph, is_carousel_item=True) for _ in range(2)]
    assert refusal(publish(graph, items[0])) == (100, None)
    carousel = {"media_type": "CAROUSEL", "children": spelled(items), "caption": "Two"}
    container = ok(graph.post(f"/{IG}/media", json=carousel))["id"]
    media = ok(publish(graph, container))["id"]
    shown = ok(graph.get(f"/{media}?fields=media_type,children{{id,media_url}}"))
    assert shown == {
        "id": media,
        "media_type": "CAROUSEL_ALBUM",
        "children": {"data": [{"id": item} for item in items]},
    }
    assert simulator.ledger(kind="instagram.publish")[0]["children"] == items


def test_a_carousel_waits_for_its_items(graph, simulator):
    simulator.fault(action="container_in_progress", reads=1)
    items = [prepare(graph, is_carousel_item=True) for _ in range(2)]
    carousel = {"media_type": "CAROUSEL", "children": items}
    container = ok(graph.post(f"/{IG}/media", json=carousel))["id"]
    assert refusal(publish(graph, container)) == (9007, 2207027)
    status_of(graph, items[0])
    ok(publish(graph, container))


def test_a_carousel_is_made_of_the_accounts_own_living_items(graph, simulator):
    items = [prepare(graph, is_carousel_item=True) for _ in range(2)]
    plain = prepare(graph)
    for children in ([items[0], plain], [items[0], "17912345678901234"]):
        answer = graph.post(f"/{IG}/media", json={"media_type": "CAROUSEL", "children": children})
        assert refusal(answer) == (100, None)
    others = graph.post("/17841400000000001/media", json={"media_type": "CAROUSEL", "children": items})
    assert refusal(others) == (100, None)
    simulator.fault(action="container_expired")
    expired = prepare(graph, is_carousel_item=True)
    answer = graph.post(f"/{IG}/media", json={"media_type": "CAROUSEL", "children": [*items, expired]})
    assert refusal(answer) == (-2, 2207020)


def test_a_carousel_with_a_failed_item_is_not_published(graph, simulator):
    items = [prepare(graph, is_carousel_item=True) for _ in range(2)]
    container = ok(graph.post(f"/{IG}/media", json={"media_type": "CAROUSEL", "children": items}))["id"]
    simulator.fault(action="container_error", match={"path": f"/{items[1]}$"})
    assert status_of(graph, items[1]) == "ERROR"
    assert refusal(publish(graph, container)) == (9007, 2207027)
    assert simulator.ledger(kind="instagram.publish") == []


def test_nobody_publishes_what_is_not_theirs_or_not_there(graph):
    container = prepare(graph)
    assert refusal(publish(graph, container, "17841400000000001")) == (24, 2207008)
    assert refusal(publish(graph, "17912345678901234")) == (24, 2207008)
    assert refusal(graph.post(f"/{IG}/media_publish")) == (100, None)
    assert status_of(graph, container) == "FINISHED"


async def test_of_two_publishers_at_the_same_time_one_succeeds(graph, simulator):
    container = prepare(graph)
    simulator.fault(action="slow", delay_s=0.05, times=2, match={"kind": "instagram.publish"})
    async with httpx.AsyncClient(base_url=graph.base_url, headers=graph.headers) as rival:
        calls = [rival.post(f"/{IG}/media_publish", json={"creation_id": container}) for _ in range(2)]
        answers = await asyncio.gather(*calls)
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    assert len(simulator.ledger(kind="instagram.publish")) == 1

"""Where Meta knocks: the handshake, the signature, and that nothing that was answered 200 is lost."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socialsync.app.factory import create_app
from socialsync.db.urls import Urls
from tests.conftest import REPOSITORY, calling, opening
from tests.webhooks.conftest import Meta, as_meta_writes, signature, status, told

PAYLOADS = sorted((REPOSITORY / "tests/payloads/whatsapp").glob("*.json"))
HANDSHAKE = {"hub.mode": "subscribe", "hub.verify_token": "a verify token", "hub.challenge": "1158201444"}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["object", "entry", "changes", "value", "field", "metadata", "phone_number_id", "statuses", "id",
             "status", "timestamp", "errors", "code", "biz_opaque_callback_data", "messages"]
        ) | st.text(max_size=5),
        inner, max_size=5,
    ),
    max_leaves=30,
)  # fmt: skip


@pytest.mark.parametrize("platform", ["whatsapp", "instagram"])
async def test_the_handshake_is_answered_with_the_challenge_as_text(stranger, platform):
    answer = await stranger.get(f"/webhooks/{platform}", params=HANDSHAKE)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    "changed", [{"hub.verify_token": "guessed"}, {"hub.mode": "unsubscribe"}, {"hub.verify_token": "é"}]
)
async def test_anybody_elses_handshake_is_refused(stranger, changed):
    answer = await stranger.get("/webhooks/whatsapp", params={**HANDSHAKE, **changed})
    assert answer.status_code == 403
    assert "a verify token" not in answer.text


async def test_a_platform_that_we_do_not_know_has_no_door(stranger):
    assert (await stranger.get("/webhooks/myspace", params=HANDSHAKE)).status_code in {404, 422}


async def test_a_signed_body_is_stored_in_its_bytes_and_answered(meta):
    body = as_meta_writes(told(status("sent"), number="0") | {"note": "Café ☕"})
    answer = await meta.tell(body)
    assert (answer.status_code, answer.content) == (200, b"")
    (event,) = await meta.events()
    assert (event["platform"], bytes(event["body"]), event["problem"]) == ("whatsapp", body, None)
    assert event["handled_at"]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature-256": "sha1=0"},
        {"X-Hub-Signature-256": signature(b"{}", "another secret")},
        {"X-Hub-Signature-256": signature(b"{ }")},
    ],
)
async def test_a_body_that_meta_did_not_sign_is_refused_and_not_stored(meta, headers):
    answer = await meta.tell(b"{}", **headers)
    assert answer.status_code == 401
    assert "an app secret" not in answer.text
    assert await meta.events() == []


async def test_a_missing_signature_is_refused(stranger):
    assert (await stranger.post("/webhooks/whatsapp", content=b"{}")).status_code == 401


async def test_more_than_four_mebibytes_are_refused(meta):
    assert (await meta.tell(b" " * (4 * 2**20 + 1))).status_code == 413
    assert (await meta.tell(b" " * (4 * 2**20))).status_code == 200


@pytest.mark.parametrize(
    ("body", "problem"),
    [(b"", "JSON"), (b"not json", "JSON"), (b"\xff\xfe\x00", "JSON"), (b"[]", "object"), (b'"x"', "object")],
)
async def test_what_cannot_be_read_is_stored_marked_and_answered_200(meta, body, problem):
    assert (await meta.tell(body)).status_code == 200
    (event,) = await meta.events()
    assert bytes(event["body"]) == body
    assert problem in event["problem"]


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: path.stem)
async def test_every_body_that_meta_documents_is_taken(meta, path):
    assert (await meta.tell(path.read_bytes())).status_code == 200
    (event,) = await meta.events()
    assert event["problem"] is None


def test_there_are_bodies_to_replay():
    assert len(PAYLOADS) >= 16


async def test_the_same_body_again_is_one_row_that_counts(meta):
    for _ in range(3):
        assert (await meta.tell(told(status("sent")))).status_code == 200
    (event,) = await meta.events()
    assert event["times"] == 3


async def test_any_json_and_any_bytes_are_answered_200(meta: Meta):
    loop = asyncio.get_running_loop()

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(ANYTHING.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60))
    def check(body: bytes) -> None:
        for platform in ("whatsapp", "instagram"):
            answer = asyncio.run_coroutine_threadsafe(meta.tell(body, platform), loop).result(20)
            assert answer.status_code == 200, body

    await asyncio.to_thread(check)


async def test_while_postgres_is_away_nothing_is_lost_with_a_200(tmp_path, outside_world):
    nowhere = "postgresql://socialsync@127.0.0.1:1/away?connect_timeout=2"
    body = as_meta_writes(told(status("sent")))
    async with (
        opening(Urls(app=nowhere, direct=nowhere, owner=nowhere), tmp_path, outside_world.url) as away,
        calling(create_app(away)) as client,
    ):
        answer = await client.post(
            "/webhooks/whatsapp", content=body, headers={"X-Hub-Signature-256": signature(body)}
        )
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0

"""Where Meta knocks: the handshake, the signature, and that nothing that was answered 200 is lost."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import REPOSITORY
from tests.doses import examples
from tests.posts.conftest import office
from tests.webhooks.conftest import Meta, as_meta_writes, signature, status, told

__all__ = ["office"]  # a fixture

PAYLOADS = sorted((REPOSITORY / "tests/payloads").glob("[wi]*/*.json"))
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
STATUS = st.fixed_dictionaries(
    {"id": ANYTHING | st.just("wamid.1"), "status": st.sampled_from(["sent", "read", "failed", "?"])},
    optional=dict.fromkeys(("timestamp", "errors", "recipient_id", "biz_opaque_callback_data"), ANYTHING),
)
NEARLY = st.lists(STATUS | ANYTHING, max_size=3).map(lambda statuses: told(*statuses))
"""Of a number that is ours."""


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


@pytest.mark.parametrize("missing", ["hub.mode", "hub.verify_token", "hub.challenge"])
async def test_half_a_handshake_is_refused(stranger, missing):
    half = {name: value for name, value in HANDSHAKE.items() if name != missing}
    answer = await stranger.get("/webhooks/instagram", params=half)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert answer.json()["code"] == "Forbidden"


async def test_a_platform_that_we_do_not_know_has_no_door(stranger):
    for answer in (await stranger.get("/webhooks/x", params=HANDSHAKE), await stranger.post("/webhooks/x")):
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


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


async def test_a_missing_signature_is_refused_whatever_key_there_is(stranger, installation_client):
    for client in (stranger, installation_client):
        answer = await client.post("/webhooks/whatsapp", content=b"{}")
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


async def test_a_key_that_nobody_knows_does_not_matter(meta):
    assert (await meta.tell(b"{}", Authorization="Bearer nonsense")).status_code == 200


async def test_what_was_signed_is_the_bytes_and_not_their_meaning(meta):
    """Meta escapes what is not ASCII; whoever writes it anew gets another signature."""
    body = as_meta_writes({"object": "whatsapp_business_account", "entry": [], "note": "Zoë/☕"})
    assert b"Zo\\u00eb\\/\\u2615" in body
    anew = json.dumps(json.loads(body), ensure_ascii=False).encode()
    headers = {"X-Hub-Signature-256": signature(body)}
    assert (await meta.client.post("/webhooks/whatsapp", content=anew, headers=headers)).status_code == 401
    assert (await meta.client.post("/webhooks/whatsapp", content=body, headers=headers)).status_code == 200
    shouted = {"X-Hub-Signature-256": "sha256=" + signature(body).removeprefix("sha256=").upper()}
    assert (await meta.client.post("/webhooks/whatsapp", content=body, headers=shouted)).status_code == 200


async def test_no_content_type_matters(meta):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "nonsense"):
        assert (await meta.tell(told(status("sent")), **{"Content-Type": kind})).status_code == 200


async def test_more_than_four_mebibytes_are_refused(meta):
    assert (await meta.tell(b" " * (4 * 2**20 + 1))).status_code == 413
    assert await meta.events() == []
    assert (await meta.tell(b" " * (4 * 2**20))).status_code == 200


async def test_more_than_four_mebibytes_are_refused_without_a_length_too(meta):
    async def parts():
        for _ in range(65):
            yield b" " * 2**16

    headers = {"X-Hub-Signature-256": signature(b" " * 65 * 2**16)}
    answer = await meta.client.post("/webhooks/whatsapp", content=parts(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "BodyTooLarge")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "JSON"),
        (b"not json", "JSON"),
        (b"\xff\xfe\x00", "JSON"),
        (b"[" * 200_000, "JSON"),
        (b'{"entry":' + b"9" * 5_000 + b"}", "JSON"),
        (b"[]", "object"),
        (b'"x"', "object"),
        (b"{}", "entry"),
    ],
)
async def test_what_cannot_be_read_is_stored_marked_and_answered_200(meta, body, problem):
    assert (await meta.tell(body)).status_code == 200
    (event,) = await meta.events()
    assert bytes(event["body"]) == body
    assert problem in event["problem"]


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_every_body_that_meta_documents_is_taken(meta, path):
    assert (await meta.tell(path.read_bytes(), path.parent.name)).status_code == 200
    (event,) = await meta.events()
    assert (event["problem"] is None) == (not path.stem.startswith("odd"))
    assert event["handled_at"]
    assert event["parts"] or event["problem"]


def test_there_are_bodies_to_replay():
    assert len(PAYLOADS) >= 85


async def test_the_same_body_again_is_one_row_that_counts(meta):
    for _ in range(3):
        assert (await meta.tell(told(status("sent")))).status_code == 200
    (event,) = await meta.events()
    assert event["times"] == 3


async def test_the_same_bytes_to_another_platform_are_another_body(meta):
    for platform in ("whatsapp", "instagram"):
        assert (await meta.tell(told(status("sent")), platform)).status_code == 200
    assert [event["platform"] for event in await meta.events()] == ["whatsapp", "instagram"]


async def test_what_has_no_reader_yet_is_stored_unread(meta):
    change = {"field": "hologram", "value": {"id": "1"}}
    await meta.tell({"object": "instagram", "entry": [{"id": "1", "changes": [change]}]}, "instagram")
    (event,) = await meta.events()
    assert (event["parts"], event["problem"]) == ({"unread": {"hologram": 1}}, None)


async def test_a_number_with_odd_characters_is_nobodys(meta):
    assert (await meta.tell(told(status("sent"), number="\x00\ud800'"))).status_code == 200
    (event,) = await meta.events()
    assert (event["parts"], event["problem"]) == ({"strangers": 1}, None)


async def test_any_json_and_any_bytes_are_answered_200(office, meta: Meta):
    loop = asyncio.get_running_loop()

    @settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(ANYTHING, NEARLY).map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60))
    def check(body: bytes) -> None:
        for platform in ("whatsapp", "instagram"):
            answer = asyncio.run_coroutine_threadsafe(meta.tell(body, platform), loop).result(20)
            assert answer.status_code == 200, body

    await asyncio.to_thread(check)
    mistakes = [event for event in await meta.events() if "mistake" in (event["problem"] or "")]
    assert mistakes == []

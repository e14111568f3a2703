"""A creating request that is repeated creates once."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from socialsync.app import create_app
from socialsync.db import idempotency
from socialsync.db.idempotency import IdempotencyKey
from socialsync.features.channels.models import Channel
from tests.conftest import add_key, add_workspace, calling, opening

SECOND = timedelta(seconds=1)
URL = "/api/v1/channels"
TOKEN = "EAAGm0PX4ZCpsBA"
BODY = {"platform": "whatsapp", "name": "Front desk", "external_id": "106540352242922", "access_token": TOKEN}
KEY = {"Idempotency-Key": "order 7"}


async def count(database, workspace):
    async with database.transaction(workspace.id) as session:
        return await session.scalar(select(func.count()).select_from(Channel))


async def test_a_repetition_gets_the_first_answer_and_creates_nothing(client, database, workspace):
    first = await client.post(URL, json=BODY, headers=KEY)
    again = await client.post(URL, json=BODY, headers=KEY)
    assert first.status_code == again.status_code == 201
    assert again.json() == first.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"] == "application/json"
    assert await count(database, workspace) == 1


async def test_the_same_json_in_another_order_is_the_same_request(client):
    first = await client.post(URL, json=BODY, headers=KEY)
    again = await client.post(URL, json=dict(reversed(BODY.items())), headers=KEY)
    assert again.json() == first.json()


@pytest.mark.parametrize("other", [{"name": "Another"}, {"access_token": "EAAother"}])
async def test_another_body_under_the_same_key_is_refused(client, database, workspace, other):
    await client.post(URL, json=BODY, headers=KEY)
    answer = await client.post(URL, json=BODY | other, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (409, "IdempotencyKeyReused")
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert await count(database, workspace) == 1


async def test_another_address_under_the_same_key_is_refused(client):
    await client.post(URL, json=BODY, headers=KEY)
    other = {"question": "When?", "answer": "Now."}
    answer = await client.post("/api/v1/faqs", json=other, headers=KEY)
    assert answer.json()["code"] == "IdempotencyKeyReused"


async def test_without_a_key_nothing_is_remembered(client, database, workspace):
    await client.post(URL, json=BODY)
    assert (await client.post(URL, json=BODY)).status_code == 409
    async with database.transaction(workspace.id) as session:
        assert not (await session.scalars(select(IdempotencyKey))).all()


async def test_a_request_that_failed_leaves_its_key_free(client):
    await client.post(URL, json=BODY)
    taken = await client.post(URL, json=BODY | {"name": "Twin"}, headers=KEY)
    assert taken.json()["code"] == "ChannelExists"
    other = await client.post(URL, json=BODY | {"external_id": "2"}, headers=KEY)
    assert other.status_code == 201


async def test_workspaces_do_not_share_keys(client, other_client):
    first = await client.post(URL, json=BODY, headers=KEY)
    other = await other_client.post(URL, json=BODY, headers=KEY)
    assert other.status_code == 201
    assert other.json()["id"] != first.json()["id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\tb"])
async def test_a_key_of_odd_characters_or_length_is_refused(client, key):
    answer = await client.post(URL, json=BODY, headers={"Idempotency-Key": key.encode()})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize("key", ["x", "x" * 255, "~!@ #"])
async def test_any_printable_key_will_do(client, key):
    assert (await client.post(URL, json=BODY, headers={"Idempotency-Key": key})).status_code == 201


async def test_the_token_is_not_kept_with_the_key(client, database, workspace):
    await client.post(URL, json=BODY, headers=KEY)
    async with database.transaction(workspace.id) as session:
        row = (await session.scalars(select(IdempotencyKey))).one()
        stored = await session.scalar(text("select idempotency_keys::text from idempotency_keys"))
    assert len(row.request_digest) == 32
    assert row.status == 201
    assert TOKEN not in stored
    assert TOKEN.encode().hex() not in stored


async def test_concurrent_twins_create_once(fresh, tmp_path, outside_world):
    async with opening(fresh, tmp_path, outside_world.url) as resources:
        workspace = await add_workspace(resources.database, "Chez Nous")
        key = await add_key(resources.database, workspace.id)
        async with calling(create_app(resources), key) as client:
            answers = await asyncio.gather(*(client.post(URL, json=BODY, headers=KEY) for _ in range(8)))
        assert [answer.status_code for answer in answers] == [201] * 8
        assert len({UUID(answer.json()["id"]) for answer in answers}) == 1
        assert sorted("idempotency-replayed" in answer.headers for answer in answers) == [False] + [True] * 7
        assert await count(resources.database, workspace) == 1


async def test_of_twins_with_different_bodies_one_is_refused(fresh, tmp_path, outside_world):
    async with opening(fresh, tmp_path, outside_world.url) as resources:
        workspace = await add_workspace(resources.database, "Chez Nous")
        key = await add_key(resources.database, workspace.id)
        bodies = [BODY, BODY | {"external_id": "2"}]
        async with calling(create_app(resources), key) as client:
            answers = await asyncio.gather(*(client.post(URL, json=body, headers=KEY) for body in bodies))
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        assert await count(resources.database, workspace) == 1


async def test_the_installations_keys_are_its_own(client, database):
    await client.post(URL, json=BODY, headers=KEY)
    async with database.system_transaction("a test claims for the installation") as session:
        assert await idempotency.claim_key(session, key="order 7", digest=b"x")
        await idempotency.keep_answer(session, key="order 7", status=201, body={"id": 1})
        assert (await idempotency.get_key(session, "order 7")).request_digest == b"x"
        assert not await idempotency.claim_key(session, key="order 7", digest=b"x")
    again = await client.post(URL, json=BODY, headers=KEY)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["external_id"] == BODY["external_id"]


async def test_answers_are_forgotten_after_a_day(client, database):
    await client.post(URL, json=BODY, headers=KEY)
    async with database.system_transaction("a test lets a day pass") as session:
        born_at = await session.scalar(select(IdempotencyKey.created_at))
        assert await idempotency.prune(session, now=born_at + idempotency.KEPT_FOR) == 0
        assert await idempotency.prune(session, now=born_at + idempotency.KEPT_FOR + SECOND) == 1
        assert await session.scalar(select(func.count()).select_from(IdempotencyKey)) == 0

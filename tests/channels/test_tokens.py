"""Access tokens go in and never come out."""

import json

import pytest
import structlog
from sqlalchemy import text

from tests.channels.conftest import NEW, TOKEN, URL

TABLES = ("channels", "audit_log", "idempotency_keys")


@pytest.fixture
def lines():
    with structlog.testing.capture_logs() as lines:
        yield lines


async def everything_stored(database):
    async with database.system_transaction("a test looks for a secret everywhere") as session:
        stored = [
            await session.scalar(text(f"select string_agg(t::text, '') from {table} t"))  # noqa: S608 - our own names
            for table in TABLES
        ]
    return "".join(part or "" for part in stored)


async def test_a_token_is_stored_encrypted_and_shown_nowhere(client, database, rows, resources, lines):
    answers = [
        created := await client.post(URL, json=NEW, headers={"Idempotency-Key": "k"}),
        await client.post(URL, json=NEW, headers={"Idempotency-Key": "k"}),
        await client.post(URL, json=NEW),
        await client.get(URL),
        await client.get(f"{URL}/{created.json()['id']}"),
        await client.patch(f"{URL}/{created.json()['id']}", json={"access_token": TOKEN}),
        await client.post(URL, json=NEW | {"external_id": "!", "name": 5}),
        await client.post(URL, content=json.dumps(NEW)[:-1], headers={"content-type": "application/json"}),
        await client.post(URL, json=NEW | {"access_token": f"{TOKEN} "}),
        await client.post(URL, json=NEW | {"acces_token": TOKEN}),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 409, 200, 200, 200, 422, 422, 422, 422]
    for answer in answers:
        assert TOKEN not in answer.text
        assert TOKEN not in str(answer.headers)
    assert TOKEN not in str(lines)
    stored = await everything_stored(database)
    assert TOKEN not in stored
    assert TOKEN.encode().hex() not in stored
    [row] = await rows()
    assert resources.cipher.decrypt(row.token_encrypted) == TOKEN


async def test_after_a_deletion_the_token_is_gone(client, channel, rows):
    await client.delete(f"{URL}/{channel['id']}")
    assert [row.token_encrypted for row in await rows()] == [None]

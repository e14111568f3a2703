"""Bodies signed as Meta signs them, at the real door."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import text

SECRET = "an app secret"
NUMBER = "106540352242922"
CHANNEL = """
with workspace as (insert into workspaces (name) values ('Bakery') returning id)
insert into channels (workspace_id, platform, name, external_id, token_encrypted)
select id, 'whatsapp', 'Front desk', '106540352242922', 'x' from workspace returning workspace_id, id
"""
DELIVERY = """
with post as (
    insert into posts (workspace_id, channel_id, status, text, publish_at)
    values (%(workspace)s, %(channel)s, 'published', 'Hello', now()) returning id
)
insert into post_deliveries (workspace_id, post_id, recipient, status, platform_message_id)
select %(workspace)s, id, '+33612345601', 'sending', 'wamid.1' from post
"""


def as_meta_writes(content: Any) -> bytes:
    """Meta escapes what is not ASCII, and slashes."""
    return json.dumps(content).replace("/", "\\/").encode()


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def status(word: str, message_id: str = "wamid.1", **more: Any) -> dict[str, Any]:
    return {
        "id": message_id,
        "status": word,
        "timestamp": "1772625600",
        "recipient_id": "33612345601",
        **more,
    }


def told(*statuses: dict[str, Any], number: str = NUMBER) -> dict[str, Any]:
    metadata = {"display_phone_number": "15550783881", "phone_number_id": number}
    value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": list(statuses)}
    change = {"value": value, "field": "messages"}
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}


def add_delivery(owner: psycopg.Connection[Any]) -> None:
    """A message ``wamid.1`` of our number, on its way."""
    workspace, channel = owner.execute(CHANNEL).fetchone()
    owner.execute(DELIVERY, {"workspace": workspace, "channel": channel})


@dataclass
class Meta:
    client: httpx.AsyncClient
    database: Any

    async def tell(self, content: Any, platform: str = "whatsapp", **headers: str) -> httpx.Response:
        body = content if isinstance(content, bytes) else as_meta_writes(content)
        signed = {"X-Hub-Signature-256": signature(body), **headers}
        return await self.client.post(f"/webhooks/{platform}", content=body, headers=signed)

    async def events(self) -> list[dict[str, Any]]:
        async with self.database.system_transaction("a test looks at webhooks") as session:
            rows = await session.execute(text("select * from webhook_events order by id"))
            return [dict(row) for row in rows.mappings()]


@pytest.fixture
def owner(fresh):
    """The owner's connection to a database of this test's own, beside the application's."""
    with psycopg.connect(fresh.owner, autocommit=True) as connection:
        connection.execute("select set_config('app.system_reason', 'a test', false)")
        yield connection


@pytest.fixture
def meta(stranger, database) -> Meta:
    return Meta(stranger, database)

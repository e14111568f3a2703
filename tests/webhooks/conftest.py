"""Bodies signed as Meta signs them, at the real door."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import text

SECRET = "an app secret"
NUMBER = "106540352242922"


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
def meta(stranger, database) -> Meta:
    return Meta(stranger, database)

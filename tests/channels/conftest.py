import pytest
from sqlalchemy import select

from socialsync.db.audit import AuditEntry
from socialsync.features.channels.models import Channel

URL = "/api/v1/channels"
TOKEN = "EAAGm0PX4ZCpsBA-secret"
NEW = {"platform": "whatsapp", "name": "Front desk", "external_id": "106540352242922", "access_token": TOKEN}


@pytest.fixture
def rows(database):
    """The channels of every workspace as they are stored, oldest first."""

    async def read():
        async with database.system_transaction("a test looks at the rows") as session:
            return (await session.scalars(select(Channel).order_by(Channel.id))).all()

    return read


@pytest.fixture
def audited(database):
    """What was done to channels, in order."""

    async def read():
        async with database.system_transaction("a test looks at the deeds") as session:
            entries = (await session.scalars(select(AuditEntry).order_by(AuditEntry.id))).all()
        return [entry for entry in entries if entry.subject.startswith("channel:")]

    return read


@pytest.fixture
async def channel(client):
    """A channel, as its creation answered."""
    return (await client.post(URL, json=NEW)).json()

"""A workspace whose people write: bodies through the real door, jobs run as a worker would run them."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from socialsync import clock
from tests.posts.conftest import IG_USER, WA_NUMBER, Office, office
from tests.webhooks.conftest import Meta, meta

__all__ = ["IG_USER", "WA_NUMBER", "meta", "office"]

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
ADA, BOB = "33612345601", "33612345602"
IG_PERSON = "1254477777772919"
TABLES = {
    "contacts": "user_id, phone, name, username",
    "conversations": "mode, taken_over_by, last_inbound_at, last_message_at",
    "messages": "platform_message_id, direction, author, kind, text, detail, reply_to, status, told_at,"
    " edited_at, deleted_at, unseen",
    "message_media": "place, kind, platform_media_id, url, mime_type, file_name, status, error",
    "message_reactions": "platform_message_id, direction, emoji, told_at",
}
"""What must not depend on how often and in which order things were told."""


def seconds(at: datetime) -> str:
    return str(int(at.timestamp()))


@dataclass
class Inbox:
    """Where people's messages come in."""

    office: Office
    meta: Meta
    clock: clock.MovableClock
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def workspace_id(self) -> UUID:
        return self.office.workspace_id

    @property
    def opened(self):
        return self.office.opened

    @property
    def now(self) -> datetime:
        return clock.now()

    def wait(self, **by: float) -> datetime:
        self.clock.move(timedelta(**by))
        return self.now

    def message(self, text: str | None = None, *, person: str = ADA, type_: str = "text", **more: Any):
        """One of WhatsApp's, from Ada unless told otherwise."""
        content = {"text": {"body": text}} if text is not None else {}
        made = {"from": person, "id": f"wamid.{next(self.numbers)}", "timestamp": seconds(self.now)}
        return {**made, "type": type_, **content, **more}

    def body(self, *messages: dict[str, Any], name: str | None = "Ada", **value: Any) -> dict[str, Any]:
        people = {each["from"]: None for each in messages if "from" in each}
        contacts = [{"profile": {"name": name}, "wa_id": each} for each in people] if name else []
        told = {"metadata": {"phone_number_id": WA_NUMBER}, "contacts": contacts, "messages": list(messages)}
        change = {"field": "messages", "value": {**told, **value}}
        return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}

    def echo(self, text: str, message_id: str, *, person: str = ADA, at: datetime | None = None):
        """Somebody answers from the phone."""
        sent = {"from": "15550783881", "to": person, "id": message_id, "timestamp": seconds(at or self.now)}
        value = {
            "metadata": {"phone_number_id": WA_NUMBER},
            "message_echoes": [{**sent, "type": "text", "text": {"body": text}}],
        }
        change = {"field": "smb_message_echoes", "value": value}
        return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}

    def direct(self, *, echo: bool = False, at: datetime | None = None, **content: Any) -> dict[str, Any]:
        """One event of Instagram's."""
        sides = [{"id": IG_PERSON}, {"id": IG_USER}]
        sender, recipient = reversed(sides) if echo else sides
        told = {
            "sender": sender,
            "recipient": recipient,
            "timestamp": int((at or self.now).timestamp() * 1e3),
        }
        entry = {"id": IG_USER, "time": 1, "messaging": [{**told, **content}]}
        return {"object": "instagram", "entry": [entry]}

    async def tell(self, body: dict[str, Any]) -> None:
        platform = "instagram" if body["object"] == "instagram" else "whatsapp"
        assert (await self.meta.tell(body, platform)).status_code == 200

    async def write(self, *texts: str, person: str = ADA) -> None:
        """Each in a body of its own."""
        for text in texts:
            await self.tell(self.body(self.message(text, person=person)))

    async def write_direct(self, text: str) -> None:
        await self.tell(self.direct(message={"mid": f"aWd{next(self.numbers)}", "text": text}))

    async def rows(self, table: str, order: str = "id") -> list[dict[str, Any]]:
        return await self.office.rows(f"select * from {table} order by {order}")  # noqa: S608 - a table of ours

    async def conversation(self) -> dict[str, Any]:
        (one,) = await self.rows("conversations")
        return one

    async def window(self) -> dict[str, Any]:
        return (await self.rows("message_windows"))[-1]

    async def outgoing(self) -> list[dict[str, Any]]:
        return [
            row for row in await self.rows("messages", "created_at, id") if row["direction"] == "outbound"
        ]

    async def waiting(self, task: str) -> list[dict[str, Any]]:
        return [job for job in await self.office.jobs(task) if job["status"] == "todo"]

    async def run(self, task: str) -> Any:
        """Run the job of this task that waits."""
        (job,) = await self.waiting(task)
        return await self.office.run(job["id"])

    async def finish(self, task: str) -> Any:
        """Run it, and let it end as a worker would."""
        (job,) = await self.waiting(task)
        result = await self.office.run(job["id"])
        await self.office.rows(
            "update procrastinate_jobs set status = 'succeeded' where id = :id returning id", id=job["id"]
        )
        return result

    async def state(self) -> dict[str, Any]:
        """All that was stored, without our own ids and times."""
        return {
            table: sorted(
                map(
                    repr,
                    (
                        tuple(row.values())
                        for row in await self.office.rows(f"select {columns} from {table}")  # noqa: S608 - of ours
                    ),
                )
            )
            for table, columns in TABLES.items()
        }

    async def forget(self) -> None:
        """As if nobody had ever written."""
        tables = ["outbox", "message_media", "message_reactions", "messages", "message_windows",
                  "conversations", "contacts", "webhook_events", "procrastinate_jobs"]  # fmt: skip
        for table in tables:
            await self.office.rows(f"delete from {table} where true returning 1")  # noqa: S608 - a table of ours


@pytest.fixture
def inbox(office, meta, noon) -> Inbox:
    return Inbox(office, meta, noon)

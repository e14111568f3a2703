"""Many at once, on connections of their own: nobody waits for one another in a circle, nothing is doubled."""

import asyncio
import itertools
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from socialsync.db.encryption import Cipher
from socialsync.features.accounts import service as accounts
from socialsync.features.channels import service as channels
from socialsync.features.messages import service as messages
from socialsync.features.messages import windows
from socialsync.features.webhooks import service as webhooks
from tests.messages.conftest import WA_NUMBER
from tests.webhooks.conftest import as_meta_writes

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
REASON = "a test of races"


@pytest.fixture
async def shop(fresh_database):
    """A workspace with a number; its id."""
    async with fresh_database.system_transaction(REASON) as session:
        workspace = await accounts.create_workspace(session, name="Bakery")
    async with fresh_database.transaction(workspace.id) as session:
        new = {"platform": "whatsapp", "name": "Front desk", "external_id": WA_NUMBER}
        cipher = Cipher(["a key of the tests"])
        await channels.connect(session, cipher, workspace.id, new, access_token="EAAtoken", actor="tests")
    return workspace.id


def body(told: list[dict[str, Any]], note: int) -> bytes:
    value = {"metadata": {"phone_number_id": WA_NUMBER}, "messages": told}
    change = {"field": "messages", "value": value}
    return as_meta_writes({"entry": [{"changes": [change]}], "note": note})


def message(n: int, person: int, *, scoped: bool) -> dict[str, Any]:
    made = {
        "id": f"wamid.{n}",
        "from": f"3361234{person:04d}",
        "timestamp": "1772625600",
        "type": "text",
        "text": {"body": f"message {n}"},
    }
    return made | ({"from_user_id": f"US.{person}"} if scoped else {})


async def rows(database, sql: str) -> list[Any]:
    async with database.system_transaction(REASON) as session:
        return list((await session.execute(text(sql))).mappings())


async def test_bodies_about_the_same_people_in_any_order_at_once(fresh_database, shop):
    """Each message twice, people known by phone at first and by their id later, in forty bodies."""
    dice = random.Random(7)  # noqa: S311 - the same story each time
    story = [message(n, n % 12, scoped=dice.random() < 0.5) for n in range(150)] * 2
    dice.shuffle(story)
    bodies = [body(story[at : at + 8], at) for at in range(0, len(story), 8)]

    async def tell(one: bytes) -> None:
        async with fresh_database.system_transaction(REASON) as session:
            await webhooks.receive(session, "whatsapp", one, now=NOW)

    await asyncio.gather(*(tell(one) for one in bodies))
    async with fresh_database.system_transaction(REASON) as session:
        for _ in range(3):
            await webhooks.retry_waiting(session, now=NOW)
    assert await rows(fresh_database, "select * from webhook_events where problem is not null") == []
    stored = await rows(fresh_database, "select * from messages")
    assert len(stored) == len({row["platform_message_id"] for row in stored}) == 150
    assert len(await rows(fresh_database, "select * from contacts")) == 12
    assert len(await rows(fresh_database, "select * from conversations")) == 12
    assert len(await rows(fresh_database, "select * from message_windows")) == 12
    waiting = "select * from procrastinate_jobs where task_name = 'conversations.process_message'"
    assert len(await rows(fresh_database, waiting)) == 12


async def test_a_window_is_closed_by_one_of_many(fresh_database, shop):
    async with fresh_database.system_transaction(REASON) as session:
        await webhooks.receive(session, "whatsapp", body([message(1, 1, scoped=False)], 0), now=NOW)
    (conversation,) = await rows(fresh_database, "select id from conversations")
    later = datetime(2026, 3, 4, 12, 1, tzinfo=UTC)

    async def close() -> bool:
        async with fresh_database.transaction(shop) as session:
            held = await messages.hold_conversation(session, conversation["id"])
            window = await messages.close_window(session, held, now=later)
            return window is not None and await messages.end_window(
                session, held, window, "answered", None, now=later
            )

    assert sum(await asyncio.gather(*(close() for _ in range(8)))) == 1


async def test_messages_and_closings_at_once_lose_nothing(fresh_database, shop):
    """Every message is in a window, and every window is handled or has a job."""
    clock = itertools.count()

    async def tell(n: int) -> None:
        now = NOW.replace(second=next(clock) % 60)
        async with fresh_database.system_transaction(REASON) as session:
            await webhooks.receive(session, "whatsapp", body([message(n, 1, scoped=False)], n), now=now)

    async def close() -> None:
        found = await rows(fresh_database, "select id from conversations")
        for conversation in found:
            async with fresh_database.transaction(shop) as session:
                held = await messages.hold_conversation(session, conversation["id"])
                now = NOW.replace(second=next(clock) % 60)
                window = await messages.close_window(session, held, now=now)
                if window is not None:
                    await windows.end(session, shop, window.id, "answered", None, now=now)

    await asyncio.gather(*(each for n in range(25) for each in (tell(n), close())))
    stored = await rows(fresh_database, "select window_id from messages")
    assert len(stored) == 25
    assert all(row["window_id"] for row in stored)
    open_ones = await rows(fresh_database, "select id from message_windows where ended_at is null")
    waiting = await rows(fresh_database, "select id from procrastinate_jobs where status = 'todo'")
    assert len(waiting) >= len(open_ones)
    assert len(open_ones) <= 1

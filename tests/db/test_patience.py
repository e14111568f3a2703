"""Postgres vanishes while an intent is being committed: nobody acted, so it is acted on later, once."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, update

from socialsync.db import patience
from socialsync.db.transaction import Database
from socialsync.features.accounts.models import Workspace
from socialsync.features.comments import replying
from socialsync.features.messages import outbox, withdrawing
from socialsync.features.posts import batches
from socialsync.queue.policies import Wait
from tests.comments.conftest import SETTLE as SETTLE_REPLY
from tests.comments.conftest import Wall, wall
from tests.conftest import add_workspace
from tests.messages.conftest import Inbox, inbox
from tests.messages.test_sending import SEND, SETTLE, say, statuses
from tests.posts.conftest import office
from tests.posts.test_broadcasts import THREE, broadcast, sent_to
from tests.posts.test_broadcasts import statuses as deliveries
from tests.webhooks.conftest import meta

__all__ = ["inbox", "meta", "office", "wall"]

GONE = psycopg.OperationalError("the connection is lost")


@pytest.fixture
def unheard(monkeypatch) -> Iterator[Callable[..., None]]:
    """Have the answers to some commits get lost: first that of the transaction in which the function is
    called, then those of as many transactions as are said.
    """
    monkeypatch.setattr(patience, "OUTCOME_TRIES", (0.0,) * 5)
    monkeypatch.setattr(patience, "WITHDRAWAL_TRIES", (0.0,) * 8)
    begin = Database.transaction
    left: list[int] = []

    def have(module: Any, name: str, *, more: int = 0) -> None:
        intend = getattr(module, name)

        async def noticed(*args: Any, **named: Any) -> Any:
            monkeypatch.setattr(module, name, intend)
            done = await intend(*args, **named)
            left.extend(range(1 + more))
            return done

        monkeypatch.setattr(module, name, noticed)

    @asynccontextmanager
    async def transaction(database: Database, workspace_id):
        async with begin(database, workspace_id) as session:
            yield session
        if left:
            left.pop()
            raise GONE

    monkeypatch.setattr(Database, "transaction", transaction)
    yield have
    assert not left


@pytest.mark.parametrize("more", [0, 5])
async def test_a_message(inbox: Inbox, simulator, unheard, more):
    await inbox.write("Hi")
    await say(inbox, "one")
    unheard(outbox, "intend", more=more)
    with pytest.raises(Wait):
        await inbox.run(SEND)
    assert simulator.ledger(kind="whatsapp.message") == []
    assert await statuses(inbox) == ["queued"]
    assert await inbox.waiting(SETTLE) == []
    assert await inbox.run(SEND) == {"sent": 1, "doubt": 0, "failed": 0}
    assert await statuses(inbox) == ["sent"]
    assert len(simulator.ledger(kind="whatsapp.message")) == 1


async def test_postgres_that_stays_away_leaves_a_doubt(inbox: Inbox, simulator, unheard, monkeypatch):
    await inbox.write("Hi")
    await say(inbox, "one")

    async def fails(*_: Any, **__: Any) -> None:
        raise GONE

    monkeypatch.setattr(withdrawing, "withdraw", fails)
    unheard(outbox, "intend")
    with pytest.raises(Wait):
        await inbox.run(SEND)
    assert await statuses(inbox) == ["sending"]
    assert len(await inbox.waiting(SETTLE)) == 1


async def test_a_withdrawal_outlives_the_job_that_is_cancelled(fresh_database, unheard, monkeypatch):
    """As all are of a process that is cut off; Postgres comes back later."""
    monkeypatch.setattr(patience, "WITHDRAWAL_TRIES", (0.05,) * 100)
    workspace = await add_workspace(fresh_database, "Bakery")
    away, back = asyncio.Event(), asyncio.Event()

    async def rename(session: Any, name: str) -> None:
        await session.execute(update(Workspace).values(name=name))

    async def withdraw(session: Any) -> None:
        if not back.is_set():
            away.set()
            raise GONE
        await rename(session, "withdrawn")

    async def work() -> None:
        async with patience.intention(fresh_database, workspace.id, withdraw) as session:
            await intents.commit(session, "intended")

    async def name() -> str:
        async with fresh_database.transaction(workspace.id) as session:
            return await session.scalar(select(Workspace.name))

    intents = SimpleNamespace(commit=rename)
    unheard(intents, "commit")
    job = asyncio.create_task(work())
    await away.wait()
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert await name() == "intended"
    back.set()
    async with asyncio.timeout(30):
        while await name() != "withdrawn":
            await asyncio.sleep(0.05)


async def test_a_message_that_another_has_overtaken_stays_in_doubt(inbox: Inbox, simulator, unheard):
    await inbox.write("Hi")
    await say(inbox, "one")
    await say(inbox, "two")
    simulator.fault(action="lost_answer", match={"kind": "whatsapp.message"}, times=1)
    await inbox.run(SEND)
    one, _ = await inbox.rows("outbox", "position")
    waiting = outbox.Waiting(
        one["id"], one["message_id"], one["conversation_id"], one["id"],
        "operator", "", one["payload"], None, 0, "human", None,
    )  # fmt: skip
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        await withdrawing.withdraw(session, inbox.workspace_id, waiting, intended_at=one["sending_at"])
    assert await statuses(inbox) == ["sending", "sent"]


async def test_a_broadcast(office, simulator, unheard):
    post, job_id = await broadcast(office)
    unheard(batches, "take")
    with pytest.raises(Wait):
        await office.run(job_id)
    assert sent_to(simulator) == []
    assert await deliveries(office) == ["queued"] * 3
    await office.retry(job_id)
    assert sent_to(simulator) == THREE
    assert (await office.see(post.id))["status"] == "published"


async def test_a_reply(wall: Wall, unheard):
    wall.comment("When do you open?")
    await wall.poll()
    unheard(replying, "settle_at")
    with pytest.raises(Wait):
        await wall.work()
    (reply,) = await wall.replies()
    assert (reply["status"], reply["effect_at"]) == ("queued", None)
    assert [job for job in await wall.office.jobs(SETTLE_REPLY) if job["status"] == "todo"] == []
    (job,) = [job for job in await wall.office.jobs("comments.process_comment") if job["status"] == "doing"]
    await wall.office.retry(job["id"])
    assert len(wall.said()) == 1


async def test_those_of_a_broadcast_who_were_held_back(office, simulator, unheard, noon):
    post, job_id = await broadcast(office)
    simulator.fault(action="error", code=131056, match={"kind": "whatsapp.message"}, times=1)
    await office.run(job_id)
    noon.move(timedelta(seconds=10))
    (job,) = [job for job in await office.jobs("posts.send_held_back") if job["status"] == "todo"]
    unheard(batches, "take")
    with pytest.raises(Wait):
        await office.run(job["id"])
    assert sorted(await deliveries(office)) == ["queued", "sent", "sent"]
    await office.retry(job["id"])
    assert sent_to(simulator) == THREE
    assert (await office.see(post.id))["status"] == "published"

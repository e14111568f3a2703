"""Several processes and a Postgres that goes away, with commits and all."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from socialsync.app.factory import create_app
from socialsync.db.urls import Urls
from socialsync.features.webhooks import service
from tests.conftest import calling, opening
from tests.serving import serving
from tests.webhooks.conftest import NUMBER, add_delivery, as_meta_writes, signature, status, told

BODY = as_meta_writes(told(status("sent")))


@pytest.fixture
async def doors(fresh, tmp_path, outside_world):
    """Two API processes on one Postgres."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                calling(
                    create_app(await stack.enter_async_context(opening(fresh, tmp_path, outside_world.url)))
                )
            )
            for _ in range(2)
        ]


def tell(door, body=BODY):
    headers = {"X-Hub-Signature-256": signature(body)}
    return door.post("/webhooks/whatsapp", content=body, headers=headers)


async def test_the_same_body_at_two_doors_at_once_is_one_row(doors, owner):
    answers = await asyncio.gather(*(tell(door) for door in doors * 4))
    assert {answer.status_code for answer in answers} == {200}
    assert owner.execute("select times, handled_at is null from webhook_events").fetchall() == [(8, False)]


async def test_what_was_answered_is_committed(doors, owner):
    assert (await tell(doors[0])).status_code == 200
    ((body,),) = owner.execute("select body from webhook_events").fetchall()
    assert body == BODY


async def test_what_the_world_tells_is_heard(fresh, owner, tmp_path, outside_world, simulator):
    """Over real HTTP, as the simulator signs and writes it, duplicates and all."""
    add_delivery(owner)
    async with (
        opening(fresh, tmp_path, outside_world.url) as opened,
        serving(create_app(opened)) as port,
    ):
        await asyncio.to_thread(simulator.tell, f"http://127.0.0.1:{port}", "an app secret")
        known = {"id": "wamid.1", "account": NUMBER, "recipient": "+33612345601", "at": 1772625600}
        told = [{**known, "status": word} for word in ("read", "sent", "delivered", "delivered")]
        await asyncio.to_thread(simulator.happens, statuses=told)
        while (await asyncio.to_thread(simulator.told))["told"] < len(told):
            await asyncio.sleep(0.01)
        assert (await asyncio.to_thread(simulator.told))["refused"] == 0
    assert owner.execute("select status from post_deliveries").fetchone() == ("read",)


async def test_a_connection_that_is_cut_while_a_body_is_handled_loses_nothing(doors, owner):
    add_delivery(owner)
    with owner.transaction():
        owner.execute("select from post_deliveries for update")
        telling = asyncio.create_task(tell(doors[0]))
        while not owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and wait_event_type = 'Lock'"
        ).fetchall():
            await asyncio.sleep(0.01)
            owner.execute("select pg_stat_clear_snapshot()")
        answer = await telling
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert owner.execute("select count(*) from webhook_events").fetchone() == (0,)
    assert (await tell(doors[0])).status_code == 200
    assert owner.execute("select status from post_deliveries").fetchone() == ("sent",)


async def test_a_mistake_of_ours_is_undone_alone_and_the_body_handled_later(
    doors, owner, fresh_database, noon
):
    """What posts make of a status cannot be stored for a while, whatever the reason."""
    add_delivery(owner)
    owner.execute("alter table post_deliveries add constraint broken check (status <> 'sent')")
    assert (await tell(doors[0])).status_code == 200
    problem, handled_at = owner.execute("select problem, handled_at from webhook_events").fetchone()
    assert "mistake" in problem
    assert handled_at is None

    async def sweep_after(wait):
        async with fresh_database.system_transaction("a test handles webhooks") as session:
            return await service.retry_waiting(session, now=noon() + wait)

    assert await sweep_after(timedelta(seconds=5)) == 1
    assert await sweep_after(timedelta(minutes=11)) == 0  # it waits for a person's replay
    owner.execute("alter table post_deliveries drop constraint broken")
    async with fresh_database.system_transaction("a test handles webhooks") as session:
        (row,) = await service.list_events(session, which="unhandled", limit=10)
        assert await service.replay(session, row["id"], now=noon()) == "handled"
    assert owner.execute("select status from post_deliveries").fetchone() == ("sent",)
    assert owner.execute("select problem, handled_at from webhook_events").fetchone() == (None, noon())


async def test_while_postgres_is_away_nothing_is_lost_with_a_200(tmp_path, outside_world):
    nowhere = "postgresql://socialsync@127.0.0.1:1/away?connect_timeout=2"
    async with (
        opening(Urls(app=nowhere, direct=nowhere, owner=nowhere), tmp_path, outside_world.url) as away,
        calling(create_app(away)) as client,
    ):
        answer = await tell(client)
        handshake = {"hub.mode": "subscribe", "hub.verify_token": "a verify token", "hub.challenge": "7"}
        assert (await client.get("/webhooks/whatsapp", params=handshake)).text == "7"
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0

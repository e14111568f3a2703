"""Bodies that come together share a transaction, and nothing else: each is answered for itself."""

import asyncio

import pytest

from socialsync import clock, registry
from socialsync.app.factory import create_app
from socialsync.features.webhooks import intake as intake_of
from socialsync.features.webhooks.intake import Intake
from tests.conftest import calling, opening
from tests.webhooks.conftest import CHANNEL, add_delivery, as_meta_writes, signature, status, told

NUMBER = "106540352242922"


@pytest.fixture
async def door(fresh, tmp_path, outside_world):
    async with (
        opening(fresh, tmp_path, outside_world.url) as opened,
        calling(create_app(opened)) as client,
    ):
        yield client


def wrote(n: int, person: int = 0):
    phone = f"3361234560{person}"
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER},
        "contacts": [{"profile": {"name": "Zoë"}, "wa_id": phone}],
        "messages": [
            {
                "from": phone,
                "id": f"wamid.{n}",
                "timestamp": str(1772625600 + n),
                "type": "text",
                "text": {"body": f"Nr. {n}"},
            }
        ],
    }
    change = {"field": "messages", "value": value}
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}


async def tell(door, content, platform: str = "whatsapp") -> int:
    body = content if isinstance(content, bytes) else as_meta_writes(content)
    headers = {"X-Hub-Signature-256": signature(body)}
    return (await door.post(f"/webhooks/{platform}", content=body, headers=headers)).status_code


async def test_a_hundred_bodies_at_once_share_few_transactions_and_are_all_stored(fresh_database, owner):
    registry.load()
    owner.execute(CHANNEL)
    intake = Intake(fresh_database)
    bodies = [as_meta_writes(wrote(n % 80, n % 80 % 7)) for n in range(100)]  # some come twice
    await asyncio.gather(*(intake.receive("whatsapp", body, now=clock.now()) for body in bodies))
    events = "select count(*), sum(times), count(handled_at), count(distinct xmin::text) from webhook_events"
    *counts, transactions = owner.execute(events).fetchone()
    assert counts == [80, 100, 80]
    assert transactions <= 3
    assert owner.execute("select count(*) from messages").fetchone() == (80,)
    assert owner.execute("select count(*) from conversations").fetchone() == (7,)
    assert owner.execute("select count(*) from message_windows").fetchone() == (7,)
    waiting = "select count(*) from procrastinate_jobs where task_name = 'conversations.process_message'"
    assert owner.execute(waiting).fetchone() == (7,)


async def test_a_transaction_that_waits_for_somebodys_lock_holds_up_no_others(fresh_database, owner):
    registry.load()
    owner.execute(CHANNEL)
    intake = Intake(fresh_database)

    def tell(n, person):
        return intake.receive("whatsapp", as_meta_writes(wrote(n, person)), now=clock.now())

    await asyncio.gather(*(tell(person, person) for person in range(intake_of.ROUNDS + 1)))
    with owner.transaction():
        owner.execute("select from conversations order by id limit %s for update", [intake_of.ROUNDS])
        stuck = []
        for person in range(intake_of.ROUNDS):
            stuck.append(asyncio.create_task(tell(10 + person, person)))
            await until_waiting(owner, person + 1)
        await tell(20, intake_of.ROUNDS)  # nobody comes after it
        assert not any(task.done() for task in stuck)
    await asyncio.gather(*stuck)
    assert owner.execute("select count(*) from messages").fetchone() == (2 * intake_of.ROUNDS + 2,)


async def until_waiting(owner, count):
    """Until so many transactions wait for a lock."""
    waiting = (
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock'"
    )
    while owner.execute(waiting).fetchone() < (count,):
        await asyncio.sleep(0.01)
        owner.execute("select pg_stat_clear_snapshot()")


async def test_each_body_is_told_what_was_in_it(door, owner):
    add_delivery(owner)
    bodies = [told(status("sent")), told(status("read"), number="0"), b"nonsense", wrote(1), wrote(2)]
    assert await asyncio.gather(*(tell(door, body) for body in bodies)) == [200] * 5
    events = {
        bytes(body): (parts, problem)
        for body, parts, problem in owner.execute("select body, parts, problem from webhook_events")
    }
    assert [events[body if isinstance(body, bytes) else as_meta_writes(body)] for body in bodies] == [
        ({"statuses": 1}, None),
        ({"strangers": 1}, None),
        ({}, "It is not JSON"),
        ({"messages": 1}, None),
        ({"messages": 1}, None),
    ]
    assert owner.execute("select status from post_deliveries").fetchone() == ("sent",)


async def test_a_status_waits_for_its_message_though_its_neighbours_do_not(door, owner):
    add_delivery(owner)
    late = told(status("sent"), status("read", "wamid.unknown"))
    assert await asyncio.gather(*(tell(door, body) for body in (wrote(1), late, wrote(2)))) == [200] * 3
    waiting = owner.execute("select parts from webhook_events where handled_at is null").fetchall()
    assert waiting == [({"statuses": 2, "waiting": [1]},)]


async def test_a_mistake_with_one_body_spoils_none_that_came_with_it(door, owner):
    owner.execute(CHANNEL)
    owner.execute("alter table messages add constraint broken check (platform_message_id <> 'wamid.3')")
    assert set(await asyncio.gather(*(tell(door, wrote(n, n)) for n in range(8)))) == {200}
    problems = owner.execute("select count(*), count(problem), count(handled_at) from webhook_events")
    assert problems.fetchone() == (8, 1, 7)
    assert owner.execute("select count(*) from messages").fetchone() == (7,)

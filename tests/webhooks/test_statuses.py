"""Statuses on their way from Meta's body to the delivery that they are about."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from socialsync.features.webhooks import service
from socialsync.queue.policies import Wait
from tests.posts.conftest import WA_NUMBER, office
from tests.webhooks.conftest import as_meta_writes, status, told

__all__ = ["office"]  # a fixture

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
THREE = ["+33612345601", "+33612345602", "+33612345603"]
REASON = "a test handles webhooks"


@pytest.fixture
async def sent(office, noon):
    """Three deliveries that were sent."""
    post = await office.write(channel_id=office.whatsapp, recipients=THREE, now=NOON)
    await office.run(await office.publish(post.id))
    return await see(office)


async def see(office):
    return await office.rows("select * from post_deliveries order by recipient")


async def test_every_status_of_every_entry_and_change_counts(office, meta, sent):
    first, second, third = sent
    body = told(status("delivered", first["platform_message_id"]))
    body["entry"][0]["changes"] += told(status("read", second["platform_message_id"]))["entry"][0]["changes"]
    failed = status("failed", "wamid.x", biz_opaque_callback_data=str(third["id"]), errors=[{"code": 131026}])
    body["entry"] += told(failed)["entry"]
    body["entry"] += told(status("read", first["platform_message_id"]), number="999")["entry"]
    assert (await meta.tell(body)).status_code == 200
    assert [row["status"] for row in await see(office)] == ["delivered", "read", "failed"]
    (event,) = await meta.events()
    assert event["parts"] == {"statuses": 3, "strangers": 1}
    assert event["handled_at"]


async def test_a_status_without_its_message_waits_for_it(office, meta, noon):
    post = await office.write(channel_id=office.whatsapp, recipients=THREE[:1], now=NOON)
    job_id = await office.publish(post.id)
    await meta.tell(told(status("delivered", "wamid.early")))
    (event,) = await meta.events()
    assert event["handled_at"] is None
    await office.run(job_id)
    await office.rows("update post_deliveries set platform_message_id = 'wamid.early' returning id")
    async with office.opened.database.system_transaction(REASON) as session:
        assert await service.handle_again(session, now=NOON) == 1
        assert await service.handle_again(session, now=NOON) == 0
    assert [row["status"] for row in await see(office)] == ["delivered"]


async def test_a_status_that_is_never_ours_is_given_up_after_ten_minutes(office, meta, noon):
    await meta.tell(told(status("delivered", "wamid.nobodys")))
    async with office.opened.database.system_transaction(REASON) as session:
        await session.execute(
            text("update webhook_events set created_at = :then"), {"then": NOON - timedelta(minutes=11)}
        )
        await service.handle_again(session, now=NOON)
    (event,) = await meta.events()
    assert event["handled_at"] == NOON
    assert event["parts"] == {"statuses": 1, "unmatched": 1}


async def test_duplicates_and_reorderings_are_harmless(office, meta, sent):
    message_id = sent[0]["platform_message_id"]
    for words in (["read"], ["sent", "delivered"], ["delivered", "read", "sent"], ["read"]):
        assert (await meta.tell(told(*(status(word, message_id) for word in words)))).status_code == 200
    assert (await see(office))[0]["status"] == "read"


async def test_the_status_of_a_lost_answer_settles_it(office, meta, simulator, noon):
    post = await office.write(channel_id=office.whatsapp, recipients=THREE[:1], now=NOON)
    simulator.fault(action="lost_answer", match={"kind": "whatsapp.message"})
    assert (await office.run(await office.publish(post.id)))["status"] == "sending"
    (effect,) = simulator.ledger(kind="whatsapp.message")
    tracker = effect["biz_opaque_callback_data"]
    await meta.tell(told(status("sent", effect["id"], biz_opaque_callback_data=tracker)))
    job = (await office.jobs("posts.settle_run"))[-1]
    await office.run(job["id"])
    row, (delivery,) = await office.see(post.id), await see(office)
    assert (row["status"], row["platform_post_id"]) == ("published", effect["id"])
    assert delivery["status"] == "sent"


async def test_the_same_body_at_two_doors_at_once_is_one_row(fresh_database):
    body = as_meta_writes(told(status("sent"), number=WA_NUMBER))

    async def door():
        async with fresh_database.system_transaction(REASON) as session:
            await service.receive(session, "whatsapp", body, now=NOON)

    await asyncio.gather(*(door() for _ in range(5)))
    async with fresh_database.system_transaction(REASON) as session:
        rows = (await session.execute(text("select times from webhook_events"))).all()
    assert [row.times for row in rows] == [5]


async def test_what_a_mistake_kept_is_handled_when_it_is_replayed(office, meta, sent):
    body = as_meta_writes(told(status("read", sent[0]["platform_message_id"])))
    async with office.opened.database.system_transaction(REASON) as session:
        await service.keep(session, "whatsapp", body, "a mistake")
        (event,) = await service.list_events(session, since=None, after=None, limit=10, troubled=True)
        await service.replay(session, event, now=NOON)
    (event,) = await meta.events()
    assert (event["problem"], event["handled_at"]) == (None, NOON)
    assert (await see(office))[0]["status"] == "read"


async def test_a_thousand_statuses_in_one_body_are_moved_together(office, meta, simulator, noon):
    simulator.set_up(throughput_per_s=0)
    many = [f"+336{n:08}" for n in range(180)]
    post = await office.write(channel_id=office.whatsapp, recipients=many, now=NOON)
    await office.rows("update limits set rate_per_s = null returning key")
    try:
        await office.run(await office.publish(post.id))
    except Wait:
        pytest.fail("nothing limits it")
    deliveries = await see(office)
    words = ("sent", "delivered", "read")
    await meta.tell(told(*(status(word, row["platform_message_id"]) for word in words for row in deliveries)))
    assert {row["status"] for row in await see(office)} == {"read"}


async def test_old_events_are_forgotten(office, meta, noon):
    await meta.tell(told(status("sent"), number="0"))
    async with office.opened.database.system_transaction(REASON) as session:
        assert await service.prune(session, now=datetime.now(UTC) + timedelta(days=29)) == 0
        assert await service.prune(session, now=datetime.now(UTC) + timedelta(days=31)) == 1

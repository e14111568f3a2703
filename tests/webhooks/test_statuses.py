"""Statuses on their way from Meta's body to the delivery that they are about."""

from datetime import UTC, datetime, timedelta

import pytest

from socialsync.features.webhooks import queries, service
from socialsync.queue.policies import Wait
from tests.posts.conftest import office
from tests.webhooks.conftest import status, told

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
        assert await service.retry_waiting(session, now=NOON) == 0
        assert await service.retry_waiting(session, now=NOON + timedelta(seconds=5)) == 1
        assert await service.retry_waiting(session, now=NOON + timedelta(seconds=10)) == 0
    assert [row["status"] for row in await see(office)] == ["delivered"]


async def test_a_status_that_is_never_ours_is_given_up_after_ten_minutes(office, meta, noon):
    await meta.tell(told(status("delivered", "wamid.nobodys")))
    async with office.opened.database.system_transaction(REASON) as session:
        looked = [NOON + timedelta(seconds=5 * n) for n in range(1, 130)]
        tries = [now for now in looked if await service.retry_waiting(session, now=now)]
    assert 10 < len(tries) < 30  # the longer it waits the less often
    assert tries[-1] == NOON + timedelta(minutes=10)
    (event,) = await meta.events()
    assert event["handled_at"] == tries[-1]
    assert event["problem"] is None
    assert event["parts"].pop("note")
    assert event["parts"] == {"statuses": 1, "unmatched": 1}


async def test_only_the_statuses_that_wait_are_tried_again(office, meta, sent, noon):
    first, second, _ = sent
    await meta.tell(
        told(
            status("read", first["platform_message_id"]),
            status("delivered", "wamid.late"),
            status("read", "wamid.later"),
        )
    )
    (event,) = await meta.events()
    assert event["parts"] == {"statuses": 3, "waiting": [1, 2]}
    await office.rows(
        "update post_deliveries set platform_message_id = 'wamid.late' where id = :id returning id",
        id=second["id"],
    )
    async with office.opened.database.system_transaction(REASON) as session:
        assert await service.retry_waiting(session, now=NOON + timedelta(seconds=5)) == 1
    (event,) = await meta.events()
    assert event["parts"] == {"statuses": 3, "waiting": [2]}
    assert [row["status"] for row in await see(office)] == ["read", "delivered", "sent"]


async def test_the_body_that_comes_again_is_tried_at_once(office, meta, sent):
    body = told(status("delivered", "wamid.late"))
    await meta.tell(body)
    await office.rows(
        "update post_deliveries set platform_message_id = 'wamid.late' where id = :id returning id",
        id=sent[0]["id"],
    )
    await meta.tell(body)
    (event,) = await meta.events()
    assert (event["times"], event["handled_at"]) == (2, NOON)
    assert (await see(office))[0]["status"] == "delivered"


async def test_many_that_wait_hinder_none(office, meta, sent, noon):
    """Statuses of somebody else's messages on our number; whatever waits longest without a look is next."""
    for n in range(6):
        await meta.tell(told(status("read", f"wamid.theirs{n}")))
        noon.move(timedelta(seconds=1))
    seen = set()
    async with office.opened.database.system_transaction(REASON) as session:
        for second in (10, 11, 12):
            now = NOON + timedelta(seconds=second)
            pick = {"given_up": now - service.PATIENCE, "pause": service.PAUSE, "now": now, "limit": 2}
            for event_id in await queries.lock_waiting(session, **pick):
                await service.replay(session, event_id, now=now)
                seen.add(event_id)
    assert len(seen) == 6


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
        assert await service.prune(session, now=NOON + timedelta(days=29)) == 0
        assert await service.prune(session, now=NOON + timedelta(days=31)) == 1


async def test_what_is_not_handled_is_never_forgotten(office, meta, noon):
    await meta.tell(told(status("sent")))
    async with office.opened.database.system_transaction(REASON) as session:
        assert await service.prune(session, now=NOON + timedelta(days=365)) == 0

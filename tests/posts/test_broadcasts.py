"""A broadcast: every recipient once, whatever goes wrong with some of them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from socialsync.errors import Permanent
from socialsync.features.posts import batches, outcomes, queries, service
from socialsync.platforms import faults
from socialsync.platforms.contract import Reach
from socialsync.platforms.errors import PlatformError
from socialsync.queue.policies import Wait
from tests.posts.conftest import WA_NUMBER

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
THREE = ["+33612345601", "+33612345602", "+33612345603"]
MESSAGE = {"match": {"kind": "whatsapp.message"}}


@dataclass
class Update:
    """A status as ``platforms.whatsapp.webhooks`` reads it."""

    message_id: str
    status: str
    tracker: str | None = None
    at: datetime = NOON
    error: PlatformError | None = None


async def broadcast(office, recipients=THREE, **content):
    post = await office.write(channel_id=office.whatsapp, recipients=list(recipients), now=NOON, **content)
    return post, await office.publish(post.id)


async def see(office):
    return await office.rows("select * from post_deliveries order by recipient")


async def statuses(office) -> list[str]:
    return [row["status"] for row in await see(office)]


async def receive(office, *updates: Update) -> set[int]:
    async with office.opened.database.system_transaction("a test receives statuses") as session:
        return await service.receive_statuses(session, updates, channel_ids=[office.whatsapp], now=NOON)


async def settle(office):
    job = [job for job in await office.jobs("posts.settle_run") if job["status"] in ("todo", "doing")][-1]
    return await office.run(job["id"])


def sent_to(simulator) -> list[str]:
    return sorted(effect["to"] for effect in simulator.ledger(kind="whatsapp.message"))


def refused(code: int) -> PlatformError:
    return faults.from_graph({"code": code}, Reach.HARMLESS)


async def test_a_medium_goes_out_with_its_caption(office, simulator, noon):
    post, job_id = await broadcast(
        office, THREE[:1], media_urls=["https://example.com/menu.pdf"], text="Menu"
    )
    await office.run(job_id)
    (seen,) = simulator.ledger(kind="whatsapp.message")
    assert seen["type"] == "document"
    assert seen["document"]["caption"] == "Menu"
    assert (await office.see(post.id))["status"] == "published"


async def test_a_recipient_who_cannot_be_reached_stops_nobody_else(office, simulator, noon):
    post, job_id = await broadcast(office)
    simulator.fault(action="error", code=131026, **MESSAGE)
    assert (await office.run(job_id))["status"] == "published"
    assert sorted(await statuses(office)) == ["failed", "sent", "sent"]
    assert (await office.see(post.id))["error"].startswith("1 of 3 failed: ")


async def test_a_limit_half_way_waits_and_goes_on_with_the_rest(office, simulator, noon):
    post, job_id = await broadcast(office)
    simulator.fault(action="error", code=130429, **MESSAGE)
    with pytest.raises(Wait):
        await office.run(job_id)
    assert sorted(await statuses(office)) == ["queued", "sent", "sent"]
    await office.run(job_id)
    assert sent_to(simulator) == THREE
    row, runs = await office.see(post.id), await office.runs(post.id)
    assert (row["status"], [run["attempt"] for run in runs]) == ("published", [1])


async def test_a_lost_answer_is_told_by_its_status(office, simulator, noon):
    post, job_id = await broadcast(office)
    simulator.fault(action="lost_answer", **MESSAGE)
    assert (await office.run(job_id))["status"] == "sending"
    (lost,) = [row for row in await see(office) if row["status"] == "sending"]
    assert (await office.see(post.id))["status"] == "publishing"
    assert await receive(office, Update("wamid.X", "delivered", str(lost["id"]))) == {0}
    await settle(office)
    row = await office.see(post.id)
    assert (row["status"], row["error"]) == ("published", None)
    assert sent_to(simulator) == THREE


async def test_a_lost_answer_without_a_status_is_unknown_and_never_sent_again(office, simulator, noon):
    post, job_id = await broadcast(office)
    simulator.fault(action="lost_answer", **MESSAGE)
    await office.run(job_id)
    noon.move(timedelta(seconds=95))
    await settle(office)
    assert sorted(await statuses(office)) == ["sent", "sent", "unknown"]
    row = await office.see(post.id)
    assert row["status"] == "published"
    assert row["error"].startswith("1 of 3 with unknown outcome")
    assert sent_to(simulator) == THREE
    (unknown,) = [row for row in await see(office) if row["status"] == "unknown"]
    await receive(office, Update("wamid.X", "read", str(unknown["id"])))
    await settle(office)
    assert (await office.see(post.id))["error"] is None, "news after all"


async def test_a_process_that_died_while_sending_sends_nothing_again(office, simulator, noon):
    post, job_id = await broadcast(office)
    simulator.fault(action="error", code=130429, times=None, **MESSAGE)
    with pytest.raises(Wait):
        await office.run(job_id)
    simulator.clear_faults()
    await office.rows(
        "update post_deliveries set status = 'sending', sending_at = :now"
        " where recipient = :who returning id",
        who=THREE[1], now=NOON,
    )  # fmt: skip
    assert (await office.run(job_id))["status"] == "sending"
    noon.move(timedelta(seconds=95))
    await settle(office)
    assert sent_to(simulator) == [THREE[0], THREE[2]]
    row = await office.see(post.id)
    assert row["status"] == "published"
    assert "unknown outcome" in row["error"]


async def test_one_recipient_who_got_too_much_waits_alone(office, simulator, noon):
    post, job_id = await broadcast(office)
    simulator.fault(action="error", code=131056, **MESSAGE)
    assert (await office.run(job_id))["status"] == "sending"
    assert len(sent_to(simulator)) == 2
    (held,) = await office.jobs("posts.send_held_back")
    assert held["scheduled_at"] == NOON + timedelta(seconds=4)
    noon.move(timedelta(seconds=5))
    await office.run(held["id"])
    assert sent_to(simulator) == THREE
    assert (await office.see(post.id))["status"] == "published"


async def test_nobody_gets_two_messages_within_six_seconds(office, simulator, noon):
    _, first = await broadcast(office, THREE[:1])
    await office.run(first)
    _, second = await broadcast(office, THREE[:1])
    assert (await office.run(second))["status"] == "sending"
    (held,) = await office.jobs("posts.send_held_back")
    assert held["scheduled_at"] <= NOON + timedelta(seconds=6)
    assert len(sent_to(simulator)) == 1
    noon.move(timedelta(seconds=7))
    assert (await office.run(held["id"]))["status"] == "published"
    assert len(sent_to(simulator)) == 2


async def test_a_person_who_opted_out_is_skipped_from_then_on(office, simulator, noon):
    _, job_id = await broadcast(office)
    simulator.set_up(opted_out=[THREE[0].removeprefix("+")])
    await office.run(job_id)
    assert await statuses(office) == ["failed", "sent", "sent"]
    simulator.set_up(opted_out=[])
    noon.move(timedelta(minutes=1))
    post, job_id = await broadcast(office)
    await office.run(job_id)
    assert sent_to(simulator).count(THREE[0]) == 0
    assert (await office.see(post.id))["error"].startswith("1 of 3 failed: This person does not want")


async def test_a_token_that_is_refused_twice_parks_the_rest(office, simulator, noon):
    post, job_id = await broadcast(office)
    simulator.fault(action="revoke_token", match={"account": WA_NUMBER})
    assert (await office.run(job_id))["status"] == "waits"
    row = await office.see(post.id)
    assert (row["status"], await statuses(office)) == ("queued", ["queued"] * 3)
    assert sent_to(simulator) == []


async def test_a_blocked_sender_ends_it_with_the_reason(office, simulator, noon):
    post, job_id = await broadcast(office)
    simulator.fault(action="error", code=131031, times=None, **MESSAGE)
    with pytest.raises(Permanent):
        await office.run(job_id)
    row = await office.see(post.id)
    assert (row["status"], await statuses(office)) == ("failed", ["failed"] * 3)
    simulator.clear_faults()
    await office.run(await office.publish(post.id))
    assert sent_to(simulator) == THREE
    assert (await office.see(post.id))["status"] == "published"


async def test_many_recipients_go_out_in_chunks_of_two_hundred(office, simulator, noon):
    simulator.set_up(throughput_per_s=0)
    many = [f"+336{n:08}" for n in range(450)]
    post, job_id = await broadcast(office, many)
    assert (await office.run(job_id))["status"] == "sending"
    jobs = await office.jobs("posts.send_deliveries")
    assert [job["args"]["chunk_id"] for job in jobs] == [0, 1, 2]
    assert [job["lock"] for job in jobs] == [
        f"deliveries:{post.id}/{lane}@{office.workspace_id}" for lane in range(3)
    ]
    await office.rows("update limits set rate_per_s = null returning key")
    results = [(await office.run(job["id"]))["status"] for job in jobs]
    assert results == ["sending", "sending", "published"]
    assert sent_to(simulator) == many


async def test_statuses_only_move_forward_in_whatever_order_they_come(office, simulator, noon):
    _, job_id = await broadcast(office, THREE[:1])
    await office.run(job_id)
    (delivery,) = await see(office)
    wamid = delivery["platform_message_id"]
    for status, becomes in [
        ("delivered", "delivered"), ("sent", "delivered"), ("read", "read"), ("delivered", "read"),
    ]:  # fmt: skip
        assert await receive(office, Update(wamid, status)) == {0}
        assert await statuses(office) == [becomes]
    assert await receive(office, Update(wamid, "failed", error=refused(131026))) == {0}
    assert await statuses(office) == ["read"], "it was read"


async def test_statuses_of_many_messages_are_told_apart(office, simulator, noon):
    post, job_id = await broadcast(office)
    await office.run(job_id)
    first, second, third = await see(office)
    matched = await receive(
        office,
        Update(first["platform_message_id"], "sent"),
        Update("wamid.nobodys", "read"),
        Update(second["platform_message_id"], "failed", str(second["id"]), error=refused(131026)),
        Update(third["platform_message_id"], "read", str(third["id"])),
        Update(third["platform_message_id"], "delivered", str(third["id"])),
        Update("wamid.other", "read", str(uuid4())),
    )
    assert matched == {0, 2, 3, 4}
    assert await statuses(office) == ["sent", "failed", "read"]
    await settle(office)
    row = await office.see(post.id)
    assert row["status"] == "published"
    assert row["error"].startswith("1 of 3 failed: ")


async def test_a_status_before_our_own_answer_is_not_lost(office, simulator, noon):
    _, job_id = await broadcast(office, THREE[:1])
    simulator.fault(action="error", code=130429, **MESSAGE)
    with pytest.raises(Wait):
        await office.run(job_id)
    (delivery,) = await see(office)
    await office.rows("update post_deliveries set status = 'sending' returning id")
    await receive(office, Update("wamid.early", "delivered", str(delivery["id"])))
    async with office.opened.database.transaction(office.workspace_id) as session:
        outcome = batches.Outcome(delivery["id"], "sent", message_id="wamid.early")
        await batches.store(session, office.workspace_id, [outcome], now=NOON)
    assert await statuses(office) == ["delivered"]


async def test_another_accounts_status_moves_nothing(office, simulator, noon):
    _, job_id = await broadcast(office, THREE[:1])
    await office.run(job_id)
    (delivery,) = await see(office)
    async with office.opened.database.system_transaction("a test receives statuses") as session:
        found = await service.receive_statuses(
            session,
            [Update(delivery["platform_message_id"], "read")],
            channel_ids=[office.instagram],
            now=NOON,
        )
    assert found == set()
    assert await statuses(office) == ["sent"]


async def test_one_message_takes_one_token(office, simulator, noon):
    _, job_id = await broadcast(office, THREE[:1])
    await office.run(job_id)
    (limit,) = await office.rows("select tokens from limits where key = :key", key=f"whatsapp:{WA_NUMBER}")
    assert limit["tokens"] >= 9


async def test_a_failed_status_before_our_own_answer_is_kept(office, simulator, noon):
    _, job_id = await broadcast(office, THREE[:1])
    await office.run(job_id)
    (delivery,) = await see(office)
    await office.rows("update post_deliveries set status = 'failed', error = 'No WhatsApp.' returning id")
    async with office.opened.database.transaction(office.workspace_id) as session:
        outcome = batches.Outcome(delivery["id"], "sent", message_id="wamid.late")
        await batches.store(session, office.workspace_id, [outcome], now=NOON)
    (delivery,) = await see(office)
    assert (delivery["status"], delivery["error"]) == ("failed", "No WhatsApp.")


async def test_a_post_that_fails_afterwards_is_watched_no_more_and_a_recount_moves_nothing(
    office, simulator, noon
):
    post, job_id = await broadcast(office, THREE[:1])
    await office.run(job_id)
    (delivery,) = await see(office)
    watched = (await office.see(post.id))["stop_at"]
    noon.move(timedelta(hours=1))
    async with office.opened.database.transaction(office.workspace_id) as session:
        row, run = await queries.lock_post(session, post.id), await queries.find_last_run(session, post.id)
        await outcomes.conclude(session, row, run, now=noon())
    assert (await office.see(post.id))["stop_at"] == watched
    await receive(office, Update(delivery["platform_message_id"], "failed", error=refused(131026)))
    await settle(office)
    row = await office.see(post.id)
    assert (row["status"], row["next_check_at"], row["stop_at"]) == ("failed", None, None)

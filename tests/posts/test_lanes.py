"""A broadcast in lanes: what waits, fails or goes wrong for one holds up nobody else."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from socialsync.errors import Permanent
from socialsync.features.channels import service as channels
from socialsync.features.posts import broadcasts, lanes, service
from socialsync.platforms.errors import TemplateRefused
from socialsync.queue.policies import Wait
from tests.posts.conftest import REASON, WA_NUMBER
from tests.posts.test_broadcasts import MESSAGE, THREE, Update, broadcast, receive, refused, see, sent_to

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
MANY = [f"+336{n:08}" for n in range(850)]
CLAIM = """
with worker as (insert into procrastinate_workers default values returning id),
told as (
    insert into worker_info (worker_id, name, host, pid, queues, concurrency, version, leased, started_at)
    select id, 'n', 'h', 1, array['scheduler'], 100, '1', true, now() from worker)
select id from worker
"""
TEMPLATE = {"name": "opening", "language": "en", "components": []}


@pytest.fixture
async def unlimited(office, simulator):
    simulator.set_up(throughput_per_s=0)
    await office.rows("update limits set rate_per_s = null returning key")


async def claimable(office) -> list[str]:
    """The tasks of the jobs that a worker would get now."""
    (worker,) = await office.rows(CLAIM)
    tasks = ["posts.publish_post", "posts.send_deliveries", "posts.send_held_back", "posts.settle_run"]
    found = await office.rows(
        "select task_name, args from queue_claim(:worker, array['scheduler'], :tasks, '{}', 100, 0, false,"
        " 0, '') where id is not null order by id",
        worker=worker["id"],
        tasks=tasks,
    )
    return [f"{job['task_name']} {job['args'].get('chunk_id', '')}".strip() for job in found]


async def held_back(office):
    (job,) = [job for job in await office.jobs("posts.send_held_back") if job["status"] == "todo"]
    return job


async def counted(office) -> dict[str, int]:
    rows = await office.rows("select status, count(*) as n from post_deliveries group by 1")
    return {row["status"]: row["n"] for row in rows}


@pytest.mark.usefixtures("noon", "unlimited")
async def test_a_chunk_that_waits_holds_up_neither_the_others_nor_settling(office):
    post, job_id = await broadcast(office, MANY)
    await office.run(job_id)
    await office.rows(
        "update procrastinate_jobs set status = 'succeeded' where id = :id returning id", id=job_id
    )
    await office.rows(
        "update procrastinate_jobs set scheduled_at = now() + interval '1 minute'"
        " where task_name = 'posts.send_deliveries' and args ->> 'chunk_id' = '0' returning id"
    )
    async with office.opened.database.system_transaction(REASON) as session:
        await service.publishing.slide_settling(session, office.workspace_id, post.id, at=NOON)
    assert await claimable(office) == [
        *(f"posts.send_deliveries {chunk}" for chunk in (1, 2, 3)), "posts.settle_run",
    ]  # fmt: skip


async def test_an_attempt_that_waits_for_its_retry_does_not_hold_up_settling(office, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    await office.rows(
        "update procrastinate_jobs set scheduled_at = now() + interval '1 hour' where id = :id returning id",
        id=job_id,
    )
    async with office.opened.database.system_transaction(REASON) as session:
        await service.publishing.slide_settling(session, office.workspace_id, post.id, at=NOON)
    assert await claimable(office) == ["posts.settle_run"]


@pytest.mark.usefixtures("unlimited")
async def test_passing_faults_of_one_message_at_a_time_fail_nobody(office, simulator, noon):
    post, job_id = await broadcast(office, MANY[:40])
    for attempt in range(4):
        simulator.fault(action="status", status=408, body="busy", times=1, **MESSAGE)
        if attempt == 0:
            assert (await office.run(job_id))["status"] == "sending"
            assert await counted(office) == {"sent": 39, "queued": 1}
        else:
            noon.move(timedelta(minutes=20))
            await office.run((await held_back(office))["id"])
    assert await counted(office) == {"sent": 39, "failed": 1}
    assert (await office.see(post.id))["status"] == "published"
    assert len(sent_to(simulator)) == 39


@pytest.mark.usefixtures("unlimited")
async def test_a_passing_fault_waits_as_the_policy_says_and_then_it_is_sent(office, simulator, noon):
    _, job_id = await broadcast(office)
    simulator.fault(action="status", status=408, body="busy", times=1, **MESSAGE)
    await office.run(job_id)
    for minutes in (5, 10):
        job = await held_back(office)
        assert job["scheduled_at"] == noon() + timedelta(minutes=minutes)
        noon.move(timedelta(minutes=minutes))
        simulator.clear_faults()
        if minutes == 5:
            simulator.fault(action="status", status=408, body="busy", times=1, **MESSAGE)
        await office.run(job["id"])
    assert sent_to(simulator) == THREE
    assert (await office.runs(_.id))[0]["status"] == "success"


@pytest.mark.usefixtures("unlimited")
async def test_an_outage_asks_with_ten_messages_and_counts_for_all_who_wait(office, simulator, noon):
    post, job_id = await broadcast(office, MANY[:60])
    simulator.fault(action="status", status=408, body="busy", times=None, **MESSAGE)
    await office.run(job_id)
    assert simulator.faults()[0]["hits"] == 10
    assert await counted(office) == {"queued": 60}
    assert not (await office.runs(post.id))[0]["effect_at"], "nobody was reached: it can still be cancelled"
    for minutes in (5, 10):
        noon.move(timedelta(minutes=minutes))
        await office.run((await held_back(office))["id"])
    assert await counted(office) == {"queued": 60}
    simulator.clear_faults()
    noon.move(timedelta(minutes=20))
    assert (await office.run((await held_back(office))["id"]))["status"] == "published"
    assert sent_to(simulator) == MANY[:60]


@pytest.mark.usefixtures("unlimited")
async def test_an_outage_without_end_fails_in_the_end(office, simulator, noon):
    post, job_id = await broadcast(office, MANY[:30])
    simulator.fault(action="status", status=408, body="busy", times=None, **MESSAGE)
    await office.run(job_id)
    for minutes in (5, 10, 20):
        noon.move(timedelta(minutes=minutes))
        await office.run((await held_back(office))["id"])
    assert await counted(office) == {"failed": 30}
    assert (await office.see(post.id))["status"] == "failed"
    simulator.clear_faults()
    await office.run(await office.publish(post.id))
    assert await counted(office) == {"sent": 30}, "who asks again begins anew"


@pytest.mark.usefixtures("noon", "unlimited")
async def test_a_template_that_is_refused_is_tried_on_one_batch_only(office, simulator):
    post, job_id = await broadcast(office, MANY[:60], template=TEMPLATE, text="")
    simulator.fault(action="error", code=132001, times=None, **MESSAGE)
    with pytest.raises(TemplateRefused):
        await office.run(job_id)
    assert simulator.faults()[0]["hits"] == broadcasts.BATCH
    assert await counted(office) == {"failed": 60}
    row, rows = await office.see(post.id), await see(office)
    assert row["status"] == "failed"
    assert len({delivery["error"] for delivery in rows}) == 1
    assert rows[0]["error"].startswith("WhatsApp does not take this template")


class Stumbling:
    """WhatsApp, and a defect of ours that one recipient meets."""

    def __init__(self, inner, recipient: str) -> None:
        self._inner, self._recipient = inner, recipient

    async def send_text(self, sender, to, text, tracker):
        if to == self._recipient:
            raise KeyError("oops")
        return await self._inner.send_text(sender, to, text, tracker)


@pytest.mark.usefixtures("unlimited")
async def test_a_mistake_of_ours_with_one_recipient_loses_no_other_outcome(office, simulator, noon):
    platforms = office.opened.platforms
    stumbling = Stumbling(platforms.whatsapp, THREE[1])
    office.opened = dataclasses.replace(
        office.opened, platforms=dataclasses.replace(platforms, whatsapp=stumbling)
    )
    post, job_id = await broadcast(office)
    with pytest.raises(KeyError):
        await office.run(job_id)
    assert [row["status"] for row in await see(office)] == ["sent", "sending", "sent"]
    assert (await office.retry(job_id))["status"] == "sending"
    noon.move(timedelta(seconds=95))
    (job,) = [job for job in await office.jobs("posts.settle_run") if job["status"] == "todo"]
    await office.run(job["id"])
    assert [row["status"] for row in await see(office)] == ["sent", "unknown", "sent"]
    assert (await office.see(post.id))["status"] == "published"
    assert sent_to(simulator) == [THREE[0], THREE[2]]


@pytest.mark.usefixtures("noon", "unlimited")
async def test_chunks_of_a_parked_broadcast_end_and_go_on_later(office, simulator):
    post, job_id = await broadcast(office, MANY[:450])
    await office.run(job_id)
    first, second, third = await office.jobs("posts.send_deliveries")
    await office.run(first["id"])
    simulator.fault(action="revoke_token", match={"account": WA_NUMBER})
    assert (await office.run(second["id"]))["status"] == "waits"
    assert (await office.run(third["id"]))["status"] == "nothing to send"
    row = await office.see(post.id)
    assert (row["status"], await counted(office)) == ("queued", {"sent": 200, "queued": 250})


@pytest.mark.usefixtures("unlimited")
async def test_a_message_on_its_way_is_settled_though_its_broadcast_was_parked(office, simulator, noon):
    post, job_id = await broadcast(office)
    simulator.fault(action="lost_answer", **MESSAGE)
    simulator.fault(action="error", code=80007, headers={"Retry-After": "600"}, **MESSAGE)
    await office.run(job_id)
    if (await office.see(post.id))["status"] == "queued":
        noon.move(timedelta(seconds=95))
        (job,) = [job for job in await office.jobs("posts.settle_run") if job["status"] == "todo"]
        await office.run(job["id"])
        assert "unknown" in await counted(office)


@pytest.mark.usefixtures("noon", "unlimited")
async def test_an_edit_before_anybody_was_reached_is_what_all_chunks_send(office, simulator):
    post, job_id = await broadcast(office, MANY[:250])
    await office.run(job_id)
    async with office.opened.database.transaction(office.workspace_id) as session:
        await service.edit(session, post.id, {"text": "We open at ten."}, now=NOON)
    for job in await office.jobs("posts.send_deliveries"):
        await office.run(job["id"])
    assert {str(effect["text"]) for effect in simulator.ledger(kind="whatsapp.message")} == {
        "We open at ten."
    }
    assert (await office.see(post.id))["status"] == "published"


@pytest.mark.usefixtures("noon", "unlimited")
async def test_a_broadcast_whose_last_jobs_are_lost_is_found_by_the_sweep(office, simulator, noon):
    post, job_id = await broadcast(office)
    simulator.fault(action="lost_answer", **MESSAGE)
    assert (await office.run(job_id))["status"] == "sending"
    await office.rows("update post_runs set effect_at = null returning id")
    await office.rows("delete from procrastinate_jobs returning id")
    noon.move(timedelta(minutes=2))
    async with office.opened.database.system_transaction(REASON) as session:
        assert await service.requeue_stranded(session, now=noon()) == 1
    (job,) = await office.jobs("posts.settle_run")
    await office.run(job["id"])
    assert (await office.see(post.id))["status"] == "published"


@pytest.mark.usefixtures("noon", "unlimited")
async def test_a_post_with_a_job_in_any_lane_is_not_stranded(office, noon):
    post, _job_id = await broadcast(office)
    await office.rows("delete from procrastinate_jobs returning id")
    noon.move(timedelta(minutes=2))
    spelled = [lanes.of_held_back(post_id=post.id), lanes.of_settling(post_id=post.id)]
    spelled += [lanes.of_chunk(post_id=post.id, chunk_id=chunk) for chunk in range(4)]
    for lock in spelled:
        await office.rows(
            "insert into procrastinate_jobs (queue_name, task_name, lock, args)"
            " values ('scheduler', 'posts.send_held_back', :lock, '{}') returning id",
            lock=f"{lock}@{office.workspace_id}",
        )
        async with office.opened.database.system_transaction(REASON) as session:
            assert await service.requeue_stranded(session, now=noon()) == 0, lock
        await office.rows("delete from procrastinate_jobs returning id")


@pytest.mark.usefixtures("noon", "unlimited")
async def test_while_a_broadcast_goes_on_a_job_that_settles_it_waits(office, simulator):
    _post, job_id = await broadcast(office, MANY[:250])
    await office.run(job_id)
    first, second = await office.jobs("posts.send_deliveries")
    await office.run(first["id"])
    (job,) = [job for job in await office.jobs("posts.settle_run") if job["status"] == "todo"]
    await office.run(job["id"])
    assert [job["status"] for job in await office.jobs("posts.settle_run")][-1] == "todo"
    assert (await office.run(second["id"]))["status"] == "published"
    assert {job["status"] for job in await office.jobs("posts.settle_run")} <= {"doing", "cancelled"}


@pytest.mark.usefixtures("noon", "unlimited")
async def test_who_opts_out_by_the_platforms_own_id_is_on_the_list(office):
    _, job_id = await broadcast(office)
    await office.run(job_id)
    first, *_rest = await see(office)
    await receive(office, Update(first["platform_message_id"], "failed", error=refused(131050)))
    assert [row["recipient"] for row in await office.rows("select * from opt_outs")] == [first["recipient"]]


@pytest.mark.usefixtures("noon", "unlimited")
async def test_another_accounts_status_opts_nobody_out(office):
    _, job_id = await broadcast(office)
    await office.run(job_id)
    first, *_rest = await see(office)
    update = Update("wamid.x", "failed", str(first["id"]), error=refused(131050))
    async with office.opened.database.system_transaction(REASON) as session:
        await service.receive_statuses(session, [update], channel_ids=[], now=NOON)
    assert await office.rows("select * from opt_outs") == []


@pytest.mark.usefixtures("noon", "unlimited")
async def test_who_opts_out_while_it_goes_on_gets_nothing(office, simulator):
    _, job_id = await broadcast(office, MANY[:250])
    await office.run(job_id)
    await office.rows(
        "insert into opt_outs (workspace_id, channel_id, recipient, reason)"
        " values (:workspace, :channel, :who, 'asked') returning id",
        workspace=office.workspace_id, channel=office.whatsapp, who=MANY[3],
    )  # fmt: skip
    for job in await office.jobs("posts.send_deliveries"):
        await office.run(job["id"])
    assert MANY[3] not in sent_to(simulator)
    assert await counted(office) == {"sent": 249, "failed": 1}


async def test_a_short_wait_for_leave_is_slept_and_a_long_one_is_not(office, simulator, noon):
    await office.rows("update limits set rate_per_s = 100, burst = 10, tokens = 0 returning key")
    _post, job_id = await broadcast(office, MANY[:20])
    assert (await office.run(job_id))["status"] == "published"
    await office.rows("update limits set rate_per_s = 1, burst = 10, tokens = 0 returning key")
    noon.move(timedelta(minutes=1))
    _, job_id = await broadcast(office, MANY[:20])
    with pytest.raises(Wait):
        await office.run(job_id)
    assert len(sent_to(simulator)) == 20


@pytest.mark.usefixtures("noon", "unlimited")
async def test_a_blocked_sender_in_one_chunk_ends_them_all(office, simulator):
    post, job_id = await broadcast(office, MANY[:450])
    await office.run(job_id)
    first, second, third = await office.jobs("posts.send_deliveries")
    await office.run(first["id"])
    simulator.fault(action="error", code=131031, times=None, **MESSAGE)
    with pytest.raises(Permanent):
        await office.run(second["id"])
    assert await counted(office) == {"sent": 200, "failed": 250}
    assert (await office.run(third["id"]))["status"] == "nothing to send"
    assert (await office.see(post.id))["status"] == "published"


@pytest.mark.usefixtures("unlimited")
async def test_a_pause_stops_a_broadcast_at_its_next_batch_and_it_can_be_cancelled(
    office, simulator, noon, monkeypatch
):
    """The wrong text to ten thousand people can be called back."""
    people = MANY[:25]
    post, job_id = await broadcast(office, people)
    send = broadcasts._send_batch

    async def send_and_pause(*given):
        await send(*given)
        async with office.opened.database.transaction(office.workspace_id) as session:
            await channels.pause(session, office.whatsapp, actor="a test", now=noon())

    monkeypatch.setattr(broadcasts, "_send_batch", send_and_pause)
    assert (await office.run(job_id))["status"] == "waits"
    assert len(sent_to(simulator)) == broadcasts.BATCH
    seen = await office.see(post.id)
    assert seen["status"] == "queued"
    assert "is paused" in seen["error"]
    async with office.opened.database.transaction(office.workspace_id) as session:
        await service.cancel(session, post.id, now=noon())
        await channels.resume(session, office.whatsapp, actor="a test", now=noon())
    await office.enqueue_due()
    assert await office.jobs("posts.send_deliveries") == []
    assert len(sent_to(simulator)) == broadcasts.BATCH

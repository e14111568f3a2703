"""What becomes of an attempt whose answer is lost: found out by looking, never by sending again."""

from datetime import UTC, datetime, timedelta

import pytest

from socialsync.errors import UnknownOutcome
from socialsync.features.posts import publishing, service, settling
from socialsync.queue.policies import Wait

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
LOST = {"action": "lost_answer", "match": {"kind": "instagram.publish"}}
DROPPED = {"action": "drop", "match": {"kind": "instagram.publish"}}


async def settle(office):
    """Run the one job that waits to settle, as often as it waits without moving the clock."""
    job = [job for job in await office.jobs("posts.settle_run") if job["status"] in ("todo", "doing")][-1]
    return await office.run(job["id"])


async def doubtful(office, simulator, fault, **content):
    post = await office.write(now=NOON, **content)
    simulator.fault(**fault)
    assert (await office.run(await office.publish(post.id)))["status"] == "in doubt"
    return post


async def test_a_lost_answer_is_looked_for_and_found(office, simulator, noon):
    post = await doubtful(office, simulator, LOST)
    row, (run,) = await office.see(post.id), await office.runs(post.id)
    assert (row["status"], run["status"]) == ("publishing", "running")
    assert run["doubt"]
    (job,) = await office.jobs("posts.settle_run")
    assert job["scheduled_at"] == NOON + timedelta(seconds=2)
    assert (await settle(office))["status"] == "published"
    (seen,) = simulator.ledger(kind="instagram.publish")
    row, (run,) = await office.see(post.id), await office.runs(post.id)
    assert (row["status"], row["platform_post_id"], run["status"]) == ("published", seen["id"], "success")


async def test_what_was_never_done_is_done_with_the_same_container_once_that_is_certain(
    office, simulator, noon
):
    post = await doubtful(office, simulator, DROPPED)
    for _ in range(3):
        with pytest.raises(Wait):
            await settle(office)
        noon.move(timedelta(minutes=1))
    noon.move(timedelta(minutes=3))
    assert (await settle(office))["status"] == "again"
    job = (await office.jobs())[-1]
    assert (await office.run(job["id"]))["status"] == "published"
    assert [run["status"] for run in await office.runs(post.id)] == ["failed", "success"]
    assert len(simulator.ledger(kind="instagram.container")) == 1
    assert len(simulator.ledger(kind="instagram.publish")) == 1


async def test_a_container_that_is_gone_gets_a_successor(office, simulator, noon):
    post = await doubtful(office, simulator, DROPPED)
    simulator.fault(action="container_expired", match={"kind": "instagram.container_status"})
    with pytest.raises(Wait):
        await settle(office)
    assert len(await office.runs(post.id)) == 1, "the list of media may lag behind: no second one yet"
    noon.move(timedelta(minutes=6))
    assert (await settle(office))["status"] == "again"
    assert (await office.run((await office.jobs())[-1]["id"]))["status"] == "published"
    assert len(simulator.ledger(kind="instagram.container")) == 2
    assert len(simulator.ledger(kind="instagram.publish")) == 1
    assert (await office.see(post.id))["status"] == "published"


async def test_what_nobody_can_read_is_unknown_after_its_deadline(office, simulator, noon):
    post = await doubtful(office, simulator, LOST)
    simulator.fault(action="status", status=503, times=None, match={"method": "GET"})
    with pytest.raises(Wait):
        await settle(office)
    assert (await office.see(post.id))["status"] == "publishing"
    noon.move(timedelta(minutes=16))
    assert (await settle(office))["status"] == "unknown"
    row, (run,) = await office.see(post.id), await office.runs(post.id)
    assert (row["status"], run["status"]) == ("unknown", "unknown")
    simulator.clear_faults()
    async with office.opened.database.transaction(office.workspace_id) as session:
        await service.recheck(session, post.id, now=noon())
    assert (await settle(office))["status"] == "published"
    assert (await office.see(post.id))["status"] == "published"
    assert len(simulator.ledger(kind="instagram.publish")) == 1


async def test_a_story_is_in_no_list_and_its_container_tells(office, simulator, noon):
    post = await doubtful(office, simulator, LOST, media_type="story", text="")
    assert (await settle(office))["status"] == "published"
    assert (await office.see(post.id))["status"] == "published"


async def test_another_post_with_the_same_text_is_not_taken_for_this_one(office, simulator, noon):
    first = await office.write(now=NOON)
    await office.run(await office.publish(first.id))
    second = await doubtful(office, simulator, DROPPED)
    with pytest.raises(Wait):
        await settle(office)
    noon.move(timedelta(minutes=6))
    assert (await settle(office))["status"] == "again"
    assert (await office.see(second.id))["platform_post_id"] is None


async def test_a_process_that_died_after_its_intent_is_settled_and_sends_nothing_twice(
    office, simulator, noon
):
    post = await office.write(now=NOON)
    job = await office.claim(await office.publish(post.id))
    async with office.opened.database.transaction(office.workspace_id) as session:
        attempt = await publishing.begin(session, job, post.id, now=NOON)
        await publishing.keep_containers(session, attempt, container_id="1", children=(), now=NOON)
        await publishing.commit_intent(session, job, attempt, now=NOON)
    (waits,) = await office.jobs("posts.settle_run")
    assert waits["scheduled_at"] == NOON + timedelta(seconds=90)
    assert (await office.run(job.job.id))["status"] == "nothing to publish"
    (waits,) = await office.jobs("posts.settle_run")
    assert waits["scheduled_at"] == NOON, "the next life asks at once"
    assert simulator.ledger(kind="instagram.publish") == []
    assert (await office.see(post.id))["status"] == "publishing"


async def test_the_outcome_cancels_the_job_that_would_settle_it(office, simulator, noon):
    post = await office.write(now=NOON)
    await office.run(await office.publish(post.id))
    assert [job["status"] for job in await office.jobs("posts.settle_run")] == ["cancelled"]


async def test_a_late_answer_is_kept_though_the_job_was_lost_meanwhile(office, noon):
    post = await office.write(now=NOON)
    job = await office.claim(await office.publish(post.id))
    async with office.opened.database.transaction(office.workspace_id) as session:
        attempt = await publishing.begin(session, job, post.id, now=NOON)
        await publishing.commit_intent(session, job, attempt, now=NOON)
    assert (await office.run(job.job.id))["status"] == "nothing to publish"
    async with office.opened.database.transaction(office.workspace_id) as session:
        await publishing.succeed(session, attempt, "178000", now=NOON)
    row, (run,) = await office.see(post.id), await office.runs(post.id)
    assert (row["status"], row["platform_post_id"], run["status"]) == ("published", "178000", "success")


async def test_our_own_mistake_after_the_intent_is_looked_into(office, noon):
    post = await office.write(now=NOON)
    job = await office.claim(await office.publish(post.id))
    async with office.opened.database.transaction(office.workspace_id) as session:
        attempt = await publishing.begin(session, job, post.id, now=NOON)
        await publishing.commit_intent(session, job, attempt, now=NOON)
        await publishing.fail(
            session, job, attempt, KeyError("oops"), retry_in=timedelta(seconds=1), now=NOON
        )
    (run,) = await office.runs(post.id)
    assert run["status"] == "running"
    assert "oops" not in run["doubt"]
    assert [job["scheduled_at"] for job in await office.jobs("posts.settle_run")] == [NOON]


async def test_silence_again_and_again_fails_in_the_end(office, simulator, noon):
    post = await office.write(now=NOON)
    simulator.fault(**DROPPED, times=None)
    job_id = await office.publish(post.id)
    for n in range(settling.MOST_REPEATS + 1):
        assert (await office.run(job_id))["status"] == "in doubt"
        noon.move(timedelta(minutes=6))
        result = (await settle(office))["status"]
        assert result == ("again" if n < settling.MOST_REPEATS else "failed")
        job_id = (await office.jobs())[-1]["id"]
    assert (await office.see(post.id))["status"] == "failed"
    assert simulator.ledger(kind="instagram.publish") == []


@pytest.mark.parametrize(("happened", "status"), [(True, "published"), (False, "failed")])
async def test_a_person_tells_what_became_of_an_unknown_post(office, simulator, noon, happened, status):
    post = await doubtful(office, simulator, LOST)
    simulator.fault(action="status", status=503, times=None, match={"method": "GET"})
    noon.move(timedelta(minutes=16))
    await settle(office)
    async with office.opened.database.transaction(office.workspace_id) as session:
        platform_id = "17900000000000009" if happened else None
        await service.resolve(session, post.id, happened=happened, platform_id=platform_id, now=noon())
    row, (run,) = await office.see(post.id), await office.runs(post.id)
    assert (row["status"], row["platform_post_id"]) == (status, platform_id)
    assert run["status"] == ("success" if happened else "failed")
    with pytest.raises(settling.NotUnknown):
        async with office.opened.database.transaction(office.workspace_id) as session:
            await service.resolve(session, post.id, happened=True, platform_id=None, now=noon())


async def test_a_post_without_any_job_is_found_by_the_sweep_and_settled(office, simulator, noon):
    post = await doubtful(office, simulator, LOST)
    await office.rows("delete from procrastinate_jobs returning id")
    noon.move(timedelta(minutes=2))
    async with office.opened.database.system_transaction("a test sweeps") as session:
        assert await service.requeue_stranded(session, now=noon()) == 1
    assert (await settle(office))["status"] == "published"
    assert (await office.see(post.id))["status"] == "published"


async def test_a_container_that_may_be_live_is_refused_before_any_intent_and_fails_the_post(
    office, simulator, noon
):
    post = await office.write(now=NOON)
    simulator.fault(action="error", code=4, subcode=2207051, match={"kind": "instagram.container"})
    with pytest.raises(UnknownOutcome):
        await office.run(await office.publish(post.id))
    assert (await office.see(post.id))["status"] == "failed", "without an intent nobody saw it"
    assert simulator.ledger(kind="instagram.publish") == []

"""From due to enqueued: set-based, in one transaction, by as many workers as there are."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from socialsync.db.encryption import Cipher
from socialsync.features.accounts import service as accounts
from socialsync.features.channels import service as channels
from socialsync.features.posts import queries, reopening, service
from tests.posts.conftest import IG_USER, REASON, WA_NUMBER

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


async def test_a_due_post_gets_its_status_its_run_and_its_job_together(office, noon):
    post = await office.write(publish_at=NOON, now=NOON)
    result = await office.enqueue_due()
    (job,) = await office.jobs()
    (run,) = await office.runs(post.id)
    assert result == {"enqueued": 1, "total_due": 1, "timestamp": NOON.isoformat()}
    assert (await office.see(post.id))["status"] == "publishing"
    assert (run["status"], run["attempt"], run["job_id"]) == ("running", 1, job["id"])
    assert job["args"] == {"workspace_id": str(office.workspace_id), "post_id": str(post.id)}
    assert (job["queue_name"], job["lock"]) == ("scheduler", f"post:{post.id}@{office.workspace_id}")


async def test_a_post_is_not_due_before_its_time(office, noon):
    post = await office.write(publish_at=NOON + timedelta(seconds=1), now=NOON)
    assert (await office.enqueue_due())["enqueued"] == 0
    noon.move(timedelta(seconds=1))
    assert (await office.enqueue_due())["enqueued"] == 1
    assert (await office.see(post.id))["status"] == "publishing"


@pytest.mark.parametrize("status", ["draft"])
async def test_a_draft_is_never_due(office, noon, status):
    await office.write(publish_at=NOON, status=status, now=NOON)
    assert (await office.enqueue_due())["enqueued"] == 0


async def test_a_second_tick_enqueues_nothing_again(office, noon):
    await office.write(publish_at=NOON, now=NOON)
    await office.enqueue_due()
    assert await office.enqueue_due() == {"enqueued": 0, "total_due": 0, "timestamp": NOON.isoformat()}
    assert len(await office.jobs()) == 1


async def test_the_log_says_what_the_seeds_said(office, noon):
    ids = [(await office.write(publish_at=NOON, now=NOON)).id for _ in range(3)]
    with capture_logs() as lines:
        await office.enqueue_due()
    said = [line["event"] for line in lines]
    assert said[:2] == [
        "[ENQUEUE] Checking for due posts at 2026-03-04T12:00:00Z",
        "[ENQUEUE] Found 3 due posts",
    ]
    assert sorted(said[2:]) == sorted(f"[ENQUEUE] Enqueued post {post_id} for publishing" for post_id in ids)


async def test_more_than_a_batch_is_enqueued_in_batches(office, noon):
    for _ in range(5):
        await office.write(publish_at=NOON, now=NOON)
    async with office.opened.database.system_transaction(REASON) as session:
        first = await service.enqueue_due(session, now=NOON, limit=3, named=3)
        second = await service.enqueue_due(session, now=NOON, limit=3, named=1)
    assert (first.count, first.more, len(first.named)) == (3, True, 3)
    assert (second.count, second.more, len(second.named)) == (2, False, 1)
    assert not set(first.named) & set(second.named)


async def test_its_job_counts_against_the_accounts_limit(office, noon):
    await office.write(publish_at=NOON, now=NOON)
    await office.write(publish_at=NOON, now=NOON, channel_id=office.whatsapp)
    await office.enqueue_due()
    keys = {job["x_limit_key"] for job in await office.jobs()}
    assert keys == {f"instagram:{IG_USER}", f"whatsapp:{WA_NUMBER}"}


@pytest.mark.parametrize("closed", ["paused_at = now()", "status = 'needs_reauth'"])
async def test_posts_of_a_closed_channel_wait_and_do_not_stand_in_the_way(office, noon, closed):
    waiting = [await office.write(publish_at=NOON, now=NOON) for _ in range(3)]
    other = await office.write(publish_at=NOON, now=NOON, channel_id=office.whatsapp)
    await office.rows(f"update channels set {closed} where id = :id returning id", id=office.instagram)  # noqa: S608 - our own words
    assert (await office.enqueue_due())["enqueued"] == 1
    assert (await office.see(other.id))["status"] == "publishing"
    for post in waiting:
        row = await office.see(post.id)
        assert (row["status"], row["attempt"], row["publish_at"]) == ("queued", 0, NOON)
        assert row["due_at"] > NOON
        assert "channel" in row["error"]
    assert (await office.enqueue_due())["total_due"] == 0, "they are not looked at again and again"
    noon.move(service.PARKED_FOR)
    assert (await office.enqueue_due())["enqueued"] == 0
    noon.move(timedelta(minutes=1))
    await office.rows(
        "update channels set paused_at = null, status = 'active', updated_at = :now returning id",
        now=NOON + service.PARKED_FOR + timedelta(minutes=1),
    )
    assert (await office.enqueue_due())["enqueued"] == 3, "an opened channel's posts do not wait any longer"


async def test_posts_of_a_deleted_channel_are_enqueued_and_will_fail_with_the_reason(office, noon):
    post = await office.write(publish_at=NOON, now=NOON)
    async with office.opened.database.transaction(office.workspace_id) as session:
        await channels.delete(session, office.instagram, actor="tests", now=NOON)
    await office.enqueue_due()
    assert (await office.see(post.id))["status"] == "publishing"


async def test_a_channel_that_somebody_changes_at_this_moment_is_not_waited_for(fresh_database):
    async with fresh_database.system_transaction(REASON) as session:
        workspace = await accounts.create_workspace(session, name="Bakery")
    async with fresh_database.transaction(workspace.id) as session:
        channel = await connect(session, workspace.id)
        await write(session, workspace.id, channel.id)
        await channels.pause(session, channel.id, actor="tests", now=NOON)
    async with fresh_database.transaction(workspace.id) as opening:
        await channels.resume(opening, channel.id, actor="tests", now=NOON)
        async with fresh_database.system_transaction(REASON) as session:
            assert (await service.enqueue_due(session, now=NOON)).count == 1


async def test_a_post_that_somebody_has_in_hand_holds_up_no_resuming(fresh_database):
    async with fresh_database.system_transaction(REASON) as session:
        workspace = await accounts.create_workspace(session, name="Bakery")
    async with fresh_database.transaction(workspace.id) as session:
        channel = await connect(session, workspace.id)
        held, free = [await write(session, workspace.id, channel.id) for _ in range(2)]
        await channels.pause(session, channel.id, actor="tests", now=NOON)
    async with fresh_database.system_transaction(REASON) as session:
        await service.enqueue_due(session, now=NOON)
    async with fresh_database.transaction(workspace.id) as editing:
        await queries.lock_post(editing, held.id)
        async with fresh_database.transaction(workspace.id) as session:
            await reopening.resume_channel(session, channel.id, actor="tests", now=NOON)
    async with fresh_database.transaction(workspace.id) as session:
        assert (await service.get_post(session, free.id)).error is None
        assert (await service.get_post(session, held.id)).error == queries.WHY_PARKED
    async with fresh_database.system_transaction(REASON) as session:
        assert (await service.enqueue_due(session, now=NOON)).count == 2


async def test_ten_workers_at_once_enqueue_each_post_once(fresh_database):
    async with fresh_database.system_transaction(REASON) as session:
        workspace = await accounts.create_workspace(session, name="Bakery")
    async with fresh_database.transaction(workspace.id) as session:
        channel = await connect(session, workspace.id)
        ids = {(await write(session, workspace.id, channel.id)).id for _ in range(50)}

    async def worker() -> list:
        async with fresh_database.system_transaction(REASON) as session:
            return (await service.enqueue_due(session, now=NOON, limit=20, named=20)).named

    taken = [post_id for batch in await asyncio.gather(*(worker() for _ in range(10))) for post_id in batch]
    while batch := await worker():
        taken += batch
    assert len(taken) == len(set(taken))
    assert sorted(taken) == sorted(ids)


async def connect(session, workspace_id):
    new = {"platform": "instagram", "name": "ig", "external_id": "1784"}
    return await channels.connect(
        session, Cipher(["key"]), workspace_id, new, access_token="EAA", actor="tests"
    )


async def write(session, workspace_id, channel_id):
    content = {"channel_id": channel_id, "text": "x", "media_urls": ["https://example.com/a.jpg"]}
    return await service.schedule(session, workspace_id, {**content, "publish_at": NOON}, now=NOON)


async def test_a_post_without_a_live_job_is_found_by_the_sweep_after_a_minute(office, noon):
    post = await office.write(publish_at=NOON, now=NOON)
    await office.enqueue_due()
    await office.rows("update procrastinate_jobs set status = 'failed' returning id")
    async with office.opened.database.system_transaction(REASON) as session:
        assert await service.requeue_stranded(session, now=NOON + timedelta(seconds=59)) == 0
        assert await service.requeue_stranded(session, now=NOON + timedelta(seconds=61)) == 1
        assert await service.requeue_stranded(session, now=NOON + timedelta(seconds=61)) == 0
    waiting = [job for job in await office.jobs() if job["status"] == "todo"]
    assert [job["args"]["post_id"] for job in waiting] == [str(post.id)]

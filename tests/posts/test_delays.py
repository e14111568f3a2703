"""A post that waits says why, and until when; a list does not carry every recipient."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from socialsync.errors import Temporary
from socialsync.features.posts import lanes
from socialsync.features.posts.deliveries import CHUNK
from socialsync.queue import limits
from socialsync.queue.policies import Wait
from tests.posts.conftest import IG_USER, WA_NUMBER
from tests.posts.test_broadcasts import MESSAGE, NOON, THREE, broadcast, sent_to


async def waiting(desk, post) -> tuple[str, datetime | None] | None:
    """As one post and its list tell it."""
    one = (await desk.get(f"/api/v1/posts/{post.id}")).json()["waiting"]
    listed = (await desk.get("/api/v1/posts")).json()["items"]
    assert [item["waiting"] for item in listed if item["id"] == str(post.id)] == [one]
    if one is None:
        return None
    return one["reason"], one["until"] and datetime.fromisoformat(one["until"])


async def put_off(office, job_id, wait) -> None:
    """What the engine does with a job that asked for a wait."""
    await office.rows(
        "update procrastinate_jobs set status = 'todo', scheduled_at = :at where id = :id returning id",
        id=job_id, at=NOON + wait,
    )  # fmt: skip


async def test_a_post_whose_time_has_not_come_waits_for_nothing(office, desk, noon):
    assert await waiting(desk, await office.write(now=NOON, publish_at=NOON + timedelta(days=1))) is None
    assert await waiting(desk, await office.write(now=NOON)) is None


async def test_a_long_limit_is_told_with_its_end(office, desk, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="retry_after", retry_after_s=1800, match={"kind": "instagram.publish"})
    await office.run(job_id)
    reason, until = await waiting(desk, post)
    assert "Too many calls" in reason
    assert until == NOON + timedelta(minutes=30)


async def test_a_closed_channel_is_told_without_an_end(office, desk, noon):
    post = await office.write(now=NOON, publish_at=NOON)
    await desk.put(f"/api/v1/channels/{office.instagram}/pause")
    await office.enqueue_due()
    reason, until = await waiting(desk, post)
    assert "paused" in reason
    assert until is None


@pytest.mark.parametrize("ticks", [0, 1])
async def test_a_resumed_channels_broadcast_waits_for_nothing_and_goes_out_once(
    office, desk, simulator, noon, ticks
):
    post, job_id = await broadcast(office)
    door = f"/api/v1/channels/{office.whatsapp}/pause"
    await desk.put(door)
    await office.run(job_id)
    for _ in range(ticks):
        await office.enqueue_due()
    reason, until = await waiting(desk, post)
    assert "paused" in reason
    assert until is None
    noon.move(timedelta(seconds=1))
    assert (await desk.delete(door)).json()["paused_at"] is None
    seen = (await desk.get(f"/api/v1/posts/{post.id}")).json()
    assert (seen["waiting"], seen["error"], seen["not_before"]) == (None, None, None)
    await desk.delete(door)
    (tick,) = [job for job in await office.jobs("posts.enqueue_due_posts") if job["status"] == "todo"]
    assert tick["scheduled_at"] == noon()
    await office.run(tick["id"])
    await office.enqueue_due()
    (again,) = [job for job in await office.jobs() if job["status"] == "todo"]
    await office.run(again["id"])
    await office.retry(job_id)
    assert sent_to(simulator) == THREE
    assert (await office.see(post.id))["status"] == "published"


async def test_resuming_a_channel_ends_no_other_wait(office, desk, simulator, noon):
    limited = await office.write(now=NOON)
    job_id = await office.publish(limited.id)
    simulator.fault(action="retry_after", retry_after_s=1800, match={"kind": "instagram.publish"})
    await office.run(job_id)
    other = await office.write(channel_id=office.whatsapp, now=NOON, publish_at=NOON)
    closed = await office.write(now=NOON, publish_at=NOON)
    for channel in (office.whatsapp, office.instagram):
        await desk.put(f"/api/v1/channels/{channel}/pause")
    await office.enqueue_due()
    before = await waiting(desk, limited)
    await office.rows(
        "update channels set status = 'needs_reauth' where id = :id returning id", id=office.whatsapp
    )
    for channel in (office.whatsapp, office.instagram):
        await desk.delete(f"/api/v1/channels/{channel}/pause")
    assert await waiting(desk, closed) is None
    assert await waiting(desk, limited) == before
    assert "Too many calls" in before[0]
    assert "needs a new access token" in (await waiting(desk, other))[0]


async def pause(office, queue, *, resume=False) -> None:
    await office.rows(
        "insert into queue_settings as known (queue_name, paused_at) values (:queue, now())"
        " on conflict (queue_name) do update set paused_at = case when :resume then null else now() end"
        " returning queue_name",
        queue=queue, resume=resume,
    )  # fmt: skip


async def test_a_due_post_that_a_paused_queue_holds_back_names_the_queue(office, desk, noon):
    due = await office.write(now=NOON, publish_at=NOON)
    later = await office.write(now=NOON, publish_at=NOON + timedelta(minutes=1))
    await pause(office, "scheduler")
    assert await waiting(desk, due) == ("The queue scheduler is paused.", None)
    assert await waiting(desk, later) is None
    await office.enqueue_due()
    assert await waiting(desk, due) == ("The queue scheduler is paused.", None), "now its job waits there"
    await pause(office, "scheduler", resume=True)
    assert await waiting(desk, due) == ("Its job waits for a free worker of the queue scheduler.", None)


async def test_ticks_that_run_in_another_queue_are_held_back_by_that_one(office, desk, noon):
    post = await office.write(now=NOON, publish_at=NOON)
    await office.rows(
        "insert into schedules (name, task, cron, queue, next_at)"
        " values ('mine', 'posts.enqueue_due_posts', '* * * * *', 'ticks', now()) returning name"
    )
    await pause(office, "scheduler")
    assert await waiting(desk, post) is None
    await pause(office, "ticks")
    assert await waiting(desk, post) == ("The queue ticks is paused.", None)


async def test_the_pause_before_the_next_attempt_is_told_with_what_went_wrong(office, desk, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    assert await waiting(desk, post) == ("Its job waits for a free worker of the queue scheduler.", None)
    simulator.fault(action="error", code=2, match={"kind": "instagram.container"})
    with pytest.raises(Temporary):
        await office.run(job_id)
    assert await waiting(desk, post) is None, "somebody still has the job"
    await put_off(office, job_id, timedelta(minutes=5))
    reason, until = await waiting(desk, post)
    assert reason == (await office.see(post.id))["error"]
    assert until == NOON + timedelta(minutes=5)


async def test_media_that_are_prepared_are_told(office, desk, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="container_in_progress", reads=2)
    with pytest.raises(Wait):
        await office.run(job_id)
    await put_off(office, job_id, timedelta(seconds=30))
    assert await waiting(desk, post) == ("Instagram is preparing its media.", NOON + timedelta(seconds=30))


async def test_a_lost_answer_is_told_as_being_looked_for(office, desk, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="lost_answer", match={"kind": "instagram.publish"})
    await office.run(job_id)
    await office.rows(
        "update procrastinate_jobs set status = 'succeeded' where id = :id returning id", id=job_id
    )
    reason, until = await waiting(desk, post)
    assert reason == (await office.runs(post.id))[-1]["doubt"]
    assert until is None or until > NOON


async def test_recipients_who_are_held_back_are_told(office, desk, simulator, noon):
    post, job_id = await broadcast(office)
    simulator.fault(action="error", code=131056, **MESSAGE)
    await office.run(job_id)
    await office.rows(
        "update procrastinate_jobs set status = 'succeeded' where id = :id returning id", id=job_id
    )
    reason, until = await waiting(desk, post)
    assert reason.startswith("Some recipients have to wait. Too many messages went to this person")
    assert until == NOON + timedelta(seconds=4)


async def test_a_chunk_behind_another_in_its_lane_waits_for_what_that_one_waits_for(
    office, desk, simulator, noon
):
    many = [f"+336{n:08}" for n in range(lanes.LANES * CHUNK + 1)]
    post, job_id = await broadcast(office, many)
    await office.run(job_id)
    await office.rows(
        "update procrastinate_jobs set status = 'succeeded' where id = :id returning id", id=job_id
    )
    *firsts, last = await office.jobs("posts.send_deliveries")
    assert last["lock"] == firsts[0]["lock"], "five chunks have four lanes"
    for n, first in enumerate(firsts):
        await put_off(office, first["id"], timedelta(seconds=10 + n))
    rated = f"A limit on the calls of whatsapp:{WA_NUMBER} is waited for, the platform's or one set here"
    limited = (f"{rated}: socialsync limits list.", NOON + timedelta(seconds=10))
    assert await waiting(desk, post) == limited
    await put_off(office, last["id"], timedelta(seconds=-1))  # its own turn has come; its lane's has not
    assert await waiting(desk, post) == limited
    await put_off(office, firsts[0]["id"], timedelta())
    assert await waiting(desk, post) == ("Its job waits for a free worker of the queue scheduler.", None)


async def limit(office, key, **given) -> None:
    async with office.opened.database.system_transaction("a test limits a key") as session:
        await limits.set_limit(session, key, **given)


async def test_a_full_limit_is_told_by_its_key(office, desk, noon):
    key = f"whatsapp:{WA_NUMBER}"
    post, _ = await broadcast(office)
    no_worker = ("Its job waits for a free worker of the queue scheduler.", None)
    await limit(office, key, max_running=0)
    assert await waiting(desk, post) == (
        f"The limit of {key} is full, at most 0 at once: socialsync limits list.", None,
    )  # fmt: skip
    await limit(office, key, max_running=1)
    assert await waiting(desk, post) == no_worker
    _, others = await broadcast(office)
    await office.claim(others)
    reason, until = await waiting(desk, post)
    assert (f"The limit of {key} is full, at most 1 at once" in reason, until) == (True, None)
    await limit(office, key, max_running=2)
    assert await waiting(desk, post) == no_worker
    await limit(office, f"instagram:{IG_USER}", max_running=0)
    assert await waiting(desk, post) == no_worker, "another account's limit"


async def test_a_rate_that_is_waited_for_is_told_by_its_key(office, desk, noon):
    key = f"whatsapp:{WA_NUMBER}"
    await limit(office, key, rate_per_s=1 / 60)
    post, job_id = await broadcast(office, THREE[:2])
    async with office.opened.database.system_transaction("another broadcast sends") as session:
        await session.execute(text("update limits set tokens = 0 where key = :key"), {"key": key})
    with pytest.raises(Wait):
        await office.run(job_id)
    await put_off(office, job_id, timedelta(minutes=1))
    rated = f"A limit on the calls of {key} is waited for, the platform's or one set here"
    assert await waiting(desk, post) == (f"{rated}: socialsync limits list.", NOON + timedelta(minutes=1))
    async with office.opened.database.system_transaction("a test lifts a limit") as session:
        await limits.remove_limit(session, key)
    assert await waiting(desk, post) == (
        "A limit of the platform is waited for.", NOON + timedelta(minutes=1),
    )  # fmt: skip


async def test_a_list_shows_a_few_recipients_of_each_post_and_their_number(office, desk, noon):
    many = [f"+336{n:08}" for n in range(1_000)]
    broadcast = await office.write(channel_id=office.whatsapp, recipients=many, now=NOON)
    few = await office.write(channel_id=office.whatsapp, recipients=THREE, now=NOON)
    image = await office.write(now=NOON)
    listed = {item["id"]: item for item in (await desk.get("/api/v1/posts")).json()["items"]}
    shown = [
        (listed[str(post.id)]["recipients"], listed[str(post.id)]["recipient_count"])
        for post in (broadcast, few, image)
    ]
    assert shown == [(many[:5], 1_000), (THREE, 3), ([], 0)]
    whole = (await desk.get(f"/api/v1/posts/{broadcast.id}")).json()
    assert (whole["recipients"], whole["recipient_count"]) == (many, 1_000)

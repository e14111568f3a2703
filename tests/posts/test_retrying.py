"""What failed of a broadcast is sent again by one call; what may have arrived never is."""

from datetime import timedelta
from uuid import uuid4

import pytest

from socialsync.features.posts import opt_outs
from socialsync.queue.policies import Wait
from tests.posts.test_broadcasts import (
    MESSAGE,
    NOON,
    THREE,
    Update,
    broadcast,
    receive,
    refused,
    see,
    sent_to,
    settle,
    statuses,
)
from tests.posts.test_endpoints import problem


def url(post) -> str:
    return f"/api/v1/posts/{post.id}/deliveries/retry"


async def half_failed(office, simulator, *, codes=(131026, 131026), **content):
    """A broadcast to three of whom the first ones failed."""
    for code in codes:
        simulator.fault(action="error", code=code, **MESSAGE)
    post, job_id = await broadcast(office, **content)
    await office.run(job_id)
    simulator.clear_faults()
    return post


async def run_again(office, post):
    return await office.run((await office.runs(post.id))[-1]["job_id"])


async def of(office, status) -> list[str]:
    return [row["recipient"] for row in await see(office) if row["status"] == status]


async def test_those_to_whom_it_failed_get_it_in_an_attempt_of_their_own(office, desk, simulator, noon):
    post = await half_failed(office, simulator)
    assert len(sent_to(simulator)) == 1
    published_at = (await office.see(post.id))["published_at"]
    noon.move(timedelta(hours=1))
    answer = await desk.post(url(post), json={"status": "failed"})
    assert answer.status_code == 202, answer.text
    assert answer.json() == {"post_id": str(post.id), "status": "publishing", "attempt": 2, "retried": 2}
    assert (await run_again(office, post))["status"] == "published"
    assert sent_to(simulator) == THREE, "each once"
    row = await office.see(post.id)
    assert (row["status"], row["error"], row["published_at"]) == ("published", None, published_at)
    assert [run["status"] for run in await office.runs(post.id)] == ["success", "success"]


async def test_no_body_means_all_that_failed(office, desk, simulator, noon):
    post = await half_failed(office, simulator)
    assert (await desk.post(url(post))).json()["retried"] == 2


async def test_only_those_who_are_named_get_it(office, desk, simulator, noon):
    post = await half_failed(office, simulator)
    one, other = await of(office, "failed")
    assert (await desk.post(url(post), json={"recipients": [one, one]})).json()["retried"] == 1
    await run_again(office, post)
    assert await of(office, "failed") == [other]
    assert (await office.see(post.id))["error"].startswith("1 of 3 failed: ")


async def test_a_post_that_failed_for_everybody_is_sent_to_some(office, desk, simulator, noon):
    post = await half_failed(office, simulator, codes=[131026] * 3)
    assert (await office.see(post.id))["status"] == "failed"
    await desk.post(url(post), json={"recipients": THREE[:1]})
    assert (await run_again(office, post))["status"] == "published"
    assert sent_to(simulator) == THREE[:1]


async def test_what_may_have_arrived_is_never_sent_again(office, desk, simulator, noon):
    simulator.fault(action="lost_answer", **MESSAGE)
    simulator.fault(action="error", code=131026, **MESSAGE)
    post, job_id = await broadcast(office)
    await office.run(job_id)
    (lost,) = await of(office, "sending")
    found = problem(await desk.post(url(post)), 409)
    assert (found["code"], found["errors"][0]["field"]) == ("NotRetried", "status"), "it is under way"
    noon.move(timedelta(seconds=95))
    await settle(office)
    found = problem(await desk.post(url(post), json={"recipients": [lost]}), 409)
    assert "may have arrived" in found["errors"][0]["problem"]
    assert (await desk.post(url(post))).json()["retried"] == 1
    await run_again(office, post)
    assert sent_to(simulator) == THREE, "each once, the lost one too"
    assert await of(office, "unknown") == [lost]


async def test_each_recipient_who_cannot_be_retried_is_named(office, desk, simulator, noon):
    post = await half_failed(office, simulator)
    (arrived,) = await of(office, "sent")
    named = [arrived, *await of(office, "failed"), "+33699999999"]
    found = problem(await desk.post(url(post), json={"recipients": named}), 409)
    assert [error["field"] for error in found["errors"]] == ["recipients[0]", "recipients[3]"]
    assert len(await of(office, "failed")) == 2, "nothing was changed"
    problem(await desk.post(url(post), json={"recipients": ["+33699999999"]}), 422)
    problem(await desk.post(url(post), json={"recipients": []}), 422)
    problem(await desk.post(url(post), json={"status": "unknown"}), 422)


async def test_who_opted_out_is_left_out(office, desk, simulator, noon):
    post = await half_failed(office, simulator, codes=[131026])
    (failed,) = await of(office, "failed")
    async with office.opened.database.transaction(office.workspace_id) as session:
        await opt_outs.add(session, office.workspace_id, office.whatsapp, failed, reason="asked for it")
    assert "wants broadcasts" in problem(await desk.post(url(post)), 409)["detail"]
    found = problem(await desk.post(url(post), json={"recipients": [failed]}), 409)
    assert found["errors"][0]["field"] == "recipients[0]"


async def test_a_message_that_was_told_to_have_failed_is_another_one_the_second_time(
    office, desk, simulator, noon
):
    post, job_id = await broadcast(office, THREE[:1])
    await office.run(job_id)
    (first,) = await see(office)
    told = Update(first["platform_message_id"], "failed", str(first["id"]), error=refused(131026))
    await receive(office, told)
    await settle(office)
    noon.move(timedelta(minutes=1))
    assert (await desk.post(url(post))).status_code == 202
    assert await receive(office, told) == set(), "told again of the first message"
    assert (await run_again(office, post))["status"] == "published"
    (second,) = await see(office)
    assert second["id"] != first["id"]
    assert second["platform_message_id"] != first["platform_message_id"]
    assert await receive(office, told) == set()
    assert await statuses(office) == ["sent"]


async def test_a_post_that_has_not_ended_or_of_which_nothing_failed_is_not_sent_again(
    office, desk, simulator, noon
):
    waiting = await office.write(channel_id=office.whatsapp, now=NOON, publish_at=NOON + timedelta(days=1))
    assert "has ended" in problem(await desk.post(url(waiting)), 409)["detail"]
    well, job_id = await broadcast(office)
    await office.run(job_id)
    assert "No message" in problem(await desk.post(url(well)), 409)["detail"]
    await desk.delete(f"/api/v1/posts/{waiting.id}")
    assert "cancelled" in problem(await desk.post(url(waiting)), 409)["detail"]
    problem(await desk.post(f"/api/v1/posts/{uuid4()}/deliveries/retry"), 404)


async def test_a_paused_channel_sends_nothing_again(office, desk, simulator, noon):
    post = await half_failed(office, simulator)
    await desk.put(f"/api/v1/channels/{office.whatsapp}/pause")
    assert problem(await desk.post(url(post)), 409)["code"] == "ChannelClosed"
    assert len(await of(office, "failed")) == 2


async def test_the_same_key_sends_again_once(office, desk, simulator, noon):
    post = await half_failed(office, simulator)
    key = {"Idempotency-Key": "again"}
    one, two = [await desk.post(url(post), json={}, headers=key) for _ in range(2)]
    assert (one.status_code, two.status_code, one.json()) == (202, 202, two.json())
    assert len(await office.runs(post.id)) == 2
    problem(await desk.post(url(post)), 409)


async def test_a_retry_that_must_wait_goes_on_with_nobody_twice(office, desk, simulator, noon):
    post = await half_failed(office, simulator)
    await desk.post(url(post))
    simulator.fault(action="error", code=130429, **MESSAGE)
    with pytest.raises(Wait):
        await run_again(office, post)
    await run_again(office, post)
    assert sent_to(simulator) == THREE
    problem(await desk.delete(f"/api/v1/posts/{post.id}"), 409)


async def test_thousands_that_failed_are_sent_again_in_chunks(office, desk, simulator, noon):
    many = [f"+336{n:08}" for n in range(450)]
    post = await office.write(channel_id=office.whatsapp, recipients=many, now=NOON)
    simulator.fault(action="error", code=131031, times=None, **MESSAGE)
    await office.run(await office.publish(post.id))
    await office.rows("update post_deliveries set status = 'failed' returning id")
    await office.rows("update posts set status = 'failed' returning id")
    await office.rows("update post_runs set status = 'failed', finished_at = now() returning id")
    before = len(await office.jobs("posts.send_deliveries"))
    assert (await desk.post(url(post), json={"recipients": many[:10] + many[-10:]})).json()["retried"] == 20
    await run_again(office, post)
    jobs = (await office.jobs("posts.send_deliveries"))[before:]
    assert [job["args"]["chunk_id"] for job in jobs] == [0, 2], "those with somebody to send to"

"""One attempt after another, against the simulator over real HTTP."""

import functools
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from socialsync.errors import NotFound, Permanent, Temporary, UnknownOutcome
from socialsync.features.channels import service as channels
from socialsync.features.posts import publishing, queries, service
from socialsync.features.posts.lifecycle import EffectBegun
from socialsync.queue.jobs import JobLost

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
THREE = ["+33612345601", "+33612345602", "+33612345603"]


async def test_an_image_is_published_once_and_all_rows_say_so(office, simulator, noon):
    post = await office.write(publish_at=NOON, now=NOON)
    await office.enqueue_due()
    (job,) = await office.jobs()
    with capture_logs() as lines:
        assert await office.run(job["id"]) == {"post_id": str(post.id), "status": "published"}
    (seen,) = simulator.ledger(kind="instagram.publish")
    row, (run,) = await office.see(post.id), await office.runs(post.id)
    assert seen["caption"] == "Sunrise"
    assert (row["status"], row["platform_post_id"], row["error"]) == ("published", seen["id"], None)
    assert row["published_at"] == NOON
    assert (row["next_check_at"], row["stop_at"]) == (NOON, NOON + timedelta(days=7))
    assert (run["status"], run["started_at"], run["finished_at"]) == ("success", NOON, NOON)
    assert [line["event"] for line in lines] == [
        f"[PUBLISH] Starting publish task for post {post.id}",
        f"[PUBLISH] Successfully published post {post.id} to instagram",
    ]


async def test_a_text_reaches_every_recipient_once_under_our_own_id(office, simulator, noon):
    post = await office.write(channel_id=office.whatsapp, recipients=THREE, now=NOON)
    with capture_logs() as lines:
        await office.run(await office.publish(post.id))
    sent = simulator.ledger(kind="whatsapp.message")
    deliveries = await office.rows("select * from post_deliveries where post_id = :id", id=post.id)
    assert [effect["to"] for effect in sent] == THREE
    assert {effect["biz_opaque_callback_data"] for effect in sent} == {str(row["id"]) for row in deliveries}
    assert {row["status"] for row in deliveries} == {"sent"}
    assert {row["platform_message_id"] for row in deliveries} == {effect["id"] for effect in sent}
    assert (await office.see(post.id))["status"] == "published"
    assert lines[-1]["event"] == f"[PUBLISH] Successfully published post {post.id} to whatsapp"


async def test_running_the_job_again_publishes_nothing_again(office, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    await office.run(job_id)
    assert (await office.run(job_id))["status"] == "nothing to publish"
    assert len(simulator.ledger(kind="instagram.publish")) == 1


async def test_a_temporary_error_is_a_failed_run_and_a_new_attempt(office, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="retry_after", retry_after_s=30, match={"kind": "instagram.container"})
    with pytest.raises(Temporary) as limited:
        await office.run(job_id)
    assert limited.value.retry_after >= timedelta(seconds=30)
    row = await office.see(post.id)
    assert row["status"] == "publishing"
    assert row["error"]
    await office.retry(job_id)
    assert [run["status"] for run in await office.runs(post.id)] == ["failed", "success"]
    assert [run["attempt"] for run in await office.runs(post.id)] == [1, 2]
    assert (await office.see(post.id))["error"] is None
    assert len(simulator.ledger(kind="instagram.publish")) == 1


async def test_after_the_last_attempt_the_post_has_failed_with_the_reason(office, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="status", status=503, times=None, match={"kind": "instagram.container"})
    with pytest.raises(Temporary):
        await office.run(job_id)
    for _ in range(3):
        assert (await office.see(post.id))["status"] == "publishing"
        with pytest.raises(Temporary):
            await office.retry(job_id)
    row = await office.see(post.id)
    assert row["status"] == "failed"
    assert "unavailable" in row["error"]
    assert [run["status"] for run in await office.runs(post.id)] == ["failed"] * 4


async def test_what_the_platform_refuses_fails_at_once_in_words_for_a_person(office, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="error", code=36003, subcode=2207009, match={"kind": "instagram.container"})
    with pytest.raises(Permanent):
        await office.run(job_id)
    row = await office.see(post.id)
    assert row["status"] == "failed"
    assert "ratio" in row["error"].lower()
    assert simulator.ledger(kind="instagram.publish") == []


async def test_a_lost_answer_is_unknown_and_never_sent_again(office, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="lost_answer", match={"kind": "instagram.publish"})
    with pytest.raises(UnknownOutcome):
        await office.run(job_id)
    assert (await office.see(post.id))["status"] == "unknown"
    assert [run["status"] for run in await office.runs(post.id)] == ["unknown"]
    assert (await office.retry(job_id))["status"] == "nothing to publish"
    assert len(simulator.ledger(kind="instagram.publish")) == 1


async def test_a_process_that_died_after_its_intent_leaves_the_post_unknown(office, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    await office.rows("update post_runs set effect_at = now(), started_at = now() returning id")
    assert (await office.run(job_id))["status"] == "nothing to publish"
    row = await office.see(post.id)
    assert row["status"] == "unknown"
    assert "may be published" in row["error"]
    assert simulator.ledger(kind="instagram.publish") == []


async def test_the_next_attempt_goes_on_with_the_same_container(office, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="status", status=500, match={"kind": "instagram.container_status"})
    with pytest.raises(Temporary):
        await office.run(job_id)
    await office.retry(job_id)
    assert len(simulator.ledger(kind="instagram.container")) == 1
    assert len(simulator.ledger(kind="instagram.publish")) == 1


async def test_a_recipient_who_cannot_be_reached_stops_nobody_else(office, simulator, noon):
    post = await office.write(channel_id=office.whatsapp, recipients=THREE, now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="error", code=131026, skip=1, match={"kind": "whatsapp.message"})
    await office.run(job_id)
    deliveries = await office.rows("select * from post_deliveries order by id")
    assert [row["status"] for row in deliveries] == ["sent", "failed", "sent"]
    row = await office.see(post.id)
    assert row["status"] == "published"
    assert row["error"].startswith("1 of 3 failed: ")


async def test_a_broadcast_that_is_interrupted_goes_on_where_it_was(office, simulator, noon):
    post = await office.write(channel_id=office.whatsapp, recipients=THREE, now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="error", code=130429, skip=1, match={"kind": "whatsapp.message"})
    with pytest.raises(Temporary):
        await office.run(job_id)
    await office.retry(job_id)
    assert [effect["to"] for effect in simulator.ledger(kind="whatsapp.message")] == THREE
    assert (await office.see(post.id))["status"] == "published"


async def test_a_message_whose_answer_is_lost_is_unknown_and_the_others_go_out(office, simulator, noon):
    post = await office.write(channel_id=office.whatsapp, recipients=THREE, now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="lost_answer", match={"kind": "whatsapp.message"})
    await office.run(job_id)
    deliveries = await office.rows("select * from post_deliveries order by id")
    assert [row["status"] for row in deliveries] == ["unknown", "sent", "sent"]
    assert [effect["to"] for effect in simulator.ledger(kind="whatsapp.message")] == THREE


async def test_a_process_that_died_while_sending_one_message_does_not_send_it_again(office, simulator, noon):
    post = await office.write(channel_id=office.whatsapp, recipients=THREE, now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="error", code=130429, skip=1, match={"kind": "whatsapp.message"})
    with pytest.raises(Temporary):
        await office.run(job_id)
    await office.rows(
        "update post_deliveries set status = 'sending' where recipient = :who returning id", who=THREE[1]
    )
    await office.retry(job_id)
    assert [effect["to"] for effect in simulator.ledger(kind="whatsapp.message")] == [THREE[0], THREE[2]]
    row = await office.see(post.id)
    assert row["status"] == "published"
    assert "unknown outcome" in row["error"]


async def test_a_revoked_token_stops_the_broadcast_and_says_so(office, simulator, noon):
    post = await office.write(channel_id=office.whatsapp, recipients=THREE, now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="error", code=190, subcode=463, match={"kind": "whatsapp.message"})
    with pytest.raises(Permanent):
        await office.run(job_id)
    row = await office.see(post.id)
    assert row["status"] == "failed"
    assert "token" in row["error"].lower()
    assert simulator.ledger(kind="whatsapp.message") == []


async def test_a_broadcast_that_gives_up_half_way_tells_what_it_reached(office, simulator, noon):
    post = await office.write(channel_id=office.whatsapp, recipients=THREE, now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="error", code=190, subcode=463, skip=1, match={"kind": "whatsapp.message"})
    with pytest.raises(Permanent):
        await office.run(job_id)
    row = await office.see(post.id)
    assert row["status"] == "published"
    assert row["error"].startswith("2 of 3 failed: ")


async def test_a_failed_broadcast_that_a_person_publishes_again_goes_to_everybody(office, simulator, noon):
    post = await office.write(channel_id=office.whatsapp, recipients=THREE, now=NOON)
    simulator.fault(action="error", code=190, subcode=463, match={"kind": "whatsapp.message"})
    with pytest.raises(Permanent):
        await office.run(await office.publish(post.id))
    await office.rows("update procrastinate_jobs set status = 'failed' returning id")
    await office.run(await office.publish(post.id))
    assert [effect["to"] for effect in simulator.ledger(kind="whatsapp.message")] == THREE
    assert (await office.see(post.id))["status"] == "published"


async def test_our_own_mistake_is_retried_and_then_fails_without_details(office, noon):
    post = await office.write(now=NOON)
    job = await office.claim(await office.publish(post.id))
    async with office.opened.database.transaction(office.workspace_id) as session:
        attempt = await publishing.begin(session, job, post.id, now=NOON)
        await publishing.fail(session, job, attempt, KeyError("secret"), retry_in=None, now=NOON)
    row = await office.see(post.id)
    assert row["status"] == "failed"
    assert "secret" not in row["error"]


async def test_our_own_mistake_after_the_intent_leaves_the_post_unknown(office, noon):
    post = await office.write(now=NOON)
    job = await office.claim(await office.publish(post.id))
    async with office.opened.database.transaction(office.workspace_id) as session:
        attempt = await publishing.begin(session, job, post.id, now=NOON)
        await publishing.commit_intent(session, job, attempt, now=NOON)
        await publishing.fail(
            session, job, attempt, KeyError("oops"), retry_in=timedelta(seconds=1), now=NOON
        )
    assert (await office.see(post.id))["status"] == "unknown"


async def test_the_text_of_the_last_edit_is_published(office, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="status", status=503, match={"kind": "instagram.container_status"})
    with pytest.raises(Temporary):
        await office.run(job_id)
    async with office.opened.database.transaction(office.workspace_id) as session:
        await service.edit(session, post.id, {"text": "Sunset"}, now=NOON)
    await office.retry(job_id)
    assert [effect["caption"] for effect in simulator.ledger(kind="instagram.publish")] == ["Sunset"]


async def test_a_post_cancelled_between_attempts_is_not_published(office, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="status", status=503, match={"kind": "instagram.container"})
    with pytest.raises(Temporary):
        await office.run(job_id)
    async with office.opened.database.transaction(office.workspace_id) as session:
        await service.cancel(session, post.id, now=NOON)
    assert (await office.retry(job_id))["status"] == "nothing to publish"
    assert simulator.ledger(kind="instagram.publish") == []
    assert (await office.see(post.id))["status"] == "cancelled"


async def test_a_job_that_was_given_to_another_worker_commits_no_intent(office, noon):
    post = await office.write(now=NOON)
    job = await office.claim(await office.publish(post.id))
    async with office.opened.database.transaction(office.workspace_id) as session:
        attempt = await publishing.begin(session, job, post.id, now=NOON)
    await office.claim(job.job.id)
    with pytest.raises(JobLost):
        async with office.opened.database.transaction(office.workspace_id) as session:
            await publishing.commit_intent(session, job, attempt, now=NOON)
    assert [run["effect_at"] for run in await office.runs(post.id)] == [None]


async def test_an_edit_between_reading_and_intent_is_noticed(office, noon):
    post = await office.write(now=NOON)
    job = await office.claim(await office.publish(post.id))
    async with office.opened.database.transaction(office.workspace_id) as session:
        attempt = await publishing.begin(session, job, post.id, now=NOON)
        await service.edit(session, post.id, {"text": "Sunset"}, now=NOON)
    with pytest.raises(publishing.PostEdited):
        async with office.opened.database.transaction(office.workspace_id) as session:
            await publishing.commit_intent(session, job, attempt, now=NOON)


async def test_once_the_intent_is_committed_neither_edit_nor_cancel_is_possible(office, noon):
    post = await office.write(now=NOON)
    job = await office.claim(await office.publish(post.id))
    async with office.opened.database.transaction(office.workspace_id) as session:
        attempt = await publishing.begin(session, job, post.id, now=NOON)
        await publishing.commit_intent(session, job, attempt, now=NOON)
    for verb in (service.cancel, functools.partial(service.edit, changes={})):
        with pytest.raises(EffectBegun):
            async with office.opened.database.transaction(office.workspace_id) as session:
                await verb(session, post.id, now=NOON)


async def test_the_outcome_is_kept_though_the_job_was_lost_meanwhile(office, noon):
    post = await office.write(now=NOON)
    job = await office.claim(await office.publish(post.id))
    async with office.opened.database.transaction(office.workspace_id) as session:
        attempt = await publishing.begin(session, job, post.id, now=NOON)
        await publishing.commit_intent(session, job, attempt, now=NOON)
    assert (await office.run(job.job.id))["status"] == "nothing to publish"
    assert (await office.see(post.id))["status"] == "unknown"
    async with office.opened.database.transaction(office.workspace_id) as session:
        await publishing.succeed(session, attempt, "178000", now=NOON)
    row, (run,) = await office.see(post.id), await office.runs(post.id)
    assert (row["status"], row["platform_post_id"], run["status"]) == ("published", "178000", "success")


async def test_bad_news_of_a_worker_that_lost_its_job_changes_nothing(office, noon):
    post = await office.write(now=NOON)
    slow = await office.claim(await office.publish(post.id))
    async with office.opened.database.transaction(office.workspace_id) as session:
        attempt = await publishing.begin(session, slow, post.id, now=NOON)
    await office.run(slow.job.id)
    assert (await office.see(post.id))["status"] == "published"
    with pytest.raises(JobLost):
        async with office.opened.database.transaction(office.workspace_id) as session:
            await publishing.fail(session, slow, attempt, Permanent("no"), retry_in=None, now=NOON)
    row, (run,) = await office.see(post.id), await office.runs(post.id)
    assert (row["status"], run["status"]) == ("published", "success")


@pytest.mark.parametrize(("doing", "status"), [("cancel", "cancelled"), ("edit", "publishing")])
async def test_a_refusal_of_what_was_changed_meanwhile_does_not_fail_the_post(office, noon, doing, status):
    post = await office.write(now=NOON)
    job = await office.claim(await office.publish(post.id))
    async with office.opened.database.transaction(office.workspace_id) as session:
        attempt = await publishing.begin(session, job, post.id, now=NOON)
    async with office.opened.database.transaction(office.workspace_id) as session:
        if doing == "cancel":
            await service.cancel(session, post.id, now=NOON)
        else:
            await service.edit(session, post.id, {"text": "Sunset"}, now=NOON)
    with pytest.raises(publishing.PostEdited):
        async with office.opened.database.transaction(office.workspace_id) as session:
            await publishing.fail(session, job, attempt, Permanent("no"), retry_in=None, now=NOON)
    assert (await office.see(post.id))["status"] == status


async def test_the_attempt_goes_to_the_channel_of_the_edit_that_it_sends(office, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    changes = {"channel_id": office.whatsapp, "media_urls": [], "recipients": THREE}
    async with office.opened.database.transaction(office.workspace_id) as session:
        await service.edit(session, post.id, changes, now=NOON)
    job = await office.claim(job_id)
    async with office.opened.database.transaction(office.workspace_id) as session:
        attempt = await publishing.begin(session, job, post.id, now=NOON)
    assert attempt.channel.id == office.whatsapp
    assert attempt.is_broadcast


async def test_a_failed_broadcast_that_is_edited_and_queued_again_goes_out(office, simulator, noon):
    post = await office.write(channel_id=office.whatsapp, recipients=THREE, now=NOON)
    simulator.fault(action="error", code=190, subcode=463, match={"kind": "whatsapp.message"})
    with pytest.raises(Permanent):
        await office.run(await office.publish(post.id))
    await office.rows("update procrastinate_jobs set status = 'failed' returning id")
    async with office.opened.database.transaction(office.workspace_id) as session:
        await service.edit(session, post.id, {"status": "queued", "publish_at": NOON}, now=NOON)
    await office.enqueue_due()
    await office.run((await office.runs(post.id))[-1]["job_id"])
    assert [effect["to"] for effect in simulator.ledger(kind="whatsapp.message")] == THREE
    row = await office.see(post.id)
    assert (row["status"], row["error"]) == ("published", None)


async def test_a_dead_container_is_replaced(office, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="container_expired")
    with pytest.raises(Temporary):
        await office.run(job_id)
    await office.retry(job_id)
    assert len(simulator.ledger(kind="instagram.container")) == 2
    assert len(simulator.ledger(kind="instagram.publish")) == 1


async def test_a_deleted_channel_fails_its_posts_before_anything_is_sent(office, simulator, noon):
    post = await office.write(channel_id=office.whatsapp, recipients=THREE, now=NOON)
    job_id = await office.publish(post.id)
    async with office.opened.database.transaction(office.workspace_id) as session:
        await channels.delete(session, office.whatsapp, actor="tests", now=NOON)
    with pytest.raises(NotFound):
        await office.run(job_id)
    row = await office.see(post.id)
    assert row["status"] == "failed"
    assert "channel was deleted" in row["error"]
    assert {run["effect_at"] for run in await office.runs(post.id)} == {None}


async def test_one_recipient_who_got_too_much_does_not_hold_the_others(office, simulator, noon):
    post = await office.write(channel_id=office.whatsapp, recipients=THREE, now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="error", code=131056, match={"kind": "whatsapp.message"})
    with pytest.raises(Temporary):
        await office.run(job_id)
    assert [effect["to"] for effect in simulator.ledger(kind="whatsapp.message")] == THREE[1:]
    await office.retry(job_id)
    assert [effect["to"] for effect in simulator.ledger(kind="whatsapp.message")] == [*THREE[1:], THREE[0]]
    assert (await office.see(post.id))["status"] == "published"


async def test_a_repeated_write_does_not_put_a_sent_message_back(office, simulator, noon):
    post = await office.write(channel_id=office.whatsapp, now=NOON)
    await office.run(await office.publish(post.id))
    (delivery,) = await office.rows("select * from post_deliveries")
    async with office.opened.database.transaction(office.workspace_id) as session:
        await queries.set_delivery(session, delivery["id"], NOON, status="queued")
    (delivery,) = await office.rows("select * from post_deliveries")
    assert delivery["status"] == "sent"

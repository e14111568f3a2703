"""One attempt after another, against the simulator over real HTTP."""

import functools
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from socialsync.errors import NotFound, Permanent, Temporary
from socialsync.features.channels import service as channels
from socialsync.features.posts import publishing, service
from socialsync.features.posts.lifecycle import EffectBegun
from socialsync.queue.jobs import JobLost
from socialsync.queue.policies import Wait

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
    assert sorted(effect["to"] for effect in sent) == THREE
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
    simulator.fault(action="status", status=503, match={"kind": "instagram.container"})
    with pytest.raises(Temporary):
        await office.run(job_id)
    row = await office.see(post.id)
    assert row["status"] == "publishing"
    assert row["error"]
    await office.retry(job_id)
    assert [run["status"] for run in await office.runs(post.id)] == ["failed", "success"]
    assert [run["attempt"] for run in await office.runs(post.id)] == [1, 2]
    assert (await office.see(post.id))["error"] is None
    assert len(simulator.ledger(kind="instagram.publish")) == 1


async def test_a_short_limit_is_waited_for_without_an_attempt(office, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="retry_after", retry_after_s=60, match={"kind": "instagram.container"})
    with pytest.raises(Wait) as limited:
        await office.run(job_id)
    assert limited.value.wait >= timedelta(seconds=60)
    assert [run["status"] for run in await office.runs(post.id)] == ["running"]
    assert (await office.run(job_id))["status"] == "published"
    assert [run["attempt"] for run in await office.runs(post.id)] == [1]


async def test_a_limit_of_seconds_is_waited_for_in_seconds(office, simulator, noon):
    for channel_id, kind in (
        (office.instagram, "instagram.container"),
        (office.whatsapp, "whatsapp.message"),
    ):
        post = await office.write(channel_id=channel_id, now=NOON)
        job_id = await office.publish(post.id)
        simulator.fault(action="retry_after", retry_after_s=5, match={"kind": kind})
        with pytest.raises(Wait) as limited:
            await office.run(job_id)
        assert limited.value.wait == timedelta(seconds=5)


async def test_a_long_limit_sends_the_post_back_into_the_queue(office, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="retry_after", retry_after_s=1800, match={"kind": "instagram.publish"})
    assert (await office.run(job_id))["status"] == "waits"
    row = await office.see(post.id)
    assert (row["status"], row["not_before"]) == ("queued", NOON + timedelta(minutes=30))
    assert [(run["status"], run["effect_at"]) for run in await office.runs(post.id)] == [("cancelled", None)]
    assert (await office.enqueue_due())["enqueued"] == 0
    noon.move(timedelta(minutes=31))
    assert (await office.enqueue_due())["enqueued"] == 1
    await office.run((await office.runs(post.id))[-1]["job_id"])
    assert (await office.see(post.id))["status"] == "published"
    assert len(simulator.ledger(kind="instagram.container")) == 1, "the same container"


async def test_a_spent_quota_is_waited_for(office, simulator, noon):
    simulator.set_up(quota_total=0)
    post = await office.write(now=NOON)
    assert (await office.run(await office.publish(post.id)))["status"] == "waits"
    row = await office.see(post.id)
    assert (row["status"], row["not_before"]) == ("queued", NOON + timedelta(minutes=15))
    assert "allows" in row["error"]
    assert simulator.ledger(kind="instagram.publish") == []


async def test_a_media_that_is_prepared_holds_no_worker(office, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="container_in_progress", reads=2)
    for _ in range(2):
        with pytest.raises(Wait):
            await office.run(job_id)
    assert (await office.run(job_id))["status"] == "published"
    assert len(simulator.ledger(kind="instagram.container")) == 1
    assert [run["attempt"] for run in await office.runs(post.id)] == [1]


async def test_a_media_that_is_never_ready_costs_an_attempt_after_five_minutes(office, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="container_in_progress", reads=1_000)
    with pytest.raises(Wait):
        await office.run(job_id)
    noon.move(timedelta(minutes=6))
    with pytest.raises(Temporary, match="still preparing"):
        await office.run(job_id)
    assert (await office.runs(post.id))[-1]["container_id"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({"media_urls": ["https://example.com/a.jpg", "https://example.com/b.mp4"]}, "CAROUSEL"),
        ({"media_urls": ["https://example.com/a.mp4"]}, "REELS"),
        ({"media_urls": ["https://example.com/a.jpg"], "media_type": "story", "text": ""}, "STORIES"),
        ({"media_urls": ["https://example.com/a.jpg"], "alt_texts": ["A bay"]}, "IMAGE"),
    ],
)
async def test_every_kind_of_post_is_published_once(office, simulator, noon, content, kind):
    post = await office.write(now=NOON, **content)
    await office.run(await office.publish(post.id))
    (seen,) = simulator.ledger(kind="instagram.publish")
    assert seen["media_type"] == kind
    assert seen["alt_text"] == (content.get("alt_texts") or [None])[0]
    assert (await office.see(post.id))["status"] == "published"


async def test_a_carousel_goes_on_with_the_items_that_are_there(office, simulator, noon):
    urls = [f"https://example.com/{n}.jpg" for n in range(4)]
    post = await office.write(now=NOON, media_urls=urls)
    job_id = await office.publish(post.id)
    simulator.fault(action="status", status=503, skip=2, match={"kind": "instagram.container"})
    with pytest.raises(Temporary):
        await office.run(job_id)
    await office.retry(job_id)
    made = simulator.ledger(kind="instagram.container")
    assert [one["image_url"] for one in made] == [*urls, None]
    (seen,) = simulator.ledger(kind="instagram.publish")
    assert seen["children"] == [one["id"] for one in made[:-1]]


async def test_a_token_that_is_refused_twice_parks_the_post_until_the_channel_is_connected(
    office, simulator, noon
):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="revoke_token", match={"token": "EAAtoken"})
    assert (await office.run(job_id))["status"] == "waits"
    row = await office.see(post.id)
    assert row["status"] == "queued"
    assert "connected again" in row["error"]
    (channel,) = await office.rows("select status from channels where id = :id", id=office.instagram)
    assert channel["status"] == "needs_reauth"
    noon.move(timedelta(minutes=20))
    assert (await office.enqueue_due())["enqueued"] == 0
    simulator.clear_faults()
    async with office.opened.database.transaction(office.workspace_id) as session:
        await channels.change(
            session, office.opened.cipher, office.instagram, {}, access_token="EAAnew", actor="tests",
            now=noon(),
        )  # fmt: skip
    noon.move(timedelta(minutes=1))
    await office.enqueue_due()
    await office.run((await office.runs(post.id))[-1]["job_id"])
    assert (await office.see(post.id))["status"] == "published"


async def test_a_token_that_is_refused_once_is_tried_again(office, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="error", code=190, subcode=463, match={"kind": "instagram.container"})
    with pytest.raises(Temporary, match="second look"):
        await office.run(job_id)
    await office.retry(job_id)
    assert (await office.see(post.id))["status"] == "published"


async def test_a_paused_channel_parks_what_is_on_its_way(office, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    async with office.opened.database.transaction(office.workspace_id) as session:
        await channels.pause(session, office.instagram, actor="tests", now=NOON)
    assert (await office.run(job_id))["status"] == "nothing to publish"
    row = await office.see(post.id)
    assert row["status"] == "queued"
    assert "paused" in row["error"]
    assert simulator.requests()["total"] == 0


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


async def test_the_next_attempt_goes_on_with_the_same_container(office, simulator, noon):
    post = await office.write(now=NOON)
    job_id = await office.publish(post.id)
    simulator.fault(action="status", status=500, match={"kind": "instagram.container_status"})
    with pytest.raises(Temporary):
        await office.run(job_id)
    await office.retry(job_id)
    assert len(simulator.ledger(kind="instagram.container")) == 1
    assert len(simulator.ledger(kind="instagram.publish")) == 1


async def test_our_own_mistake_is_retried_and_then_fails_without_details(office, noon):
    post = await office.write(now=NOON)
    job = await office.claim(await office.publish(post.id))
    async with office.opened.database.transaction(office.workspace_id) as session:
        attempt = await publishing.begin(session, job, post.id, now=NOON)
        await publishing.fail(session, job, attempt, KeyError("secret"), retry_in=None, now=NOON)
    row = await office.see(post.id)
    assert row["status"] == "failed"
    assert "secret" not in row["error"]


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

"""An edit or a cancellation against an attempt that is under way, each on its own connection."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from socialsync.ai import Ai, Models
from socialsync.db.encryption import Cipher
from socialsync.errors import Temporary
from socialsync.features.accounts import service as accounts
from socialsync.features.channels import service as channels
from socialsync.features.posts import service
from socialsync.features.posts.lifecycle import EffectBegun, PostSettled
from socialsync.platforms import open_platforms
from socialsync.queue.pool import Pool
from socialsync.resources import Resources
from tests.posts.conftest import IG_USER, REASON, WA_NUMBER, Office

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
async def office(fresh, fresh_database, settings, simulator, noon):
    """On a database of its own, where transactions commit and wait for one another."""
    async with open_platforms(
        meta_graph_url=simulator.url, instagram_graph_url=simulator.url, version="v25.0"
    ) as platforms:
        cipher = Cipher(settings.secret_keys)
        async with fresh_database.system_transaction(REASON) as session:
            workspace = await accounts.create_workspace(session, name="Bakery")
        connected = {}
        async with fresh_database.transaction(workspace.id) as session:
            for platform, external_id in (("instagram", IG_USER), ("whatsapp", WA_NUMBER)):
                new = {"platform": platform, "name": platform, "external_id": external_id}
                connected[platform] = (
                    await channels.connect(
                        session, cipher, workspace.id, new, access_token="EAAtoken", actor="tests"
                    )
                ).id
        models = Models(f"{simulator.url}/v1", "a key", chat="none", embedding="none")
        opened = Resources(
            settings,
            fresh,
            fresh_database,
            cipher,
            platforms,
            Ai(fresh_database, models),
            Pool(),
        )
        yield Office(opened, workspace.id, **connected)


@pytest.fixture
async def post(office):
    return await office.write(now=NOON)


def transaction(office):
    return office.opened.database.transaction(office.workspace_id)


async def edit(office, post_id, words="Sunset"):
    async with transaction(office) as session:
        await service.edit(session, post_id, {"text": words}, now=NOON)


async def cancel(office, post_id):
    async with transaction(office) as session:
        await service.cancel(session, post_id, now=NOON)


async def reached(office, post_id, moment):
    """Until the attempt has stored this: ``started_at``, and asks for its container; ``effect_at``, and
    publishes it.
    """
    while not any(run[moment] for run in await office.runs(post_id)):
        await asyncio.sleep(0.01)


async def waits_for_a_lock(database):
    """Until somebody does. Each look is a transaction: within one Postgres would show the same again."""
    waiting = text(
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock'"
    )
    while True:
        async with database.system_transaction(REASON) as session:
            if await session.scalar(waiting):
                return
        await asyncio.sleep(0.01)


def captions(simulator):
    return [effect["caption"] for effect in simulator.ledger(kind="instagram.publish")]


async def test_before_its_job_begins_a_post_can_be_changed_or_cancelled(office, simulator, post):
    job_id = await office.publish(post.id)
    await edit(office, post.id)
    await office.run(job_id)
    assert captions(simulator) == ["Sunset"]

    other = await office.write(now=NOON)
    job_id = await office.publish(other.id)
    await cancel(office, other.id)
    assert (await office.runs(other.id))[0]["status"] == "cancelled"
    assert [job["status"] for job in await office.jobs() if job["id"] == job_id] == ["cancelled"]
    await office.run(job_id)  # claimed at the very moment of the cancellation
    assert captions(simulator) == ["Sunset"]


async def test_while_the_container_is_made_an_edit_is_what_is_published(office, simulator, post):
    simulator.fault(action="slow", delay_s=1, match={"kind": "instagram.container"})
    running = asyncio.create_task(office.run(await office.publish(post.id)))
    await reached(office, post.id, "started_at")
    await edit(office, post.id)
    assert (await running)["status"] == "published"
    assert captions(simulator) == ["Sunset"]


async def test_while_the_container_is_made_a_cancellation_keeps_it_from_being_published(
    office, simulator, post
):
    simulator.fault(action="slow", delay_s=1, match={"kind": "instagram.container"})
    running = asyncio.create_task(office.run(await office.publish(post.id)))
    await reached(office, post.id, "started_at")
    await cancel(office, post.id)
    assert (await running)["status"] == "nothing to publish"
    assert captions(simulator) == []
    assert (await office.see(post.id))["status"] == "cancelled"


@pytest.mark.parametrize("change", [edit, cancel])
async def test_a_change_that_meets_the_intent_waits_for_it_and_is_refused(office, post, change):
    await office.publish(post.id)
    async with transaction(office) as session:
        await service.get_post(session, post.id, lock=True)
        await session.execute(text("update post_runs set effect_at = now()"))
        changing = asyncio.create_task(change(office, post.id))
        await waits_for_a_lock(office.opened.database)
    with pytest.raises(EffectBegun):
        await changing
    row = await office.see(post.id)
    assert (row["status"], row["text"], row["revision"]) == ("publishing", "Sunrise", 1)


async def test_an_attempt_that_meets_a_change_waits_for_it_and_begins_again(office, simulator, post):
    simulator.fault(action="slow", delay_s=0.5, match={"kind": "instagram.container"})
    running = asyncio.create_task(office.run(await office.publish(post.id)))
    await reached(office, post.id, "started_at")
    async with transaction(office) as session:
        await service.edit(session, post.id, {"text": "Sunset"}, now=NOON)
        await waits_for_a_lock(office.opened.database)
        assert not any(run["effect_at"] for run in await office.runs(post.id))
    assert (await running)["status"] == "published"
    assert captions(simulator) == ["Sunset"]


@pytest.mark.parametrize("change", [edit, cancel])
async def test_while_it_is_published_nothing_can_be_changed(office, simulator, post, change):
    simulator.fault(action="slow", delay_s=1, match={"kind": "instagram.publish"})
    running = asyncio.create_task(office.run(await office.publish(post.id)))
    await reached(office, post.id, "effect_at")
    with pytest.raises(EffectBegun):
        await change(office, post.id)
    assert (await running)["status"] == "published"
    with pytest.raises(PostSettled):
        await change(office, post.id)
    assert captions(simulator) == ["Sunrise"]


@pytest.mark.parametrize("change", [edit, cancel])
async def test_between_attempts_it_can_be_changed(office, simulator, post, change):
    job_id = await office.publish(post.id)
    simulator.fault(action="status", status=503, match={"kind": "instagram.container"})
    with pytest.raises(Temporary):
        await office.run(job_id)
    await change(office, post.id)
    await office.retry(job_id)
    assert captions(simulator) == (["Sunset"] if change is edit else [])


async def test_edits_that_rain_on_an_attempt_never_publish_twice_or_an_old_text(office, simulator, post):
    job_id = await office.publish(post.id)
    running = asyncio.create_task(office.run(job_id))
    accepted = "Sunrise"
    for number in range(20):
        try:
            await edit(office, post.id, f"Sunset {number}")
        except (EffectBegun, PostSettled):
            break
        accepted = f"Sunset {number}"
    await running
    assert captions(simulator) == [accepted]

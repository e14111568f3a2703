"""A burst is one window: it slides with each message, closes at its instant, once, and is never lost."""

from datetime import timedelta

import pytest

from socialsync.features.conversations.answering import AI_OFF
from socialsync.features.messages import service as messages
from socialsync.queue.policies import Wait
from tests.messages.conftest import ADA, BOB, NOON, Inbox

PROCESS = "conversations.process_message"


@pytest.fixture(autouse=True)
async def without_ai(inbox: Inbox):
    """Windows are looked at here, not what is answered."""
    await inbox.office.rows("update channels set ai_enabled_for_chats = false returning 1")


def after(seconds: float):
    return NOON + timedelta(seconds=seconds)


async def test_the_first_message_opens_a_window_with_its_job(inbox: Inbox):
    await inbox.write("Hi")
    window, (job,) = await inbox.window(), await inbox.waiting(PROCESS)
    (message,) = await inbox.rows("messages")
    conversation = await inbox.conversation()
    assert (window["opened_at"], window["due_at"], window["closed_at"]) == (NOON, after(5), None)
    assert message["window_id"] == window["id"]
    assert (job["scheduled_at"], job["queue_name"], job["priority"]) == (after(5), "ingest", 5)
    ids = {"workspace_id": str(inbox.workspace_id), "conversation_id": str(conversation["id"])}
    assert job["args"] == ids
    assert job["lock"] == f"conversation:{conversation['id']}@{inbox.workspace_id}"
    assert job["queueing_lock"] == f"conversation:{conversation['id']}"


async def test_each_message_slides_the_window_and_its_job(inbox: Inbox):
    for pause in (0, 3, 4.5):
        inbox.wait(seconds=pause)
        await inbox.write("word")
        window, (job,) = await inbox.window(), await inbox.waiting(PROCESS)
        assert window["due_at"] == job["scheduled_at"] == inbox.now + timedelta(seconds=5)
    assert len(await inbox.rows("message_windows")) == 1


async def test_a_window_is_open_for_twenty_seconds_at_most(inbox: Inbox):
    for _ in range(6):
        await inbox.write("word")
        inbox.wait(seconds=4)
    assert (await inbox.window())["due_at"] == after(20)


async def test_the_channel_says_how_long(inbox: Inbox):
    await inbox.office.rows(
        "update channels set buffer_quiet_s = 0.25, buffer_max_s = 0.4 where true returning 1"
    )
    await inbox.write("one")
    assert (await inbox.window())["due_at"] == after(0.25)
    inbox.wait(seconds=0.2)
    await inbox.write("two")
    assert (await inbox.window())["due_at"] == after(0.4)


async def test_people_do_not_wait_for_one_another(inbox: Inbox):
    await inbox.write("from Ada", person=ADA)
    inbox.wait(seconds=2)
    await inbox.write("from Bob", person=BOB)
    ada, bob = await inbox.rows("message_windows")
    assert (ada["due_at"], bob["due_at"]) == (after(5), after(7))


async def test_a_window_is_closed_at_its_instant_and_not_before(inbox: Inbox):
    await inbox.write("Hi")
    inbox.wait(seconds=4.999)
    with pytest.raises(Wait) as early:
        await inbox.run(PROCESS)
    assert early.value.wait == timedelta(milliseconds=1)
    assert (await inbox.window())["closed_at"] is None
    inbox.wait(seconds=0.001)
    (job,) = await inbox.office.jobs(PROCESS)
    await inbox.office.run(job["id"])
    assert (await inbox.window())["closed_at"] == after(5)


async def test_a_window_is_handled_once(inbox: Inbox):
    await inbox.write("Hi")
    inbox.wait(seconds=5)
    assert (await inbox.run(PROCESS))["status"] == "escalated"
    (job,) = await inbox.office.jobs(PROCESS)
    assert (await inbox.office.retry(job["id"]))["status"] == "nothing to answer"
    (window,) = await inbox.rows("message_windows")
    assert window["outcome"] == "escalated"


async def test_a_message_after_the_end_opens_another_window(inbox: Inbox):
    await inbox.write("Hi")
    inbox.wait(seconds=5)
    await inbox.finish(PROCESS)
    await inbox.write("Still there?")
    first, second = await inbox.rows("message_windows")
    assert first["ended_at"]
    assert (second["opened_at"], second["due_at"]) == (inbox.now, inbox.now + timedelta(seconds=5))


async def test_a_message_during_the_job_gets_a_job_of_its_own(inbox: Inbox):
    await inbox.write("Hi")
    inbox.wait(seconds=5)
    (job,) = await inbox.waiting(PROCESS)
    await inbox.office.claim(job["id"])
    await inbox.write("One more thing")
    (successor,) = await inbox.waiting(PROCESS)
    assert successor["id"] != job["id"]
    assert successor["lock"] == job["lock"]


async def test_with_the_ai_off_a_person_is_asked_for(inbox: Inbox):
    await inbox.write("Hi")
    inbox.wait(seconds=5)
    await inbox.run(PROCESS)
    conversation = await inbox.conversation()
    assert conversation["needs_person_at"] == inbox.now
    assert conversation["needs_person_why"] == AI_OFF
    assert await inbox.outgoing() == []


async def test_the_sweep_finds_a_window_whose_job_is_gone(inbox: Inbox, database):
    await inbox.write("Hi")
    await inbox.office.rows("delete from procrastinate_jobs where true returning 1")
    inbox.wait(seconds=9)
    assert await check_buffer(inbox, database) == 0
    inbox.wait(seconds=2)
    assert await check_buffer(inbox, database) == 1
    assert await check_buffer(inbox, database) == 0
    assert (await inbox.run(PROCESS))["status"] == "escalated"
    assert await check_buffer(inbox, database) == 0


async def test_the_sweep_finds_what_a_job_closed_and_never_ended(inbox: Inbox, database):
    await inbox.write("Hi")
    inbox.wait(seconds=5)
    await inbox.office.rows("update message_windows set closed_at = due_at where true returning 1")
    await inbox.office.rows("update procrastinate_jobs set status = 'failed' where true returning 1")
    inbox.wait(seconds=6)
    assert await check_buffer(inbox, database) == 1
    await inbox.run(PROCESS)
    assert (await inbox.window())["outcome"] == "escalated"


async def test_the_sweep_leaves_running_jobs_alone(inbox: Inbox, database):
    await inbox.write("Hi")
    (job,) = await inbox.waiting(PROCESS)
    await inbox.office.claim(job["id"])
    inbox.wait(minutes=1)
    assert await check_buffer(inbox, database) == 0


async def check_buffer(inbox: Inbox, database) -> int:
    async with database.system_transaction("a test sweeps") as session:
        return await messages.check_buffer(session, now=inbox.now)

"""What goes out: once, in order, and never blindly again."""

from datetime import timedelta
from uuid import UUID

import pytest

from socialsync.errors import Temporary
from socialsync.features.channels import service as channels
from socialsync.features.conversations import service as conversations
from socialsync.features.messages import outbox, reach
from socialsync.features.messages import service as messages
from socialsync.queue.jobs import JobLost
from socialsync.queue.policies import Wait
from socialsync.worker import app
from tests.messages.conftest import IG_PERSON, Inbox
from tests.webhooks.conftest import status, told

SEND, SETTLE = "messages.send_message", "messages.settle"


async def say(inbox: Inbox, text: str, *, author: str = "operator") -> list[UUID]:
    """Put a text into the outbox of the one conversation there is."""
    conversation = await inbox.conversation()
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        held = await messages.hold_conversation(session, conversation["id"])
        return await messages.write(session, held, text, author=author, now=inbox.now)


async def statuses(inbox: Inbox) -> list[str]:
    return [row["status"] for row in await inbox.outgoing()]


async def test_a_message_is_sent_with_our_tracker(inbox: Inbox, simulator):
    await inbox.write("Hi")
    await say(inbox, "Good morning!")
    (job,) = await inbox.waiting(SEND)
    assert (job["queue_name"], job["priority"]) == ("ingest", 6)
    assert await inbox.run(SEND) == {"sent": 1, "doubt": 0, "failed": 0}
    (effect,) = simulator.ledger(kind="whatsapp.message")
    (message,), (row,) = await inbox.outgoing(), await inbox.rows("outbox")
    assert (effect["text"], effect["to"]) == ("Good morning!", "+33612345601")
    assert effect["biz_opaque_callback_data"] == str(row["id"])
    assert (message["status"], message["platform_message_id"]) == ("sent", effect["id"])
    assert row["finished_at"] == inbox.now
    assert await inbox.waiting(SETTLE) == []


async def test_messages_leave_in_their_order(inbox: Inbox, simulator):
    await inbox.write("Hi")
    for number in range(5):
        await say(inbox, f"line {number}")
    await inbox.run(SEND)
    assert [effect["text"] for effect in simulator.ledger(kind="whatsapp.message")] == [
        f"line {number}" for number in range(5)
    ]


async def test_a_long_text_leaves_in_parts(inbox: Inbox, simulator):
    await inbox.write_direct("Hi")
    text = "Würzig! " * 300
    ids = await say(inbox, text)
    assert len(ids) == 3
    await inbox.run(SEND)
    sent = [effect["text"] for effect in simulator.ledger(kind="instagram.message")]
    assert " ".join(sent) == text.strip()
    assert all(len(part.encode()) <= 1_000 for part in sent)


async def test_a_lost_answer_is_never_sent_again_and_ends_unknown(inbox: Inbox, simulator):
    await inbox.write("Hi")
    await say(inbox, "one")
    await say(inbox, "two")
    simulator.fault(action="lost_answer", match={"kind": "whatsapp.message"}, times=1)
    assert await inbox.run(SEND) == {"sent": 1, "doubt": 1, "failed": 0}
    assert await statuses(inbox) == ["sending", "sent"]
    with pytest.raises(Wait):
        await inbox.run(SETTLE)
    (job,) = [job for job in await inbox.office.jobs(SETTLE) if job["status"] == "doing"]
    inbox.wait(seconds=90)
    assert (await inbox.office.retry(job["id"]))["status"] == "unknown"
    assert await statuses(inbox) == ["unknown", "sent"]
    assert len(simulator.ledger(kind="whatsapp.message")) == 2
    assert "not known" in (await inbox.conversation())["needs_person_why"]


async def test_a_status_tells_what_the_lost_answer_did_not(inbox: Inbox, simulator):
    await inbox.write("Hi")
    await say(inbox, "one")
    simulator.fault(action="lost_answer", match={"kind": "whatsapp.message"}, times=1)
    await inbox.run(SEND)
    (row,) = await inbox.rows("outbox")
    tracked = status("delivered", "wamid.late", biz_opaque_callback_data=str(row["id"]))
    await inbox.meta.tell(told(tracked))
    (message,) = await inbox.outgoing()
    assert (message["status"], message["platform_message_id"]) == ("delivered", "wamid.late")
    inbox.wait(seconds=90)
    assert (await inbox.run(SETTLE))["status"] == "delivered"


async def test_a_late_status_ends_the_doubt(inbox: Inbox, simulator):
    await test_a_lost_answer_is_never_sent_again_and_ends_unknown(inbox, simulator)
    first, _ = await inbox.rows("outbox", "position")
    await inbox.meta.tell(told(status("read", "wamid.late", biz_opaque_callback_data=str(first["id"]))))
    assert await statuses(inbox) == ["read", "sent"]


async def test_statuses_only_move_forward(inbox: Inbox):
    await inbox.write("Hi")
    await say(inbox, "one")
    await inbox.run(SEND)
    (message,) = await inbox.outgoing()
    for word, expected in (
        ("read", "read"),
        ("delivered", "read"),
        ("sent", "read"),
        ("failed", "read"),
        ("played", "played"),
        ("read", "played"),
    ):
        await inbox.meta.tell(told(status(word, message["platform_message_id"], note=word)))
        assert await statuses(inbox) == [expected]


async def test_a_status_before_our_answer_is_kept(inbox: Inbox):
    """It comes while the call is on its way: the answer says less than it."""
    await inbox.write("Hi")
    await say(inbox, "one")
    (row,) = await inbox.rows("outbox")
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        head = await outbox.lock_head(session, inbox.workspace_id, row["conversation_id"])
        assert head
        await outbox.intend(session, inbox.workspace_id, head, now=inbox.now)
    await inbox.meta.tell(told(status("read", "wamid.x", biz_opaque_callback_data=str(row["id"]))))
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        await outbox.sent(session, inbox.workspace_id, head, "wamid.x", now=inbox.now)
    assert await statuses(inbox) == ["read"]


async def test_a_failure_by_status_says_why(inbox: Inbox):
    await inbox.write("Hi")
    await say(inbox, "one")
    await inbox.run(SEND)
    (message,) = await inbox.outgoing()
    failed = status(
        "failed", message["platform_message_id"], errors=[{"code": 131026, "title": "Undeliverable"}]
    )
    await inbox.meta.tell(told(failed))
    (message,) = await inbox.outgoing()
    assert message["status"] == "failed"
    assert message["error"]
    assert message["error"] in (await inbox.conversation())["needs_person_why"]


async def test_our_own_echo_before_our_answer_is_ours(inbox: Inbox, simulator):
    await inbox.write_direct("Hi")
    await say(inbox, "We  open at nine.", author="ai")
    simulator.fault(action="lost_answer", match={"kind": "instagram.message"}, times=1)
    await inbox.run(SEND)
    (effect,) = simulator.ledger(kind="instagram.message")
    echo = {"mid": effect["id"], "text": "We open at nine.", "is_echo": True}
    for _ in range(2):
        await inbox.tell(inbox.direct(echo=True, message=echo))
    (message,) = await inbox.outgoing()
    assert (message["status"], message["platform_message_id"]) == ("sent", effect["id"])
    assert (await inbox.conversation())["mode"] == "ai"


async def test_our_own_echo_after_our_answer_is_no_news(inbox: Inbox, simulator):
    await inbox.write_direct("Hi")
    await say(inbox, "Hello", author="ai")
    await inbox.run(SEND)
    (effect,) = simulator.ledger(kind="instagram.message")
    await inbox.tell(inbox.direct(echo=True, message={"mid": effect["id"], "text": "Hello", "is_echo": True}))
    assert len(await inbox.outgoing()) == 1
    assert (await inbox.conversation())["mode"] == "ai"


async def test_an_echo_that_was_taken_for_a_persons_is_given_back(inbox: Inbox, simulator):
    """Its text was changed on the way; our answer then tells its id."""
    await inbox.write_direct("Hi")
    await say(inbox, "Hello", author="ai")
    (row,) = await inbox.rows("outbox")
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        head = await outbox.lock_head(session, inbox.workspace_id, row["conversation_id"])
        assert head
        await outbox.intend(session, inbox.workspace_id, head, now=inbox.now)
    await inbox.tell(inbox.direct(echo=True, message={"mid": "m.1", "text": "He\u2026", "is_echo": True}))
    assert (await inbox.conversation())["mode"] == "human"
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        await outbox.sent(session, inbox.workspace_id, head, "m.1", now=inbox.now)
    (message,) = await inbox.outgoing()
    assert (message["platform_message_id"], message["author"]) == ("m.1", "ai")
    assert (await inbox.conversation())["mode"] == "ai"


async def test_a_refusal_fails_this_message_only(inbox: Inbox, simulator):
    await inbox.write("Hi")
    await say(inbox, "one")
    await say(inbox, "two")
    simulator.fault(action="error", code=131026, match={"kind": "whatsapp.message"}, times=1)
    assert await inbox.run(SEND) == {"sent": 1, "doubt": 0, "failed": 1}
    assert await statuses(inbox) == ["failed", "sent"]


async def test_a_passing_fault_is_tried_again_by_the_policy(inbox: Inbox, simulator):
    await inbox.write("Hi")
    await say(inbox, "one")
    await say(inbox, "two")
    simulator.fault(action="error", code=131057, match={"kind": "whatsapp.message"}, times=1)
    with pytest.raises(Temporary):
        await inbox.run(SEND)
    (first, second) = await inbox.rows("outbox", "position")
    assert (first["sending_at"], first["not_before"]) == (None, inbox.now + timedelta(seconds=60))
    assert second["sending_at"] is None
    assert await inbox.waiting(SETTLE) == []
    (job,) = await inbox.office.jobs(SEND)
    with pytest.raises(Wait):
        await inbox.office.retry(job["id"])
    inbox.wait(seconds=60)
    await inbox.office.retry(job["id"])
    assert [effect["text"] for effect in simulator.ledger(kind="whatsapp.message")] == ["one", "two"]


async def test_what_was_tried_often_enough_fails_and_the_rest_goes_on(inbox: Inbox, simulator):
    await inbox.write("Hi")
    await say(inbox, "one")
    await say(inbox, "two")
    await inbox.office.rows("update procrastinate_jobs set attempts = 3 where status = 'todo' returning 1")
    simulator.fault(action="error", code=131057, match={"kind": "whatsapp.message"}, times=1)
    (job,) = await inbox.waiting(SEND)
    with pytest.raises(Temporary):
        await inbox.office.run(job["id"])
    await inbox.office.rows(
        "update procrastinate_jobs set status = 'failed' where status = 'doing' returning 1"
    )
    assert await statuses(inbox) == ["failed", "queued"]
    await inbox.run(SEND)
    assert await statuses(inbox) == ["failed", "sent"]


async def test_too_much_to_one_person_waits_as_meta_advises(inbox: Inbox, simulator):
    await inbox.write("Hi")
    await say(inbox, "one")
    simulator.fault(action="error", code=131056, match={"kind": "whatsapp.message"}, times=1)
    with pytest.raises(Wait) as held:
        await inbox.run(SEND)
    assert held.value.wait == timedelta(seconds=4)


async def test_an_outcome_that_is_stored_late_does_not_touch_the_next_intent(inbox: Inbox):
    """The answer to its commit was lost, and it comes again while another worker sends."""
    await inbox.write("Hi")
    await say(inbox, "one")
    (row,) = await inbox.rows("outbox")
    workspace_id, first, second = inbox.workspace_id, inbox.now, inbox.now + timedelta(seconds=5)
    async with inbox.opened.database.transaction(workspace_id) as session:
        head = await outbox.lock_head(session, workspace_id, row["conversation_id"])
        assert await outbox.intend(session, workspace_id, head, now=first)
        refused = {"intended_at": first, "error": "Too much.", "not_before": None, "now": second}
        await outbox.take_back(session, workspace_id, row["id"], **refused)
        assert (await inbox.rows("outbox"))[0]["sending_at"] is None
        assert await outbox.intend(session, workspace_id, head, now=second)
        await outbox.take_back(session, workspace_id, row["id"], **refused)
        await outbox.finish(
            session, workspace_id, row["id"], "failed", error="No.", intended_at=first, now=second
        )
    assert (await inbox.rows("outbox"))[0]["sending_at"] == second
    assert await statuses(inbox) == ["sending"]


async def test_a_closed_window_takes_no_text(inbox: Inbox):
    await inbox.write("Hi")
    inbox.wait(hours=24)
    with pytest.raises(reach.ReplyWindowClosed, match="24 hours"):
        await say(inbox, "Too late")


async def test_a_window_that_closed_meanwhile_fails_the_message(inbox: Inbox, simulator):
    await inbox.write("Hi")
    await say(inbox, "one")
    inbox.wait(hours=25)
    await inbox.run(SEND)
    assert await statuses(inbox) == ["failed"]
    assert simulator.ledger(kind="whatsapp.message") == []


async def test_on_instagram_a_person_may_write_for_seven_days(inbox: Inbox, simulator):
    await inbox.write_direct("Hi")
    inbox.wait(days=3)
    with pytest.raises(reach.ReplyWindowClosed):
        await say(inbox, "From the AI", author="ai")
    await say(inbox, "From a person")
    await inbox.run(SEND)
    (effect,) = simulator.ledger(kind="instagram.message")
    assert (effect["tag"], effect["recipient"]) == ("HUMAN_AGENT", IG_PERSON)
    inbox.wait(days=4)
    with pytest.raises(reach.ReplyWindowClosed):
        await say(inbox, "Too late")


async def test_a_closed_channel_keeps_its_messages(inbox: Inbox, simulator, database):
    await inbox.write("Hi")
    await say(inbox, "one")
    async with database.transaction(inbox.workspace_id) as session:
        await channels.pause(session, inbox.office.whatsapp, actor="tests", now=inbox.now)
    assert "waits" in await inbox.finish(SEND)
    inbox.wait(minutes=2)
    assert await sweep(inbox, database) == 0
    async with database.transaction(inbox.workspace_id) as session:
        await channels.resume(session, inbox.office.whatsapp, actor="tests", now=inbox.now)
    assert await sweep(inbox, database) == 1
    await inbox.run(SEND)
    assert await statuses(inbox) == ["sent"]


async def test_a_token_that_is_refused_twice_closes_the_channel(inbox: Inbox, simulator):
    await inbox.write("Hi")
    await say(inbox, "one")
    simulator.fault(action="revoke_token")
    with pytest.raises(Temporary):
        await inbox.run(SEND)
    assert await statuses(inbox) == ["queued"]
    (channel,) = await inbox.office.rows("select * from channels where platform = 'whatsapp'")
    assert channel["status"] == "needs_reauth"


async def test_a_death_after_the_intent_is_settled_not_repeated(inbox: Inbox, simulator, database):
    await inbox.write("Hi")
    await say(inbox, "one")
    (row,) = await inbox.rows("outbox")
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        head = await outbox.lock_head(session, inbox.workspace_id, row["conversation_id"])
        assert head
        await outbox.intend(session, inbox.workspace_id, head, now=inbox.now)
    assert await inbox.run(SEND) == {"sent": 0, "doubt": 0, "failed": 0}
    await inbox.office.rows("delete from procrastinate_jobs where true returning 1")
    inbox.wait(minutes=4)
    assert await sweep(inbox, database) == 1
    assert (await inbox.run(SETTLE))["status"] == "unknown"
    assert simulator.ledger(kind="whatsapp.message") == []


async def test_a_job_that_was_given_to_another_sends_nothing(inbox: Inbox, simulator):
    await inbox.write("Hi")
    await say(inbox, "one")
    (job,) = await inbox.waiting(SEND)
    context = await inbox.office.claim(job["id"])
    await inbox.office.rows("update procrastinate_jobs set worker_id = null where true returning 1")
    with pytest.raises(JobLost):
        await app.tasks[SEND].func(context, **context.job.task_kwargs)
    assert simulator.ledger(kind="whatsapp.message") == []


async def test_the_sweep_finds_messages_whose_job_is_gone(inbox: Inbox, database):
    await inbox.write("Hi")
    await say(inbox, "one")
    await inbox.office.rows("delete from procrastinate_jobs where true returning 1")
    assert await sweep(inbox, database) == 0
    inbox.wait(minutes=2)
    assert await sweep(inbox, database) == 1
    await inbox.run(SEND)
    assert await statuses(inbox) == ["sent"]


async def test_a_takeover_keeps_what_the_ai_has_written(inbox: Inbox, simulator):
    await inbox.write("Hi")
    await say(inbox, "From the AI", author="ai")
    conversation = await inbox.conversation()
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        await conversations.take_over(session, conversation["id"], by="somebody", now=inbox.now)
    await say(inbox, "From a person")
    await inbox.run(SEND)
    assert await statuses(inbox) == ["failed", "sent"]
    assert [effect["text"] for effect in simulator.ledger(kind="whatsapp.message")] == ["From a person"]


async def sweep(inbox: Inbox, database) -> int:
    async with database.system_transaction("a test sweeps") as session:
        return await messages.requeue_stranded(session, now=inbox.now)

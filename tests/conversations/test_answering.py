"""From a window that is over to its outcome, with a brain of the test's own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from socialsync.errors import Permanent, Temporary
from socialsync.features.conversations import answering
from socialsync.features.conversations import service as conversations
from socialsync.features.conversations.brain import Decision, Turn
from socialsync.queue.jobs import JobLost
from socialsync.queue.policies import Wait
from tests.messages.conftest import IG_PERSON, Inbox

PROCESS = "conversations.process_message"
SEND = "messages.send_message"
REPLY = Decision("RESPOND", "A question", "We open at nine.")


@dataclass
class Scripted:
    """Decides as told; ``meanwhile`` happens while it thinks."""

    says: Decision | Exception = REPLY
    meanwhile: Callable[[], Awaitable[None]] | None = None
    turns: list[Turn] = field(default_factory=list)

    async def decide(self, turn: Turn) -> Decision:
        self.turns.append(turn)
        if self.meanwhile is not None:
            await self.meanwhile()
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    async def catch_up(self, turn: Turn) -> None:
        self.turns.append(turn)


async def answer(inbox: Inbox, brain: Scripted, *, again: bool = False) -> str:
    """Run the job that waits; or the one that was run last, as a retry or a rescue would."""
    jobs = await inbox.office.jobs(PROCESS)
    job = jobs[-1] if again else next(job for job in jobs if job["status"] == "todo")
    context = await inbox.office.claim(job["id"])
    ids = context.job.task_kwargs
    return await answering.answer(
        inbox.opened, context, inbox.workspace_id, type(inbox.workspace_id)(ids["conversation_id"]), brain
    )


async def ended(inbox: Inbox) -> None:
    await inbox.office.rows(
        "update procrastinate_jobs set status = 'succeeded' where status = 'doing' returning 1"
    )


async def burst(inbox: Inbox, *texts: str) -> None:
    await inbox.write(*texts)
    inbox.wait(seconds=5)


async def take_over(inbox: Inbox) -> None:
    conversation = await inbox.conversation()
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        await conversations.take_over(session, conversation["id"], by="somebody", now=inbox.now)


async def test_a_burst_gets_one_answer_for_all_of_it(inbox: Inbox):
    brain = Scripted()
    await burst(inbox, "Hi", "do you have a table", "for four?")
    assert await answer(inbox, brain) == "answered"
    ((line, *_),) = [turn.lines for turn in brain.turns]
    assert [each.text for each in brain.turns[0].lines] == ["Hi", "do you have a table", "for four?"]
    assert line.asks
    (message,) = await inbox.outgoing()
    assert (message["text"], message["author"], message["status"]) == ("We open at nine.", "ai", "queued")
    assert len(await inbox.waiting(SEND)) == 1
    assert (await inbox.window())["outcome"] == "answered"


async def test_the_person_sees_that_they_were_read(inbox: Inbox, simulator):
    await burst(inbox, "Hi", "there")
    await answer(inbox, Scripted())
    (read,) = simulator.ledger(kind="whatsapp.read")
    assert read["typing"] is True
    assert read["id"] == "wamid.2"


async def test_on_instagram_the_person_sees_it_too(inbox: Inbox, simulator):
    await inbox.write_direct("Hi")
    inbox.wait(seconds=5)
    await answer(inbox, Scripted())
    seen, typing = simulator.ledger(kind="instagram.sender_action")
    assert (seen["action"], typing["action"]) == ("mark_seen", "typing_on")
    assert seen["id"] == typing["id"] == IG_PERSON


async def test_that_nobody_sees_it_hinders_no_answer(inbox: Inbox, simulator):
    simulator.fault(action="status", status=500, match={"kind": "instagram.sender_action"}, times=9)
    await inbox.write_direct("Hi")
    inbox.wait(seconds=5)
    assert await answer(inbox, Scripted()) == "answered"


@pytest.mark.parametrize(
    ("verdict", "outcome", "asked"), [("IGNORE", "ignored", False), ("ESCALATE", "escalated", True)]
)
async def test_not_every_message_is_answered(inbox: Inbox, verdict, outcome, asked):
    await burst(inbox, "ok")
    assert await answer(inbox, Scripted(Decision(verdict, "Because."))) == outcome
    window, conversation = await inbox.window(), await inbox.conversation()
    assert (window["outcome"], window["reason"]) == (outcome, "Because.")
    assert (conversation["needs_person_why"] == "Because.") == asked
    assert await inbox.outgoing() == []


async def test_a_second_run_adds_no_second_answer(inbox: Inbox):
    await burst(inbox, "Hi")
    await answer(inbox, Scripted())
    assert await answer(inbox, Scripted(), again=True) == "nothing to answer"
    assert len(await inbox.outgoing()) == 1


async def test_a_death_while_thinking_is_made_good(inbox: Inbox):
    """The window is closed, its answer not recorded: the next life takes it up."""
    await burst(inbox, "Hi")
    with pytest.raises(KeyboardInterrupt):
        await answer(inbox, Scripted(meanwhile=_die))
    assert (await inbox.window())["closed_at"]
    brain = Scripted()
    assert await answer(inbox, brain, again=True) == "answered"
    assert [line.text for line in brain.turns[0].lines] == ["Hi"]
    assert len(await inbox.outgoing()) == 1


async def _die() -> None:
    raise KeyboardInterrupt


async def test_a_job_that_was_given_to_another_records_nothing(inbox: Inbox):
    await burst(inbox, "Hi")

    async def rescued() -> None:
        await inbox.office.rows("update procrastinate_jobs set worker_id = null where true returning 1")

    with pytest.raises(JobLost):
        await answer(inbox, Scripted(meanwhile=rescued))
    assert await inbox.outgoing() == []


async def test_a_person_who_steps_in_silences_the_answer(inbox: Inbox):
    await burst(inbox, "Hi")
    assert await answer(inbox, Scripted(meanwhile=lambda: take_over(inbox))) == "taken over"
    assert await inbox.outgoing() == []
    assert (await inbox.window())["outcome"] == "taken_over"


async def test_a_stale_answer_is_dropped_once(inbox: Inbox):
    await burst(inbox, "A table for four")
    assert await answer(inbox, Scripted(meanwhile=lambda: inbox.write("No, five"))) == "superseded"
    assert await inbox.outgoing() == []
    first, second = await inbox.rows("message_windows")
    assert (first["outcome"], second["dropped"], second["waiting_since"]) == ("merged", 1, first["opened_at"])
    await ended(inbox)
    inbox.wait(seconds=5)
    brain = Scripted(meanwhile=lambda: inbox.write("Please"))
    assert await answer(inbox, brain) == "answered"
    assert [line.text for line in brain.turns[0].lines if line.asks] == ["A table for four", "No, five"]
    assert len(await inbox.outgoing()) == 1
    assert len([row for row in await inbox.rows("message_windows") if row["ended_at"] is None]) == 1


async def test_nobody_waits_more_than_thirty_seconds_for_their_silence(inbox: Inbox):
    await burst(inbox, "Hi")
    inbox.wait(seconds=26)
    assert await answer(inbox, Scripted(meanwhile=lambda: inbox.write("Hello?"))) == "answered"


async def test_a_failure_is_tried_again_with_what_came_since(inbox: Inbox):
    await burst(inbox, "Hi")
    with pytest.raises(Temporary):
        await answer(inbox, Scripted(Temporary("The model is away")))
    await inbox.office.rows(
        "update procrastinate_jobs set status = 'todo', attempts = 1 where status = 'doing' returning 1"
    )
    await inbox.write("Anybody?")
    (job,) = await inbox.waiting(PROCESS)
    assert job["scheduled_at"] == (await inbox.window())["due_at"]
    inbox.wait(seconds=5)
    brain = Scripted()
    assert await answer(inbox, brain) == "answered"
    assert [line.text for line in brain.turns[0].lines if line.asks] == ["Hi", "Anybody?"]
    assert len(await inbox.outgoing()) == 1


@pytest.mark.parametrize("error", [Permanent("The budget is spent"), ZeroDivisionError("oops")])
async def test_a_brain_that_fails_for_good_asks_for_a_person(inbox: Inbox, error):
    await burst(inbox, "Hi")
    await inbox.office.rows("update procrastinate_jobs set attempts = 3 where status = 'todo' returning 1")
    with pytest.raises(type(error)):
        await answer(inbox, Scripted(error))
    assert (await inbox.window())["outcome"] == "escalated"
    assert (await inbox.conversation())["needs_person_at"] == inbox.now


async def test_a_channel_whose_ai_is_off_asks_for_a_person(inbox: Inbox):
    await inbox.office.rows("update channels set ai_enabled_for_chats = false where true returning 1")
    await burst(inbox, "Hi")
    brain = Scripted()
    assert await answer(inbox, brain) == "escalated"
    assert brain.turns == []
    assert "switched off" in (await inbox.conversation())["needs_person_why"]


async def test_what_was_deleted_is_not_answered(inbox: Inbox):
    await inbox.write("Oops")
    await inbox.tell(inbox.body(inbox.message(type_="revoke", revoke={"original_message_id": "wamid.1"})))
    inbox.wait(seconds=5)
    assert await answer(inbox, Scripted()) == "nothing to answer"
    assert (await inbox.window())["outcome"] == "ignored"


async def test_an_answer_that_comes_a_day_late_asks_for_a_person(inbox: Inbox):
    await burst(inbox, "Hi")
    inbox.wait(hours=25)
    assert await answer(inbox, Scripted()) == "escalated"
    assert await inbox.outgoing() == []
    assert (await inbox.conversation())["needs_person_at"]


async def test_a_window_that_slid_while_its_job_was_claimed_is_not_closed(inbox: Inbox):
    await inbox.write("Hi")
    (job,) = await inbox.waiting(PROCESS)
    inbox.wait(seconds=4)
    await inbox.office.claim(job["id"])
    await inbox.write("there")
    with pytest.raises(Wait):
        await answer(inbox, Scripted(), again=False)


@pytest.mark.parametrize("text", ["", " \n", "\x00", None])
async def test_an_empty_answer_asks_for_a_person(inbox: Inbox, text):
    await burst(inbox, "Hi")
    assert await answer(inbox, Scripted(Decision("RESPOND", "A question", text))) == "escalated"
    assert await inbox.outgoing() == []


async def test_what_cannot_be_stored_of_an_answer_is_left_out(inbox: Inbox):
    await burst(inbox, "Hi")
    assert await answer(inbox, Scripted(Decision("RESPOND", "A question", "Hel\x00lo \ud800"))) == "answered"
    assert (await inbox.outgoing())[0]["text"] == "Hello ?"

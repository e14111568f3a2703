"""What nobody was told is pulled: answered once where it still waits, and otherwise only remembered."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from socialsync import clock
from socialsync.db.encryption import Cipher
from socialsync.errors import Temporary
from socialsync.features.accounts import service as accounts
from socialsync.features.channels import gaps
from socialsync.features.channels import service as channels
from socialsync.features.conversations import service as conversations
from socialsync.features.messages import service as messages
from socialsync.features.webhooks import service as webhooks
from socialsync.platforms.instagram import webhooks as instagram
from socialsync.platforms.news import Person, Written
from socialsync.queue.jobs import JobLost
from socialsync.queue.policies import Wait
from tests.conversations.test_answering import PROCESS, REPLY, Scripted, answer
from tests.messages.conftest import IG_PERSON, IG_USER, Inbox
from tests.messages.test_races import rows
from tests.webhooks.conftest import as_meta_writes

CATCH_UP = gaps.CATCH_UP
PAGES = {"kind": "instagram.conversations"}
OTHER = "1254477777772920"


@pytest.fixture
def inbox(noon, office, meta) -> Inbox:
    """Connected at noon, and nobody has pulled anything."""
    return Inbox(office, meta, noon)


class Past:
    """What is written while nobody is told."""

    def __init__(self, inbox: Inbox, simulator) -> None:
        self._inbox, self._simulator = inbox, simulator
        simulator.lose_webhooks()

    def writes(self, text: str, *, person: str = IG_PERSON, ago: timedelta | None = None, **more: Any) -> str:
        """The id of the message."""
        at = int((self._inbox.now - (ago or timedelta(0))).timestamp())
        mid = f"aWd-{text.replace(' ', '-')}"
        wrote = {"platform": "instagram", "account": IG_USER, "person": person, "at": at, "id": mid}
        self._simulator.happens(messages=[wrote | {"text": text} | more])
        return mid

    def answers_in_app(self, text: str, **more: Any) -> str:
        return self.writes(text, echo=True, **more)


@pytest.fixture
def past(inbox: Inbox, simulator) -> Past:
    return Past(inbox, simulator)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


async def channel_of(inbox: Inbox) -> dict[str, Any]:
    (row,) = await inbox.office.rows("select * from channels where id = :id", id=inbox.office.instagram)
    return row


async def asking(inbox: Inbox) -> list[str]:
    """What waits for an answer, in windows that are open."""
    return [
        row["text"]
        for row in await inbox.rows("messages", "told_at")
        if row["window_id"] is not None and row["direction"] == "inbound"
    ]


async def texts(inbox: Inbox) -> list[str]:
    return [row["text"] for row in await inbox.rows("messages", "told_at")]


async def outage(inbox: Inbox, **lasted: float) -> None:
    """Caught up until now, and then nobody there for so long."""
    await inbox.finish(CATCH_UP)
    inbox.wait(**lasted)


async def comes_back(inbox: Inbox, since: datetime) -> None:
    async with inbox.opened.database.system_transaction("a test ends an outage") as session:
        await channels.miss_all(session, since=since, now=inbox.now)


async def test_on_connecting_those_who_wait_are_asked_for_and_the_rest_is_remembered(
    inbox: Inbox, past: Past
):
    past.writes("Where are you?", ago=hours(40))
    past.answers_in_app("In the old town", ago=hours(39))
    past.writes("Are you open today?", ago=hours(2))
    past.writes("Hello??", ago=hours(1))
    assert await inbox.finish(CATCH_UP) == {"status": "caught up", "messages": 4}
    assert await texts(inbox) == ["Where are you?", "In the old town", "Are you open today?", "Hello??"]
    assert await asking(inbox) == ["Are you open today?", "Hello??"]
    assert (await inbox.conversation())["mode"] == "ai"
    channel = await channel_of(inbox)
    assert (channel["missed_since"], channel["caught_up_at"]) == (None, inbox.now)
    inbox.wait(seconds=5)
    brain = Scripted()
    assert await answer(inbox, brain) == "answered"
    lines = brain.turns[0].lines
    assert [(line.text, line.author, line.asks) for line in lines][1:3] == [
        ("In the old town", "app", False), ("Are you open today?", "customer", True),
    ]  # fmt: skip


async def test_what_a_person_has_answered_before_is_not_answered_again(inbox: Inbox, past: Past):
    past.writes("Are you open?", ago=hours(2))
    past.answers_in_app("Until six", ago=hours(1))
    past.writes("Too late", person=OTHER, ago=hours(25))
    await inbox.finish(CATCH_UP)
    assert await asking(inbox) == []
    assert {each["mode"] for each in await inbox.rows("conversations")} == {"ai"}
    assert await inbox.waiting(PROCESS) == []


async def test_of_one_second_the_order_tells_what_was_answered(inbox: Inbox, past: Past):
    past.writes("Are you open?")
    past.answers_in_app("Until six")
    past.writes("And on Sunday?")
    await inbox.finish(CATCH_UP)
    assert await asking(inbox) == ["And on Sunday?"]


async def test_after_an_outage_what_was_missed_is_pulled_once(inbox: Inbox, past: Past):
    await outage(inbox, minutes=3)
    mid = past.writes("Anybody there?")
    await comes_back(inbox, inbox.now - timedelta(minutes=3))
    await inbox.finish(CATCH_UP)
    late = inbox.direct(message={"mid": mid, "text": "Anybody there?"})
    await inbox.tell(late)
    await comes_back(inbox, inbox.now - timedelta(minutes=3))
    await inbox.finish(CATCH_UP)
    assert await asking(inbox) == ["Anybody there?"]
    assert len(await inbox.rows("message_windows")) == 1
    inbox.wait(seconds=5)
    assert await answer(inbox, Scripted()) == "answered"
    await inbox.tell(late)
    assert await inbox.waiting(PROCESS) == []


async def test_what_a_webhook_told_before_is_not_asked_for_again(inbox: Inbox, past: Past):
    await outage(inbox, minutes=3)
    mid = past.writes("Anybody there?")
    await inbox.tell(inbox.direct(message={"mid": mid, "text": "Anybody there?"}))
    inbox.wait(seconds=5)
    assert await answer(inbox, Scripted()) == "answered"
    await comes_back(inbox, inbox.now - timedelta(minutes=3))
    await inbox.finish(CATCH_UP)
    assert len(await inbox.rows("messages")) == 2
    assert len(await inbox.rows("message_windows")) == 1


async def test_a_person_who_answered_during_the_outage_has_the_floor(inbox: Inbox, past: Past):
    await outage(inbox, minutes=3)
    past.writes("Anybody there?", ago=timedelta(minutes=2))
    past.answers_in_app("Yes, it's me", ago=timedelta(minutes=1))
    past.writes("Fine", ago=timedelta(seconds=30))
    await comes_back(inbox, inbox.now - timedelta(minutes=3))
    await inbox.finish(CATCH_UP)
    conversation = await inbox.conversation()
    assert (conversation["mode"], conversation["taken_over_by"]) == ("human", "app")
    assert {window["outcome"] for window in await inbox.rows("message_windows")} == {"taken_over"}


async def test_what_was_written_before_a_handback_asks_for_nothing(inbox: Inbox, past: Past):
    await inbox.write_direct("Hi")
    conversation_id = (await inbox.conversation())["id"]
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        await conversations.take_over(session, conversation_id, by="somebody", now=inbox.now)
    past.writes("Still there?")
    inbox.wait(minutes=1)
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        await conversations.hand_back(session, conversation_id, by="somebody", now=inbox.now)
    await inbox.finish(CATCH_UP)
    assert "Still there?" in await texts(inbox)
    assert "Still there?" not in await asking(inbox)


async def answered_by_ai(inbox: Inbox, simulator, *, lost: bool) -> None:
    await inbox.write_direct("Are you open?")
    inbox.wait(seconds=5)
    await answer(inbox, Scripted())
    if lost:
        simulator.fault(action="lost_answer", match={"kind": "instagram.message"})
    await inbox.run("messages.send_message")


@pytest.mark.parametrize("lost", [False, True])
async def test_our_own_answer_is_known_again(inbox: Inbox, past: Past, simulator, lost: bool):
    """Also when we never heard that it was sent, which this settles."""
    await answered_by_ai(inbox, simulator, lost=lost)
    await inbox.finish(CATCH_UP)
    (sent,) = await inbox.outgoing()
    assert (sent["status"], sent["author"]) == ("sent", "ai")
    assert sent["platform_message_id"] == simulator.ledger(kind="instagram.message")[0]["id"]
    assert (await inbox.conversation())["mode"] == "ai"


async def test_an_old_message_with_the_same_words_is_not_taken_for_ours(inbox: Inbox, past: Past, simulator):
    past.writes("Are you open?", ago=hours(3))
    past.answers_in_app(REPLY.answer, ago=hours(2))
    simulator.fault(action="drop", match={"kind": "instagram.message"})
    await inbox.write_direct("Are you open?")
    inbox.wait(seconds=5)
    await answer(inbox, Scripted())
    await inbox.run("messages.send_message")
    await inbox.finish(CATCH_UP)
    old, ours = sorted(await inbox.outgoing(), key=lambda row: row["told_at"])
    assert (old["author"], old["platform_message_id"]) == ("app", "aWd-We-open-at-nine.")
    assert (ours["status"], ours["platform_message_id"]) == ("sending", None)


async def test_what_our_answer_on_its_way_came_after_is_only_remembered(inbox: Inbox, past: Past):
    await inbox.write_direct("Are you open?")
    past.writes("On Sunday too?")
    inbox.wait(seconds=5)
    assert await answer(inbox, Scripted()) == "answered"
    await inbox.finish(CATCH_UP)
    assert await asking(inbox) == ["Are you open?"]
    assert len(await inbox.rows("messages")) == 3


async def test_files_are_fetched_as_ever(inbox: Inbox, past: Past):
    image = {"type": "image", "payload": {"url": "https://example.org/a.jpg"}}
    past.writes("", content={"message": {"mid": "m1", "attachments": [image]}})
    await inbox.finish(CATCH_UP)
    (message,), (media,) = await inbox.rows("messages"), await inbox.rows("message_media")
    assert (message["kind"], media["url"]) == ("image", "https://example.org/a.jpg")
    assert len(await inbox.waiting("messages.fetch_media")) == 1


async def test_page_after_page_is_pulled_until_one_is_too_old(inbox: Inbox, past: Past, simulator):
    for n in range(45):
        past.writes(f"I am {n}", person=f"12544777777720{n:02d}", ago=hours(n))
    assert (await inbox.finish(CATCH_UP))["status"] == "caught up"
    assert len(await asking(inbox)) == 24
    assert simulator.requests()["by_kind"]["instagram.conversations"] == 4
    assert len(await texts(inbox)) == 40


async def test_a_limit_is_waited_for_and_an_outage_of_the_platform_too(inbox: Inbox, past: Past, simulator):
    for n in range(15):
        past.writes(f"I am {n}", person=f"12544777777720{n:02d}", ago=timedelta(minutes=n))
    simulator.fault(action="retry_after", retry_after_s=60, match=PAGES, times=1)
    simulator.fault(action="status", status=500, match=PAGES, times=1)
    simulator.fault(action="drop", match=PAGES, skip=1, times=1)
    with pytest.raises(Wait) as waiting:
        await inbox.run(CATCH_UP)
    assert waiting.value.wait == timedelta(seconds=60)
    (job,) = await inbox.office.jobs(CATCH_UP)
    for _ in range(2):
        with pytest.raises(Temporary):
            await inbox.office.retry(job["id"])
        assert (await channel_of(inbox))["missed_since"]
    assert await inbox.office.retry(job["id"]) == {"status": "caught up", "messages": 15}
    assert len(await asking(inbox)) == len(await texts(inbox)) == 15
    assert len(await inbox.waiting(PROCESS)) == 15


async def test_a_token_that_is_refused_twice_closes_the_channel_and_the_next_one_catches_up(
    inbox: Inbox, past: Past, simulator
):
    past.writes("Anybody there?")
    simulator.fault(action="revoke_token")
    assert (await inbox.finish(CATCH_UP))["status"] == "waits"
    channel = await channel_of(inbox)
    assert (channel["status"], channel["missed_since"] is None) == ("needs_reauth", False)
    assert await stranded(inbox) == 0
    simulator.clear_faults()
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        await channels.change(
            session, inbox.opened.cipher, inbox.office.instagram, {}, access_token="EAAnew", actor="tests",
            now=inbox.now,
        )  # fmt: skip
    await inbox.finish(CATCH_UP)
    assert await asking(inbox) == ["Anybody there?"]


async def test_a_token_that_is_refused_once_is_tried_again(inbox: Inbox, past: Past, simulator):
    simulator.fault(action="error", code=190, subcode=463, match=PAGES, times=1)
    with pytest.raises(Temporary, match="not at a second look"):
        await inbox.run(CATCH_UP)
    assert (await channel_of(inbox))["status"] == "active"


async def test_what_the_platform_will_never_tell_is_given_up_with_a_note(inbox: Inbox, past: Past, simulator):
    simulator.fault(action="error", code=10, match=PAGES, times=9)
    assert (await inbox.finish(CATCH_UP))["status"] == "refused"
    channel = await channel_of(inbox)
    assert (channel["missed_since"], channel["caught_up_at"]) == (None, None)
    (deed,) = await inbox.office.rows("select * from audit_log where action = 'channels.not_caught_up'")
    assert deed["detail"]["reason"]
    assert await stranded(inbox) == 0


async def stranded(inbox: Inbox) -> int:
    inbox.wait(minutes=1)
    async with inbox.opened.database.system_transaction("a test sweeps") as session:
        return await gaps.requeue_stranded(session, now=inbox.now)


async def test_the_sweep_finds_what_was_missed_without_a_job(inbox: Inbox, past: Past):
    assert await stranded(inbox) == 0
    await inbox.office.rows("update procrastinate_jobs set status = 'failed' returning id")
    assert await stranded(inbox) == 1
    assert len(await inbox.waiting(CATCH_UP)) == 1
    assert await stranded(inbox) == 0


async def test_a_paused_channel_catches_up_when_it_is_resumed(inbox: Inbox, past: Past):
    past.writes("Anybody there?")
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        await channels.pause(session, inbox.office.instagram, actor="tests", now=inbox.now)
    assert (await inbox.finish(CATCH_UP))["status"] == "waits"
    assert await stranded(inbox) == 0
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        await channels.resume(session, inbox.office.instagram, actor="tests", now=inbox.now)
    assert await stranded(inbox) == 1
    await inbox.finish(CATCH_UP)
    assert await texts(inbox) == ["Anybody there?"]


async def test_more_that_is_missed_while_it_is_pulled_stays_missed(inbox: Inbox, past: Past):
    await outage(inbox, minutes=3)
    await comes_back(inbox, inbox.now)
    (channel_id, seen) = (inbox.office.instagram, inbox.now)
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        read = await channels.get_channel(session, channel_id)
        session.expunge(read)
    await comes_back(inbox, seen - hours(1))
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        assert not await channels.close_gap(session, read, caught_up_at=inbox.now, now=inbox.now)
    assert (await channel_of(inbox))["missed_since"] == seen - hours(1)
    assert len(await inbox.waiting(CATCH_UP)) == 1


async def test_whoever_lost_the_job_stores_nothing(inbox: Inbox, past: Past, simulator):
    past.writes("Anybody there?")
    (job,) = await inbox.waiting(CATCH_UP)
    context = await inbox.office.claim(job["id"])
    await inbox.office.rows("update procrastinate_jobs set worker_id = null where id = :id returning id",
                            id=job["id"])  # fmt: skip
    with pytest.raises(JobLost):
        await context.app.tasks[CATCH_UP].func(context, **context.job.task_kwargs)
    assert await texts(inbox) == []


async def test_whatsapp_is_not_asked(inbox: Inbox):
    jobs = await inbox.office.jobs(CATCH_UP)
    assert [job["args"]["channel_id"] for job in jobs] == [str(inbox.office.instagram)]
    await comes_back(inbox, inbox.now)
    (row,) = await inbox.office.rows("select * from channels where id = :id", id=inbox.office.whatsapp)
    assert row["missed_since"] is None


async def test_pulled_and_told_at_once_by_many_it_is_asked_for_once(fresh_database):
    """Each message by three that pull and two webhooks, on connections of their own."""
    now = datetime(2026, 3, 4, 12, tzinfo=clock.now().tzinfo)
    async with fresh_database.system_transaction("a test of races") as session:
        workspace = await accounts.create_workspace(session, name="Bakery")
    async with fresh_database.transaction(workspace.id) as session:
        new = {"platform": "instagram", "name": "Bakery", "external_id": IG_USER}
        cipher = Cipher(["a key of the tests"])
        channel = await channels.connect(
            session, cipher, workspace.id, new, access_token="EAAtoken", actor="tests"
        )
    people = [f"12544777777720{n:02d}" for n in range(8)]
    told = [
        (IG_USER, Written(f"m-{person}-{n}", Person(person, None), now, "text", text=f"message {n}"))
        for person in people for n in range(3)
    ]  # fmt: skip

    async def pull(page: list[tuple[str, Written]]) -> None:
        async with fresh_database.transaction(workspace.id) as session:
            await messages.receive(session, page, channels={IG_USER: [channel.id]}, pulled=True, now=now)

    async def tell(each: Written, note: int) -> None:
        event = {
            "sender": {"id": each.person.user_id}, "recipient": {"id": IG_USER},
            "timestamp": int(now.timestamp() * 1e3), "message": {"mid": each.id, "text": each.text},
        }  # fmt: skip
        body = {"object": "instagram", "note": note, "entry": [{"id": IG_USER, "messaging": [event]}]}
        assert len(instagram.read(body, now=now).told) == 1
        async with fresh_database.system_transaction("a test of races") as session:
            await webhooks.receive(session, "instagram", as_meta_writes(body), now=now)

    halves = told[::2], told[1::2], told[::-1]
    await asyncio.gather(
        *(pull(list(half)) for half in halves), *(tell(each, n) for n in range(2) for _, each in told)
    )
    stored = await rows(fresh_database, "select * from messages")
    assert len(stored) == 24
    assert all(row["window_id"] for row in stored)
    assert len(await rows(fresh_database, "select * from message_windows")) == 8
    waiting = "select * from procrastinate_jobs where task_name = 'conversations.process_message'"
    assert len(await rows(fresh_database, waiting)) == 8

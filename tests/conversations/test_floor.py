"""Who has the floor: taken by the API or from the app, given back, and what then is still asked of the AI."""

from datetime import timedelta

import pytest

from socialsync.features.conversations import floor
from socialsync.features.conversations import service as conversations
from tests.messages.conftest import NOON, Inbox

PROCESS = "conversations.process_message"
UPDATE, SYNC = conversations.UPDATE_STATE, conversations.SYNC_OPERATOR


async def act(inbox: Inbox, verb, **more):
    conversation = await inbox.conversation()
    async with inbox.opened.database.transaction(inbox.workspace_id) as session:
        return await verb(session, conversation["id"], now=inbox.now, **more)


async def take_over(inbox: Inbox, by: str = "somebody"):
    return await act(inbox, conversations.take_over, by=by)


async def hand_back(inbox: Inbox):
    return await act(inbox, conversations.hand_back, by="somebody")


async def test_a_takeover_ends_what_waits_for_the_ai(inbox: Inbox):
    await inbox.write("Hi")
    await take_over(inbox)
    conversation, window = await inbox.conversation(), await inbox.window()
    assert (conversation["mode"], conversation["taken_over_by"]) == ("human", "somebody")
    assert (window["outcome"], window["ended_at"]) == ("taken_over", inbox.now)
    inbox.wait(seconds=5)
    assert (await inbox.run(PROCESS))["status"] == "nothing to answer"


async def test_the_state_follows_by_jobs_of_its_own(inbox: Inbox):
    await inbox.write("Hi")
    await take_over(inbox)
    await act(inbox, conversations.write_as_operator, text="Good morning!", template=None)
    await hand_back(inbox)
    (update,), (sync,) = await inbox.waiting(UPDATE), await inbox.waiting(SYNC)
    assert (update["queue_name"], update["priority"]) == ("state", 8)
    assert (sync["queue_name"], sync["priority"]) == ("state", 7)
    assert update["lock"] == sync["lock"]
    for job in (update, sync):
        assert (await inbox.office.run(job["id"]))["status"]


async def test_while_a_person_has_the_floor_nothing_is_asked_of_the_ai(inbox: Inbox):
    await inbox.write("Hi")
    await take_over(inbox)
    await inbox.write("Are you there?")
    assert len(await inbox.rows("messages")) == 2
    assert len(await inbox.rows("message_windows")) == 1


async def test_taking_over_twice_changes_nothing(inbox: Inbox):
    await inbox.write("Hi")
    await take_over(inbox)
    inbox.wait(seconds=3)
    await take_over(inbox, by="somebody else")
    conversation = await inbox.conversation()
    assert (conversation["taken_over_by"], conversation["taken_over_at"]) == ("somebody", NOON)
    rows = await inbox.office.rows("select action from audit_log where action like 'conversations.%'")
    assert [row["action"] for row in rows] == ["conversations.taken_over"]


async def test_what_was_written_before_the_handback_is_not_asked_again(inbox: Inbox):
    await inbox.write("Hi")
    await take_over(inbox)
    late = inbox.body(inbox.message("Told late"))
    inbox.wait(seconds=60)
    await hand_back(inbox)
    await inbox.tell(late)
    assert len(await inbox.rows("message_windows")) == 1
    inbox.wait(seconds=1)
    await inbox.write("And one more question")
    assert len(await inbox.rows("message_windows")) == 2


async def test_what_is_written_in_the_second_of_the_handback_is_answered(inbox: Inbox):
    """WhatsApp tells whole seconds: this one seems to be from before."""
    await inbox.write("Hi")
    await take_over(inbox)
    inbox.wait(seconds=60)
    body = inbox.body(inbox.message("In the same second"))
    inbox.wait(seconds=0.3)
    await hand_back(inbox)
    await inbox.tell(body)
    assert len(await inbox.rows("message_windows")) == 2


async def test_somebody_who_answers_from_the_app_has_the_floor(inbox: Inbox):
    await inbox.write("Hi")
    await inbox.tell(inbox.echo("I'll see to it.", "wamid.phone"))
    conversation, (message,) = await inbox.conversation(), await inbox.outgoing()
    assert (conversation["mode"], conversation["taken_over_by"]) == ("human", floor.FROM_APP)
    assert (message["author"], message["status"], message["text"]) == ("app", "sent", "I'll see to it.")
    assert (await inbox.window())["outcome"] == "taken_over"
    assert len(await inbox.waiting(SYNC)) == 1


async def test_on_instagram_too(inbox: Inbox):
    await inbox.write_direct("Hi")
    await inbox.tell(inbox.direct(echo=True, message={"mid": "e1", "text": "Hello!", "is_echo": True}))
    assert (await inbox.conversation())["mode"] == "human"


async def test_an_echo_from_before_the_handback_takes_nothing(inbox: Inbox):
    await inbox.write("Hi")
    at = inbox.now
    await take_over(inbox)
    inbox.wait(seconds=30)
    await hand_back(inbox)
    await inbox.tell(inbox.echo("Told late", "wamid.late", at=at))
    assert (await inbox.conversation())["mode"] == "ai"
    assert len(await inbox.outgoing()) == 1


async def test_the_same_echo_again_takes_nothing(inbox: Inbox):
    await inbox.write("Hi")
    inbox.wait(seconds=5)
    echo = inbox.echo("I'll see to it.", "wamid.phone")
    await inbox.tell(echo)
    inbox.wait(seconds=-3)
    await hand_back(inbox)
    await inbox.tell({**echo, "note": "again"})
    assert (await inbox.conversation())["mode"] == "ai"


async def test_an_echo_in_the_body_of_the_message_ends_its_window(inbox: Inbox):
    body = inbox.body(inbox.message("Hi"))
    body["entry"] += inbox.echo("Hello", "wamid.phone")["entry"]
    await inbox.tell(body)
    assert (await inbox.window())["outcome"] == "taken_over"


async def test_the_ai_keeps_the_floor_from_people_who_have_not_taken_it(inbox: Inbox):
    await inbox.write("Hi")
    with pytest.raises(conversations.FloorTaken):
        await act(inbox, conversations.write_as_operator, text="Hello", template=None)


def test_what_is_new_is_after_the_handback():
    assert floor.is_new(NOON, None)
    assert floor.is_new(NOON + timedelta(seconds=1), NOON)
    assert not floor.is_new(NOON, NOON)

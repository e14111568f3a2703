"""What Instagram remembers of conversations, in the words in which webhooks tell it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialsync.platforms import Sender, contract, open_platforms
from socialsync.platforms.contract import Reach
from socialsync.platforms.errors import PlatformUnavailable, RateLimited, RequestRefused
from socialsync.platforms.graph import Answer
from socialsync.platforms.instagram import conversations
from socialsync.platforms.news import File, Recalled

ACCOUNT, PERSON = "17841400000000001", "1254477777772919"
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def entry(text: str = "Hello?", *, echo: bool = False, **more: Any) -> dict[str, Any]:
    sides = [{"id": PERSON, "username": "ada"}, {"id": ACCOUNT, "username": "bakery"}]
    sender, recipient = reversed(sides) if echo else sides
    made = {"id": f"m-{text}", "created_time": "2026-03-04T11:00:00+0000", "from": sender}
    return made | {"to": {"data": [recipient]}, "message": text} | more


def page(*entries: Any, **more: Any) -> Recalled:
    thread = {"id": "t", "updated_time": "2026-03-04T11:00:00+0000", "messages": {"data": list(entries)}}
    return conversations.page_of(Answer({"data": [thread | more]}, Reach.READ), ACCOUNT, now=NOW)


def kinds(*entries: Any) -> list[tuple[str, str | None]]:
    return [(each.kind, each.text) for each in page(*entries).told]


def test_messages_come_in_their_order_also_within_a_second():
    told = page(entry("third", echo=True), entry("second"), entry("first")).told
    assert [(each.text, each.echo) for each in told] == [("first", False), ("second", False), ("third", True)]
    assert [each.at for each in told] == [NOW - timedelta(hours=1, milliseconds=-n) for n in range(3)]
    assert {each.person.user_id for each in told} == {PERSON}


def test_a_person_is_known_by_name():
    (written,) = page(entry()).told
    assert (written.person.username, written.id) == ("ada", "m-Hello?")


def test_files_shares_and_stories_have_their_kinds():
    image = {"image_data": {"url": "https://example.org/a.jpg"}, "mime_type": "image/jpeg"}
    voice = {"file_url": "https://example.org/a.mp4", "mime_type": "audio/mp4", "name": "voice"}
    assert kinds(
        entry("", attachments={"data": [image]}),
        entry("", attachments={"data": [voice]}),
        entry("Nice", shares={"data": [{"link": "https://example.org"}]}),
        entry("", story={"mention": {"link": "https://example.org"}}),
        entry("Wow", story={"reply_to": {"link": "https://example.org"}}),
        entry("", is_unsupported=True),
        entry(""),
    )[::-1] == [
        ("image", None), ("audio", None), ("share", "Nice"), ("story", None), ("text", "Wow"),
        ("unsupported", None), ("unsupported", None),
    ]  # fmt: skip
    (written,) = page(entry("", attachments={"data": [image]})).told
    assert written.files == [File("image", url="https://example.org/a.jpg", mime_type="image/jpeg")]


def test_what_the_account_has_no_part_in_is_left_out():
    """Were it known by another id there, it would otherwise answer itself for ever."""
    stranger = {"from": {"id": "99"}, "to": {"data": [{"id": PERSON}]}}
    assert page(entry(**stranger), entry(to={"data": []}), entry(echo=True, to={"data": []})).told == []


def test_without_recipients_the_participants_tell():
    people = {"data": [{"id": PERSON}, {"id": ACCOUNT}]}
    told = page(entry("a", to=None), entry("b", to=None, echo=True), participants=people).told
    assert [(each.text, each.person.user_id) for each in told] == [("b", PERSON), ("a", PERSON)]


def test_messages_too_old_for_details_are_passed_over():
    assert [each.text for each in page(entry(), {"id": "old", "created_time": "2026-03-04"}).told] == [
        "Hello?"
    ]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("2026-03-04T11:00:00+0000", NOW - timedelta(hours=1)),
        ("2026-03-04T13:00:00+0200", NOW - timedelta(hours=1)),
        (int(NOW.timestamp()) - 60, NOW - timedelta(minutes=1)),
        (str(int(NOW.timestamp()) - 60), NOW - timedelta(minutes=1)),
        ("2027-01-01T00:00:00+0000", NOW),
        ("yesterday", None),
        ("0001-01-01T00:00:00+1400", None),
        ("2026-03-04T11:00:00", None),
        (None, None),
    ],
)
def test_times_are_read_in_both_forms(told, expected):
    assert conversations.moment(told, NOW) == expected


def test_the_next_page_has_a_cursor_while_there_is_one():
    def after(**paging: Any) -> str | None:
        return conversations.page_of(Answer({"data": [], **paging}, Reach.READ), ACCOUNT, now=NOW).after

    assert after(paging={"cursors": {"after": "x"}, "next": "https://..."}) == "x"
    assert after(paging={"cursors": {"after": "x"}}) is None
    assert after() is None


WORDS = [
    "data", "messages", "from", "to", "id", "created_time", "updated_time", "attachments", "image_data",
    "url", "participants", "message", "paging", "cursors", "after", "next",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(ACCOUNT),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS),
            inner,
            max_size=5,
        )
    ),
)


@given(JSON)
def test_whatever_stands_in_a_page_is_read_or_left_out(odd: Any):
    answer = Answer({"data": [odd, {"messages": {"data": [odd, entry()]}}], "paging": odd}, Reach.READ)
    told = conversations.page_of(answer, ACCOUNT, now=NOW).told
    assert "m-Hello?" in {each.id for each in told}


def test_an_answer_without_a_list_is_asked_for_again():
    with pytest.raises(PlatformUnavailable):
        conversations.page_of(Answer({}, Reach.READ), ACCOUNT, now=NOW)


@pytest.fixture
async def instagram(simulator):
    async with open_platforms(
        meta_graph_url=simulator.url, instagram_graph_url=simulator.url, version="v25.0"
    ) as opened:
        yield opened.instagram


SENDER = Sender(ACCOUNT, "EAAtoken", f"instagram:{ACCOUNT}")


async def test_the_pages_of_an_account_are_read(instagram, simulator):
    simulator.lose_webhooks()
    at = int(NOW.timestamp())
    usual = {"platform": "instagram", "account": ACCOUNT}
    for n in range(12):
        message = {"person": f"12544777777729{n:02d}", "text": f"I am {n}", "at": at + n}
        simulator.happens(messages=[usual | message])
    first = await instagram.recall(SENDER)
    second = await instagram.recall(SENDER, after=first.after)
    texts = [each.text for recalled in (first, second) for each in recalled.told]
    assert texts == [f"I am {n}" for n in range(11, -1, -1)]
    assert first.newest_at == NOW + timedelta(seconds=11)
    assert second.after is None


async def test_an_instagram_that_knows_fewer_fields_is_asked_for_less(instagram, simulator):
    simulator.lose_webhooks()
    wrote = {"platform": "instagram", "account": ACCOUNT, "person": PERSON, "text": "Hello?"}
    simulator.happens(messages=[wrote])
    nonexisting = "Tried accessing nonexisting field (story) on node type (Message)"
    simulator.fault(
        action="error", code=100, message=nonexisting, match={"kind": "instagram.conversations"}, times=1
    )
    assert [each.text for each in (await instagram.recall(SENDER)).told] == ["Hello?"]
    simulator.fault(action="error", code=100, match={"kind": "instagram.conversations"}, times=2)
    with pytest.raises(RequestRefused):
        await instagram.recall(SENDER)


async def test_a_limit_is_one(instagram, simulator):
    simulator.fault(action="retry_after", retry_after_s=30, match={"kind": "instagram.conversations"})
    with pytest.raises(RateLimited):
        await instagram.recall(SENDER)


async def test_the_person_sees_that_they_were_read_and_that_somebody_types(instagram, simulator):
    assert isinstance(instagram, contract.ShowsPresence)
    assert isinstance(instagram, contract.RemembersConversations)
    await instagram.mark_read(SENDER, PERSON, "mid", typing=True)
    actions = [effect["action"] for effect in simulator.ledger(kind="instagram.sender_action")]
    assert actions == ["mark_seen", "typing_on"]

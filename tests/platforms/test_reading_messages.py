"""What people write, read from the bodies of both platforms' webhooks."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialsync.platforms.instagram import webhooks as instagram
from socialsync.platforms.news import Amended, File, Moved, News, Person, Reacted, Seen, Told, Written
from socialsync.platforms.whatsapp import webhooks as whatsapp

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
PAYLOADS = Path(__file__).parents[1] / "payloads"
NUMBER, ACCOUNT, PERSON = "106540352242922", "17841400000000001", "1254477777772919"
READERS = {"whatsapp": whatsapp.read, "instagram": instagram.read}


def payload(platform: str, name: str) -> News:
    return READERS[platform](json.loads((PAYLOADS / platform / f"{name}.json").read_bytes()), now=NOW)


def told(platform: str, name: str) -> list[Told]:
    return [each for _, each in payload(platform, name).told]


def only(platform: str, name: str) -> Any:
    (one,) = told(platform, name)
    return one


WHATSAPP = [
    ("metaopenapi_text_message", "text", "Does it come in another color?"),
    ("metaopenapi_button_message", "button", "Unsubscribe"),
    ("metaopenapi_interactive_button_reply_message", "interactive", "Cancel"),
    ("metaopenapi_interactive_list_reply_message", "interactive", "Priority Mail Express"),
    ("metaopenapi_contact_sharing_message", "contacts", None),
    ("metaopenapi_unsupported_message", "unsupported", None),
    ("video_with_caption", "video", "Our table"),
    ("voice_message", "audio", None),
    ("document_with_name", "document", "The invoice"),
    ("animated_sticker", "sticker", None),
    ("location_without_name", "location", None),
    ("flow_reply", "interactive", "date: 2026-03-05\nguests: 4"),
    ("flow_reply_that_is_no_json", "interactive", "Sent"),
    ("call_permission_reply", "interactive", None),
    ("a_type_of_tomorrow", "unsupported", None),
    ("unknown_type", "unsupported", None),
    ("message_of_user_id", "text", "Hi"),
]
INSTAGRAM = [
    ("text", "text", "Hello! Are you open today? \u2615"),
    ("picture", "image", None),
    ("two_pictures", "image", None),
    ("voice", "audio", None),
    ("like_heart", "sticker", None),
    ("shared_post", "share", None),
    ("shared_reel", "share", None),
    ("share_of_before_2026", "share", None),
    ("story_mention", "story", None),
    ("story_reply", "text", "Looks great"),
    ("quick_reply", "text", "Opening hours"),
    ("unsupported", "unsupported", None),
    ("postback", "button", "Opening hours"),
    ("standby", "text", "Anybody there?"),
    ("dashboard_test", "text", "random_text"),
]


@pytest.mark.parametrize(
    ("platform", "name", "kind", "text"),
    [("whatsapp", *each) for each in WHATSAPP] + [("instagram", *each) for each in INSTAGRAM],
)
def test_every_kind_of_message_is_read(platform: str, name: str, kind: str, text: str | None):
    message = only(platform, name)
    assert isinstance(message, Written)
    assert (message.kind, message.text, message.echo) == (kind, text, False)


def test_a_person_is_known_by_user_id_phone_or_both():
    assert only("whatsapp", "message_of_both_ids").person == Person(
        "US.13491208655302741918", "+16505551234", "Sheena Nelson"
    )
    named = Person("US.13491208655302741918", None, "Sheena", "@sheena")
    assert only("whatsapp", "message_with_username").person == named
    assert only("whatsapp", "message_without_contacts").person == Person(None, "+16505551234")
    assert only("instagram", "text").person == Person(PERSON, None)


def test_files_are_told_by_id_or_address():
    assert only("whatsapp", "document_with_name").files == [
        File("document", "1031923845631256", None, "application/pdf", "Rechnung M\u00e4rz.pdf")
    ]
    pictures = only("instagram", "two_pictures").files
    assert [file.url and "asset_id" in file.url for file in pictures] == [True, True]


def test_what_stands_beside_a_message_is_kept():
    assert only("whatsapp", "reply_to_our_message").reply_to == "wamid.out1"
    assert only("instagram", "reply").reply_to == "aWdfZAG1faXRlbToxOut01"
    assert only("whatsapp", "forwarded_many_times").detail == {"frequently_forwarded": True}
    assert only("instagram", "from_an_ad").detail["referral"]["source"] == "ADS"
    assert only("instagram", "story_reply").detail["story"]["id"] == "18000000000000003"
    assert only("whatsapp", "a_type_of_tomorrow").detail["content"] == {"id": "1", "depth": 3}


@pytest.mark.parametrize(
    ("platform", "name", "target", "text"),
    [
        ("whatsapp", "message_edit", "wamid.in", "Deja vu"),
        ("whatsapp", "edit_of_a_caption", "wamid.made01", "Our new table"),
        ("instagram", "edit", "aWdfZAG1faXRlbToxMade01", "Hello! Are you open tomorrow?"),
    ],
)
def test_an_edit_has_the_new_text(platform, name, target, text):
    edit = only(platform, name)
    assert isinstance(edit, Amended)
    assert (edit.id, edit.text, edit.deleted) == (target, text, False)


@pytest.mark.parametrize(
    ("platform", "name", "echo"),
    [
        ("whatsapp", "message_revoke", False),
        ("whatsapp", "echo_revoked", True),
        ("instagram", "deleted", False),
    ],
)
def test_a_deletion_says_by_whom(platform, name, echo):
    gone = only(platform, name)
    assert isinstance(gone, Amended)
    assert (gone.deleted, gone.echo, gone.text) == (True, echo, None)


@pytest.mark.parametrize(
    ("platform", "name", "emoji"),
    [
        ("whatsapp", "metaopenapi_reaction_message", "\U0001f44d"),
        ("whatsapp", "reaction_removed_by_empty_emoji", None),
        ("whatsapp", "reaction_removed_by_missing_emoji", None),
        ("instagram", "reaction", "\u2764"),
        ("instagram", "reaction_removed", None),
    ],
)
def test_a_reaction_may_be_taken_back(platform, name, emoji):
    reaction = only(platform, name)
    assert isinstance(reaction, Reacted)
    assert reaction.emoji == emoji


def test_what_the_account_wrote_itself_is_an_echo_to_the_person():
    for platform, name, text in (
        ("whatsapp", "echo_from_the_phone", "I'll see to it."),
        ("whatsapp", "echo_of_a_picture", "The menu"),
        ("instagram", "echo", "We open at nine."),
    ):
        message = only(platform, name)
        assert (message.echo, message.text) == (True, text)
        assert message.person.phone == "+16505551234" or message.person.user_id == PERSON


def test_people_move():
    moved, written = told("whatsapp", "metaopenapi_system_message")
    assert isinstance(moved, Moved)
    assert (moved.before.phone, moved.after.phone) == ("+16505551234", "+12195555358")
    assert isinstance(written, Written)
    assert written.kind == "system"
    assert only("whatsapp", "user_id_update") == Moved(
        Person("US.1", "+16505551234"),
        Person("US.2", "+16505551234"),
        datetime(2025, 6, 16, 16, 25, 6, tzinfo=UTC),
    )
    assert told("whatsapp", "system_user_changed_user_id")[0].after.user_id == "US.2"


def test_a_read_is_of_everything_until_then():
    seen = only("instagram", "seen")
    assert isinstance(seen, Seen)
    assert (seen.person.user_id, seen.id) == (PERSON, "aWdfZAG1faXRlbToxOut01")


def test_times_of_instagram_are_in_milliseconds():
    assert only("instagram", "text").at == datetime(2025, 6, 16, 16, 30, 1, tzinfo=UTC)


def test_every_entry_counts_with_its_account():
    news = payload("instagram", "several_entries")
    assert [(account, each.text) for account, each in news.told] == [
        (ACCOUNT, "One"),
        (ACCOUNT, "Two"),
        ("17841400000000099", "To another account"),
    ]
    numbers = [account for account, _ in payload("whatsapp", "messages_to_two_numbers").told]
    assert numbers == [NUMBER, "106540352242999"]


@pytest.mark.parametrize(
    ("name", "unread"),
    [
        ("comment_on_live_video", {"live_comments": 1}),
        ("mention", {"mentions": 1}),
        ("handover", {"pass_thread_control": 1}),
        ("to_itself", {"message to itself": 1}),
    ],
)
def test_what_has_no_reader_is_counted(name, unread):
    news = payload("instagram", name)
    assert (news.told, news.unread, news.problems) == ([], unread, [])


def test_odd_messages_are_told_and_hinder_nothing():
    news = payload("whatsapp", "odd_messages")
    assert [each.kind for _, each in news.told] == ["text"]
    assert news.problems == [
        "A message of type text is of nobody",
        "A message has no id",
        "A message of type reaction does not tell which message",
        "In messages is something that is no object",
    ]
    news = payload("instagram", "odd_shapes")
    assert news.told == []
    assert len(news.problems) == 7


WORDS = [
    "id", "from", "to", "type", "text", "body", "image", "timestamp", "messages", "sender", "recipient",
    "message", "mid", "is_echo", "attachments", "payload", "url", "reaction", "message_id", "edit", "system",
    "revoke", "read", "postback", "message_echoes", "contacts", "wa_id", "16505551234", "interactive",
    "user_changed_number", "nfm_reply", "response_json", "context", "reply_to",
]  # fmt: skip
ANY_TEXT = st.sampled_from(WORDS) | st.text(max_size=5)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=6),
    max_leaves=20,
)
MESSAGE = st.fixed_dictionaries(
    {"id": ANY_TEXT, "from": st.just("16505551234") | ANY, "type": st.sampled_from(WORDS)},
    optional=dict.fromkeys((word for word in WORDS if word not in {"id", "from", "type"}), ANY),
)
VALUE = st.fixed_dictionaries(
    {"metadata": st.just({"phone_number_id": NUMBER}), "messages": st.lists(MESSAGE | ANY, max_size=3)},
    optional={"contacts": st.lists(ANY, max_size=2), "message_echoes": st.lists(MESSAGE | ANY, max_size=2)},
)
EVENT = st.fixed_dictionaries(
    {"sender": st.just({"id": PERSON}) | ANY, "recipient": st.just({"id": ACCOUNT}) | ANY},
    optional=dict.fromkeys(("message", "reaction", "read", "postback", "message_edit", "timestamp"), ANY),
)


@given(st.lists(VALUE, max_size=2), st.lists(EVENT | ANY, max_size=3))
def test_whatever_comes_is_read_into_what_can_be_stored(values, events):
    changes = [{"field": "messages", "value": value} for value in values]
    for news in (
        whatsapp.read({"entry": [{"changes": changes}]}, now=NOW),
        instagram.read({"entry": [{"id": ACCOUNT, "messaging": events}]}, now=NOW),
    ):
        for account, each in news.told:
            assert account
            assert each.at <= NOW
            if isinstance(each, Written):
                json.dumps(each.detail, allow_nan=False, ensure_ascii=False).encode()
                assert "\\u0000" not in json.dumps(each.detail)
                assert "\x00" not in (each.text or "")
                (each.text or "").encode()
        for text in (*news.unread, *news.problems):
            assert text.isprintable()

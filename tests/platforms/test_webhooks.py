"""What WhatsApp's webhooks tell, read from their bodies."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialsync.platforms import errors
from socialsync.platforms.news import News, StatusUpdate
from socialsync.platforms.whatsapp.webhooks import read

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
PAYLOADS = Path(__file__).parents[1] / "payloads/whatsapp"
NUMBER, OTHER = "106540352242922", "106540352242999"
TRACKER = "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0001"
WAMID = "wamid.HBgLMTY1MDU1NTEyMzQVAgARGBI3MTE5MzY1REZBNzE4QTgzNzQ"


def payload(name: str) -> News:
    return read(json.loads((PAYLOADS / f"{name}.json").read_bytes()), now=NOW)


def told(*statuses: Any, **value: Any) -> dict[str, Any]:
    value = {"metadata": {"phone_number_id": NUMBER}, "statuses": list(statuses), **value}
    return {"entry": [{"changes": [{"field": "messages", "value": value}]}]}


def only(**status: Any) -> StatusUpdate:
    body = told({"id": "wamid.1", "status": "sent", "timestamp": "1772625500", **status})
    ((account, update),) = read(body, now=NOW).statuses
    assert account == NUMBER
    return update


def test_a_status_is_read_whole():
    ((account, update),) = payload("status_sent_with_tracker").statuses
    assert account == NUMBER
    at = datetime(2025, 6, 16, 16, 25, tzinfo=UTC)
    assert update == StatusUpdate(f"{WAMID}A", "sent", TRACKER, "16505551234", at, None)


def test_every_word_is_known():
    words = [update.status for _, update in payload("status_all_words").statuses]
    assert words == ["sent", "delivered", "read", "played"]


def test_a_failure_says_why():
    ((_, update),) = payload("status_failed_without_contacts").statuses
    assert update.status == "failed"
    assert isinstance(update.error, errors.RecipientUnreachable)
    assert update.error.said.code == 131026
    assert update.error.said.status is None


def test_a_failure_without_a_reason_has_an_error_all_the_same():
    ((_, update),) = payload("status_failed_without_errors").statuses
    assert isinstance(update.error, errors.RequestRefused)


def test_an_error_beside_another_word_is_no_failure():
    assert only(status="delivered", errors=[{"code": 131026}]).error is None


def test_a_person_may_be_known_by_user_id_or_not_at_all():
    assert [u.recipient for _, u in payload("status_of_user_id").statuses] == ["US.13491208655302741918"]
    assert [u.recipient for _, u in payload("status_without_recipient").statuses] == [None]


def test_every_entry_change_and_status_counts_with_its_account_and_in_its_order():
    news = payload("several_accounts")
    assert [(account, update.message_id[-1], update.status) for account, update in news.statuses] == [
        (NUMBER, "1", "delivered"),
        (OTHER, "2", "read"),
        (OTHER, "3", "sent"),
        (OTHER, "3", "delivered"),
    ]
    assert (news.unread, news.problems) == ({"account_update": 1}, [])


def test_a_thousand_statuses_are_read():
    statuses = [{"id": f"wamid.{n}", "status": "sent", "timestamp": "1772625500"} for n in range(1_000)]
    assert len(read(told(*statuses), now=NOW).statuses) == 1_000


@pytest.mark.parametrize(
    ("tracker", "known"),
    [
        (TRACKER, TRACKER),
        (TRACKER.upper(), TRACKER),
        ("order 7", None),
        ("", None),
        (7, None),
        ({"id": TRACKER}, None),
        (f"{TRACKER}0", None),
        ("\x00", None),
    ],
)
def test_only_an_id_of_ours_is_a_tracker(tracker, known):
    assert only(biz_opaque_callback_data=tracker).tracker == known


@pytest.mark.parametrize(
    "timestamp",
    [None, "", "soon", -1, "-1", True, 1.5, [], "9" * 30, "99999999999", "1750091100000", "١٧٥٠٠٩١١٠٠"],
)
def test_a_time_that_is_none_is_now(timestamp):
    assert only(timestamp=timestamp).at == NOW


@pytest.mark.parametrize("timestamp", ["1772625500", 1772625500])
def test_a_time_is_in_seconds(timestamp):
    assert only(timestamp=timestamp).at == datetime(2026, 3, 4, 11, 58, 20, tzinfo=UTC)


def test_nothing_happened_later_than_now():
    assert only(timestamp="1772712000").at == NOW


def test_a_word_that_is_not_known_is_a_problem_and_hinders_no_other():
    news = payload("odd_status_word")
    assert [update.status for _, update in news.statuses] == ["delivered"]
    assert news.problems == ["A status is warming, which is not known"]


def test_odd_shapes_are_told_and_hinder_nothing():
    news = payload("odd_shapes")
    assert news.statuses == []
    assert news.problems == [
        "statuses is no list",
        "A change of messages has no value",
        "A status is of no account",
        "In entry is something that is no object",
        "An entry has no changes",
    ]


@pytest.mark.parametrize(
    ("name", "unread"),
    [
        ("a_type_of_tomorrow", {"message hologram": 1}),
        ("metaopenapi_group_create_message", {"group_lifecycle_update": 1}),
        ("message_and_status", {}),
        ("message_of_a_group", {"message of a group": 1}),
        ("metaopenapi_unsupported_message", {"message unsupported": 1}),
        ("account_errors", {"messages": 1}),
        ("status_sent_before_v24", {}),
    ],
)
def test_what_has_no_reader_is_counted_and_no_problem(name, unread):
    news = payload(name)
    assert (news.unread, news.problems) == (unread, [])


def test_names_are_bounded_in_number_and_length():
    changes = [{"field": f"{n}" * 400, "value": {}} for n in range(100)]
    news = read({"entry": [{"changes": changes}]}, now=NOW)
    assert sum(news.unread.values()) == 100
    assert len(news.unread) == 21
    assert max(map(len, news.unread)) <= 60


@pytest.mark.parametrize("body", [None, 1, "x", [], {}])
def test_no_entry_is_a_problem(body):
    assert read(body, now=NOW).problems == ["There is no entry"]


WORDS = ["id", "status", "timestamp", "errors", "code", "error_data", "details", "recipient_id", "messages",
         "type", "sent", "failed", "biz_opaque_callback_data", "recipient_user_id", TRACKER]  # fmt: skip
ANY_TEXT = st.sampled_from(WORDS) | st.text(max_size=5)  # lone surrogates too
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=5),
    max_leaves=15,
)
METADATA = st.fixed_dictionaries({"phone_number_id": st.just(NUMBER) | ANY}) | ANY
VALUE = st.fixed_dictionaries({"metadata": METADATA, "statuses": st.lists(ANY, max_size=4) | ANY}) | ANY
CHANGE = st.fixed_dictionaries({"field": ANY_TEXT | ANY, "value": VALUE}) | ANY
ENTRY = st.fixed_dictionaries({"changes": st.lists(CHANGE, max_size=3) | ANY}) | ANY


@given(st.fixed_dictionaries({"entry": st.lists(ENTRY, max_size=3) | ANY}) | ANY)
def test_whatever_comes_is_read_into_what_can_be_stored(body):
    news = read(body, now=NOW)
    for account, update in news.statuses:
        assert account
        assert update.at <= NOW
        assert (update.error is not None) == (update.status == "failed")
        for text in (account, update.message_id, update.recipient or "", update.error and str(update.error)):
            assert "\x00" not in (text or "")
            (text or "").encode()
    for text in (*news.unread, *news.problems):
        assert text.isprintable()
        text.encode()

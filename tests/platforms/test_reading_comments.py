"""What people write under media, read from the bodies of Instagram's webhooks."""

import json
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from socialsync.platforms.comments import Comment
from socialsync.platforms.instagram import threads
from socialsync.platforms.instagram.webhooks import read
from socialsync.platforms.news import CommentMade, News

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
TOLD_AT = datetime(2025, 6, 16, 16, 30, tzinfo=UTC)
PAYLOADS = Path(__file__).parents[1] / "payloads" / "instagram"
ACCOUNT, MEDIA, ADA = "17841400000000001", "18000000000000001", "1254477777772919"


def payload(name: str) -> News:
    return read(json.loads((PAYLOADS / f"{name}.json").read_bytes()), now=NOW)


def only(name: str) -> CommentMade:
    news = payload(name)
    assert (news.told, news.unread, news.problems) == ([], {}, [])
    ((account, made),) = news.comments
    assert account == ACCOUNT
    return made


def test_both_shapes_of_a_comment_are_read():
    made = only("comment_of_instagram_login")
    assert made == CommentMade(
        MEDIA, Comment("18000000000000010", "Lovely", TOLD_AT, ADA, "ada", media_id=MEDIA)
    )
    made = only("comment_of_facebook_login")
    assert (made.media_id, made.comment.id, made.comment.text) == (MEDIA, "18000000000000011", "Lovely")


def test_when_it_was_told_is_read_in_seconds_or_milliseconds():
    assert only("comment_of_instagram_login").comment.at == TOLD_AT
    assert only("comment_of_facebook_login").comment.at == TOLD_AT.replace(microsecond=123_000)


def test_a_reply_names_the_comment_that_it_answers():
    comment = only("comment_that_replies").comment
    assert (comment.text, comment.parent_id) == ("Gr\u00f6\u00dfe 42, bitte \U0001f64f", "18000000000000011")
    assert not comment.own


def test_the_account_is_known_by_either_of_its_ids():
    news = payload("comment_of_its_own")
    assert [made.comment.own for _, made in news.comments] == [True, True]


def test_a_comment_without_words_is_one_all_the_same():
    made = only("comment_below_an_ad")
    assert (made.media_id, made.comment.text) == ("18000000000000002", "")


def test_every_entry_and_every_change_counts_with_its_account():
    told = [(account, made.comment.text) for account, made in payload("several_comments").comments]
    assert told == [(ACCOUNT, "One"), (ACCOUNT, "Two"), ("17841400000000099", "To another account")]


def test_odd_comments_are_told_and_hinder_nothing():
    news = payload("odd_comments")
    assert news.problems == [
        "A change of comments has no value",
        "A comment has no id",
        "A comment is of no account",
    ]
    ((_, made),) = news.comments
    assert made == CommentMade(None, Comment("18000000000000021", "", NOW, None, None))


WORDS = ["id", "from", "username", "self_ig_scoped_id", "media", "text", "parent_id", ACCOUNT, "comments"]
TEXT = st.sampled_from(WORDS) | st.text(max_size=5)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=6),
    max_leaves=10,
)
TIME = st.just("2026-03-04T12:00:00+0000") | ANY
ENTRY = st.fixed_dictionaries(
    {"id": st.integers() | TEXT, "timestamp": TIME},
    optional=dict.fromkeys(("text", "from", "username", "parent_id", "like_count", "hidden", "media"), ANY),
)
THREAD = st.builds(
    lambda entry, replies, paging: {**entry, "replies": {"data": replies, "paging": paging}},
    ENTRY,
    st.lists(ENTRY | ANY, max_size=3),
    ANY,
)
VALUE = st.fixed_dictionaries({"id": TEXT | ANY}, optional=dict.fromkeys(WORDS[1:7], ANY))


def storable(comment: Comment) -> bool:
    texts = (comment.id, comment.text, comment.author_id, comment.username, comment.parent_id)
    for text in texts:
        (text or "").encode()  # raises on halves of surrogate pairs
    return bool(comment.id) and "\x00" not in "".join(filter(None, texts))


@given(value=VALUE | ANY, time=ANY)
def test_whatever_comes_is_read_into_what_can_be_stored(value, time):
    changes = [{"field": "comments", "value": value}]
    for entry in ({"changes": changes}, changes[0]):
        news = read({"entry": [{"id": ACCOUNT, "time": time, **entry}]}, now=NOW)
        for account, made in news.comments:
            assert account == ACCOUNT
            assert storable(made.comment)
            assert made.comment.at <= NOW


@given(THREAD | ANY)
def test_whatever_is_answered_is_read_into_what_can_be_stored(entry):
    comment = threads.comment_of(entry, ACCOUNT)
    if comment is not None:
        assert all(storable(each) for each in (comment, *comment.replies))
        assert comment.at.tzinfo is not None

"""Long texts are cut where a reader would, and never inside a character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialsync.features.messages.splitting import characters, graphemes, split, utf8

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
FLAG, OTHER_FLAG = "\U0001f1eb\U0001f1f7", "\U0001f1e9\U0001f1ea"
THUMB = "\U0001f44d\U0001f3fd"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
HEART = "\u2764\ufe0f\u200d\U0001f525"


@pytest.mark.parametrize(
    "one",
    ["a", "e\u0301", "\r\n", FAMILY, FLAG, THUMB, SCOTLAND, HEART, "\u0928\u093f", "\u0915\u094d\u0937",
     "\u1112\u1161\u11ab", "\ud55c", "1\ufe0f\u20e3"],
)  # fmt: skip
def test_what_a_person_sees_as_one_is_one(one: str):
    assert list(graphemes(one)) == [one]
    assert list(graphemes(f"x{one}y")) == ["x", one, "y"]


def test_flags_are_pairs():
    assert list(graphemes(FLAG + OTHER_FLAG)) == [FLAG, OTHER_FLAG]


def test_a_short_text_is_whole():
    assert split("  Hello  ", 10, characters) == ["Hello"]
    assert split(" \n ", 10, characters) == []


def test_a_text_is_cut_between_paragraphs_then_sentences_then_words():
    assert split("One two.\n\nThree four five.", 20, characters) == ["One two.", "Three four five."]
    assert split("One two three. Four five six.", 20, characters) == ["One two three.", "Four five six."]
    assert split("one two three four five", 12, characters) == ["one two", "three four", "five"]
    assert split("abcdefghij", 4, characters) == ["abcd", "efgh", "ij"]


def test_bytes_count_where_bytes_are_counted():
    assert split("\u00fc" * 10, 8, utf8) == ["\u00fc" * 4, "\u00fc" * 4, "\u00fc" * 2]
    assert split(FAMILY * 3, 60, utf8) == [FAMILY * 2, FAMILY]


def test_a_character_that_is_too_large_is_cut_all_the_same():
    assert "".join(split("e" + "\u0301" * 50, 10, characters)) == "e" + "\u0301" * 50


PIECES = st.lists(
    st.sampled_from([FAMILY, FLAG, THUMB, HEART, "a", "word ", ". ", "\n\n", "\u00fc", "e\u0301", "\u4f60"])
    | st.text(max_size=5),
    max_size=60,
).map("".join)


@given(PIECES, st.integers(4, 80), st.sampled_from([characters, utf8]))
def test_nothing_is_lost_and_every_part_fits(text: str, most: int, size):
    parts = split(text, most, size)
    assert all(0 < size(part) <= most for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@given(PIECES)
def test_graphemes_are_the_text(text: str):
    assert "".join(graphemes(text)) == text


@given(st.lists(st.sampled_from([FAMILY, FLAG, THUMB, HEART]), min_size=1, max_size=40))
def test_no_emoji_is_cut(emoji: list[str]):
    parts = split("".join(emoji), 100, utf8)
    assert [each for part in parts for each in graphemes(part)] == emoji

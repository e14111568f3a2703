"""Texts that are longer than a platform takes, cut where a reader would: between paragraphs, sentences,
words; never inside what a person sees as one character.

Unicode Standard Annex #29, "Grapheme Cluster Boundaries", by its rules GB3, GB9, GB9a, GB11, GB12 and the
Hangul of GB6 to GB8, without the tables that need a library.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator

Size = Callable[[str], int]

_JOINER = "\u200d"
_REGIONAL = range(0x1F1E6, 0x1F200)
_SKIN = range(0x1F3FB, 0x1F400)
_TAGS = range(0xE0020, 0xE0080)
_ZERO_WIDTH_NON_JOINER = "\u200c"
_HALF = 0.5
"""A part ends no earlier than this share of what it may hold, so that one short line makes no message."""
_ENDS = tuple(
    re.compile(pattern)
    for pattern in (r"\n\s*\n", r"\n", r"[.!?\u2026\u3002\uff01\uff1f][\"')\]]*\s+", r"\s+")
)


def characters(text: str) -> int:
    """Size in Unicode code points, as WhatsApp counts."""
    return len(text)


def utf8(text: str) -> int:
    """Size in bytes of UTF-8, as Instagram counts."""
    return len(text.encode())


def split(text: str, most: int, size: Size) -> list[str]:
    """The text in parts of at most that size, in their order, without white space around them; none for a
    text of nothing but white space. A single character that is larger is cut all the same.
    """
    parts: list[str] = []
    rest = text.strip()
    while rest and size(rest) > most:
        fits = _head(rest, most, size)
        cut = _good_end(rest, fits)
        parts.append(rest[:cut].strip())
        rest = rest[cut:].strip()
    return [part for part in (*parts, rest) if part]


def graphemes(text: str) -> Iterator[str]:
    """What a person sees as one character each."""
    start = 0
    for place in range(1, len(text)):
        if not _sticks(text, start, place):
            yield text[start:place]
            start = place
    if text:
        yield text[start:]


def _head(text: str, most: int, size: Size) -> int:
    """How many code points of it fit, by whole graphemes; at least something."""
    length = used = 0
    for grapheme in graphemes(text):
        needed = size(grapheme)
        if used + needed > most:
            break
        used += needed
        length += len(grapheme)
    if length:
        return length
    for character in text:
        used += size(character)
        if used > most:
            break
        length += 1
    return max(length, 1)


def _good_end(text: str, fits: int) -> int:
    """Where to cut among the first code points that fit."""
    for pattern in _ENDS:
        ends = [found.end() for found in pattern.finditer(text[:fits])]
        if ends and ends[-1] >= fits * _HALF:
            return ends[-1]
    return fits


def _sticks(text: str, start: int, place: int) -> bool:
    """Whether the code point at this place belongs to the grapheme that starts there."""
    before, this = text[place - 1], text[place]
    if before == "\r" and this == "\n":
        return True
    if unicodedata.category(before) == "Cc" or unicodedata.category(this) == "Cc":
        return False
    if _extends(this):
        return True
    if before == _JOINER and place - start > 1:
        return unicodedata.category(this) in {"So", "Sk"} or unicodedata.category(text[start]) == "Lo"
    if ord(before) in _REGIONAL and ord(this) in _REGIONAL:
        return (place - start) % 2 == 1
    return _joins_hangul(ord(before), ord(this)) or (
        unicodedata.combining(before) == _VIRAMA and (unicodedata.category(this) == "Lo")
    )


_VIRAMA = 9
"""The combining class of signs that bind two consonants."""


def _extends(character: str) -> bool:
    code = ord(character)
    return (
        unicodedata.category(character) in {"Mn", "Me", "Mc"}
        or character in {_JOINER, _ZERO_WIDTH_NON_JOINER}
        or code in _SKIN
        or code in _TAGS
    )


def _joins_hangul(before: int, this: int) -> bool:
    leading, vowel, trailing = range(0x1100, 0x1160), range(0x1160, 0x11A8), range(0x11A8, 0x1200)
    syllable = range(0xAC00, 0xD7A4)
    if before in leading:
        return this in leading or this in vowel or this in syllable
    if before in vowel or (before in syllable and (before - 0xAC00) % 28 == 0):
        return this in vowel or this in trailing
    return (before in trailing or before in syllable) and this in trailing

"""Phrases that are looked for in what people write, whatever its case, accents and signs.

A phrase is words with blanks between: ``kill*`` begins so, ``a/b/c`` is any of them, ``going_to`` two words
that belong together, ``?a`` may be missing, ``..3`` is up to three words of the same sentence, ``~3`` of any,
and ``$name`` a list that stands above. ``this & that`` are parts that stand anywhere, in whatever order.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_MENTION = re.compile(r"@[\w.]+")
_PIECE = re.compile(r"[^\W_]+|[.!?؟;\n]+")
_SPELLINGS = str.maketrans({
    "œ": "oe", "æ": "ae", "ø": "o", "\u0649": "\u064a", "\u0629": "\u0647", "\u200b": "", "\u00ad": "",
    "🔪": " weapon ", "🔫": " weapon ",
})  # fmt: skip
_DIGITS = str.maketrans("01345", "oieas")
_BETWEEN_LETTERS = re.compile(r"(?<=[a-z])[01345](?=[a-z])")
_LONG_VOWEL = re.compile(r"([aeiouy])\1{2,}")
_LONG = re.compile(r"([^\W\d])\1{2,}")
_SPACED = re.compile(r"(?<= )(?:[^\W\d] ){4,}")
_STOP = "."
_UNSEEN = "\u034f\u115f\u1160\u3164\uffa0"
"""What joins or fills, and is not of the category of formats."""
_TOGETHER = " & "


@dataclass(frozen=True)
class Phrases:
    """Of a kind: ``either`` finds a phrase of one part, ``together`` has the parts of each of the others."""

    either: re.Pattern[str]
    together: Sequence[Sequence[re.Pattern[str]]]

    def stand_in(self, said: str) -> bool:
        """Whether folded text has any of them."""
        if self.either.search(said):
            return True
        return any(all(part.search(said) for part in parts) for parts in self.together)


def folded(text: str) -> str:
    """The words of a text, one blank around each; a dot where a sentence ends; no names of accounts."""
    seen = "".join(c for c in _MENTION.sub(" ", text) if c not in _UNSEEN and unicodedata.category(c) != "Cf")
    spelt = unicodedata.normalize("NFKC", seen)[: len(text)].translate(_SPELLINGS).casefold()
    plain = "".join(c for c in unicodedata.normalize("NFKD", spelt) if not unicodedata.combining(c))
    words = [_word(piece) for piece in _PIECE.findall(plain)]
    return _SPACED.sub(lambda found: found[0].replace(" ", "") + " ", f" {' '.join(words)} ")


def finding(phrases: Iterable[str], lists: Mapping[str, str]) -> Phrases:
    parts = [phrase.split(_TOGETHER) for phrase in phrases]
    together = [[pattern([part], lists) for part in each] for each in parts if len(each) > 1]
    return Phrases(pattern((each[0] for each in parts if len(each) == 1), lists), together)


def pattern(phrases: Iterable[str], lists: Mapping[str, str]) -> re.Pattern[str]:
    """Finds any of them in folded text."""
    found = [f" {''.join(_spelt(piece, lists) for piece in each.split())}" for each in phrases]
    return re.compile("|".join(found) or r"(?!)")


def listed(words: str, lists: Mapping[str, str]) -> str:
    """Words with what the lists among them stand for."""
    return "/".join(lists[each[1:]] if each.startswith("$") else each for each in words.split("/"))


def _word(piece: str) -> str:
    if not piece[0].isalnum():
        return _STOP
    short = _LONG.sub(r"\1\1", _LONG_VOWEL.sub(r"\1", piece))
    return _BETWEEN_LETTERS.sub(lambda found: found[0].translate(_DIGITS), short)


def _spelt(piece: str, lists: Mapping[str, str]) -> str:
    if piece.startswith(".."):
        return rf"(?:\w+ ){{0,{piece[2:]}}}?"
    if piece.startswith("~"):
        return rf"(?:\S+ ){{0,{piece[1:]}}}?"
    if piece.startswith("?"):
        return f"(?:{_spelt(piece[1:], lists)})?"
    words: list[str] = []
    for each in piece.split("/"):
        words += listed(each, lists).split("/")
    return f"(?:{'|'.join(_one(word) for word in words)})"


def _one(words: str) -> str:
    spelt = (re.escape(word.removesuffix("*")) + r"\w*" * word.endswith("*") for word in words.split("_"))
    return " ".join(spelt) + " "

"""Phrases that are looked for in what people write, whatever its case, accents and signs.

A phrase is words with blanks between: ``kill*`` begins so, ``a/b/c`` is any of them, ``going_to`` two words
that belong together, ``?a`` may be missing, ``..3`` is up to three words of the same sentence, ``~3`` of any,
and ``$name`` a list that stands above.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping

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


def folded(text: str) -> str:
    """The words of a text, one blank around each; a dot where a sentence ends; no names of accounts."""
    spelt = unicodedata.normalize("NFKC", _MENTION.sub(" ", text)).translate(_SPELLINGS).casefold()
    plain = "".join(c for c in unicodedata.normalize("NFKD", spelt) if not unicodedata.combining(c))
    words = [_word(piece) for piece in _PIECE.findall(plain)]
    return _SPACED.sub(lambda found: found[0].replace(" ", "") + " ", f" {' '.join(words)} ")


def pattern(phrases: Iterable[str], lists: Mapping[str, str]) -> re.Pattern[str]:
    """Finds any of them in folded text."""
    found = [f" {''.join(_spelt(piece, lists) for piece in each.split())}" for each in phrases]
    return re.compile("|".join(found) or r"(?!)")


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
        words += lists[each[1:]].split("/") if each.startswith("$") else [each]
    return f"(?:{'|'.join(_one(word) for word in words)})"


def _one(words: str) -> str:
    spelt = (re.escape(word.removesuffix("*")) + r"\w*" * word.endswith("*") for word in words.split("_"))
    return " ".join(spelt) + " "

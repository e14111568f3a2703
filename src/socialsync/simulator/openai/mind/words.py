"""Words, folded and stemmed: so that case, accents and endings make no other word of one."""

# ruff: noqa: RUF001 - two alphabets' letters look alike

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

ENGLISH, FRENCH, SPANISH, GERMAN, ARABIC = LANGUAGES = ("en", "fr", "es", "de", "ar")
_WORD = re.compile(r"[^\W_]+")
_UNSPOKEN = dict.fromkeys([0x640, 0x670, *range(0x64B, 0x653)])
"""Arabic's lengthening stroke and vowel signs."""
_DIGITS = {0x660 + n: str(n) for n in range(10)}
_SPELLINGS = str.maketrans(
    {"ß": "ss", "œ": "oe", "æ": "ae", "ø": "o", "ı": "i", "ى": "ي", "ة": "ه", "’": "'"}
)
_SHORTEST = 3
_ENDINGS = {
    ENGLISH: ("ations", "ation", "ingly", "edly", "ings", "ing", "ed", "ly", "es", "s", "e"),
    FRENCH: (
        "issements", "issement", "issons", "issent", "issez", "ations", "ation", "ements", "ement", "erait",
        "eriez", "erons", "erez", "aient", "ables", "able", "ees", "ee", "ent", "ait", "ais", "ant", "ons",
        "ez", "er", "es", "ir", "it", "is", "e", "s", "x",
    ),
    SPANISH: (
        "aciones", "acion", "amientos", "amiento", "imiento", "iendo", "ando", "adores", "adora", "ador",
        "ables", "able", "aron", "ieron", "amos", "emos", "imos", "ados", "adas", "idos", "idas", "ado",
        "ada", "ido", "ida", "aba", "ian", "ia", "ar", "er", "ir", "an", "en", "as", "es", "os", "a", "e",
        "o", "s",
    ),
    GERMAN: ("ungen", "ung", "ern", "est", "en", "er", "em", "es", "et", "e", "n", "s", "t"),
    ARABIC: ("ات", "ون", "ين", "ان", "ها", "هم", "كم", "نا", "وا", "تي", "يه", "ه", "ي", "ك", "ا"),
}  # fmt: skip
_ARTICLES = ("وال", "بال", "كال", "فال", "لل", "ال")
ARABIC_PROCLITICS = ("و", "ب", "ل", "ف", "ك", "س")


def words(text: str) -> Sequence[str]:
    """The words and numbers of a text, folded, in their order."""
    lowered = unicodedata.normalize("NFC", text).translate(_UNSPOKEN).lower()
    return [fold(word) for word in _WORD.findall(lowered)]


@lru_cache(maxsize=200_000)
def fold(word: str) -> str:
    """Lower case, without accents. Lengthened letters (sooo) are shortened to two."""
    if word.isascii():
        folded = word.lower()
    else:
        spelt = word.lower().translate(_SPELLINGS).translate(_DIGITS)
        folded = "".join(c for c in unicodedata.normalize("NFKD", spelt) if not unicodedata.combining(c))
    return re.sub(r"([^\W\d])\1{2,}", r"\1\1", folded)


@lru_cache(maxsize=200_000)
def stem(word: str, language: str) -> str:
    """What a folded word keeps of itself in all its forms, about. Three letters at least."""
    if language == ARABIC:
        word = _without_article(word)
    shortest = _SHORTEST + (language == GERMAN)
    for ending in _ENDINGS[language]:
        if word.endswith(ending) and len(word) - len(ending) >= shortest:
            kept = word[: -len(ending)]
            break
    else:
        kept = word
    if language == ENGLISH:
        return _english(word, kept)
    return kept


def spellings(word: str, language: str) -> Sequence[str]:
    """The forms under which a lexicon may know a word, the surest first."""
    found = [word, stem(word, language)]
    if language == ARABIC:
        bare = _without_article(word)
        found.append(bare)
        if len(word) > _SHORTEST and word.startswith(ARABIC_PROCLITICS):
            found += [word[1:], _without_article(word[1:]), stem(word[1:], language)]
    return list(dict.fromkeys(found))


def _without_article(word: str) -> str:
    for article in _ARTICLES:
        if word.startswith(article) and len(word) - len(article) >= _SHORTEST:
            return word[len(article) :]
    return word


def _english(word: str, kept: str) -> str:
    if word.endswith("ss") or (word.endswith(("us", "is")) and kept == word[:-1]):
        return word
    if kept.endswith("i"):
        return kept[:-1] + "y"
    doubled = len(kept) > _SHORTEST and kept[-1] == kept[-2] and kept[-1] not in "aeiouslz"
    return kept[:-1] if doubled else kept

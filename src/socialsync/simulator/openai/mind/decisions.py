"""What becomes of what a customer wrote: answered, ignored, or shown to a person."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from socialsync.simulator.openai.mind.lexicon import meanings
from socialsync.simulator.openai.mind.moderation import flags
from socialsync.simulator.openai.mind.orders import is_order
from socialsync.simulator.openai.mind.phrasebook import families, folded, pattern, talk
from socialsync.simulator.openai.mind.sentences import plain_sentences
from socialsync.simulator.openai.mind.shelf import read_lines
from socialsync.simulator.openai.mind.temper import is_alarming, is_angry, is_kind, is_troubled
from socialsync.simulator.openai.mind.tongue import language_of
from socialsync.simulator.openai.mind.words import words

Verdict = Literal["RESPOND", "IGNORE", "ESCALATE"]
_MENTION = re.compile(r"@[\w.]+")
_LINK = re.compile(r"https?://|www\.|\bbit\.ly|\bt\.me/|\bwa\.me/", re.IGNORECASE)
_TAG = re.compile(r"\s*@\w")
_FEW_WORDS = 3
_FEW_WORDS_TO_A_FRIEND = 7
_OF_A_MATTER, _OF_ANGER, _OF_TROUBLE = 0.9, 0.8, 0.5
_STATEMENT, _NOTHING = _UNTOLD = "statement", "nothing_to_answer"
_QUESTION = "question"
_SMALL_TALK = ("greeting", "thanks", "praise")


@dataclass(frozen=True, slots=True)
class Decision:
    verdict: Verdict
    rule: str
    confidence: float
    reason: str


def decide(text: str, *, is_public: bool = False) -> Decision:
    """What someone wrote counts as what it is; orders to a model in it count as nothing.

    Args:
        is_public: of a comment that nothing tells, a troubled one is shown to a person.
    """
    bare = " ".join(piece for piece in plain_sentences(text) if not is_order(piece))
    if not bare.strip():
        return _decided("IGNORE", "no_content", 0.9)
    found = _by_rules(bare) or _by_looks(bare)
    said = folded(_MENTION.sub(" ", bare))
    is_untold = found[1] in _UNTOLD or (found[1] == _QUESTION and not _begins_or_ends_as_question(bare, said))
    if is_public and is_untold and is_troubled(bare, said):
        found = "ESCALATE", "troubled", _OF_TROUBLE
    return _decided(*found)


def _by_looks(bare: str) -> tuple[Verdict, str, float]:
    said = folded(_MENTION.sub(" ", bare))
    count = len(said.split())
    if count == 0:
        return "IGNORE", "tag_of_a_friend" if "@" in bare else "only_signs", 0.95
    if _tags(bare, said, count):
        return "IGNORE", "tag_of_a_friend", 0.93
    if is_alarming(bare, said, asks=_begins_or_ends_as_question(bare, said)):
        return "ESCALATE", "alarming", _OF_ANGER
    return _by_talk(bare, said, count)


def _by_talk(bare: str, said: str, count: int) -> tuple[Verdict, str, float]:
    if _asks(bare, said):
        return "RESPOND", _QUESTION, 0.92
    if _LINK.search(bare):
        return "IGNORE", "link", 0.8
    if small := next((rule for rule in _SMALL_TALK if talk()[rule].search(said)), None):
        applause = small == "praise" and count < _FEW_WORDS
        return ("IGNORE", "applause", 0.7) if applause else ("RESPOND", small, 0.72)
    language = language_of(bare)
    known = any(meanings(word, language) for word in words(bare)) or (
        count > _FEW_WORDS + 1 and is_kind(bare, said)
    )
    return ("RESPOND", _STATEMENT, 0.66) if known else ("IGNORE", _NOTHING, 0.6)


def _tags(bare: str, said: str, count: int) -> bool:
    """Whether a friend is called, rather than the business: few words, and no question that has a form."""
    if not _MENTION.search(bare) or talk()["question"].search(said):
        return False
    few = count <= _FEW_WORDS and not _asks(bare, said)
    return few or (_TAG.match(bare) is not None and count <= _FEW_WORDS_TO_A_FRIEND)


def small_talk(text: str) -> str | None:
    """``greeting`` or ``thanks``, for what is no more than that."""
    said = folded(text)
    if len(words(text)) > _FEW_WORDS + 1 or _asks(text, said):
        return None
    return next((rule for rule in ("thanks", "greeting") if talk()[rule].search(said)), None)


def _asks(text: str, said: str) -> bool:
    return "?" in text or "؟" in text or talk()["question"].search(said) is not None


def _begins_or_ends_as_question(text: str, said: str) -> bool:
    return "?" in text or "؟" in text or talk()["question"].match(said) is not None


def _by_rules(text: str) -> tuple[Verdict, str, float] | None:
    said, flagged = folded(text), flags(text)
    fits = [rule for rule in _rules() if rule[3] & flagged or rule[4].search(said)]
    for rule, verdict, confidence, *_ in fits:
        if verdict == "ESCALATE":
            return verdict, rule, confidence
    matter = _family_of(said, "matters.txt") or _family_of(said, "signs.txt")
    if matter:
        return "ESCALATE", matter, _OF_A_MATTER
    if is_angry(said, asks="?" in text):
        return "ESCALATE", "anger", _OF_ANGER
    if fits:
        rule, verdict, confidence, *_ = fits[0]
        return verdict, rule, confidence
    noise = _family_of(said, "noise.txt")
    return ("IGNORE", noise, _OF_A_MATTER) if noise else None


def _family_of(said: str, table: str) -> str | None:
    return next((name for name, found in families(table).items() if found.stands_in(said)), None)


def _decided(verdict: Verdict, rule: str, confidence: float) -> Decision:
    reasons = {
        "RESPOND": "The message can be answered",
        "IGNORE": "The message needs no answer",
        "ESCALATE": "A person should see the message",
    }
    return Decision(verdict, rule, confidence, f"{reasons[verdict]}: {rule.replace('_', ' ')}.")


@cache
def _rules() -> list[tuple[str, Verdict, float, frozenset[str], re.Pattern[str]]]:
    found: list[tuple[str, Verdict, float, frozenset[str], re.Pattern[str]]] = []
    for line in read_lines("decisions.txt"):
        rule, verdict, confidence, listed = (part.strip() for part in line.split("|", 3))
        phrases = [phrase.strip() for phrase in listed.split(";")]
        categories = frozenset(phrase[1:] for phrase in phrases if phrase.startswith("@"))
        said = pattern(phrase for phrase in phrases if not phrase.startswith("@"))
        kind: Verdict = "IGNORE" if verdict == "IGNORE" else "ESCALATE"
        found.append((rule, kind, float(confidence), categories, said))
    return found

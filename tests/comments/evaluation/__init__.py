"""Comments with the decision that a careful community manager would take: see README.md."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "fr", "es", "de")
LABELS = ("RESPOND", "IGNORE", "ESCALATE")
KINDS = (
    "question", "praise", "spam", "tag-a-friend", "emoji", "complaint", "refund", "legal", "violence",
    "self-harm", "minors", "harassment", "hate", "discrimination", "health", "privacy", "press", "person",
    "scam-warning", "recall", "injection", "off-topic",
)  # fmt: skip
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Post:
    """``knowledge`` is what an answer may rest on."""

    business: str
    caption: str
    knowledge: str


@dataclass(frozen=True)
class Comment:
    """``held_out``: it judges, and nothing is tuned on it."""

    id: str
    language: str
    post: Post
    text: str
    label: str
    kind: str
    held_out: bool


@dataclass(frozen=True)
class Scores:
    """Of one class: how many comments it has, and how often it was given rightly, and found."""

    comments: int
    precision: float
    recall: float


@cache
def comments() -> Sequence[Comment]:
    lines = [
        (language, number, post, line)
        for language in LANGUAGES
        for number, (post, line) in enumerate(_lines(language), start=1)
    ]
    held_out = _held_out([(line, language) for language, *_, line in lines])
    found = []
    for language, number, post, line in lines:
        head, text = line.split(": ", 1)
        label, kind = head.split(" ")
        id_ = f"{language}-{number:02}"
        found.append(Comment(id_, language, post, text, label, kind, held_out=line in held_out))
    return found


def digest() -> str:
    """Of the whole set: it changes with any letter, and with what is held out."""
    return _hash("\n".join(repr(comment) for comment in comments())).hex()


def scores(pairs: Sequence[tuple[str, str]]) -> dict[str, Scores]:
    """For each label, from pairs of the label and the decision. What was never given is precise."""
    found = {}
    for label in LABELS:
        right = sum(pair == (label, label) for pair in pairs)
        are = sum(is_so == label for is_so, _ in pairs)
        given = sum(decided == label for _, decided in pairs)
        found[label] = Scores(are, right / given if given else 1.0, right / are if are else 1.0)
    return found


def _held_out(lines: list[tuple[str, str]]) -> set[str]:
    """Every second line of a label in a language, kind by kind, in the order of hashes: no hand chose."""

    def place(each: tuple[str, str]) -> tuple[str, str, bytes, bytes]:
        line, language = each
        label, kind = line.split(": ", 1)[0].split(" ")
        return label, language, _hash(language + kind), _hash(line)

    return {line for line, _ in sorted(lines, key=place)[1::2]}


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _lines(language: str) -> list[tuple[Post, str]]:
    found = []
    for section in _source(language).removeprefix("# ").split("\n# "):
        business, *lines = section.strip().splitlines()
        marked = [line for line in lines if line.startswith(LABELS)]
        caption = next(line for line in lines if line.startswith("> "))
        knowledge = [line for line in lines if line and line != caption and line not in marked]
        post = Post(business, caption.removeprefix("> "), "\n".join(knowledge))
        found += [(post, line) for line in marked]
    return found


def _source(language: str) -> str:
    return (_FOLDER / f"{language}.md").read_text(encoding="utf-8")

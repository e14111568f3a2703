"""A text, tidied: its own facts in its own words, without what says nothing."""

import re

from socialsync.simulator.openai.mind.orders import is_order
from socialsync.simulator.openai.mind.sentences import split

_FILLERS = re.compile(
    r"\b(?:in today's fast-paced world|in today's digital age|it is important to note that|it's worth noting"
    r" that|needless to say|at the end of the day|il est important de noter que|de nos jours|il va sans dire"
    r" que|es importante destacar que|cabe destacar que|hoy en d[ií]a|es ist wichtig zu beachten, dass"
    r"|heutzutage)[,]?\s*",
    re.IGNORECASE,
)
_REPEATED = re.compile(r"([!?؟]){2,}")
_BLANKS = re.compile(r"[ \t]+")
_LONG_SENTENCE = 25


def rewritten(text: str) -> str:
    """Each line's sentences once, capitals and full stops in place, long sentences parted at semicolons."""
    said: set[str] = set()
    lines = []
    for line in text.splitlines():
        kept = []
        for piece in _pieces(line):
            if piece.casefold() not in said:
                said.add(piece.casefold())
                kept.append(piece)
        if kept or not line.strip():
            lines.append(" ".join(kept))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _pieces(line: str) -> list[str]:
    tidy = _BLANKS.sub(" ", _REPEATED.sub(r"\1", line)).strip()
    found = []
    for sentence in split(tidy):
        if is_order(sentence):
            continue
        parts = sentence.split("; ") if len(sentence.split()) > _LONG_SENTENCE else [sentence]
        found += [_proper(part, is_prose=len(part.split()) > 3) for part in parts]  # noqa: PLR2004
    return [piece for piece in found if piece]


def _proper(sentence: str, *, is_prose: bool) -> str:
    text = _FILLERS.sub("", sentence).strip()
    text = text[:1].upper() + text[1:]
    ended = not is_prose or not text[-1:].isalnum() or text.startswith(("#", "-", "*", "|"))
    return text if ended else f"{text}."

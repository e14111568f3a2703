"""Answers made of the sources' own sentences. Nothing is added, orders to a model are skipped, and where
no sentence answers the question there is no answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from socialsync.simulator.openai.mind.matching import score, units
from socialsync.simulator.openai.mind.prompt import Prompt, Source
from socialsync.simulator.openai.mind.sentences import sentences

GOOD_ENOUGH = 0.42
_NEAR_THE_BEST = 0.82
_MOST_SENTENCES = 3
_SHORT_QUESTION = 1.0


@dataclass(frozen=True, slots=True)
class Quote:
    source: Source
    text: str
    points: float


def extract(prompt: Prompt) -> Sequence[Quote]:
    """The sentences that answer best, the best first, each once; none when none does."""
    found = _scored(prompt)
    if not found or found[0].points < GOOD_ENOUGH:
        return []
    least = max(GOOD_ENOUGH, found[0].points * _NEAR_THE_BEST)
    chosen: dict[str, Quote] = {}
    for quote in found:
        if quote.points >= least:
            chosen.setdefault(quote.text.casefold(), quote)
    return list(chosen.values())[:_MOST_SENTENCES]


def ranked(prompt: Prompt) -> Sequence[Source]:
    """All sources, the most fitting first."""
    best: dict[str, float] = {source.id: 0.0 for source in prompt.sources}
    for quote in _scored(prompt):
        best[quote.source.id] = max(best[quote.source.id], quote.points)
    return sorted(prompt.sources, key=lambda source: -best[source.id])


def best_points(prompt: Prompt) -> dict[str, float]:
    """How well each source fits, from 0 to 1."""
    best = {source.id: 0.0 for source in prompt.sources}
    for quote in _scored(prompt):
        best[quote.source.id] = max(best[quote.source.id], min(1.0, round(quote.points, 4)))
    return best


def spoken(quotes: Sequence[Quote], *, cited: bool) -> str:
    """The quotes as one text, with ``[id]`` after each if they are to be cited."""
    return " ".join(
        f"{_ended(quote.text)} [{quote.source.id}]" if cited else _ended(quote.text) for quote in quotes
    )


def cited_ids(quotes: Sequence[Quote]) -> list[str]:
    return list(dict.fromkeys(quote.source.id for quote in quotes))


def _scored(prompt: Prompt) -> list[Quote]:
    asked = units(prompt.question)
    if sum(unit.weight for unit in asked) < _SHORT_QUESTION and prompt.before:
        asked = [*asked, *units(prompt.before)]  # "and on Sundays?" goes on with what was asked before
    found = []
    for source in prompt.sources:
        pieces = sentences(source.text)
        around = " ".join(piece.text for piece in pieces)
        answering = [piece for piece in pieces if not piece.is_title]
        found += [
            Quote(source, each.text, score(asked, prompt.language, each.text, each.context, around))
            for each in answering
        ]
    return sorted(found, key=lambda quote: -quote.points)


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "؟", "…", ":")) else f"{text}."

"""Answers made of the sources' own sentences. Nothing is added, orders to a model are skipped, and where
no sentence answers the question there is no answer.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from socialsync.simulator.openai.mind.answering import HOLDS_FROM, holds
from socialsync.simulator.openai.mind.asking import Asked, asked_in
from socialsync.simulator.openai.mind.matching import score, units
from socialsync.simulator.openai.mind.prompt import Prompt, Source
from socialsync.simulator.openai.mind.sayings import IN_LANGUAGE, QUOTED
from socialsync.simulator.openai.mind.sentences import Sentence, sentences
from socialsync.simulator.openai.mind.tongue import guessed
from socialsync.simulator.openai.mind.words import words

_NEAR_THE_BEST = 0.92
_MOST_SENTENCES = 3
_SHORT_QUESTION = 1.0


@dataclass(frozen=True, slots=True)
class Quote:
    """``language``: of its source, orders aside, whose many words tell more than its own."""

    source: Source
    text: str
    points: float
    language: str | None


def extract(prompt: Prompt) -> Sequence[Quote]:
    """The sentences that answer best, each question's in its turn and the best first, each once; none when
    none does.
    """
    chosen: dict[str, Quote] = {}
    for asked in _asked(prompt):
        for quote in _answering(prompt, asked):
            chosen.setdefault(quote.text.casefold(), quote)
    return list(chosen.values())[: 2 * _MOST_SENTENCES]


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


def spoken(quotes: Sequence[Quote], language: str, *, cited: bool) -> str:
    """The quotes as one text, with ``[id]`` after each if they are to be cited. Those from a source in
    another language stand between quotation marks, and the asker is told which language it is.
    """
    parts = []
    for own, some in groupby(quotes, key=lambda quote: quote.language or language):
        text = " ".join(
            f"{_ended(quote.text)} [{quote.source.id}]" if cited else _ended(quote.text) for quote in some
        )
        parts.append(text if own == language else QUOTED[language].format(IN_LANGUAGE[language][own], text))
    return " ".join(parts)


def cited_ids(quotes: Sequence[Quote]) -> list[str]:
    return list(dict.fromkeys(quote.source.id for quote in quotes))


def _scored(prompt: Prompt) -> list[Quote]:
    asked = units(prompt.question)
    if sum(unit.weight for unit in asked) < _SHORT_QUESTION and prompt.before:
        asked = [*asked, *units(prompt.before)]  # "and on Sundays?" goes on with what was asked before
    return _judged(
        prompt, lambda piece, around: score(asked, prompt.language, piece.text, piece.context, around)
    )


def _asked(prompt: Prompt) -> Iterator[Asked]:
    """Its questions. One that says little goes on with what stands beside it, or was written before."""
    for question in prompt.questions:
        asked = asked_in(question)
        if _says_little(asked):
            asked = asked_in(prompt.question)
        if _says_little(asked) and prompt.before:
            asked = asked.after(asked_in(prompt.before))
        if asked.is_about_something:
            yield asked


def _says_little(asked: Asked) -> bool:
    return asked.weight < _SHORT_QUESTION or not asked.is_about_something


def _answering(prompt: Prompt, asked: Asked) -> Sequence[Quote]:
    found = _judged(
        prompt, lambda piece, around: holds(asked, prompt.language, piece.text, piece.context, around)
    )
    least = max(HOLDS_FROM, found[0].points * _NEAR_THE_BEST) if found else HOLDS_FROM
    return [quote for quote in found if quote.points >= least][:_MOST_SENTENCES]


def _judged(prompt: Prompt, judge: Callable[[Sentence, str], float]) -> list[Quote]:
    found = []
    for source in prompt.sources:
        pieces = sentences(source.text)
        around = " ".join(piece.text for piece in pieces)
        language = guessed(around, words(around))
        found += [
            Quote(source, each.text, judge(each, around), language) for each in pieces if not each.is_title
        ]
    return sorted(found, key=lambda quote: -quote.points)


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "؟", "…", ":")) else f"{text}."

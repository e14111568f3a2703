"""What a text is flagged for: phrases of five languages, each with the scores it gives."""

import re
from collections.abc import Mapping
from functools import cache

from socialsync.simulator.openai.mind.phrasebook import folded, pattern, talk
from socialsync.simulator.openai.mind.shelf import read_lines

CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent",
    "self-harm", "self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors", "violence",
    "violence/graphic",
)  # fmt: skip
FLAGGED_FROM = 0.5
_QUIET = 0.000_05
_YOUNG_AGE = re.compile(
    r" (?:[3-9]|1[0-7]) (?:year|years|yo|y o|yr|yrs|ans|anos|jahre|jahrige|jahriges|سنه|سنوات|عام|اعوام) "
)


def scores(text: str) -> Mapping[str, float]:
    """Every category's score, from nearly 0 to nearly 1."""
    said = folded(text)
    quiet = dict.fromkeys(CATEGORIES, 1 - _QUIET)
    for found, given in _rules():
        hits = len(found.findall(said))
        for category, score in given.items():
            quiet[category] *= (1 - score) ** min(hits, 3)
    result = {category: 1 - left for category, left in quiet.items()}
    if result["sexual"] >= FLAGGED_FROM and (talk()["minors"].search(said) or _YOUNG_AGE.search(said)):
        result["sexual/minors"] = 0.97
    return {category: round(score, 6) for category, score in result.items()}


def flags(text: str) -> frozenset[str]:
    return frozenset(category for category, score in scores(text).items() if score >= FLAGGED_FROM)


@cache
def _rules() -> list[tuple[re.Pattern[str], dict[str, float]]]:
    found = []
    for line in read_lines("moderation.txt"):
        head, _, listed = line.partition("|")
        given = {}
        for each in head.split(","):
            category, score = each.split()
            given[category] = float(score)
        found.append((pattern(listed.split(";")), given))
    return found

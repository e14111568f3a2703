"""What in a source pretends to come from somebody else: behind an end of the source that it wrote itself, or
labelled as the system's, the assistant's, a developer's or instructions. None of it may be quoted.

An honest manual has such labels, too: "System: Windows 11 or later". A label with a capital, where a line
begins, before what is no sentence, is taken for one of these.
"""

# ruff: noqa: RUF001 - two alphabets' letters look alike

import re
from collections.abc import Sequence

from socialsync.simulator.openai.mind.phrasebook import folded

_END = re.compile(
    r"(?:[<‹＜]|&lt;)\s{0,4}[/\\]\s{0,4}(?:sources?|passages?|documents?|chunks?|snippets?|contexts?|faqs?"
    r"|data|question|user|system|assistant|developer|instructions?|prompt|quelles?|dokumente?|fuentes?|documentos?|(?:ال)?مصدر)\b"
    r"|[<‹]\|\w+\|[>›]",
    re.IGNORECASE,
)
_ROLES = (
    r"system(?:[ _-]?(?:prompt|message|instructions?|note|override|nachricht|anweisung|meldung|hinweis))?"
    r"|assistant|developers?|admin(?:istrator)?|instructions?|(?:message |invite |note )?(?:du )?syst[èe]me"
    r"|assistante|d[ée]veloppeu(?:r|se)|consignes?|(?:mensaje del |nota del )?sistema|asistente"
    r"|desarrollador(?:a|es)?|instrucci[óo]n(?:es)?|assistent(?:in)?|entwickler(?:in)?|anweisung(?:en)?"
    r"|instruktion(?:en)?|(?:رسالة |تعليمات )?(?:ال)?نظام|(?:ال)?مساعد|(?:ال)?مطور|(?:ال)?تعليمات"
)
_LABEL = re.compile(
    rf"(?:^|(?P<before>[.!?؟…:;>›)\]}}\"”»\s]))(?P<marks>[\s#*_\-–\[<‹({{\"]{{0,8}})(?P<role>{_ROLES})"
    rf"(?:[*_\s]{{0,4}}[\]>›)}}\"]{{0,2}}[*_\s]{{0,4}}[:：]|[*_\s]{{0,4}}(?:[\]>›}}\"])|\s(?P<dash>[-–—])\s)",
    re.IGNORECASE,
)
_HIDDEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
"""Signs that nobody sees: they part a word for who reads by letters."""
_OPENED = frozenset("[<‹{#")
_STATES = re.compile(
    r" (?:is|are|was|were|be|must|shall|should|will|always|never|tell|say|answer|reply|respond|give|you"
    r"|everybody|everyone|est|sont|etait|doit|doivent|dis|dites|reponds|repondez|toujours|jamais|tu|vous|es|son|era|debe"
    r"|deben|di|diga|digan|responde|responda|siempre|nunca|usted|ist|sind|war|muss|mussen|sag|sage|sagen"
    r"|antworte|antworten|immer|nie|niemals|du|هو|هي|يجب|دائما|ابدا|قل|اخبر|اجب|رد|الجميع|انت|ان) "
)
_NEW_THOUGHT = re.compile(r"\s*(?:$|#|[-*•–|]\s|\d{1,2}[.)]\s|[^\W\d_][\w ()/-]{0,30}:\s)")
"""A line that goes on with nothing: an empty one, a heading, an item, a row, another label."""


def honest(text: str) -> str:
    """A source's lines without what is forged: behind a forged end nothing is left, behind a label nothing
    that goes on with it. In the source's first line, its title, both end only that line.
    """
    kept: list[str] = []
    is_forged = False
    lines = _HIDDEN.sub("", text).splitlines()
    for number, line in enumerate(lines):
        label = _forged_label(line, lines[number + 1 :])
        if label is None and is_forged and not _NEW_THOUGHT.match(line):
            continue
        end = _END.search(line)
        stop = min(len(line) if end is None else end.start(), len(line) if label is None else label)
        kept.append(line[:stop])
        is_forged = label is not None and number > 0
        if end and number:
            break
    return "\n".join(kept)


def _forged_label(line: str, below: Sequence[str]) -> int | None:
    """Where a label begins that is none of a manual's."""
    for found in _LABEL.finditer(line):
        said = line[found.end() :]
        if _is_forged(found, said if said.strip() else next((each for each in below if each.strip()), "")):
            return found.start("marks")
    return None


def _is_forged(label: re.Match[str], said: str) -> bool:
    role, before = label["role"], label["before"] or ""
    is_loud = role.isupper() and not said.isupper()
    if label["dash"] or before.isspace():
        return is_loud
    if is_loud or " " in role or _OPENED & set(label["marks"]) or before in {">", "›"}:
        return True
    is_row = ";" in said and ":" in said
    return (role.islower() and not is_row and before != ";") or _STATES.search(folded(said)) is not None

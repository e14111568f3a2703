"""Which rule fits a text: by whole words without regard to case, or by a regular expression that is given
up after a moment.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from socialsync import later
from socialsync.errors import Invalid

if TYPE_CHECKING:
    import regex
else:
    regex = later.module("regex")

WITHIN_S = 0.05
"""Seconds that an expression may take; one that takes longer fits nothing."""
LONGEST_TEXT = 20_000


class Rule(Protocol):
    """What of a rule's row is looked at."""

    @property
    def kind(self) -> str: ...

    @property
    def pattern(self) -> str: ...


Kept = TypeVar("Kept", bound=Rule)


def check(kind: str, pattern: str) -> None:
    """Raises Invalid, which says where an expression is wrong."""
    if kind == "word" and any(letter.isspace() for letter in pattern.strip()):
        raise Invalid(
            "A word has no blanks.", field="pattern", fix="Use the kind phrase for several words in a row."
        )
    try:
        compiled = _compiled(kind, pattern)
    except regex.error as error:
        where = f" at position {error.pos}" if error.pos is not None else ""
        raise Invalid(
            f"The regular expression is not valid{where}: {error.msg}.",
            field="pattern",
            fix=r"Mend it, or use the kind phrase. Example: refund(ed)?\b",
        ) from None
    if compiled.search("", timeout=WITHIN_S):
        raise Invalid("The pattern fits every text.", field="pattern", fix="Make it ask for something.")


def first(rules: Iterable[Kept], text: str) -> Kept | None:
    """The first rule that fits."""
    return next((rule for rule in rules if fits(rule, text)), None)


def fits(rule: Rule, text: str) -> bool:
    said = text if rule.kind == "regex" else text.casefold()
    try:
        return _compiled(rule.kind, rule.pattern).search(said[:LONGEST_TEXT], timeout=WITHIN_S) is not None
    except (TimeoutError, regex.error):
        return False


def _compiled(kind: str, pattern: str) -> Any:
    """Compiled ones are kept by the library. Words end where letters, digits and marks end."""
    if kind == "regex":
        return regex.compile(pattern, regex.IGNORECASE | regex.FULLCASE)
    words = r"\s+".join(regex.escape(word) for word in pattern.casefold().split())
    return regex.compile(rf"(?<![\w\p{{M}}]){words}(?![\w\p{{M}}])")

"""What pydantic found wrong, in the caller's spelling: ``media_urls[0]``, a sentence, a fix."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError

LONGEST_NAME = 200
"""Characters of a field's name that are repeated; unknown ones are the caller's own words."""
MOST_ENTRIES = 100
"""A list of a million wrong items is not answered with a million entries."""
_PLACES = ("body", "query", "path", "header", "cookie")
_OFFSET = "Write an ISO 8601 time with its offset, e.g. 2026-03-04T12:00:00+00:00."
_SAID: Mapping[str, tuple[str, str | None]] = {
    "missing": ("is missing", "Send it; /docs has an example."),
    "extra_forbidden": ("is not known here", "Remove it, or look up its spelling at /docs."),
    "timezone_aware": ("has no offset", "Add an offset, e.g. 2026-03-04T12:00:00+00:00."),
    "datetime_parsing": ("is not a time", _OFFSET),
    "datetime_from_date_parsing": ("is not a time", _OFFSET),
    "datetime_object_invalid": ("is not a time", _OFFSET),
    "datetime_type": ("is not a time", _OFFSET),
    "uuid_parsing": ("is not an id", "Write it as it was given, e.g. 01890a5d-ac96-774b-bcce-b302099a8057."),
    "uuid_type": ("is not an id", "Write it as it was given, e.g. 01890a5d-ac96-774b-bcce-b302099a8057."),
    "string_unicode": ("has characters that no text can have", "Send well-formed Unicode."),
}
"""Where pydantic's own sentence can be better: problem and fix."""

_FIXES: Mapping[str, str] = {
    "literal_error": "Use one of these.",
    "enum": "Use one of these.",
    "string_too_short": "Write something.",
    "string_too_long": "Shorten it.",
    "too_short": "Add what is missing.",
    "too_long": "Leave some out, or send them in several requests.",
    "string_type": "Put it into quotes.",
    "int_type": "Write a whole number, without quotes.",
    "int_parsing": "Write a whole number, like 50.",
    "bool_type": "Write true or false, without quotes.",
    "bool_parsing": "Write true or false.",
    "list_type": "Put it into brackets: [...].",
}
_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("gt", "Write more than {}."),
    "greater_than_equal": ("ge", "Write {} or more."),
    "less_than": ("lt", "Write less than {}."),
    "less_than_equal": ("le", "Write {} or less."),
}
"""By a limit's kind: where it stands in the context, and the fix."""
LIKE: Mapping[str, str] = {
    r"^[a-z]{2}$": "fr",
    r"^\+[1-9][0-9]{7,14}$": "+33612345678",
    r"^[A-Za-z0-9_-]+$": "17841400000000001",
    r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$": "check-health",
}
"""An example for each pattern of the API; a test compares."""


@dataclass(frozen=True)
class Entry:
    """One thing that is wrong: where, what, and what to do about it."""

    field: str | None
    problem: str
    fix: str | None = None

    def as_json(self) -> dict[str, str | None]:
        return {"field": self.field, "problem": self.problem, "fix": self.fix}


def refusal(problem: str, *, fix: str | None = None, at: str = "") -> PydanticCustomError:
    """What a validator of ours raises.

    Args:
        problem: what is wrong with the field, continuing its name: ``has a NUL character``.
        at: where inside the field, e.g. ``[2].title``.
    """
    return PydanticCustomError("refused", "{problem}", {"problem": problem, "fix": fix, "at": at})


def entries(found: Sequence[Mapping[str, Any]], *, content_type: str | None) -> list[Entry]:
    """An entry for each of pydantic's errors, up to ``MOST_ENTRIES``."""
    return [_entry(error, content_type) for error in found[:MOST_ENTRIES]]


def _entry(error: Mapping[str, Any], content_type: str | None) -> Entry:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "json_invalid":
        problem = f"{context['error'].removesuffix(' at')} at character {error['loc'][-1]}"
        return Entry(None, f"The body is not valid JSON: {problem}.", "Send JSON in UTF-8.")
    field = spelled(error["loc"])
    if kind == "refused":
        place = ((field or "") + context["at"]).removeprefix(".")[:LONGEST_NAME]
        return Entry(place or None, context["problem"], context["fix"])
    if field is None:
        return _about_the_body(kind, content_type)
    if kind in _SAID:
        return Entry(field, *_SAID[kind])
    if kind == "too_long" and isinstance(error["input"], str):
        # Pydantic counts "items" of what we checked first
        return Entry(field, f"should have at most {context['max_length']} characters", "Shorten it.")
    problem = re.sub(r"^(Input|Value|String|List) should", "should", error["msg"])
    return Entry(field, problem, _fix(kind, context))


def _fix(kind: str, context: Mapping[str, Any]) -> str:
    if kind in _BOUNDS:
        name, fix = _BOUNDS[kind]
        return fix.format(context[name])
    if kind == "string_pattern_mismatch" and context["pattern"] in LIKE:
        return f"Write it like {LIKE[context['pattern']]}."
    return _FIXES.get(kind, "/docs says what it takes.")


def _about_the_body(kind: str, content_type: str | None) -> Entry:
    if kind == "missing":
        return Entry(None, "The body is missing.", "Send a JSON object.")
    if kind == "string_unicode":
        return Entry(None, "The name of a field has half of a surrogate pair, which is no character.")
    if "json" not in (content_type or ""):
        return Entry(None, "The body is not declared as JSON.", "Send Content-Type: application/json.")
    return Entry(None, "The body is not a JSON object.", 'Send one, like {"name": "..."}.')


def spelled(location: Sequence[str | int]) -> str | None:
    """``("body", "media_urls", 0)`` as ``media_urls[0]``; None for the body as a whole."""
    steps = location[1:] if location and location[0] in _PLACES else location
    name = ""
    for step in steps:
        name += f"[{step}]" if isinstance(step, int) else f".{step}"
    return name.removeprefix(".")[:LONGEST_NAME] or None

"""What is wrong with what was asked here, by the names of its fields."""

from collections.abc import Callable, Sequence

from fastapi.responses import JSONResponse
from pydantic import ValidationError

Location = Sequence[int | str]


def dotted(location: Location) -> str:
    """``statuses[0].id``."""
    name = ""
    for part in location:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name or "body"


def refused(invalid: ValidationError, name: Callable[[Location], str] = dotted) -> JSONResponse:
    """Without the inputs, which may hold a token."""
    problems = invalid.errors(include_input=False, include_url=False)
    return JSONResponse(
        {"detail": [{"field": name(problem["loc"]), "problem": problem["msg"]} for problem in problems]}, 422
    )

"""What is written on the command line, read and checked; what is wrong is wrong usage."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from socialsync.api.validation import entries

Model = TypeVar("Model", bound=BaseModel)
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?|\.\d+)\s*(?P<unit>ms|s|m|min|h|d)?", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0}
_RATE = re.compile(r"(?P<number>\d+(?:\.\d+)?|\.\d+)\s*(?:/\s*(?P<unit>s|m|min|h|d))?", re.IGNORECASE)

JobIds = Annotated[list[int], typer.Argument(metavar="ID", help="The jobs' ids.", min=1)]


def seconds(given: str) -> float:
    """``90``, ``0.5``, ``500ms``, ``5m``, ``2h`` in seconds."""
    found = _DURATION.fullmatch(given.strip())
    if not found:
        raise typer.BadParameter(f"{given!r} is no duration; write it like 90, 0.5, 500ms, 5m or 2h")
    return float(found["number"]) * _SECONDS[(found["unit"] or "s").lower()]


def rate(given: str) -> float:
    """``10``, ``10/s``, ``600/m``, ``100/h`` in calls a second."""
    found = _RATE.fullmatch(given.strip())
    if not found:
        raise typer.BadParameter(f"{given!r} is no rate; write it like 10/s, 600/m or 1000/h")
    return float(found["number"]) / _SECONDS[(found["unit"] or "s").lower()]


def json_object(given: str) -> dict[str, Any]:
    """A job's arguments."""
    try:
        read = json.loads(given)
    except json.JSONDecodeError as error:
        raise typer.BadParameter(
            f"is not JSON: {error.msg} at character {error.pos}; write it like '{{\"a\": 1}}'"
        ) from None
    if not isinstance(read, dict):
        raise typer.BadParameter("is not a JSON object; write it like '{\"a\": 1}'")
    return read


def names(given: list[str]) -> list[str]:
    """Names by commas or one by one, each once."""
    every = (name.strip() for some in given for name in some.split(","))
    return list(dict.fromkeys(name for name in every if name))


def checked(model: type[Model], given: Mapping[str, Any], options: Mapping[str, str]) -> Model:
    """What the API would take too, under the API's rules.

    Args:
        options: how the fields are spelled here, where not like there.
    """
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        (wrong, *_) = entries(found, content_type=None)
        field = re.split(r"[.\[]", wrong.field or "")[0]
        fix = f". {wrong.fix}" if wrong.fix else ""
        hint = options.get(field, f"--{field.replace('_', '-')}")
        inner = f"{wrong.field} " if wrong.field != field else ""
        raise typer.BadParameter(f"{inner}{wrong.problem}{fix}", param_hint=hint) from None

"""What is wrong with what was asked here, by the names of its fields; of unknown ones, which are known."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, get_args

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError

Location = Sequence[int | str]


def dotted(location: Location) -> str:
    """``statuses[0].id``."""
    name = ""
    for part in location:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name or "body"


def refused(
    invalid: ValidationError,
    known: Callable[[Location], Iterable[str]],
    name: Callable[[Location], str] = dotted,
) -> JSONResponse:
    """Without the inputs, which may hold a token.

    Args:
        known: the fields that there are beside the one at this location.
    """
    problems = []
    for error in invalid.errors(include_input=False, include_url=False):
        said = _unknown(known(error["loc"])) if error["type"] == "extra_forbidden" else error["msg"]
        problems.append({"field": name(error["loc"]), "problem": said})
    return JSONResponse({"detail": problems}, 422)


def fields_beside(model: type[BaseModel], location: Location) -> Iterable[str]:
    """The fields of the object, inside one of this model, that has the last name of the location."""
    for name in location[:-1]:
        if isinstance(name, str):
            model = next(_models(model.model_fields[name].annotation))
    return model.model_fields


async def only_known_queries(request: Request) -> None:
    """A dependency of every address that steers: a misspelt query would steer nothing.

    Raises:
        HTTPException: 422, as ``refused`` has it.
    """
    known = [field.alias for field in request.scope["route"].dependant.query_params]
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise HTTPException(422, [{"field": name, "problem": _unknown(known)} for name in unknown])


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _unknown(known: Iterable[str]) -> str:
    return f"is not known here; known are: {', '.join(known) or 'none'}"

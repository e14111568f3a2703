"""What a request asks for, whether in its query, as a form or as JSON: Graph does not care."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException

from socialsync.simulator.graph.errors import invalid

_EVERYWHERE = frozenset({"access_token", "appsecret_proof", "debug", "format", "locale", "pretty"})


class Params:
    """The parameters by name; a body's win over the query's. Each getter refuses, with code 100, what is not
    of its type, and gives None for what is not there.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = {name: value for name, value in given.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def only(self, names: Collection[str]) -> None:
        """Stricter than Meta, which ignores what it does not know: a misspelt name must not pass unseen."""
        for name in self._given:
            if name not in names and name not in _EVERYWHERE:
                raise invalid(f'Unexpected key "{name}" on param "".')

    def text(self, name: str) -> str | None:
        value = self._given.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if value is not None and not isinstance(value, str):
            raise invalid(f"Param {name} must be a string.")
        return value

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise invalid(f"The parameter {name} is required.")
        return value

    def flag(self, name: str) -> bool:
        value = self._given.get(name, False)
        flags = {"true": True, "1": True, "false": False, "0": False}
        found = value if isinstance(value, bool) else flags.get(str(value).lower())
        if found is None:
            raise invalid(f"Param {name} must be a boolean.")
        return found

    def required_flag(self, name: str) -> bool:
        if name not in self:
            raise invalid(f"The parameter {name} is required.")
        return self.flag(name)

    def number(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not (value.isascii() and value.isdigit() and len(value) <= 12):  # noqa: PLR2004 - no larger number makes sense
            raise invalid(f"Param {name} must be an integer.")
        return int(value)

    def items(self, name: str) -> tuple[str, ...] | None:
        """A list, as JSON or separated by commas."""
        value = _from_json_text(self._given.get(name), "[")
        if isinstance(value, str):
            value = [item.strip() for item in value.split(",")]
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str | int) for item in value):
            raise invalid(f"Param {name} must be an array of strings.")
        return tuple(str(item) for item in value)

    def mapping(self, name: str) -> dict[str, Any] | None:
        """An object; a form carries it as JSON text."""
        value = _from_json_text(self._given.get(name), "{")
        if value is not None and not isinstance(value, dict):
            raise invalid(f"Param {name} must be a JSON object.")
        return value


async def read_params(request: Request) -> Params:
    """Query and body together.

    Raises:
        GraphError: a body that is not what its content type says.
    """
    given: dict[str, Any] = dict(request.query_params)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return Params(given | await _form(request))
    body = await request.body()
    if body.strip():
        given |= _json_object(body)
    return Params(given)


async def _form(request: Request) -> dict[str, Any]:
    try:
        async with request.form() as form:
            return dict(form)
    except HTTPException as problem:
        raise invalid("The body is not a valid form.") from problem


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
        # Infinite numbers and halves of surrogate pairs are no JSON that one could show again
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as problem:
        raise invalid("The body is not valid JSON.") from problem
    if not isinstance(value, dict):
        raise invalid("The body must be a JSON object.")
    return value


def _from_json_text(value: Any, opening: str) -> Any:
    if not isinstance(value, str) or not value.lstrip().startswith(opening):
        return value
    return _json_object(b'{"value":' + value.encode() + b"}")["value"]

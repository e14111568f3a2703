"""The router of every room: its addresses read JSON strictly.

A key that stands twice in an object is refused, instead of the last one silently winning; and what cannot be
read for other reasons than its spelling is told as what it is.
"""

import json
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from typing_extensions import override

from socialsync.api.validation import LONGEST_NAME
from socialsync.errors import Invalid, SocialSyncError


def read_json(body: bytes) -> Any:
    """What ``json`` reads.

    Raises:
        Invalid: a key stands twice; a number or the nesting is beyond what can be read.
        JSONDecodeError, UnicodeDecodeError.
    """
    try:
        return json.loads(body, object_pairs_hook=_once_each)
    except RecursionError:
        raise Invalid("The body is nested too deeply.", fix="Flatten it.") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise
    except ValueError:  # Python reads no whole number of more than 4,300 digits
        raise Invalid("A number has too many digits.", fix="Send a smaller one, or a text.") from None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise Invalid(
            "A key stands twice in one object.", field=twice[:LONGEST_NAME], fix="Leave one of them out."
        )
    return found


class _Strict(Request):
    @override
    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = read_json(await self.body())
        return self._json


class _Route(APIRoute):
    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            try:
                return await handle(_Strict(request.scope, request.receive))
            except HTTPException as error:  # FastAPI makes a plain 400 of whatever reading a body raises
                if isinstance(error.__cause__, SocialSyncError):
                    raise error.__cause__ from None
                raise

        return strictly


class Router(APIRouter):
    def __init__(self, **given: Any) -> None:
        super().__init__(route_class=_Route, **given)

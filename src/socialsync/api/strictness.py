"""What an address does not know is refused, not ignored: query parameters, for a misspelt filter would list
everything, and bodies where none is taken.
"""

from collections.abc import Iterator

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request

from socialsync.api.routing import read_json
from socialsync.api.validation import LONGEST_NAME
from socialsync.errors import Invalid

_LONGEST = 65_536
"""Bytes of a body that is read only to name its first field."""
_NO_BODY = "Leave the body out; this address takes none."


async def only_known_queries(request: Request) -> None:
    """A dependency of every address of the API; a coroutine, because others are run in threads.

    Raises:
        Invalid: names the first unknown parameter and those that there are.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or not route.path.startswith("/api/"):
        return
    known = sorted(set(_known(route.dependant)))
    for name in request.query_params:
        if name not in known:
            raise Invalid(
                "There is no such query parameter here.",
                field=name[:80],
                fix=f"It knows {', '.join(known)}." if known else "Leave it out; it knows none.",
            )


async def no_unknown_body(request: Request) -> None:
    """For every address of the API, once its caller is let in. ``{}`` and ``null`` are taken for no body:
    clients send them of their own accord.

    Raises:
        Invalid: there is a body where none is taken; names its first field.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or not route.path.startswith("/api/") or _takes_body(route):
        return
    body = await _beginning(request)
    try:
        sent = read_json(body) if body.strip() and len(body) <= _LONGEST else body.strip() or None
    except ValueError:  # no JSON, nor any text perhaps
        sent = body
    if sent not in (None, {}):
        field = next(iter(sent))[:LONGEST_NAME] if isinstance(sent, dict) else None
        raise Invalid("There is a body where none is taken.", field=field, fix=_NO_BODY)


async def _beginning(request: Request) -> bytes:
    """Of the body, a little more than is read for its fields at most; nothing when the caller has gone."""
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > _LONGEST:
                break
    except ClientDisconnect:
        return b""
    return body


def _takes_body(route: APIRoute) -> bool:
    """As declared: by its function, or by its description where it reads the request itself."""
    return route.body_field is not None or "requestBody" in (route.openapi_extra or {})


def _known(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for dependency in dependant.dependencies:
        yield from _known(dependency)

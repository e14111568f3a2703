"""Query parameters that an address does not know are refused: a misspelt filter would list everything."""

from collections.abc import Iterator

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import Request

from socialsync.errors import Invalid


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


def _known(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for dependency in dependant.dependencies:
        yield from _known(dependency)

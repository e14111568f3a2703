"""``docs/access.md`` says who may do what; here the routes say whether that is so."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from socialsync.api import principal

PAGE = Path(__file__).parents[2] / "docs" / "access.md"
ROLES = ("viewer", "operator", "admin")
NEEDS = {
    getattr(principal, f"{kind}{name}").__metadata__[0].dependency: (keys, role)
    for kind, keys in (("", "workspace"), ("Installation", "installation"), ("Any", "either"))
    for name, role in zip(("Reader", "Operator", "Admin"), ROLES, strict=True)
}


def needs(dependant: Dependant) -> Iterator[tuple[str, str]]:
    if dependant.call in NEEDS:
        yield NEEDS[dependant.call]
    for inner in dependant.dependencies:
        yield from needs(inner)


def routes(router) -> Iterator[APIRoute]:
    for route in router.routes:
        if isinstance(route, APIRoute) and route.path.startswith("/api/v1/"):
            yield route
        elif inner := getattr(route, "original_router", None):  # as FastAPI keeps a router in a router
            yield from routes(inner)


def demand(route: APIRoute) -> tuple[str, str]:
    """Whose key, and which role."""
    (found,) = set(needs(route.dependant))
    return found


def spelled(route: APIRoute) -> tuple[str, list[str]]:
    """What it is about, and its calls."""
    room, _, rest = route.path.removeprefix("/api/v1/").partition("/")
    short = re.sub(r"\{[^}]+\}", "{id}", f" /{rest}") if rest else ""
    return room, [f"`{method}{short}`" for method in sorted(route.methods)]


def table(app) -> str:
    calls = defaultdict(list)
    for route in routes(app):
        room, spellings = spelled(route)
        calls[room, *demand(route)] += spellings
    lines = [
        "| /api/v1/ | key of | viewer | operator, also | admin, also |",
        "| --- | --- | --- | --- | --- |",
    ]
    for room, keys in sorted({(room, keys) for room, keys, _ in calls}):
        cells = (
            ", ".join(sorted(calls[room, keys, role], key=lambda call: call.strip("`"))) for role in ROLES
        )
        lines.append(f"| `{room}` | {keys} | {' | '.join(cells)} |")
    return "\n".join(lines)


def test_the_page_says_of_every_address_who_may_call_it(app):
    expected = table(app)
    assert expected in PAGE.read_text(), f"Put this into {PAGE}:\n{expected}"


def test_no_address_is_left_out(app):
    described = {
        (method.upper(), path)
        for path, operations in app.openapi()["paths"].items()
        for method in operations
        if path.startswith("/api/")
    }
    assert described == {(method, route.path) for route in routes(app) for method in route.methods}


def test_an_address_that_takes_everybody_is_seen():
    router = APIRouter()

    @router.get("/api/v1/open")
    async def anybody() -> None: ...

    (found,) = routes(router)
    with pytest.raises(ValueError, match="not enough values"):
        demand(found)

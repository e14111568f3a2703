"""One room per foreign library: import-linter keeps each in its room, this test finds the forgotten ones."""

import sys
import tomllib
from functools import cache

from tests.house.source import REPOSITORY, Module, breaches, comply, snippet

EVERYWHERE = {
    "psycopg": "the driver: types of connections and errors, for COPY and for deferring on the session's own",
    "pydantic": "JSON shapes and checked arguments",
    "pydantic_core": "the same",
    "psutil": "processes: the embedded server, and whether a home's simulator lives",
    "sqlalchemy": "queries and models",
    "typing_extensions": "what Python 3.11 lacks",
}


@cache
def placed() -> set[str]:
    """The foreign libraries that a contract of import-linter keeps in a room."""
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    return {
        name
        for contract in contracts
        for name in contract.get("protected_modules", ())
        if not name.startswith("socialsync")
    }


def homeless(module: Module) -> list[str]:
    known = {*sys.stdlib_module_names, *EVERYWHERE, *placed(), "socialsync"}
    return [
        module.at(module.tree, name)
        for name in module.imported.values()
        if name.partition(".")[0] not in known
    ]


def test_every_foreign_library_has_a_room():
    found = breaches(homeless)
    assert not found, comply(
        found,
        "Add a contract to [tool.importlinter] in pyproject.toml that says who may import it; or, if every"
        f" room may, add it with the reason to EVERYWHERE in {__file__}.",
    )


def test_a_library_without_a_room_is_seen():
    assert homeless(snippet("import redis\n"))
    assert homeless(snippet("from celery.result import AsyncResult\n"))
    assert not homeless(snippet("import json\nfrom socialsync import clock\nfrom procrastinate import App\n"))

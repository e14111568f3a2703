"""No network call inside a transaction: it would hold rows, a connection and the vacuum while it lasts.

Followed through calls by name, over all modules; what is handed around as a value is not followed.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from tests.house.source import Module, comply, modules, snippet

OUTSIDE = (
    "httpx.",
    "socialsync.platforms.",
    "asyncio.sleep",
    "asyncio.open_connection",
    "smtplib.",
    "aiosmtplib.",
    "openai.",
)
ATTRIBUTES = {"platforms", "ai", "sender"}
"""``opened.platforms.whatsapp.send_text(...)``, ``opened.ai.embed(...)``, and whatever is given a
``.sender`` to speak for."""
TRANSACTIONS = {"transaction", "system_transaction"}
HOW = (
    "No network call and no sleep inside a transaction: read in one, close it, call, store the answer in the"
    " next one (features/posts/senders.py)."
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_outside(module: Module, node: ast.AST, names: set[str]) -> bool:
    """Whether this expression is, or comes from, the door to the network."""
    full = module.full_name(node)
    if full.startswith(OUTSIDE):
        builds = full.rpartition(".")[2][:1].isupper() and not full.startswith("httpx.")
        return not builds
    if isinstance(node, ast.Name):
        return node.id in names
    if isinstance(node, ast.Attribute):
        return node.attr in ATTRIBUTES or is_outside(module, node.value, names)
    return isinstance(node, ast.Call) and is_outside(module, node.func, names)


def bound(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each target of an assignment or a ``with`` and what it is given, tuples taken apart."""
    if isinstance(node, ast.withitem) and node.optional_vars:
        yield node.optional_vars, node.context_expr
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                yield from zip(target.elts, node.value.elts, strict=False)
            else:
                yield target, node.value


def outside_names(module: Module, function: Function) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(function):
        for target, value in bound(node):
            if isinstance(target, ast.Name) and is_outside(module, value, names):
                names.add(target.id)
    return names


def awaited(nodes: Iterable[ast.AST]) -> Iterator[ast.Call]:
    """Every call inside something that is awaited."""
    for top in nodes:
        for node in ast.walk(top):
            parts: list[ast.AST] = []
            if isinstance(node, ast.Await):
                parts = [node.value]
            elif isinstance(node, ast.AsyncWith):
                parts = [item.context_expr for item in node.items]
            elif isinstance(node, ast.AsyncFor):
                parts = [node.iter]
            for part in parts:
                yield from (inner for inner in ast.walk(part) if isinstance(inner, ast.Call))


@dataclass(frozen=True)
class Awaited:
    """A call that is awaited: whether it goes outside by itself, and what it may be the name of."""

    call: ast.Call
    direct: bool
    names: frozenset[str]

    def reaches(self, reaching: set[str]) -> bool:
        return self.direct or bool(self.names & reaching)


@cache
def awaited_in(module: Module) -> list[tuple[str, Function, list[Awaited]]]:
    """Each function's full name and what it awaits."""
    found = []
    for function in module.functions():
        names = outside_names(module, function)
        calls = []
        for call in awaited(function.body):
            called = module.full_name(call.func).removeprefix("self.")
            direct = is_outside(module, call.func, names) or any(
                isinstance(given, ast.Attribute) and given.attr in ATTRIBUTES for given in call.args
            )
            calls.append(Awaited(call, direct, frozenset({called, f"{module.name}.{called}"})))
        found.append((f"{module.name}.{function.name}", function, calls))
    return found


def reaching_functions(house: Iterable[Module]) -> set[str]:
    """Full names of the functions that await the network, by themselves or through others."""
    functions = [entry for module in house for entry in awaited_in(module)]
    found: set[str] = set()
    while True:
        more = {name for name, _, calls in functions if any(call.reaches(found) for call in calls)}
        if more <= found:
            return found
        found |= more


def opens_transaction(node: ast.AsyncWith) -> bool:
    calls = (item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call))
    return any(isinstance(call.func, ast.Attribute) and call.func.attr in TRANSACTIONS for call in calls)


def calls_in_transactions(house: Iterable[Module]) -> Iterator[str]:
    house = list(house)
    reaching = reaching_functions(house)
    for module in house:
        for _, function, calls in awaited_in(module):
            outward = {call.call for call in calls if call.reaches(reaching)}
            for block in ast.walk(function):
                if isinstance(block, ast.AsyncWith) and opens_transaction(block):
                    for call in outward.intersection(awaited(block.body)):
                        yield module.at(call, ast.unparse(call))


def test_no_network_call_is_inside_a_transaction():
    found = list(dict.fromkeys(calls_in_transactions(modules())))
    assert not found, comply(found, HOW)


def test_the_rule_knows_who_touches_the_network():
    reaching = reaching_functions(modules())
    assert "socialsync.features.posts.containers.publish" in reaching
    assert "socialsync.features.posts.tasks.publish_post" in reaching
    assert "socialsync.features.posts.service.schedule" not in reaching


HEADER = """
import asyncio, httpx
from socialsync import platforms
from socialsync.features.posts import containers
"""
BAD = [
    "await opened.platforms.whatsapp.send_text(to)",
    "await instagram.create_container(errand.sender, 'x')",
    "meta = opened.platforms.instagram\n        await meta.publish_container('x')",
    "a, meta = 1, opened.platforms.instagram\n        x = await asyncio.wait_for(meta.publish('x'), 5)",
    "async with httpx.AsyncClient() as client: ...",
    "await platforms.fetch(url)",
    "await asyncio.sleep(1)",
    "await containers.publish(errand)",
    "await deeper()",
    "async for page in opened.platforms.instagram.pages(): ...",
]
GOOD = [
    "platforms.check_post('x', text='')",
    "await queries.set_template(session, platforms.Template(name='x'))",
    "await service.find_channel_of(session, post_id)",
]


def in_transaction(line: str, opening: str = "database.transaction(workspace_id) as session") -> list[Module]:
    text = f"{HEADER}async def f():\n    async with {opening}:\n        {line}\n"
    deeper = "async def deeper(): await deepest()\nasync def deepest(): await httpx.get('x')\n"
    return [*modules(), snippet(text + deeper, "features/posts/bad.py")]


@pytest.mark.parametrize("line", BAD)
def test_a_network_call_in_a_transaction_is_seen(line: str):
    assert list(calls_in_transactions(in_transaction(line)))


def test_it_is_seen_in_a_system_transaction_opened_beside_something_else():
    opening = "open_resources() as r, r.database.system_transaction('why') as session"
    assert list(calls_in_transactions(in_transaction(BAD[0], opening)))


@pytest.mark.parametrize("line", GOOD)
def test_what_stays_in_the_house_is_not_taken_for_a_network_call(line: str):
    assert not list(calls_in_transactions(in_transaction(line)))


def test_a_call_after_the_transaction_is_fine():
    text = "async def f():\n    async with e.transaction() as s:\n        pass\n    await e.platforms.x()\n"
    assert not list(calls_in_transactions([snippet(text)]))

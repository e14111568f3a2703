"""Small rooms: a module that grows past the wall has a second room inside it."""

import ast
from collections.abc import Iterator

from tests.house.source import Module, breaches, comply, modules, snippet

WALL = 400
LONG = 40
MOST = 0.9


def over_the_wall(module: Module) -> Iterator[str]:
    lines = module.text.count("\n")
    if lines > WALL:
        yield module.at(module.tree, f"{lines} lines")


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def inner_imports(module: Module) -> Iterator[str]:
    for function in module.functions():
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield module.at(node, f"import inside {function.name}()")


def test_no_module_is_over_the_wall():
    found = breaches(over_the_wall)
    assert not found, comply(
        found, f"At {WALL} lines a module is over the wall: name the second room inside it and move it out."
    )


def test_nine_functions_in_ten_are_short():
    functions = [
        (lines_of(function), module.at(function, function.name))
        for module in modules()
        for function in module.functions()
    ]
    long = sorted(((lines, where) for lines, where in functions if lines >= LONG), reverse=True)
    assert len(functions) - len(long) >= MOST * len(functions), comply(
        (f"{where} ({lines} lines)" for lines, where in long),
        f"At least {MOST:.0%} of functions have fewer than {LONG} lines: take a step out of one of these.",
    )


def test_imports_stand_at_the_top():
    found = breaches(inner_imports)
    assert not found, comply(
        found,
        "An import inside a function hides a tangle: move it to the top; where that makes a cycle, move what"
        " both need down a floor, or hand it in as an argument.",
    )


def test_the_rules_see_what_breaks_them():
    assert list(over_the_wall(snippet("x = 1\n" * (WALL + 1))))
    assert not list(over_the_wall(snippet("x = 1\n" * WALL)))
    assert list(inner_imports(snippet("async def f():\n    if x:\n        from socialsync import clock\n")))
    assert not list(inner_imports(snippet("import os\nif os:\n    import sys\n")))

"""The source of the house, read and parsed once, and what house tests ask of it.

A rule is a function from a module to findings; a test runs it over all modules, and over a bad snippet, so
that the rule itself can be seen to fail.
"""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
HOUSE = REPOSITORY / "src" / "socialsync"


@dataclass(frozen=True)
class Module:
    """One file. ``path`` is below ``src/socialsync``: ``db/engine.py``."""

    path: str
    text: str

    @property
    def name(self) -> str:
        return ".".join(("socialsync", *Path(self.path).with_suffix("").parts)).removesuffix(".__init__")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def imported(self) -> dict[str, str]:
        """What each name stands for that an import has bound: ``{"sql": "sqlalchemy.text"}``."""
        names = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    bound = alias.asname or alias.name.partition(".")[0]
                    names[bound] = alias.name if alias.asname else bound
            elif isinstance(node, ast.ImportFrom):
                names.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
        return names

    def full_name(self, node: ast.AST) -> str:
        """The dotted name of an expression, imports spelled out; calls and the like become ``?``."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            return f"{self.full_name(node.value)}.{node.attr}"
        return "?"

    @cached_property
    def constants(self) -> dict[str, ast.expr]:
        """What is assigned to a name at the top of the file."""
        return {
            target.id: node.value
            for node in self.tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    def string(self, node: ast.AST | None) -> str | None:
        """The string that an expression certainly is: written out, or a constant of this or another file."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name) and node.id in self.constants:
            return self.string(self.constants[node.id])
        if isinstance(node, ast.Name | ast.Attribute):
            owner, _, constant = self.full_name(node).rpartition(".")
            module = by_name().get(owner)
            return module.string(module.constants.get(constant)) if module else None
        return None

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        for node in self.nodes:
            if isinstance(node, ast.Call):
                yield node, self.full_name(node.func)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def at(self, node: ast.AST, what: str) -> str:
        """A finding, as ``src/socialsync/db/engine.py:12: what``."""
        return f"src/socialsync/{self.path}:{getattr(node, 'lineno', 1)}: {what}"


Rule = Callable[[Module], Iterable[str]]


@cache
def modules() -> tuple[Module, ...]:
    return tuple(
        Module(path.relative_to(HOUSE).as_posix(), path.read_text()) for path in sorted(HOUSE.rglob("*.py"))
    )


@cache
def by_name() -> dict[str, Module]:
    return {module.name: module for module in modules()}


def snippet(text: str, path: str = "features/posts/service.py") -> Module:
    return Module(path, text)


def breaches(rule: Rule) -> list[str]:
    return [finding for module in modules() for finding in rule(module)]


def comply(findings: Iterable[str], how: str) -> str:
    """The message of a broken rule: where, and how to comply."""
    return "\n".join(("", *(f"  {finding}" for finding in findings), how))

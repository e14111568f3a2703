"""``fields=id,caption,children{id}``: which of an object's fields an answer has."""

from collections.abc import Mapping
from typing import Any

from socialsync.simulator.graph.errors import invalid


def parse_fields(spelled: str | None) -> list[str]:
    """The names, without what they ask of nested objects (those are given whole)."""
    names, depth, name = [], 0, ""
    for sign in spelled or "":
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            names.append(name)
            name = ""
        elif depth == 0 and sign not in "})":
            name += sign
    return [name.strip() for name in [*names, name] if name.strip()]


def inner_fields(spelled: str | None, name: str) -> str:
    """What is asked of the nested objects of this name, as it is spelled; empty when nothing is."""
    depth, outer, inner = 0, "", ""
    for sign in spelled or "":
        depth -= sign == "}"
        if depth == 0:
            outer = "" if sign in ",}" else outer + sign.strip(" {")
        elif outer == name:
            inner += sign
        depth += sign == "{"
    return inner


def select(
    known: Mapping[str, Any], asked: list[str], node_type: str, default: tuple[str, ...] = ("id",)
) -> dict[str, Any]:
    """The fields asked for and, as always with Graph, the id. Fields without a value are left out.

    Raises:
        GraphError: 100 for a field that this type of object does not have.
    """
    for name in asked:
        if name not in known:
            raise invalid(f"Tried accessing nonexisting field ({name}) on node type ({node_type})")
    return {
        name: known[name] for name in dict.fromkeys([*(asked or default), "id"]) if known[name] is not None
    }

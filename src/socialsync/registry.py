"""The list of rooms. A feature exists for the house (its tables, jobs and endpoints) once it stands here."""

import importlib.util
from types import ModuleType
from typing import Literal

from socialsync import later

ROOMS = (
    "accounts",
    "channels",
    "escalations",
    "messages",
    "knowledge",
    "decisions",
    "posts",
    "conversations",
    "comments",
    "webhooks",
    "operations",
)
"""The rooms of ``features/``, from the ground up."""

Part = Literal["models", "tasks", "endpoints"]


def load() -> None:
    """Make all tables and all tasks known. Every door does it: endpoints defer jobs by name, and a table's
    foreign keys are found by name too.
    """
    parts("models")
    parts("tasks")


def parts(part: Part) -> list[ModuleType]:
    """Import this file of every room that has one, lower rooms first."""
    names = (f"socialsync.features.{room}.{part}" for room in ROOMS)
    return [later.imported(name) for name in names if importlib.util.find_spec(name)]

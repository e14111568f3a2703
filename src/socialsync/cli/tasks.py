"""The tasks that can be deferred: the house's, and those of the App that PROCRASTINATE_APP names."""

import importlib
import os
import sys

from socialsync import registry
from socialsync.errors import Failed
from socialsync.queue.app import App


class Unloadable(Failed):
    """The App that PROCRASTINATE_APP names cannot be loaded."""


def load(path: str) -> None:
    """Make every task of this App known, as a worker does when it starts.

    Raises:
        Unloadable.
    """
    registry.load()
    if os.getcwd() not in sys.path:  # noqa: PTH109 - as a worker does: last, so that no file there hides a library
        sys.path.append(os.getcwd())  # noqa: PTH109
    module, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except Exception as error:
        raise _unloadable(path, f"{type(error).__name__}: {error}") from error
    if not isinstance(found, App):
        what = f"{module} has no {name}" if found is None else "it is not SocialSync's App"
        raise _unloadable(path, what)
    try:
        found.perform_import_paths()  # type: ignore[no-untyped-call] # procrastinate leaves it unannotated
    except Exception as error:
        raise _unloadable(path, f"{type(error).__name__}: {error}") from error


def _unloadable(path: str, why: str) -> Unloadable:
    return Unloadable(
        f"The App that PROCRASTINATE_APP names, {path!r}, cannot be loaded: {why.splitlines()[0]}.",
        fix="Run this where its module can be imported, or unset PROCRASTINATE_APP.",
    )

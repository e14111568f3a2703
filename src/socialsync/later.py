"""Libraries that are imported at their first use: they take as long as all else that a process imports."""

import gc
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_USUAL_S = sys.getswitchinterval()
_SHARING_S = 0.0005
_YOUNG = 50_000
"""Objects that are made before a collection looks at them, in a process that makes thousands a second which
end by themselves. Python's own 700 takes a sixth of a busy worker's time.
"""


def module(name: str) -> ModuleType:
    """The module, imported when something is first asked of it.

    See the recipe of ``importlib.util.LazyLoader`` in Python's documentation.
    """
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found


def imported(name: str) -> ModuleType:
    """The module, imported now without looking for garbage."""
    with unswept():
        return importlib.import_module(name)


@contextmanager
def unswept() -> Iterator[None]:
    """Nothing looks for garbage meanwhile: what an import makes stays, and to look at it again and again
    takes a fifth of a process's start.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@contextmanager
def without(*names: str) -> Iterator[None]:
    """What is imported meanwhile does not find these modules, as if they were not installed: it would take
    them along for a use that is not ours.

    None in ``sys.modules`` says so, see "The module cache" in Python's language reference.
    """
    there = {name: sys.modules[name] for name in names if name in sys.modules}
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type] # typeshed knows of modules only
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
        sys.modules.update(there)


@contextmanager
def aside() -> Iterator[None]:
    """What is done in a thread meanwhile gives way to the loop often. While an import is busy, each question
    to the network would cost the loop Python's usual 5 ms until it may go on.
    """
    sys.setswitchinterval(_SHARING_S)
    try:
        yield
    finally:
        sys.setswitchinterval(_USUAL_S)


def settled() -> None:
    """What this process has imported stays, and no collection looks at it again; they are seldom too."""
    gc.freeze()
    gc.set_threshold(_YOUNG, 5, 5)

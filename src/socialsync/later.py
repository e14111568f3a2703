"""Libraries that are imported at their first use: they take as long as all else that a process imports."""

import importlib.util
import sys
from types import ModuleType


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

"""OpenAI's library, imported at its first use: it takes as long as all else that a process imports."""

import importlib.util
import sys
from types import ModuleType


def _later(name: str) -> ModuleType:
    """See the example of ``importlib.util.LazyLoader`` in Python's documentation."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(name)
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


openai = _later("openai")

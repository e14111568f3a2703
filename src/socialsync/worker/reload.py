"""Whether the code has changed: the modification times of Python files, looked at every half second."""

import asyncio
import importlib.util
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

EVERY = 0.5
_SHARE = 0.1
"""Of its time that a look may take at most: a large tree is looked at less often."""
_SKIPPED = {"__pycache__", "node_modules", "site-packages"}

Times = dict[str, int]


def sources(app: str) -> list[Path]:
    """What to watch for the App at this dotted path: our own code, its top package, and the current folder.

    A folder within another of the list is left out.
    """
    found = {Path(__file__).parents[1], Path.cwd()}
    top = app.partition(".")[0]
    spec = importlib.util.find_spec(top)
    for place in (spec and spec.submodule_search_locations) or ():
        found.add(Path(place).resolve())
    if spec and spec.origin and not spec.submodule_search_locations:
        found.add(Path(spec.origin).resolve())
    return sorted(path for path in found if not any(other in path.parents for other in found))


def look(places: Sequence[Path]) -> Times:
    """Modification times in nanoseconds, by path, of the Python files in these folders (or files)."""
    return dict(pair for place in places for pair in _look(place))


async def changes(places: Sequence[Path], *, every: float = EVERY) -> AsyncIterator[None]:
    """Yield after each change, once the files have been quiet for one look: editors write one by one."""
    known = seen = await asyncio.to_thread(look, places)
    while True:
        began = time.monotonic()
        now = await asyncio.to_thread(look, places)
        if now == seen != known:
            known = now
            yield
        seen = now
        took = time.monotonic() - began
        await asyncio.sleep(max(every, took / _SHARE))


def _look(place: Path) -> Iterator[tuple[str, int]]:
    if place.is_file():
        yield str(place), place.stat().st_mtime_ns
        return
    pending = [str(place)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if _is_watched(entry):
                            pending.append(entry.path)
                    elif entry.name.endswith(".py"):
                        yield entry.path, entry.stat().st_mtime_ns
        except OSError:  # gone meanwhile, or not ours to read
            continue


def _is_watched(folder: "os.DirEntry[str]") -> bool:
    return not folder.name.startswith(".") and folder.name not in _SKIPPED

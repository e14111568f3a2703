"""The one place that looks at the clock. Rules are given the time; they never ask."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta


def _system() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _source()


class MovableClock:
    """A clock that stands still until it is moved; for tests and demonstrations."""

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError("A clock needs an aware time: add tzinfo=UTC")
        self._at = at.astimezone(UTC)

    def __call__(self) -> datetime:
        return self._at

    def move(self, by: timedelta) -> datetime:
        self._at += by
        return self._at

    def set(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)


@contextmanager
def use(source: MovableClock) -> Iterator[MovableClock]:
    """Let ``now()`` ask this clock instead of the system's, in the whole process, until the block ends."""
    global _source  # noqa: PLW0603 - the process has one clock; this is the only place that swaps it
    previous, _source = _source, source
    try:
        yield source
    finally:
        _source = previous

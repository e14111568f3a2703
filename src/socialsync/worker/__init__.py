"""The job door: ``PROCRASTINATE_APP=socialsync.worker.app`` for the stock commands, and for your own tasks.

The App and all that its tasks need is imported when it is asked for: a supervisor of workers never does.
"""

from typing import TYPE_CHECKING, Any

from socialsync import later

if TYPE_CHECKING:
    from socialsync.worker.door import app as app


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return later.imported("socialsync.worker.door").app

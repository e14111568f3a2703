"""What a supervisor is told to keep."""

from dataclasses import dataclass

from socialsync.worker import autoscale
from socialsync.worker.autoscale import Bounds
from socialsync.worker.recycling import Limits


@dataclass(frozen=True)
class Orders:
    """What a supervisor is to keep.

    Args:
        app: dotted path of the App.
        name: its own; children add a number.
        queues: those to serve; None serves all.
        concurrency: jobs at the same time in each process; None leaves it to the App.
        bounds: how many processes; a fixed number where both are equal.
        limits: after which a child is replaced.
        drain_timeout: seconds that running jobs have when it is told to stop.
        reload: whether to replace the children when the code changes.
        log_level: of the children.
        calm_for: seconds of calm before a process is given up.
    """

    app: str
    name: str
    queues: list[str] | None
    concurrency: int | None
    bounds: Bounds
    limits: Limits
    drain_timeout: float
    reload: bool
    log_level: str
    calm_for: float = autoscale.CALM_FOR

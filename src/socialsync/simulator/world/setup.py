"""How the world behaves while no fault says otherwise."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from socialsync.simulator.webhooks import Callback


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Setup:
    """What Meta does by itself, as far as one may choose.

    Args:
        processing_reads: how many status reads a new container answers IN_PROGRESS.
        processing_s: for how many seconds a new container is IN_PROGRESS.
        quota_total: posts per Instagram account in 24 hours. Far above Meta's (which contradicts itself:
            25, 50 or 100), so that load is limited only where a test wants it to be.
        statuses: what happens to each message, in this order.
        statuses_pause_s: seconds before each of these.
        callback: who is told; nobody by default.
        first_id: where ids start counting; a server that outlives the database's memory starts elsewhere.
    """

    processing_reads: int = 0
    processing_s: float = 0.0
    quota_total: int = 100_000
    statuses: tuple[str, ...] = ("sent", "delivered", "read")
    statuses_pause_s: float = 0.05
    callback: Callback | None = None
    first_id: int = 1
    now: Callable[[], datetime] = _utc_now

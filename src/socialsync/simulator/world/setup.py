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
        video_processing_s: for how many more it is, when it holds a video.
        quota_total: posts per Instagram account in 24 hours. Meta contradicts itself: 25, 50 or 100.
        throughput_per_s: messages per second that a WhatsApp number may send, with a burst of one second; 0
            lets all pass.
        pair_burst: messages that it may send to one person without a pause; 0 lets all pass.
        pair_interval_s: seconds until it may send one more.
        opted_out: people who refuse messages: digits of phone numbers, or business-scoped user ids.
        statuses: what happens to each message, in this order.
        statuses_pause_s: seconds before each of these.
        callback: who is told; nobody by default.
        first_id: where ids start counting; a server that outlives the database's memory starts elsewhere.
    """

    processing_reads: int = 0
    processing_s: float = 0.0
    video_processing_s: float = 0.0
    quota_total: int = 100
    throughput_per_s: int = 80
    pair_burst: int = 45
    pair_interval_s: float = 6.0
    opted_out: frozenset[str] = frozenset()
    statuses: tuple[str, ...] = ("sent", "delivered", "read")
    statuses_pause_s: float = 0.05
    callback: Callback | None = None
    first_id: int = 1
    now: Callable[[], datetime] = _utc_now

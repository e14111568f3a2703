"""Counting attempts by task, queue and minute, in memory and then in ``job_stats``.

Written every few seconds: what a killed worker had not written is missing in the statistics, never in the
jobs themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from socialsync import clock
from socialsync.db.direct import Line

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of durations in seconds, as in Prometheus's client; the last bucket has no bound."""

_WRITE = """
insert into job_stats as known (task_name, queue_name, minute_at, succeeded, failed, cancelled, retried,
    running_s, longest_s, waited_s, buckets)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::bigint[])
on conflict (task_name, queue_name, minute_at) do update set
    succeeded = known.succeeded + excluded.succeeded, failed = known.failed + excluded.failed,
    cancelled = known.cancelled + excluded.cancelled, retried = known.retried + excluded.retried,
    running_s = known.running_s + excluded.running_s,
    longest_s = greatest(known.longest_s, excluded.longest_s),
    waited_s = known.waited_s + excluded.waited_s,
    buckets = array(select coalesce(a, 0) + coalesce(b, 0)
        from unnest(known.buckets, excluded.buckets) with ordinality as both_of (a, b, n) order by n)
"""


@dataclass(slots=True)
class Count:
    """Attempts of one task in one queue and minute."""

    outcomes: dict[str, int] = field(default_factory=dict)
    running_s: float = 0.0
    longest_s: float = 0.0
    waited_s: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))


class Stats:
    """What one worker did since it last wrote it down."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, int], Count] = {}
        self.done = 0

    def add(self, task: str, queue: str, outcome: str, *, seconds: float, waited: float) -> None:
        """Count an attempt that ran for ``seconds`` after it had waited, ready, for ``waited``."""
        self.done += 1
        key = (task, queue, int(clock.now().timestamp()) // 60)
        count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = Count()
        count.outcomes[outcome] = count.outcomes.get(outcome, 0) + 1
        count.running_s += seconds
        count.longest_s = max(count.longest_s, seconds)
        count.waited_s += waited
        for n, bound in enumerate(BUCKETS):
            if seconds <= bound:
                count.buckets[n] += 1
                return
        count.buckets[-1] += 1

    async def write(self, line: Line) -> None:
        """Add what was counted to the table, in one order everywhere so that no two writers deadlock.

        Raises:
            psycopg.Error: then some of it may be missing; statistics are not worth a retry that doubles them.
        """
        counts, self._counts = self._counts, {}
        for (task, queue, minute), count in sorted(counts.items()):
            await line.run(_WRITE, (task, queue, datetime.fromtimestamp(minute * 60, UTC), *_row(count)))


def _row(count: Count) -> tuple[object, ...]:
    outcomes: Mapping[str, int] = count.outcomes
    return (
        *(outcomes.get(outcome, 0) for outcome in ("succeeded", "failed", "aborted", "todo")),
        count.running_s,
        count.longest_s,
        count.waited_s,
        count.buckets,
    )

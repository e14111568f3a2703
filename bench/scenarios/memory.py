"""What one worker process keeps resident over a great many jobs."""

import time

from bench.figures import number, size, sparkline
from bench.options import Options
from bench.progress import step
from bench.reports import Report, Table
from bench.rivals.procrastinates import Ours
from bench.scenarios.lineup import Lineup

MEANING = (
    "One worker (concurrency 200, the stock command) consumes jobs that do nothing while others are"
    " enqueued in step with it, 20,000 at a time; its resident memory is read five times a second."
)
GOAL = "Goal: under 150 MB, and no growth over a million jobs (`--full`)."
_AT_A_TIME = 20_000
_READ_EVERY = 0.2
_TENTHS = 10


def measure(lineup: Lineup, options: Options) -> Report:
    count = options.jobs(100_000, 1_000_000)
    rival = lineup.get(Ours)
    rival.reset()
    rival.fill(min(count, _AT_A_TIME))
    filled = min(count, _AT_A_TIME)
    read: list[tuple[float, int]] = []
    with rival.worker(concurrency=200) as worker, step("memory", count) as tell:
        began = time.monotonic()
        while (done := rival.progress(filled)) < count:
            if filled < count and filled - done < _AT_A_TIME:
                more = min(_AT_A_TIME, count - filled)
                rival.defer(more)
                filled += more
            read.append((done, worker.memory()))
            worker.check()
            tell(done)
            time.sleep(_READ_EVERY)
        took = time.monotonic() - began
    assert rival.ended() == count
    busy = [octets for done, octets in read if done]
    parts = [busy[len(busy) * n // _TENTHS : len(busy) * (n + 1) // _TENTHS] for n in range(_TENTHS)]
    peaks = [max(part) for part in parts if part]
    table = Table(
        ["jobs", "after the first tenth", "at the end", "peak", "over time", "jobs/s, enqueuing beside"]
    )
    chart = sparkline(peaks, top=150e6)
    table.rows = [
        [f"{count:,}", size(peaks[0]), size(peaks[-1]), size(max(busy)), f"`{chart}`", number(count / took)]
    ]
    return Report("memory", MEANING, [table], [GOAL, "The chart's full height is 150 MB."], {"read": read})

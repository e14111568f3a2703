"""``python -m bench``: all scenarios, or those that are named."""

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bench import comments_evaluation
from bench.ground import CACHE, prepared
from bench.machine import about
from bench.options import Options
from bench.reports import Report, as_json, as_markdown, console
from bench.scenarios import (
    chaos,
    comments,
    consume,
    enqueue,
    flat,
    ingest,
    knowledge,
    latency,
    memory,
    posts,
    search,
    sustained,
    webhook,
)
from bench.scenarios.lineup import Lineup

SCENARIOS: dict[str, Callable[[Lineup, Options], Report]] = {
    "consume": consume.measure,
    "latency": latency.measure,
    "enqueue": enqueue.measure,
    "flat": flat.measure,
    "sustained": sustained.measure,
    "memory": memory.measure,
    "chaos": chaos.measure,
    "posts": posts.measure,
    "comments": comments.measure,
    "ingest": ingest.measure,
    "search": search.measure,
    "knowledge": knowledge.measure,
    "triage": comments_evaluation.measure,
    "webhook": webhook.measure,
}
RESULTS = Path(__file__).parent / "RESULTS.md"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("scenario", nargs="*", help=f"of {', '.join(SCENARIOS)}; all by default")
    parser.add_argument("--rounds", type=int, default=3, help="figures are medians over so many rounds")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies jobs and durations; 0.05 to try")
    parser.add_argument("--full", action="store_true", help="the sizes of the goals: takes about an hour")
    parser.add_argument("--only", action="append", default=[], help="a word of the lines to measure")
    parser.add_argument("--without", action="append", default=[], help="a rival to leave out")
    parser.add_argument("--write", type=Path, help="write the results as Markdown into this file")
    parser.add_argument("--json", type=Path, default=CACHE / "results.json", help="the figures, for programs")
    given = parser.parse_args()
    if unknown := set(given.scenario) - set(SCENARIOS):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    return given


def main() -> None:
    given = arguments()
    names = given.scenario or list(SCENARIOS)
    options = Options(given.rounds, given.scale, given.full, tuple(given.only))
    began = time.monotonic()
    reports: list[Report] = []
    with ExitStack() as stack:
        ground = stack.enter_context(prepared())
        lineup = Lineup(ground, stack, tuple(word.lower() for word in given.without))
        for name in names:
            reports.append(SCENARIOS[name](lineup, options))
            reports[-1].print()
        command = " ".join(["python -m bench", *sys.argv[1:]])
        told = about(ground, command)
    told["Took"] = f"{(time.monotonic() - began) / 60:.1f} min; {options.rounds} rounds"
    if options.scale < 1:
        told["Scale"] = f"{options.scale}: too small to be quoted"
    given.json.parent.mkdir(exist_ok=True)
    given.json.write_text(as_json(told, reports))
    if given.write:
        given.write.write_text(as_markdown(told, reports))
        console.print(f"Written: {given.write.name}")


if __name__ == "__main__":
    main()

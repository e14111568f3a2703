"""One job as people read it: what it is, what happened to it, and what came of it."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from socialsync import clock
from socialsync.cli import wording
from socialsync.cli.tables import STATUS_STYLES, Column, status_text, table
from socialsync.queue.records import Attempt, Event, Job, JobDetail

_INDENT = 2
_LONGEST = 10_000
"""Characters of arguments or a result that are shown; ``--json`` has them whole."""


def told(job: JobDetail, width: int) -> RenderableType:
    return Group(*_parts(job, width))


def _parts(job: JobDetail, width: int) -> Iterator[RenderableType]:
    yield Text.assemble((f"Job {job.id}", "bold"), "  ", wording.plain(job.task), "  ", _status(job))
    yield _indented(_facts(job))
    if job.args:
        yield from _titled("Arguments", _json(job.args))
    if job.timeline:
        yield from _titled("Timeline", _timeline(job.timeline))
    if job.attempts_made:
        yield from _titled("Attempts", table(_ATTEMPTS, job.attempts_made, width=width - _INDENT))
    yield from _outcome(job)


def _outcome(job: JobDetail) -> Iterator[RenderableType]:
    if job.status == "succeeded":
        kept = bool(job.attempts_made)
        yield from _titled(
            "Result", _json(job.result) if kept else Text("Nothing, or it has expired.", "dim")
        )
    elif job.error:
        yield from _titled("Error", Text(wording.plain(job.error), "red"))
    if job.traceback:
        yield from _titled("Traceback", Text(wording.plain(job.traceback.rstrip()), "dim"))


def _status(job: Job) -> Text:
    said = status_text(job.status)
    if job.abort_requested and job.status == "doing":
        said.append(", asked to end", "yellow")
    return said


def _facts(job: Job) -> Table:
    """What there is to say, a line each; what says nothing is left out."""
    now = clock.now()
    running = job.status == "doing"
    ran = None
    if job.started_at and job.status != "todo":
        ran = wording.span(((job.finished_at or now) - job.started_at).total_seconds())
    facts: dict[str, Any] = {
        "queue": job.queue,
        "worker": job.worker,
        "priority": job.priority or None,
        "deferred": _moment(job.created_at, now),
        "scheduled": _moment(job.scheduled_at, now),
        "expires": _moment(job.expires_at, now) if job.status == "todo" else None,
        "started": _moment(job.started_at, now),
        "finished": _moment(job.finished_at, now),
        "runs for" if running else "ran": ran,
        "attempt" if running else "attempts": job.attempts + running,
        "killed": f"{job.kills} times" if job.kills > 1 else "once" if job.kills else None,
        "lock": job.lock,
        "queueing lock": job.queueing_lock,
        "rerun of": job.rerun_of,
        "workspace": job.workspace_id,
    }
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in facts.items():
        if value is not None:
            grid.add_row(name, value if isinstance(value, Text) else Text(wording.plain(str(value))))
    return grid


def _moment(at: datetime | None, now: datetime) -> Text | None:
    if at is None:
        return None
    return Text.assemble(wording.clock_time(at), "  ", (wording.when(at, now), "dim"))


def _timeline(events: Sequence[Event]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", style="dim", no_wrap=True)
    grid.add_column()
    before: datetime | None = None
    for event in events:
        set_time = event.event == "scheduled"  # it tells the time that was set, not when it was
        after = ""
        if event.at and before and not set_time:
            after = f"+{wording.span(max(0.0, (event.at - before).total_seconds()))}"
        grid.add_row(
            wording.clock_time(event.at) if event.at else "",
            after,
            Text("scheduled for then" if set_time else event.event, STATUS_STYLES.get(event.event, "")),
        )
        before = before if set_time else event.at
    return grid


def _titled(title: str, body: RenderableType) -> Iterator[RenderableType]:
    yield Text()
    yield Text(title, "bold")
    yield _indented(body)


def _indented(body: RenderableType) -> Padding:
    return Padding(body, (0, 0, 0, _INDENT), expand=False)


def _json(value: Any) -> Text:
    written = json.dumps(value, indent=2, ensure_ascii=False)
    shown = Text(wording.plain(written[:_LONGEST]))
    if (left := len(written) - _LONGEST) > 0:
        shown.append(f"\n... and {left:,} characters more; all: --json", "dim")
    return shown


def _ran(attempt: Attempt) -> str | None:
    if attempt.started_at is None:
        return None
    return wording.span((attempt.finished_at - attempt.started_at).total_seconds())


_ATTEMPTS: Sequence[Column[Attempt]] = (
    Column("attempt", lambda attempt: str(attempt.attempt), right=True),
    Column("outcome", lambda attempt: status_text(attempt.outcome)),
    Column("ended", lambda attempt: wording.when(attempt.finished_at, clock.now()), rank=2),
    Column("ran", _ran, rank=1, right=True),
    Column("worker", lambda attempt: attempt.worker, rank=3),
    Column("error", lambda attempt: attempt.error, rank=4, flexible=True, optional=True),
)

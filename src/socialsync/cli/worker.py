"""``socialsync worker``: its options, read and checked; the work is the supervisor's."""

import os
import re
import socket
from typing import Annotated, Literal

import typer

from socialsync import settings, telemetry
from socialsync.db import urls
from socialsync.worker.autoscale import Bounds
from socialsync.worker.orders import Orders
from socialsync.worker.recycling import MIB, Limits
from socialsync.worker.supervisor import supervise

DRAIN_TIMEOUT = 30.0
MOST_PROCESSES = 512
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[KMGT]?)(?:i?B)?", re.IGNORECASE)
_UNITS = {"K": 1024, "": MIB, "M": MIB, "G": 1024 * MIB, "T": 1024 * 1024 * MIB}
_PLAUSIBLE = 65_536
"""MiB: a bare number from here on was meant in KiB, which is what Celery counts in."""

Level = Literal["debug", "info", "warning", "error"]
_HOW_MANY, _REPLACING, _ENDING = "How many", "Replacing workers", "Starting and stopping"


def worker(
    *,
    queues: Annotated[
        str | None,
        typer.Option("-q", "--queues", metavar="NAMES", help="Queues to serve, by commas. Default: all."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Its name; its processes are NAME-1, NAME-2 ... Default: host and process id.",
        ),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1, max=MOST_PROCESSES, metavar="N", help="Processes. Default: 1.", rich_help_panel=_HOW_MANY
        ),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            metavar="N",
            help="Jobs at once in each. Default: the App's; of socialsync.worker.app 100.",
            rich_help_panel=_HOW_MANY,
        ),
    ] = None,
    autoscale: Annotated[
        str | None,
        typer.Option(
            metavar="MAX,MIN",
            help="Up to MAX processes while jobs wait and all are busy, down to MIN when few would do.",
            rich_help_panel=_HOW_MANY,
        ),
    ] = None,
    max_tasks_per_child: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Replace a process that has run so many jobs.",
            rich_help_panel=_REPLACING,
        ),
    ] = None,
    max_memory_per_child: Annotated[
        str | None,
        typer.Option(
            metavar="MIB",
            help="Replace a process that keeps more memory: MiB, or 400M, 1.5G.",
            rich_help_panel=_REPLACING,
        ),
    ] = None,
    reload: Annotated[
        bool,
        typer.Option(
            "--reload", help="Replace them when the code changes (development).", rich_help_panel=_REPLACING
        ),
    ] = False,
    drain_timeout: Annotated[
        float,
        typer.Option(
            min=0,
            show_default="30",
            metavar="SECONDS",
            help="For running jobs to end after the signal.",
            rich_help_panel=_ENDING,
        ),
    ] = DRAIN_TIMEOUT,
    log_level: Annotated[
        Level | None,
        typer.Option(
            metavar="LEVEL",
            help="debug, info, warning or error. Default: SOCIALSYNC_LOG_LEVEL.",
            rich_help_panel=_ENDING,
        ),
    ] = None,
) -> None:
    """Run jobs until SIGTERM or Ctrl-C, in processes that are watched and replaced.

    The first signal lets running jobs end; a second one gives them back to the queue; a third one kills.

    The tasks are those of the App that PROCRASTINATE_APP names.
    """
    if processes and autoscale:
        raise typer.BadParameter("says how many; leave --processes out", param_hint="--autoscale")
    memory = _memory(max_memory_per_child) if max_memory_per_child else None
    bounds = _bounds(autoscale) if autoscale else Bounds(processes or 1, processes or 1)
    served = _queues(queues) if queues is not None else None
    found = settings.load()
    level = log_level or found.log_level
    telemetry.configure(level=level, form=found.log_format)
    orders = Orders(
        app=found.procrastinate_app,
        name=name or f"{socket.gethostname()}-{os.getpid()}",
        queues=served,
        concurrency=concurrency,
        bounds=bounds,
        limits=Limits(max_tasks_per_child, memory),
        drain_timeout=drain_timeout,
        reload=reload,
        log_level=level,
    )
    raise typer.Exit(supervise(orders, urls.resolve(found).direct))


def _queues(given: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    if not names:
        raise typer.BadParameter("names no queue; write it like ingest,scheduler", param_hint="--queues")
    return names


def _bounds(given: str) -> Bounds:
    most, _, least = (part.strip() for part in given.partition(","))
    if not (most.isdecimal() and least.isdecimal()):
        raise typer.BadParameter(f"{given!r} is not two numbers; write it like 8,2", param_hint="--autoscale")
    bounds = Bounds(int(least), int(most))
    if bounds.least > bounds.most:
        raise typer.BadParameter(f"MAX comes first; write it like {least},{most}", param_hint="--autoscale")
    if bounds.least < 1 or bounds.most > MOST_PROCESSES:
        raise typer.BadParameter(
            f"processes are 1 to {MOST_PROCESSES}; write it like 8,2", param_hint="--autoscale"
        )
    return bounds


def _memory(given: str) -> int:
    """In bytes."""
    hint = "--max-memory-per-child"
    read = _SIZE.fullmatch(given.strip())
    size = int(float(read["number"]) * _UNITS[read["unit"].upper()]) if read else 0
    if not read or size < MIB:
        raise typer.BadParameter(f"{given!r} is no size; write it like 400, 400M or 1.5G", param_hint=hint)
    if not read["unit"] and size >= _PLAUSIBLE * MIB:
        raise typer.BadParameter(
            f"{given} MiB is {size // MIB // 1024} GiB; Celery counts in KiB: write {size // MIB // 1024}M",
            param_hint=hint,
        )
    return size

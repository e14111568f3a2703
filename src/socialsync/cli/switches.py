"""``socialsync revoke``, ``purge``, ``pause``, ``resume`` and ``workers``: Celery's words for what is done to
jobs, queues and workers.
"""

import sys
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import registry
from socialsync.cli import deeds, reading, wording
from socialsync.cli.opened import with_resources
from socialsync.cli.reading import JobIds
from socialsync.queue import controls, history, inspection, switches
from socialsync.resources import Resources

workers = typer.Typer(
    help="Have workers leave.\n\nExample: socialsync workers drain worker-1", no_args_is_help=True
)
Queues = Annotated[list[str], typer.Argument(metavar="QUEUE", help="The queues' names.")]
Worker = Annotated[
    str, typer.Argument(metavar="NAME", help="Its name or id; a supervisor's stands for all its processes.")
]


def revoke(
    job_ids: JobIds,
    terminate: Annotated[bool, typer.Option("--terminate", help="Abort it, if it runs already.")] = False,
) -> None:
    """Cancel jobs that wait; with --terminate abort those that run.

    Example: socialsync revoke 42 --terminate
    """

    async def deed(session: AsyncSession, job_id: int) -> str:
        await controls.revoke(session, job_id, deeds.CLI, terminate=terminate)
        if await history.get_status(session, job_id) == "doing":
            return f"Asked for job {job_id} to be aborted; its worker ends it."
        return f"Cancelled job {job_id}."

    deeds.each(job_ids, deed)


def purge(
    queues: Annotated[
        list[str] | None,
        typer.Option("-q", "-Q", "--queue", metavar="QUEUE", help="A queue; several by commas."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All queues instead.")] = False,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Don't ask.")] = False,
) -> None:
    """Delete the jobs that wait, scheduled ones too. What runs goes on. Asks first, on a terminal.

    Example: socialsync purge -q scheduler
    """
    named = reading.names(queues or [])
    if bool(named) == everything:
        raise typer.BadParameter("give -q QUEUE, or --all for every queue; not both", param_hint="-q / --all")
    targets: list[str | None] = [None] if everything else [*named]
    if not yes and sys.stdin.isatty():
        _ask(targets)
    for target in targets:
        deleted = _purge(target)
        where = f"in the queue {target}" if target else "in all queues"
        typer.echo(f"Deleted {wording.plural(deleted, 'job')} that waited {where}.")


def pause(queues: Queues) -> None:
    """Keep all workers from starting jobs of these queues. What runs goes on.

    Example: socialsync pause ingest
    """
    registry.load()

    async def work(resources: Resources) -> None:
        async with resources.database.system_transaction("the CLI pauses queues") as session:
            for queue in queues:
                await switches.pause(session, queue, deeds.CLI)

    with_resources(work)
    for queue in queues:
        typer.echo(f"Paused {queue}. What runs goes on; later: socialsync resume {queue}")


def resume(queues: Queues) -> None:
    """Let jobs of these queues start again.

    Example: socialsync resume ingest
    """
    registry.load()

    async def work(resources: Resources) -> None:
        async with resources.database.system_transaction("the CLI resumes queues") as session:
            for queue in queues:
                await switches.resume(session, queue, deeds.CLI)

    with_resources(work)
    for queue in queues:
        typer.echo(f"Resumed {queue}.")


@workers.command()
def drain(name: Worker) -> None:
    """Have a worker take nothing more and leave once its jobs have ended.

    Example: socialsync workers drain worker-1
    """

    async def work(resources: Resources) -> list[int]:
        async with resources.database.system_transaction("the CLI drains workers") as session:
            return [
                worker_id
                for known in await _known_as(session, name)
                for worker_id in await switches.drain(session, known, deeds.CLI)
            ]

    asked = with_resources(work)
    typer.echo(f"Asked {_who(name, asked)} to leave once the jobs there have ended.")


@workers.command()
def stop(name: Worker) -> None:
    """Have a worker leave at once: what runs is cancelled and put back into its queue.

    Example: socialsync workers stop worker-1
    """

    async def work(resources: Resources) -> list[int]:
        async with resources.database.system_transaction("the CLI stops workers") as session:
            return [
                worker_id
                for known in await _known_as(session, name)
                for worker_id in await switches.stop(session, known, deeds.CLI)
            ]

    asked = with_resources(work)
    typer.echo(f"Asked {_who(name, asked)} to leave at once; the jobs there go back into their queues.")


def _ask(targets: list[str | None]) -> None:
    """Raises Abort where the answer is no."""

    async def work(resources: Resources) -> list[int]:
        async with resources.database.system_transaction(
            "the CLI counts what a purge would delete"
        ) as session:
            await inspection.bound(session)
            found = await inspection.queues(session)
            return [
                queue.waiting + queue.scheduled for queue in found if None in targets or queue.name in targets
            ]

    waiting = sum(with_resources(work))
    where = "all queues" if None in targets else ", ".join(name for name in targets if name)
    jobs = "job" if waiting == 1 else "jobs"
    typer.confirm(f"Delete {wording.counted(waiting)} waiting {jobs} of {where}?", abort=True)


def _purge(queue: str | None) -> int:
    registry.load()
    told = Console(stderr=True, highlight=False)
    with told.status(f"Deleting the waiting jobs of {queue or 'all queues'}"):
        return with_resources(lambda resources: switches.purge(resources.database, queue, deeds.CLI))


async def _known_as(session: AsyncSession, name: str) -> list[str]:
    """The name itself; or, of a supervisor, the ids of its processes that live."""
    found = await inspection.workers(session)
    if any(name in {worker.name, str(worker.id)} for worker in found):
        return [name]
    return [str(worker.id) for worker in found if worker.supervisor == name and worker.alive] or [name]


def _who(name: str, asked: list[int]) -> str:
    return f"worker {name}" if len(asked) == 1 else f"{len(asked)} workers named {name}"

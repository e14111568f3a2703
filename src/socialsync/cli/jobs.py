"""``socialsync jobs``: find jobs, see what became of them, run them again."""

import shlex
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import settings
from socialsync.cli import deeds, job_views, reading, story, tasks
from socialsync.cli.live import Seen, look, present, with_database
from socialsync.cli.output import AsJson
from socialsync.cli.reading import JobIds
from socialsync.cli.tables import console, print_json
from socialsync.features.operations.schemas import JobDetailAnswer, Rerun
from socialsync.queue import controls, history
from socialsync.queue.history import Filters, Status
from socialsync.queue.records import JobDetail

app = typer.Typer(
    help="Find jobs, see what became of them, run them again.\n\n"
    "Example: socialsync jobs list --status failed",
    no_args_is_help=True,
)
USUAL = 50


@app.command("list")
def list_jobs(
    *,
    queue: Annotated[str | None, typer.Option("-q", "--queue", help="Only of this queue.")] = None,
    task: Annotated[str | None, typer.Option(help="Only of this task.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only in this state.")] = None,
    q: Annotated[
        str | None,
        typer.Option("--q", help="Stands in the task's name, the arguments or the lock; or is the id."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Jobs at most.")] = USUAL,
    cursor: Annotated[int | None, typer.Option(min=1, help="Go on where the last list told to.")] = None,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first.

    Example: socialsync jobs list --status failed --queue ingest
    """
    narrow = _words({"--queue": queue, "--task": task, "--status": status, "--q": q})
    longer = [] if limit == USUAL else ["--limit", str(limit)]
    go_on = shlex.join(["socialsync", "jobs", "list", *narrow, *longer])
    given = [*narrow, *_words({"--cursor": cursor})]
    filters = Filters(queue=queue, task=task, status=status, q=q)
    view = job_views.listed(filters, before=cursor, limit=limit, given=given, go_on=go_on)
    present(view, as_json=as_json)


@app.command()
def show(
    job_id: Annotated[int, typer.Argument(metavar="ID", help="The job's id.", min=1)], as_json: AsJson = False
) -> None:
    """Show a job: what happened to it, its attempts, and its result or its error.

    Example: socialsync jobs show 42
    """

    async def ask(session: AsyncSession) -> Seen[JobDetail]:
        return Seen([await history.get_job(session, job_id)])

    (job,) = with_database(lambda database: look(database, ask)).rows
    if as_json:
        print_json(JobDetailAnswer.model_validate(job))
    else:
        where = console()
        where.print(story.told(job, where.width))


@app.command()
def retry(job_ids: JobIds) -> None:
    """Put jobs that failed, were aborted or cancelled back into their queues, to run at once.

    Example: socialsync jobs retry 42 43
    """

    async def deed(session: AsyncSession, job_id: int) -> str:
        await controls.retry(session, job_id, deeds.CLI)
        return f"Job {job_id} waits again, to run at once."

    deeds.each(job_ids, deed)


@app.command()
def cancel(job_ids: JobIds) -> None:
    """Cancel jobs that wait; they will not run. For a running one: socialsync revoke ID --terminate.

    Example: socialsync jobs cancel 42
    """

    async def deed(session: AsyncSession, job_id: int) -> str:
        await controls.cancel(session, job_id, deeds.CLI)
        return f"Cancelled job {job_id}."

    deeds.each(job_ids, deed)


@app.command()
def rerun(
    job_ids: JobIds,
    *,
    args: Annotated[
        dict[str, Any] | None,
        typer.Option(
            parser=reading.json_object, metavar="JSON", help="All its arguments, in place of the old ones."
        ),
    ] = None,
    queue: Annotated[str | None, typer.Option("-q", "--queue", help="Another queue.")] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When, e.g. 2026-03-04T12:00:00+01:00. Default: at once."),
    ] = None,
) -> None:
    """Defer jobs again as new ones, changed or not; prints the new ids.

    Example: socialsync jobs rerun 42 --queue low --at 2026-03-04T12:00:00+01:00
    """
    given = {"args": args, "queue": queue, "schedule_at": at}
    body = reading.checked(
        Rerun, {name: value for name, value in given.items() if value is not None}, {"schedule_at": "--at"}
    )
    with suppress(tasks.Unloadable):  # workers check the arguments too
        tasks.load(settings.load().procrastinate_app)

    async def deed(session: AsyncSession, job_id: int) -> str:
        new_id = await controls.rerun(
            session, job_id, deeds.CLI, args=body.args, queue=body.queue, schedule_at=body.schedule_at
        )
        return str(new_id)

    deeds.each(job_ids, deed)


def _words(given: Mapping[str, str | int | None]) -> list[str]:
    """These options as they are typed, without those that were not given."""
    return [word for option, value in given.items() if value is not None for word in (option, str(value))]

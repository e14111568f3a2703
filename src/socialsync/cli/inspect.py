"""``socialsync inspect``: what the queue does at this moment."""

from typing import Annotated

import typer

from socialsync.cli import job_views, state_views
from socialsync.cli.live import Limit, Watch, present
from socialsync.cli.output import AsJson

app = typer.Typer(
    help="See what the queues, jobs, workers and schedules do.\n\nExample: socialsync inspect queues --watch",
    no_args_is_help=True,
)
Queue = Annotated[str | None, typer.Option("-q", "--queue", metavar="QUEUE", help="Only of this queue.")]


@app.command()
def active(queue: Queue = None, limit: Limit = 100, watch: Watch = False, as_json: AsJson = False) -> None:
    """The jobs that run, the longest running first.

    Example: socialsync inspect active --queue ingest --watch
    """
    present(job_views.active(queue, limit), as_json=as_json, watch=watch)


@app.command()
def scheduled(queue: Queue = None, limit: Limit = 100, watch: Watch = False, as_json: AsJson = False) -> None:
    """The jobs that wait for a time, retries too, the soonest first.

    Example: socialsync inspect scheduled --limit 20
    """
    present(job_views.scheduled(queue, limit), as_json=as_json, watch=watch)


@app.command()
def registered(watch: Watch = False, as_json: AsJson = False) -> None:
    """The tasks that workers know, with their queues and time limits.

    Example: socialsync inspect registered --json
    """
    present(job_views.registered(), as_json=as_json, watch=watch)


@app.command()
def stats(watch: Watch = False, as_json: AsJson = False) -> None:
    """How the attempts of the last 24 hours went, by task.

    Example: socialsync inspect stats
    """
    present(job_views.stats(), as_json=as_json, watch=watch)


@app.command()
def queues(watch: Watch = False, as_json: AsJson = False) -> None:
    """How many jobs wait, run and are scheduled in each queue, and what is wrong.

    Example: socialsync inspect queues --watch
    """
    present(state_views.queues(), as_json=as_json, watch=watch)


@app.command()
def workers(watch: Watch = False, as_json: AsJson = False) -> None:
    """The workers, what they serve and how busy they are.

    Example: socialsync inspect workers --watch
    """
    present(state_views.workers(), as_json=as_json, watch=watch)


@app.command()
def schedules(watch: Watch = False, as_json: AsJson = False) -> None:
    """What is deferred again and again, when it comes next, and what is overdue.

    Example: socialsync inspect schedules
    """
    present(state_views.schedules(), as_json=as_json, watch=watch)

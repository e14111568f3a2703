"""What people do to jobs here: each in a transaction of its own, with a sentence for each."""

from collections.abc import Awaitable, Callable, Sequence

import typer
from rich.console import Console
from rich.text import Text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.cli.opened import with_resources
from socialsync.errors import Refused
from socialsync.queue import history
from socialsync.queue.controls import By, WrongState
from socialsync.resources import Resources

CLI = By("cli")
"""Whoever can run this reaches the database anyway: all of the installation."""


def each(job_ids: Sequence[int], deed: Callable[[AsyncSession, int], Awaitable[str]]) -> None:
    """Do it to each of these jobs and print what it returns. What one refuses is said, and the others are
    done nevertheless.

    Raises:
        Refused: the only one did.
        Exit: with status 1 when some of several did.
    """
    several = list(dict.fromkeys(job_ids))

    async def work(resources: Resources) -> list[Refused]:
        refused = []
        for job_id in several:
            try:
                async with resources.database.system_transaction("the CLI acts on a job") as session:
                    said = await _explained(session, job_id, deed)
            except Refused as error:
                refused.append(error)
                if len(several) > 1:
                    complain(error)
            else:
                typer.echo(said)
        return refused

    refused = with_resources(work)
    if refused and len(several) == 1:
        raise refused[0]
    if refused:
        raise typer.Exit(1)


def complain(error: Refused) -> None:
    """On stderr, as the command line does for the one error that ends it."""
    where = Console(stderr=True, highlight=False, soft_wrap=True)
    where.print(Text.assemble(("Error: ", "bold red"), error.message, " ", (error.fix or "", "dim")))


async def _explained(
    session: AsyncSession, job_id: int, deed: Callable[[AsyncSession, int], Awaitable[str]]
) -> str:
    """With the fix in this door's words."""
    try:
        return await deed(session, job_id)
    except WrongState as error:
        fixes = {
            "doing": f"Abort it: socialsync revoke {job_id} --terminate",
            "succeeded": f"Run it again: socialsync jobs rerun {job_id}",
        }
        fix = fixes.get(await history.get_status(session, job_id)) if error.fix else None
        raise WrongState(error.message, fix=fix) from None

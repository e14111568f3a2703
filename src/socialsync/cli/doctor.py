"""``socialsync doctor``: looks at everything that an installation needs, and says what to do."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from socialsync import registry, settings
from socialsync.cli.checks import database, machine, operation, outside
from socialsync.cli.checks.findings import Check, Finding, Installation, State, made
from socialsync.cli.output import AsJson
from socialsync.cli.tables import console, print_json
from socialsync.cli.wording import plain, plural
from socialsync.db import urls
from socialsync.db.engine import create_engine
from socialsync.db.transaction import Database
from socialsync.errors import Invalid
from socialsync.settings import Settings

Tell = Callable[[Finding], None]
_STYLES: dict[State, str] = {"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim"}


def doctor(
    offline: Annotated[
        bool, typer.Option("--offline", help="Don't call Meta, the models and the mail server.")
    ] = False,
    within: Annotated[
        float, typer.Option(min=1, max=300, metavar="SECONDS", help="For all checks together.")
    ] = 8.0,
    as_json: AsJson = False,
) -> None:
    """Look whether everything is as it must be, and what to do where it is not. It changes nothing.

    Ends with 1 when a check failed; warnings alone end with 0.

    Example: socialsync doctor --offline
    """
    with Progress(
        SpinnerColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True,
    ) as progress:  # fmt: skip
        shown = progress.add_task("settings", total=None)

        def tell(finding: Finding) -> None:
            progress.update(shown, advance=1, description=f"{finding.check}: {finding.state}")

        found = _examined(offline, within, tell)
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        _show(found)
    if any(finding.state == "failed" for finding in found):
        raise typer.Exit(1)


def _examined(offline: bool, within: float, tell: Tell) -> list[Finding]:
    try:
        environment = settings.load()
    except Invalid as error:
        return [Finding("settings", "failed", error.message, "Correct it in the environment, or in .env.")]
    valid = Finding("settings", "ok", f"Valid. SOCIALSYNC_HOME is {environment.home}.")
    registry.parts("models")
    return [valid, *asyncio.run(_examine(environment, offline, within, tell))]


async def _examine(environment: Settings, offline: bool, within: float, tell: Tell) -> list[Finding]:
    where = urls.found(environment)
    engine = create_engine(where)
    seen = Installation(environment, where, Database(engine))
    beyond = outside.outside(seen)
    rounds = _Rounds(asyncio.get_running_loop().time() + within, tell)
    try:
        inside, here, there = await asyncio.gather(
            _inside(seen, rounds),
            rounds.made(machine.machine(seen)),
            rounds.made([] if offline else beyond),
        )
    finally:
        await engine.dispose()
    return [*inside, *here, *(_skipped(beyond, "With --offline.") if offline else there)]


async def _inside(seen: Installation, rounds: "_Rounds") -> list[Finding]:
    """The database, step by step: what needs a step that failed is left out."""
    server, schema = database.server(seen), database.schema(seen)
    running = [*schema, *operation.operation(seen)]
    found = await rounds.made(database.reaching(seen))
    if found[0].state == "failed":
        return [*found, *_skipped([*server, *running], "The database cannot be reached.")]
    found += await rounds.made(server)
    if any(finding.check == "migrations" and finding.state == "failed" for finding in found):
        return [*found, *_skipped(running, "Migrations come first.")]
    return found + await rounds.made(running)


@dataclass(frozen=True)
class _Rounds:
    """Makes checks, and tells of each.

    Args:
        until: when the time is over, by the loop's clock.
    """

    until: float
    tell: Tell

    async def made(self, checks: Sequence[Check]) -> list[Finding]:
        """All at once, in their order."""
        return list(await asyncio.gather(*(self._one(check) for check in checks)))

    async def _one(self, check: Check) -> Finding:
        finding = await made(check, until=self.until)
        self.tell(finding)
        return finding


def _skipped(checks: Sequence[Check], why: str) -> list[Finding]:
    return [Finding(check.name, "skipped", why) for check in checks]


def _show(found: Sequence[Finding]) -> None:
    out = console()
    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(2):
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for finding in found:
        said = Text(plain(finding.found))
        if finding.fix:
            said.append(f"\n{plain(finding.fix)}", "dim")
        grid.add_row(Text(finding.state, _STYLES[finding.state]), finding.check, said)
    out.print(grid)
    out.print(_sum(found))


def _sum(found: Sequence[Finding]) -> Text:
    counts = {state: sum(finding.state == state for finding in found) for state in _STYLES}
    if counts["failed"]:
        return Text(f"{plural(counts['failed'], 'check')} failed.", _STYLES["failed"])
    if counts["warning"]:
        return Text(f"It works; {plural(counts['warning'], 'warning')}.", _STYLES["warning"])
    return Text("All is well.", _STYLES["ok"])

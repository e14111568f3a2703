"""``socialsync db``: the embedded server, and migrations for any."""

import os
from typing import Annotated

import typer
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from socialsync import settings
from socialsync.cli.output import out
from socialsync.db import migrations, urls
from socialsync.db.embedded import OWNER, EmbeddedServer
from socialsync.errors import Conflict, Failed

app = typer.Typer(help="The embedded Postgres server, and migrations.", no_args_is_help=True)


def _embedded() -> EmbeddedServer:
    environment = settings.load()
    if not environment.embedded:
        raise Conflict(
            "DATABASE_URL names another server; the embedded one is not in use.",
            fix="Unset DATABASE_URL to use the embedded server.",
        )
    return EmbeddedServer(environment.home)


@app.command()
def start(
    tcp_port: Annotated[
        int | None,
        typer.Option(min=1024, max=65535, help="Listen on this port of 127.0.0.1 too (with a password)."),
    ] = None,
) -> None:
    """Create and start the server, if it does not run already."""
    server = _embedded()
    started = server.ensure_running(tcp_port)
    out.print(f"{'Started' if started else 'Running already'}: {server.data}")


@app.command()
def stop() -> None:
    """Stop the server. Its data stays. Who needs it starts it again: `up`, the API, or the next command."""
    out.print("Stopped." if _embedded().stop() else "It was not running.")


@app.command()
def url(
    admin: Annotated[
        bool, typer.Option("--admin", help="The server's owner instead of the application.")
    ] = False,
    tcp: Annotated[bool, typer.Option("--tcp", help="Over TCP, with the password.")] = False,
) -> None:
    """Print a libpq URL of the application's role, starting the embedded server if needed."""
    environment = settings.load()
    if environment.embedded:
        server = EmbeddedServer(environment.home)
        server.ensure_running()
        typer.echo(server.url(OWNER, tcp=tcp) if admin else server.url(tcp=tcp))
        return
    found = urls.resolve(environment)
    typer.echo(found.owner if admin else found.app)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(
    context: typer.Context,
    admin: Annotated[bool, typer.Option("--admin", help="As the server's owner.")] = False,
) -> None:
    """Open psql; further arguments are psql's own: ``socialsync db psql -- -c 'table schedules'``."""
    found = urls.resolve(settings.load())
    words = conninfo_to_dict(found.owner if admin else found.app)
    password = words.pop("password", None)  # argv is everybody's to read
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    try:
        os.execvpe("psql", ["psql", make_conninfo("", **words), *context.args], environment)  # noqa: S606, S607 - psql is what was asked for
    except FileNotFoundError:
        raise Failed("psql is not installed.", fix="Install postgresql-client.") from None


@app.command()
def upgrade() -> None:
    """Migrate the database to the newest revision (``alembic upgrade head`` from anywhere)."""
    revision = migrations.upgrade(urls.resolve(settings.load()).owner)
    out.print(f"The database is at revision {revision}.")

"""``python -m tests.migrations``: up, down to nothing, up again, and in agreement with the models.

On a throw-away server of its own, for ``make check``. tests/db/test_migrations.py asks the same of the tests'
server.
"""

import contextlib
import io
import sys
import tempfile
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from socialsync.db.embedded import OWNER, EmbeddedServer
from tests.db import catalog

REPOSITORY = Path(__file__).parent.parent
ALEMBICS_OWN = {"alembic_version"}
"""What Alembic leaves behind by design."""


class MigrationsAreWrong(AssertionError):
    """A sentence says how."""


def config(owner_url: str) -> Config:
    return Config(REPOSITORY / "alembic.ini", stdout=io.StringIO(), attributes={"url": owner_url})


def objects(owner_url: str) -> catalog.Catalog:
    with psycopg.connect(owner_url) as connection:
        return catalog.read(connection)


def check_agreement(owner_url: str) -> None:
    """A migrated database is what the models say."""
    try:
        command.check(config(owner_url))
    except CommandError as error:
        raise MigrationsAreWrong(
            f"Models and migrations disagree: {error} Add the migration that makes them agree."
        ) from None


def check_downgrade(owner_url: str, before: catalog.Catalog) -> None:
    """Down to nothing: the database is again what it was before the first upgrade."""
    command.downgrade(config(owner_url), "base")
    left = catalog.differences(without_alembics_own(objects(owner_url)), without_alembics_own(before))
    if left:
        raise MigrationsAreWrong(
            "`alembic downgrade base` leaves behind what was not there before, or takes what was:\n"
            + first(left)
        )


def check_round_trip(owner_url: str) -> None:
    """Up, down to nothing, up again to the same. The database is empty before, and migrated afterwards."""
    before = objects(owner_url)
    command.upgrade(config(owner_url), "head")
    migrated = objects(owner_url)
    check_downgrade(owner_url, before)
    command.upgrade(config(owner_url), "head")
    changed = catalog.differences(objects(owner_url), migrated)
    if changed:
        raise MigrationsAreWrong("The second upgrade makes another schema:\n" + first(changed))


def first(lines: list[str], most: int = 10) -> str:
    more = [f"... and {len(lines) - most} more"] if len(lines) > most else []
    return "\n".join(f"  {line}" for line in [*lines[:most], *more])


def without_alembics_own(found: catalog.Catalog) -> catalog.Catalog:
    def is_alembics(name: str) -> bool:
        return any(own in name for own in ALEMBICS_OWN)

    return {name: definition for name, definition in found.items() if not is_alembics(name)}


def report(owner_url: str) -> int:
    """Check everything on an empty database, say it in a sentence, and give the exit status."""
    try:
        check_round_trip(owner_url)
        check_agreement(owner_url)
    except MigrationsAreWrong as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("Migrations: up, down to nothing, up again, and in agreement with the models.\n")
    return 0


def main() -> int:
    fast = {"fsync": "off", "synchronous_commit": "off"}
    with (
        tempfile.TemporaryDirectory(prefix="socialsync-migrations-") as home,
        contextlib.ExitStack() as stack,
    ):
        server = EmbeddedServer(Path(home), fast)
        stack.callback(server.stop)
        server.ensure_running()
        return report(server.url(OWNER))


if __name__ == "__main__":
    sys.exit(main())

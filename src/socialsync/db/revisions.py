"""Which migrations the code knows, and which one the database is at."""

from functools import cache
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

import socialsync

UPGRADE = "alembic upgrade head"


def scripts() -> Path:
    """The folder of the migrations: inside the installed package, or beside ``src`` in a checkout."""
    package = Path(socialsync.__file__).parent
    packaged = package / "migrations"
    return packaged if packaged.is_dir() else package.parent.parent / "alembic"


@cache
def known() -> tuple[str, ...]:
    """The revisions that this code knows, the newest first."""
    return tuple(script.revision for script in ScriptDirectory(str(scripts())).walk_revisions())


async def is_behind(session: AsyncSession) -> bool:
    """Whether the database lacks migrations of this code.

    A revision that we don't know is a newer one: old processes keep serving while a new version is rolled
    out. Reads a table that an empty database lacks, so call it last in its transaction.
    """
    try:
        at = set((await session.scalars(text("select version_num from alembic_version"))).all())
    except ProgrammingError:
        return True
    return not at or bool(at & set(known()[1:]))

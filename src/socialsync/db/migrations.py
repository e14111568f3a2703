"""Running Alembic from code, wherever its scripts are."""

from alembic import command
from alembic.config import Config

from socialsync.db import revisions


def upgrade(owner_url: str) -> str:
    """Bring this database to the newest revision and name it; one migrator at a time, later ones find
    nothing to do.
    """
    config = Config(attributes={"url": owner_url})
    config.set_main_option("script_location", str(revisions.scripts()))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")
    return revisions.known()[0]

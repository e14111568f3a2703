"""Running Alembic from code, wherever its scripts are: beside the package, or inside the installed wheel."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

_PACKAGE = Path(__file__).resolve().parent.parent
_INSTALLED = _PACKAGE / "migrations"
_CHECKOUT = _PACKAGE.parent.parent / "alembic"


def upgrade(owner_url: str) -> None:
    """Bring this database to the newest revision; one migrator at a time, later ones find nothing to do."""
    command.upgrade(_config(owner_url), "head")


def head() -> str:
    """The newest revision that this code knows."""
    found = ScriptDirectory.from_config(_config("")).get_current_head()
    if found is None:
        raise RuntimeError("The migrations are missing from this installation")
    return found


def _config(url: str) -> Config:
    config = Config(attributes={"url": url})
    config.set_main_option("script_location", str(_INSTALLED if _INSTALLED.is_dir() else _CHECKOUT))
    config.set_main_option("path_separator", "os")
    return config

"""The command line in this process, on a database of its own."""

import os

import pytest
from typer.testing import CliRunner

from socialsync import cli
from socialsync.errors import SocialSyncError


@pytest.fixture
def run(fresh, tmp_path, monkeypatch):
    """Run a command as a user would type it; what it printed on stdout, or the error it ended with."""
    for name in [name for name in os.environ if name.startswith(("META_", "INSTAGRAM_", "SOCIALSYNC_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABASE_URL", fresh.app)
    monkeypatch.setenv("DATABASE_OWNER_URL", fresh.owner)
    monkeypatch.setenv("SOCIALSYNC_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def run(*command: str, expect: int = 0, answer: str | None = None) -> str:
        result = runner.invoke(cli.app, command, input=answer)
        if isinstance(result.exception, SocialSyncError):
            assert expect == 1, result.exception  # main() tells it in a sentence
            return f"{result.exception.message} {result.exception.fix or ''}"
        assert result.exit_code == expect, result.output
        return result.stdout

    return run

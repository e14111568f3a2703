"""The queue engine on procrastinate's tables: its columns, events, claim, finish and lease."""

from pathlib import Path

from socialsync.db import ddl

revision = "0004"
down_revision = "0003"

SQL = Path(__file__).parent.parent / "sql" / "queue_engine"


def upgrade() -> None:
    for script in sorted(SQL.glob("*.sql")):
        ddl.run(script.read_text())


def downgrade() -> None:
    ddl.run((SQL / "down.txt").read_text())

"""A claim of jobs without keys and locks is a statement of ``queue_claim`` itself.

``queue_claim_plain`` stays where it is: a claim of before that is under way still calls it.
"""

from pathlib import Path

from socialsync.db import ddl

revision = "0020"
down_revision = "0019"

SCRIPT = Path(__file__).parent.parent / "sql" / "queue_engine" / "03_claim.sql"


def upgrade() -> None:
    ddl.run(SCRIPT.read_text())


def downgrade() -> None:
    """The functions stay: those of before did the same."""

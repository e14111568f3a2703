"""The queue engine's functions as they are now, an index for the locks that something ready
waits for, and whom a blocked worker accuses.

Revision 0004 runs the same scripts: a new database has them already, an older one gets them here. All but the
tables are ``create or replace``, so a change of them needs nothing but another revision like this one.
"""

from pathlib import Path

from socialsync.db import ddl

revision = "0006"
down_revision = "0005"

SQL = Path(__file__).parent.parent / "sql" / "queue_engine"
FUNCTIONS = ("02_events", "03_claim", "04_finish", "05_lease")


def upgrade() -> None:
    ddl.run("""
        alter table worker_info add column blocked_by bigint;
        comment on column worker_info.blocked_by is 'The running job that it saw block its process';
        drop function if exists queue_claim_suspect(bigint, text[], text[], text[]);
        drop function if exists queue_register(bigint, bigint[], boolean);
        drop function if exists queue_claim(
            bigint, text[], text[], text[], integer, integer, boolean, bigint, text);
        create index procrastinate_jobs_x_ready_lock_idx on procrastinate_jobs (lock)
            where status < 'doing' and lock is not null and x_kills is null
                and (scheduled_at is null or x_due_at = scheduled_at);
    """)
    for script in FUNCTIONS:
        ddl.run((SQL / f"{script}.sql").read_text())


def downgrade() -> None:
    """The functions stay: those of before did the same, with more mistakes."""
    ddl.run("drop index procrastinate_jobs_x_ready_lock_idx; alter table worker_info drop column blocked_by")

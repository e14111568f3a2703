"""Numbers that were connected while eighty messages were let through at once: ten, as for new ones.

Their limit is the one that connecting gave them, when it says exactly that and the audit log tells of nobody
who set it. A change of what is stored alone: a downgrade does not know which numbers had eighty.
"""

from socialsync.db import ddl

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    ddl.run("""
        select set_config('app.system_reason', 'numbers that were connected with a burst of eighty', true);
        update limits set burst = 10, tokens = least(tokens, 10)
        where key like 'whatsapp:%' and key not like '%/%'
            and rate_per_s = 80 and burst = 80 and max_running is null
            and not exists (
                select from audit_log where action = 'limits.set' and subject = 'limit:' || limits.key);
        select set_config('app.system_reason', '', true);
    """)


def downgrade() -> None:
    pass

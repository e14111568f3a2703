"""A channel's own languages, tone and hours; without them the workspace's."""

from socialsync.db import ddl

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    ddl.run("alter table channels add column languages text[], add column tone text,"
            " add column business_hours jsonb")  # fmt: skip


def downgrade() -> None:
    ddl.run("alter table channels drop column languages, drop column tone, drop column business_hours")

"""Whose account it is; and how a new database begins to plan.

Webhooks of an account go to every workspace that has it, but not to one whose token the platform refuses
while it takes another's.

Before a table is analyzed for the first time the planner holds a workspace for as rare as a message's id,
finds messages by the workspace alone and looks at all of them: a storm on a new machine would slow down with
every message. So it is told that a workspace has many rows, until the first ANALYZE knows better.
"""

from socialsync.db import ddl

revision = "0017"
down_revision = "0016"

ROUTES = """
create or replace function find_channels(wanted_platform text, wanted_ids text[])
returns table (external_id text, workspace_id uuid, channel_id uuid, deleted boolean)
language sql stable security definer set search_path = public, pg_temp
set app.system_reason = 'webhook routing'
begin atomic
    select c.external_id, c.workspace_id, c.id, c.status = 'deleted' from channels c
    where c.platform = wanted_platform and c.external_id = any (wanted_ids){only};
end;
"""
OF_ITS_OWN = """
        and (c.status <> 'needs_reauth' or not exists (
            select from channels other
            where other.platform = c.platform and other.external_id = c.external_id
                and other.workspace_id <> c.workspace_id and other.status = 'active'))"""
MANY_ROWS = """
do $$
declare
    tenants record;
begin
    for tenants in
        select relation.relname from pg_class relation
        join pg_attribute field on field.attrelid = relation.oid
        where relation.relkind = 'r' and relation.relnamespace = 'public'::regnamespace
            and field.attname = 'workspace_id' and not field.attisdropped
            and not exists (
                select from pg_statistic where starelid = relation.oid and staattnum = field.attnum)
    loop
        perform pg_restore_attribute_stats('schemaname', 'public', 'relname', tenants.relname::text,
            'attname', 'workspace_id', 'inherited', false,
            'null_frac', 0::real, 'avg_width', 16, 'n_distinct', 4::real);
    end loop;
end $$;
"""


def upgrade() -> None:
    ddl.run(ROUTES.format(only=OF_ITS_OWN) + MANY_ROWS)


def downgrade() -> None:
    ddl.run(ROUTES.format(only=""))

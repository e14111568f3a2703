"""Broadcasts in lanes: faults counted by recipient; when looking began; statuses of deleted channels."""

from socialsync.db import ddl

revision = "0007"
down_revision = "0006"

POSTS = """
alter table post_runs
    add column looked_at timestamptz,
    add column prepared_for integer;
alter table post_deliveries add column faults smallint not null default 0;
create index ix_post_deliveries_held_back on post_deliveries (workspace_id, post_id, not_before)
    where status = 'queued' and not_before is not null;
"""
CHANNELS = """
drop function find_channels;
create function find_channels(wanted_platform text, wanted_ids text[])
returns table (external_id text, workspace_id uuid, channel_id uuid, deleted boolean)
language sql stable security definer set search_path = public, pg_temp
set app.system_reason = 'webhook routing'
begin atomic
    select c.external_id, c.workspace_id, c.id, c.status = 'deleted' from channels c
    where c.platform = wanted_platform and c.external_id = any (wanted_ids);
end;
revoke execute on function find_channels from public;
grant execute on function find_channels to socialsync_app;
comment on function find_channels is
    'Routes a webhook before any workspace is known; shows ids of the accounts asked for, nothing else';
"""
LIMITS = """
select set_config('app.system_reason', 'numbers that were connected before they had a limit', true);
insert into limits (key, rate_per_s, burst, tokens)
select distinct 'whatsapp:' || external_id, 80, 80, 80 from channels
where platform = 'whatsapp' and status <> 'deleted'
on conflict (key) do update set rate_per_s = excluded.rate_per_s, burst = excluded.burst,
    tokens = excluded.tokens
where limits.rate_per_s is null and limits.max_running is null;
select set_config('app.system_reason', '', true);
"""
DOWN = """
drop function find_channels;
create function find_channels(wanted_platform text, wanted_ids text[])
returns table (external_id text, workspace_id uuid, channel_id uuid)
language sql stable security definer set search_path = public, pg_temp
set app.system_reason = 'webhook routing'
begin atomic
    select c.external_id, c.workspace_id, c.id from channels c
    where c.platform = wanted_platform and c.external_id = any (wanted_ids) and c.status <> 'deleted';
end;
revoke execute on function find_channels from public;
grant execute on function find_channels to socialsync_app;
comment on function find_channels is
    'Routes a webhook before any workspace is known; shows ids of the accounts asked for, nothing else';
drop index ix_post_deliveries_held_back;
alter table post_deliveries drop column faults;
alter table post_runs drop column looked_at, drop column prepared_for;
"""


def upgrade() -> None:
    for sql in (POSTS, CHANNELS, LIMITS):
        ddl.run(sql)


def downgrade() -> None:
    ddl.run(DOWN)

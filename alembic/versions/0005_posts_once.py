"""Posts once: media, recurrence, waits, settlement, opt-outs; channels that pause; webhook events."""

from socialsync.db import ddl

revision = "0005"
down_revision = "0004"

CHANNELS = """
alter table channels
    add column paused_at timestamptz,
    add column status_reason text,
    add column token_set_at timestamptz not null default now(),
    add column token_expires_at timestamptz,
    add column token_checked_at timestamptz;
create index ix_channels_token_expires_at on channels (token_expires_at)
    where status = 'active' and token_expires_at is not null;

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
"""

POSTS = """
alter table posts
    add column media_type text constraint ck_posts_media_type check (media_type in
        ('image', 'carousel', 'reel', 'story', 'video', 'audio', 'document')),
    add column alt_texts text[] not null default '{}',
    add column recurrence text,
    add column timezone text,
    add column series_id uuid,
    add column slot_at timestamptz,
    add column series_starts_at timestamptz,
    add column not_before timestamptz,
    add column due_at timestamptz generated always as (greatest(publish_at, not_before)) stored,
    add constraint ck_posts_recurrence check (
        recurrence is null or (timezone is not null and series_id is not null and series_starts_at is not null
            and slot_at is not null)),
    add constraint uq_posts_workspace_id_series_id_slot_at unique (workspace_id, series_id, slot_at);
drop index ix_posts_due;
create index ix_posts_due on posts (due_at) where status = 'queued';

alter table post_runs
    add column settle_job_id bigint,
    add column container_at timestamptz,
    add column child_container_ids text[] not null default '{}',
    add column doubt text;

alter table post_deliveries drop constraint ck_post_deliveries_status,
    add constraint ck_post_deliveries_status check (status in
        ('queued', 'sending', 'sent', 'delivered', 'read', 'played', 'failed', 'unknown')),
    add column chunk integer not null default 0,
    add column sending_at timestamptz,
    add column sent_at timestamptz,
    add column not_before timestamptz,
    add column waits smallint not null default 0;
drop index ix_post_deliveries_queued;
create index ix_post_deliveries_open on post_deliveries (workspace_id, post_id, chunk, id)
    where status in ('queued', 'sending', 'unknown');
create index ix_post_deliveries_workspace_id_platform_message_id
    on post_deliveries (workspace_id, platform_message_id) where platform_message_id is not null;
create index ix_post_deliveries_workspace_id_recipient_sent_at
    on post_deliveries (workspace_id, recipient, sent_at desc) where sent_at is not null;

create table opt_outs (
    id uuid constraint pk_opt_outs primary key default uuidv7(),
    workspace_id uuid not null constraint fk_opt_outs_workspace_id_workspaces references workspaces,
    channel_id uuid not null,
    recipient text not null,
    reason text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_opt_outs_workspace_id_id unique (workspace_id, id),
    constraint uq_opt_outs_workspace_id_channel_id_recipient unique (workspace_id, channel_id, recipient),
    constraint fk_opt_outs_workspace_id_channel_id_channels
        foreign key (workspace_id, channel_id) references channels (workspace_id, id)
);
"""

WEBHOOKS = """
create table webhook_events (
    id uuid constraint pk_webhook_events primary key default uuidv7(),
    platform text not null
        constraint ck_webhook_events_platform check (platform in ('whatsapp', 'instagram')),
    body bytea not null,
    digest bytea not null constraint uq_webhook_events_digest unique,
    times integer not null default 1,
    problem text,
    parts jsonb not null default '{}',
    handled_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index ix_webhook_events_unhandled on webhook_events (id) where handled_at is null;
create index ix_webhook_events_created_at on webhook_events (created_at);
alter table webhook_events enable row level security;
alter table webhook_events force row level security;
create policy system on webhook_events using ((select app_is_system()));
"""

WALL = """
alter table {table} enable row level security;
alter table {table} force row level security;
create policy workspace on {table}
    using (workspace_id = (select app_workspace_id()) or (select app_is_system()));
"""

DOWN = """
drop table webhook_events, opt_outs;
drop function find_channels;
drop index ix_post_deliveries_open, ix_post_deliveries_workspace_id_platform_message_id,
    ix_post_deliveries_workspace_id_recipient_sent_at, ix_posts_due, ix_channels_token_expires_at;
update post_deliveries set status = 'sent' where status in ('delivered', 'read', 'played');
alter table post_deliveries drop constraint ck_post_deliveries_status,
    add constraint ck_post_deliveries_status check (status in
        ('queued', 'sending', 'sent', 'failed', 'unknown')),
    drop column chunk, drop column sending_at, drop column sent_at, drop column not_before, drop column waits;
create index ix_post_deliveries_queued on post_deliveries (workspace_id, post_id, id)
    where status = 'queued';
alter table post_runs drop column settle_job_id, drop column container_at, drop column child_container_ids,
    drop column doubt;
alter table posts drop constraint uq_posts_workspace_id_series_id_slot_at,
    drop constraint ck_posts_recurrence,
    drop column due_at, drop column not_before, drop column series_starts_at, drop column slot_at,
    drop column series_id, drop column timezone, drop column recurrence, drop column alt_texts,
    drop column media_type;
create index ix_posts_due on posts (publish_at) where status = 'queued';
alter table channels drop column paused_at, drop column status_reason, drop column token_set_at,
    drop column token_expires_at, drop column token_checked_at;
"""


def upgrade() -> None:
    for sql in (CHANNELS, POSTS, WEBHOOKS):
        ddl.run(sql)
    ddl.run(WALL.format(table="opt_outs"))


def downgrade() -> None:
    ddl.run(DOWN)

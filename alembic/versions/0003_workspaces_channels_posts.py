"""Workspaces and their keys, channels, posts; every one of them behind its wall."""

from socialsync.db import ddl

revision = "0003"
down_revision = "0002"

ACCOUNTS = """
create table workspaces (
    id uuid constraint pk_workspaces primary key default uuidv7(),
    name text not null constraint ck_workspaces_name check (length(name) between 1 and 200),
    timezone text not null default 'UTC',
    languages text[] not null default '{en}',
    tone text not null default 'friendly',
    business_hours jsonb not null default '{}',
    ai_budget_usd_month numeric(12, 2) constraint ck_workspaces_ai_budget check (ai_budget_usd_month >= 0),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table api_keys (
    id uuid constraint pk_api_keys primary key default uuidv7(),
    workspace_id uuid constraint fk_api_keys_workspace_id_workspaces references workspaces,
    name text not null,
    role text not null constraint ck_api_keys_role check (role in ('viewer', 'operator', 'admin')),
    prefix text not null,
    digest bytea not null constraint uq_api_keys_digest unique,
    revoked_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index ix_api_keys_workspace_id on api_keys (workspace_id);

create table idempotency_keys (
    id uuid constraint pk_idempotency_keys primary key default uuidv7(),
    workspace_id uuid constraint fk_idempotency_keys_workspace_id_workspaces references workspaces,
    key text not null,
    request_digest bytea not null,
    status integer,
    body jsonb,
    created_at timestamptz not null default now(),
    constraint uq_idempotency_keys_workspace_id_key unique nulls not distinct (workspace_id, key)
);
create index ix_idempotency_keys_created_at on idempotency_keys (created_at);

create table audit_log (
    id uuid constraint pk_audit_log primary key default uuidv7(),
    at timestamptz not null default now(),
    workspace_id uuid constraint fk_audit_log_workspace_id_workspaces references workspaces,
    actor text not null,
    action text not null,
    subject text not null,
    detail jsonb not null default '{}'
);
create index ix_audit_log_workspace_id_id on audit_log (workspace_id, id);
revoke update, delete on audit_log from socialsync_app;
"""

CHANNELS = """
create table channels (
    id uuid constraint pk_channels primary key default uuidv7(),
    workspace_id uuid not null constraint fk_channels_workspace_id_workspaces references workspaces,
    platform text not null constraint ck_channels_platform check (platform in ('whatsapp', 'instagram')),
    name text not null,
    external_id text not null,
    token_encrypted bytea,
    status text not null default 'active'
        constraint ck_channels_status check (status in ('active', 'needs_reauth', 'deleted')),
    ai_enabled_for_chats boolean not null default true,
    ai_enabled_for_comments boolean not null default true,
    escalation_email text,
    buffer_quiet_s double precision not null default 5,
    buffer_max_s double precision not null default 20,
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_channels_workspace_id_id unique (workspace_id, id),
    constraint ck_channels_buffer check (buffer_quiet_s > 0 and buffer_max_s >= buffer_quiet_s),
    constraint ck_channels_token check ((status = 'deleted') = (token_encrypted is null))
);
create unique index uq_channels_external_id on channels (workspace_id, platform, external_id)
    where status <> 'deleted';
create index ix_channels_platform_external_id on channels (platform, external_id);
"""

POSTS = """
create table posts (
    id uuid constraint pk_posts primary key default uuidv7(),
    workspace_id uuid not null constraint fk_posts_workspace_id_workspaces references workspaces,
    channel_id uuid not null,
    status text not null constraint ck_posts_status check (status in
        ('draft', 'queued', 'publishing', 'published', 'failed', 'cancelled', 'unknown')),
    text text not null,
    media_urls text[] not null default '{}',
    recipients text[] not null default '{}',
    template jsonb,
    publish_at timestamptz,
    revision integer not null default 1,
    attempt integer not null default 0,
    platform_post_id text,
    error text,
    published_at timestamptz,
    next_check_at timestamptz,
    stop_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_posts_workspace_id_id unique (workspace_id, id),
    constraint fk_posts_workspace_id_channel_id_channels
        foreign key (workspace_id, channel_id) references channels (workspace_id, id),
    constraint ck_posts_queued_has_time check (status <> 'queued' or publish_at is not null)
);
create index ix_posts_due on posts (publish_at) where status = 'queued';
create index ix_posts_publishing on posts (updated_at) where status = 'publishing';
create index ix_posts_workspace_id_channel_id_id on posts (workspace_id, channel_id, id);

create table post_runs (
    id uuid constraint pk_post_runs primary key default uuidv7(),
    workspace_id uuid not null constraint fk_post_runs_workspace_id_workspaces references workspaces,
    post_id uuid not null,
    attempt integer not null,
    status text not null default 'running' constraint ck_post_runs_status check (status in
        ('running', 'success', 'failed', 'unknown', 'cancelled')),
    job_id bigint,
    container_id text,
    started_at timestamptz,
    effect_at timestamptz,
    finished_at timestamptz,
    error text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_post_runs_workspace_id_id unique (workspace_id, id),
    constraint uq_post_runs_workspace_id_post_id_attempt unique (workspace_id, post_id, attempt),
    constraint fk_post_runs_workspace_id_post_id_posts
        foreign key (workspace_id, post_id) references posts (workspace_id, id),
    constraint ck_post_runs_finished check ((status = 'running') = (finished_at is null))
);
create unique index uq_post_runs_running on post_runs (workspace_id, post_id) where status = 'running';

create table post_deliveries (
    id uuid constraint pk_post_deliveries primary key default uuidv7(),
    workspace_id uuid not null constraint fk_post_deliveries_workspace_id_workspaces references workspaces,
    post_id uuid not null,
    recipient text not null,
    status text not null default 'queued' constraint ck_post_deliveries_status check (status in
        ('queued', 'sending', 'sent', 'failed', 'unknown')),
    platform_message_id text,
    error text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_post_deliveries_workspace_id_id unique (workspace_id, id),
    constraint uq_post_deliveries_workspace_id_post_id_recipient unique (workspace_id, post_id, recipient),
    constraint fk_post_deliveries_workspace_id_post_id_posts
        foreign key (workspace_id, post_id) references posts (workspace_id, id)
);
create index ix_post_deliveries_queued on post_deliveries (workspace_id, post_id, id)
    where status = 'queued';
"""

WALLED_BY = {
    "workspaces": "id",
    "api_keys": "workspace_id",
    "idempotency_keys": "workspace_id",
    "audit_log": "workspace_id",
    "channels": "workspace_id",
    "posts": "workspace_id",
    "post_runs": "workspace_id",
    "post_deliveries": "workspace_id",
}

WALL = """
alter table {table} enable row level security;
alter table {table} force row level security;
create policy workspace on {table}
    using ({column} = (select app_workspace_id()) or (select app_is_system()));
"""

KEY_LOOKUP = """
create function find_api_key(wanted bytea) returns table (id uuid, workspace_id uuid, role text, prefix text)
language sql stable security definer set search_path = public, pg_temp set app.system_reason = 'key lookup'
begin atomic
    select k.id, k.workspace_id, k.role, k.prefix from api_keys k
    where k.digest = wanted and k.revoked_at is null;
end;
revoke execute on function find_api_key from public;
grant execute on function find_api_key to socialsync_app;
comment on function find_api_key is 'Signs a key in before any workspace is known; sees that one row only';
"""


def upgrade() -> None:
    for sql in (ACCOUNTS, CHANNELS, POSTS, KEY_LOOKUP):
        ddl.run(sql)
    for table, column in WALLED_BY.items():
        ddl.run(WALL.format(table=table, column=column))


def downgrade() -> None:
    ddl.run("drop function find_api_key; drop table " + ", ".join(reversed(WALLED_BY)) + " cascade")

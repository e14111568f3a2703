"""Decisions with their rules, and the tables in which LangGraph keeps its checkpoints: as it makes them, with
the workspace beside each.
"""

from socialsync.db import ddl

revision = "0010"
down_revision = "0009"

DECISIONS = """
create table decision_rules (
    id uuid constraint pk_decision_rules primary key default uuidv7(),
    workspace_id uuid not null constraint fk_decision_rules_workspace_id_workspaces references workspaces,
    name text not null,
    kind text not null constraint ck_decision_rules_kind check (kind in ('word', 'phrase', 'regex')),
    pattern text not null,
    decision text not null
        constraint ck_decision_rules_decision check (decision in ('RESPOND', 'IGNORE', 'ESCALATE')),
    contexts text[] not null default '{chat,comment}'
        constraint ck_decision_rules_contexts
            check (contexts <@ '{chat,comment}' and cardinality(contexts) > 0),
    position integer not null default 0,
    enabled boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_decision_rules_workspace_id_id unique (workspace_id, id),
    constraint uq_decision_rules_workspace_id_name unique (workspace_id, name)
);

create table ai_decisions (
    id uuid constraint pk_ai_decisions primary key default uuidv7(),
    workspace_id uuid not null constraint fk_ai_decisions_workspace_id_workspaces references workspaces,
    context_type text not null
        constraint ck_ai_decisions_context_type check (context_type in ('chat', 'comment')),
    subject_id uuid not null,
    channel_id uuid not null,
    decision text not null
        constraint ck_ai_decisions_decision check (decision in ('RESPOND', 'IGNORE', 'ESCALATE')),
    reason text not null,
    source text not null constraint ck_ai_decisions_source
        check (source in ('rule', 'guardrail', 'moderation', 'model', 'settings')),
    rule text,
    confidence double precision constraint ck_ai_decisions_confidence check (confidence between 0 and 1),
    sources text[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_ai_decisions_workspace_id_id unique (workspace_id, id),
    constraint uq_ai_decisions_workspace_id_context_type_subject_id
        unique (workspace_id, context_type, subject_id),
    constraint fk_ai_decisions_workspace_id_channel_id_channels
        foreign key (workspace_id, channel_id) references channels (workspace_id, id)
);
create index ix_ai_decisions_workspace_id_channel_id_created_at
    on ai_decisions (workspace_id, channel_id, created_at);
"""
CHECKPOINTS = """
create table checkpoint_migrations (v integer primary key);
insert into checkpoint_migrations select generate_series(0, 9);
create table checkpoints (
    thread_id text not null,
    checkpoint_ns text not null default '',
    checkpoint_id text not null,
    parent_checkpoint_id text,
    type text,
    checkpoint jsonb not null,
    metadata jsonb not null default '{}',
    workspace_id uuid not null default app_workspace_id(),
    primary key (thread_id, checkpoint_ns, checkpoint_id),
    check (starts_with(thread_id, workspace_id || ':'))
);
create table checkpoint_blobs (
    thread_id text not null,
    checkpoint_ns text not null default '',
    channel text not null,
    version text not null,
    type text not null,
    blob bytea,
    workspace_id uuid not null default app_workspace_id(),
    primary key (thread_id, checkpoint_ns, channel, version),
    check (starts_with(thread_id, workspace_id || ':'))
);
create table checkpoint_writes (
    thread_id text not null,
    checkpoint_ns text not null default '',
    checkpoint_id text not null,
    task_id text not null,
    idx integer not null,
    channel text not null,
    type text,
    blob bytea not null,
    task_path text not null default '',
    workspace_id uuid not null default app_workspace_id(),
    primary key (thread_id, checkpoint_ns, checkpoint_id, task_id, idx),
    check (starts_with(thread_id, workspace_id || ':'))
);
create index checkpoints_thread_id_idx on checkpoints (thread_id);
create index checkpoint_blobs_thread_id_idx on checkpoint_blobs (thread_id);
create index checkpoint_writes_thread_id_idx on checkpoint_writes (thread_id);
"""

TABLES = ("decision_rules", "ai_decisions", "checkpoints", "checkpoint_blobs", "checkpoint_writes")
WALL = """
alter table {table} enable row level security;
alter table {table} force row level security;
create policy workspace on {table}
    using (workspace_id = (select app_workspace_id()) or (select app_is_system()));
"""


def upgrade() -> None:
    for sql in (DECISIONS, CHECKPOINTS):
        ddl.run(sql)
    for table in TABLES:
        ddl.run(WALL.format(table=table))


def downgrade() -> None:
    ddl.run("drop table checkpoint_migrations, " + ", ".join(reversed(TABLES)))

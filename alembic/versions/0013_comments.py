"""Comments, our replies to them, and how far each post has been read."""

from socialsync.db import ddl

revision = "0013"
down_revision = "0012"

COMMENTS = """
create table comments (
    id uuid constraint pk_comments primary key default uuidv7(),
    workspace_id uuid not null constraint fk_comments_workspace_id_workspaces references workspaces,
    channel_id uuid not null,
    post_id uuid,
    media_id text,
    platform_comment_id text not null,
    parent_id text,
    text text not null,
    author_id text,
    username text,
    own boolean not null default false,
    said_at timestamptz not null,
    edited_at timestamptz,
    deleted_at timestamptz,
    hidden boolean not null default false,
    poll bigint,
    triage text not null default 'pending'
        constraint ck_comments_triage check (triage in ('pending', 'respond', 'ignore', 'escalate')),
    ai_decision_id uuid,
    work text constraint ck_comments_work check (work in ('decide', 'answer', 'send', 'hide')),
    job_id bigint,
    error text,
    overruled_to text constraint ck_comments_overruled_to
        check (overruled_to in ('RESPOND', 'IGNORE', 'ESCALATE')),
    overruled_at timestamptz,
    overruled_by text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_comments_workspace_id_id unique (workspace_id, id),
    constraint uq_comments_workspace_id_channel_id_platform_comment_id
        unique (workspace_id, channel_id, platform_comment_id),
    constraint fk_comments_workspace_id_channel_id_channels
        foreign key (workspace_id, channel_id) references channels (workspace_id, id),
    constraint fk_comments_workspace_id_post_id_posts
        foreign key (workspace_id, post_id) references posts (workspace_id, id),
    constraint fk_comments_workspace_id_ai_decision_id_ai_decisions
        foreign key (workspace_id, ai_decision_id) references ai_decisions (workspace_id, id)
);
create index ix_comments_workspace_id_post_id_id on comments (workspace_id, post_id, id);
create index ix_comments_workspace_id_channel_id_parent_id on comments (workspace_id, channel_id, parent_id);
create index ix_comments_work on comments (updated_at) where work is not null;
create index ix_comments_overruled on comments (workspace_id, overruled_at) where overruled_at is not null;

create table comment_replies (
    id uuid constraint pk_comment_replies primary key default uuidv7(),
    workspace_id uuid not null constraint fk_comment_replies_workspace_id_workspaces references workspaces,
    comment_id uuid not null,
    kind text not null constraint ck_comment_replies_kind check (kind in ('public', 'private')),
    author text not null constraint ck_comment_replies_author check (author in ('ai', 'person')),
    text text not null,
    under_id text not null,
    status text not null default 'queued' constraint ck_comment_replies_status
        check (status in ('queued', 'sending', 'sent', 'failed', 'unknown', 'cancelled')),
    platform_reply_id text,
    effect_at timestamptz,
    sent_at timestamptz,
    settle_job_id bigint,
    doubts smallint not null default 0,
    error text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_comment_replies_effect
        check (status not in ('sending', 'unknown') or effect_at is not null),
    constraint uq_comment_replies_workspace_id_id unique (workspace_id, id),
    constraint fk_comment_replies_workspace_id_comment_id_comments
        foreign key (workspace_id, comment_id) references comments (workspace_id, id)
);
create unique index uq_comment_replies_of_ai on comment_replies (workspace_id, comment_id)
    where author = 'ai' and status not in ('cancelled', 'failed');
create unique index uq_comment_replies_unfinished on comment_replies (workspace_id, comment_id)
    where status in ('queued', 'sending');
create index ix_comment_replies_workspace_id_comment_id_id on comment_replies (workspace_id, comment_id, id);

create table comment_watches (
    id uuid constraint pk_comment_watches primary key default uuidv7(),
    workspace_id uuid not null constraint fk_comment_watches_workspace_id_workspaces references workspaces,
    post_id uuid not null,
    polls bigint not null default 0,
    checked_at timestamptz,
    full_at timestamptz,
    permalink text,
    error text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_comment_watches_workspace_id_id unique (workspace_id, id),
    constraint uq_comment_watches_workspace_id_post_id unique (workspace_id, post_id),
    constraint fk_comment_watches_workspace_id_post_id_posts
        foreign key (workspace_id, post_id) references posts (workspace_id, id)
);
"""

ECHOES = """
create table expected_echoes (
    id uuid constraint pk_expected_echoes primary key default uuidv7(),
    workspace_id uuid not null constraint fk_expected_echoes_workspace_id_workspaces references workspaces,
    channel_id uuid not null,
    text text not null,
    sent_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_expected_echoes_workspace_id_id unique (workspace_id, id),
    constraint fk_expected_echoes_workspace_id_channel_id_channels
        foreign key (workspace_id, channel_id) references channels (workspace_id, id)
);
create index ix_expected_echoes_workspace_id_channel_id on expected_echoes (workspace_id, channel_id);
"""

WATCHED = """
alter table posts add column origin text not null default 'socialsync'
    constraint ck_posts_origin check (origin in ('socialsync', 'platform'));
create index ix_posts_watched on posts (next_check_at) where next_check_at is not null;
create index ix_posts_workspace_id_channel_id_platform_post_id
    on posts (workspace_id, channel_id, platform_post_id) where platform_post_id is not null;
alter table channels add column hide_ignored_comments boolean not null default false;
alter table channels add column reply_privately boolean not null default false;
"""

TABLES = ("comments", "comment_replies", "comment_watches", "expected_echoes")

WALL = """
alter table {table} enable row level security;
alter table {table} force row level security;
create policy workspace on {table}
    using (workspace_id = (select app_workspace_id()) or (select app_is_system()));
"""


def upgrade() -> None:
    ddl.run(COMMENTS)
    ddl.run(ECHOES)
    for table in TABLES:
        ddl.run(WALL.format(table=table))
    ddl.run(WATCHED)


def downgrade() -> None:
    ddl.run("""
    alter table channels drop column reply_privately;
    alter table channels drop column hide_ignored_comments;
    drop index ix_posts_workspace_id_channel_id_platform_post_id;
    drop index ix_posts_watched;
    alter table posts drop column origin;
    """)
    ddl.run("drop table " + ", ".join(reversed(TABLES)))

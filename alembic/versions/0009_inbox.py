"""The inbox: people, conversations, their windows, messages, media, reactions, and the outbox."""

from socialsync.db import ddl

revision = "0009"
down_revision = "0008"

PEOPLE = """
create table contacts (
    id uuid constraint pk_contacts primary key default uuidv7(),
    workspace_id uuid not null constraint fk_contacts_workspace_id_workspaces references workspaces,
    channel_id uuid not null,
    user_id text,
    phone text,
    name text,
    username text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_contacts_workspace_id_id unique (workspace_id, id),
    constraint fk_contacts_workspace_id_channel_id_channels
        foreign key (workspace_id, channel_id) references channels (workspace_id, id)
);
create unique index uq_contacts_user_id on contacts (workspace_id, channel_id, user_id)
    where user_id is not null;
create unique index uq_contacts_phone on contacts (workspace_id, channel_id, phone) where phone is not null;

create table conversations (
    id uuid constraint pk_conversations primary key default uuidv7(),
    workspace_id uuid not null constraint fk_conversations_workspace_id_workspaces references workspaces,
    channel_id uuid not null,
    contact_id uuid not null,
    mode text not null default 'ai' constraint ck_conversations_mode check (mode in ('ai', 'human')),
    taken_over_at timestamptz,
    taken_over_by text,
    handed_back_at timestamptz,
    needs_person_at timestamptz,
    needs_person_why text,
    last_inbound_at timestamptz,
    last_message_at timestamptz,
    outbox_position integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_conversations_workspace_id_id unique (workspace_id, id),
    constraint uq_conversations_workspace_id_channel_id_contact_id
        unique (workspace_id, channel_id, contact_id),
    constraint fk_conversations_workspace_id_channel_id_channels
        foreign key (workspace_id, channel_id) references channels (workspace_id, id),
    constraint fk_conversations_workspace_id_contact_id_contacts
        foreign key (workspace_id, contact_id) references contacts (workspace_id, id),
    constraint ck_conversations_taken_over check ((mode = 'human') = (taken_over_at is not null))
);

create table message_windows (
    id uuid constraint pk_message_windows primary key default uuidv7(),
    workspace_id uuid not null constraint fk_message_windows_workspace_id_workspaces references workspaces,
    conversation_id uuid not null,
    opened_at timestamptz not null,
    waiting_since timestamptz not null,
    due_at timestamptz not null,
    closed_at timestamptz,
    ended_at timestamptz,
    outcome text constraint ck_message_windows_outcome check (outcome in
        ('answered', 'ignored', 'escalated', 'merged', 'taken_over')),
    reason text,
    dropped integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_message_windows_workspace_id_id unique (workspace_id, id),
    constraint fk_message_windows_workspace_id_conversation_id_conversations
        foreign key (workspace_id, conversation_id) references conversations (workspace_id, id),
    constraint ck_message_windows_ended check ((ended_at is null) = (outcome is null))
);
create unique index uq_message_windows_open on message_windows (workspace_id, conversation_id)
    where closed_at is null and ended_at is null;
create index ix_message_windows_unended on message_windows (workspace_id, conversation_id, id)
    where ended_at is null;
create index ix_message_windows_due_at on message_windows (due_at) where ended_at is null;
"""

MESSAGES = """
create table messages (
    id uuid constraint pk_messages primary key default uuidv7(),
    workspace_id uuid not null constraint fk_messages_workspace_id_workspaces references workspaces,
    channel_id uuid not null,
    conversation_id uuid not null,
    window_id uuid,
    platform_message_id text,
    direction text not null constraint ck_messages_direction check (direction in ('inbound', 'outbound')),
    author text not null
        constraint ck_messages_author check (author in ('customer', 'ai', 'operator', 'app', 'template')),
    kind text not null,
    text text,
    detail jsonb not null default '{}',
    reply_to text,
    status text not null constraint ck_messages_status check (status in
        ('received', 'queued', 'sending', 'sent', 'delivered', 'read', 'played', 'failed', 'unknown')),
    error text,
    told_at timestamptz not null,
    edited_at timestamptz,
    deleted_at timestamptz,
    unseen boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_messages_workspace_id_id unique (workspace_id, id),
    constraint uq_messages_workspace_id_channel_id_platform_message_id
        unique (workspace_id, channel_id, platform_message_id),
    constraint fk_messages_workspace_id_channel_id_channels
        foreign key (workspace_id, channel_id) references channels (workspace_id, id),
    constraint fk_messages_workspace_id_conversation_id_conversations
        foreign key (workspace_id, conversation_id) references conversations (workspace_id, id),
    constraint fk_messages_workspace_id_window_id_message_windows
        foreign key (workspace_id, window_id) references message_windows (workspace_id, id),
    constraint ck_messages_received check ((direction = 'inbound') = (status = 'received'))
);
create index ix_messages_workspace_id_conversation_id_id on messages (workspace_id, conversation_id, id);
create index ix_messages_workspace_id_window_id on messages (workspace_id, window_id)
    where window_id is not null;

create table message_media (
    id uuid constraint pk_message_media primary key default uuidv7(),
    workspace_id uuid not null constraint fk_message_media_workspace_id_workspaces references workspaces,
    message_id uuid not null,
    place integer not null,
    kind text not null,
    platform_media_id text,
    url text,
    mime_type text,
    file_name text,
    status text not null default 'pending'
        constraint ck_message_media_status check (status in ('pending', 'stored', 'failed')),
    error text,
    content bytea,
    size bigint,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_message_media_workspace_id_id unique (workspace_id, id),
    constraint uq_message_media_workspace_id_message_id_place unique (workspace_id, message_id, place),
    constraint fk_message_media_workspace_id_message_id_messages
        foreign key (workspace_id, message_id) references messages (workspace_id, id),
    constraint ck_message_media_stored check ((status = 'stored') = (content is not null))
);
create index ix_message_media_pending on message_media (updated_at) where status = 'pending';
alter table message_media alter column content set storage external;

create table message_reactions (
    id uuid constraint pk_message_reactions primary key default uuidv7(),
    workspace_id uuid not null constraint fk_message_reactions_workspace_id_workspaces references workspaces,
    channel_id uuid not null,
    platform_message_id text not null,
    direction text not null
        constraint ck_message_reactions_direction check (direction in ('inbound', 'outbound')),
    emoji text,
    told_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_message_reactions_workspace_id_id unique (workspace_id, id),
    constraint uq_message_reactions_target
        unique (workspace_id, channel_id, platform_message_id, direction),
    constraint fk_message_reactions_workspace_id_channel_id_channels
        foreign key (workspace_id, channel_id) references channels (workspace_id, id)
);
"""

OUTBOX = """
create table outbox (
    id uuid constraint pk_outbox primary key default uuidv7(),
    workspace_id uuid not null constraint fk_outbox_workspace_id_workspaces references workspaces,
    conversation_id uuid not null,
    message_id uuid not null,
    position integer not null,
    payload jsonb not null,
    not_before timestamptz,
    sending_at timestamptz,
    finished_at timestamptz,
    settle_job_id bigint,
    pauses smallint not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_outbox_workspace_id_id unique (workspace_id, id),
    constraint uq_outbox_workspace_id_message_id unique (workspace_id, message_id),
    constraint uq_outbox_workspace_id_conversation_id_position
        unique (workspace_id, conversation_id, position),
    constraint fk_outbox_workspace_id_conversation_id_conversations
        foreign key (workspace_id, conversation_id) references conversations (workspace_id, id),
    constraint fk_outbox_workspace_id_message_id_messages
        foreign key (workspace_id, message_id) references messages (workspace_id, id)
);
create index ix_outbox_open on outbox (workspace_id, conversation_id, position) where finished_at is null;
create index ix_outbox_updated_at on outbox (updated_at) where finished_at is null;
"""

TABLES = (
    "contacts",
    "conversations",
    "message_windows",
    "messages",
    "message_media",
    "message_reactions",
    "outbox",
)
WALL = """
alter table {table} enable row level security;
alter table {table} force row level security;
create policy workspace on {table}
    using (workspace_id = (select app_workspace_id()) or (select app_is_system()));
"""


def upgrade() -> None:
    for sql in (PEOPLE, MESSAGES, OUTBOX):
        ddl.run(sql)
    for table in TABLES:
        ddl.run(WALL.format(table=table))


def downgrade() -> None:
    ddl.run("drop table " + ", ".join(reversed(TABLES)))

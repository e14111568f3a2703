"""What a person must see, and the mails that tell them."""

from socialsync.db import ddl

revision = "0012"
down_revision = "0011"

MAILS = """
create table escalation_mails (
    id uuid constraint pk_escalation_mails primary key default uuidv7(),
    workspace_id uuid not null constraint fk_escalation_mails_workspace_id_workspaces references workspaces,
    channel_id uuid not null,
    kind text not null constraint ck_escalation_mails_kind check (kind in ('news', 'reminder')),
    recipient text not null,
    escalation_ids uuid[] not null
        constraint ck_escalation_mails_escalation_ids check (cardinality(escalation_ids) > 0),
    status text not null constraint ck_escalation_mails_status
        check (status in ('queued', 'sending', 'sent', 'failed', 'unknown', 'logged')),
    attempts smallint not null default 0,
    doubts smallint not null default 0,
    not_before timestamptz,
    sending_at timestamptz,
    sent_at timestamptz,
    error text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_escalation_mails_sent check ((status = 'sent') = (sent_at is not null)),
    constraint uq_escalation_mails_workspace_id_id unique (workspace_id, id),
    constraint fk_escalation_mails_workspace_id_channel_id_channels
        foreign key (workspace_id, channel_id) references channels (workspace_id, id)
);
create unique index uq_escalation_mails_unfinished on escalation_mails (workspace_id, channel_id)
    where status in ('queued', 'sending');
create index ix_escalation_mails_workspace_id_channel_id_sending_at
    on escalation_mails (workspace_id, channel_id, sending_at);
create index ix_escalation_mails_waiting on escalation_mails (updated_at)
    where status in ('queued', 'sending');
"""
ESCALATIONS = """
create table escalations (
    id uuid constraint pk_escalations primary key default uuidv7(),
    workspace_id uuid not null constraint fk_escalations_workspace_id_workspaces references workspaces,
    channel_id uuid,
    subject text not null
        constraint ck_escalations_subject check (subject in ('conversation', 'comment', 'content')),
    subject_id uuid not null,
    urgency text not null constraint ck_escalations_urgency check (urgency in ('urgent', 'high', 'normal')),
    reason text not null,
    rule text,
    excerpt text,
    link text,
    status text not null default 'open'
        constraint ck_escalations_status check (status in ('open', 'claimed', 'resolved')),
    due_at timestamptz not null,
    claimed_at timestamptz,
    claimed_by text,
    resolved_at timestamptz,
    resolved_by text,
    note text,
    mail_id uuid,
    mail_waits_for text,
    reminded_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_escalations_claimed check (status <> 'claimed' or claimed_by is not null),
    constraint ck_escalations_resolved check (
        (status = 'resolved') = (resolved_at is not null) and (resolved_at is null) = (resolved_by is null)),
    constraint uq_escalations_workspace_id_id unique (workspace_id, id),
    constraint fk_escalations_workspace_id_channel_id_channels
        foreign key (workspace_id, channel_id) references channels (workspace_id, id),
    constraint fk_escalations_workspace_id_mail_id_escalation_mails
        foreign key (workspace_id, mail_id) references escalation_mails (workspace_id, id)
);
create unique index uq_escalations_unresolved on escalations (workspace_id, subject, subject_id)
    where status <> 'resolved';
create index ix_escalations_unclaimed on escalations (workspace_id, channel_id, due_at)
    where status = 'open';
create index ix_escalations_untold on escalations (updated_at) where status = 'open' and mail_id is null;
create index ix_escalations_due on escalations (due_at) where status = 'open' and mail_id is not null;
"""

TABLES = ("escalation_mails", "escalations")
WALL = """
alter table {table} enable row level security;
alter table {table} force row level security;
create policy workspace on {table}
    using (workspace_id = (select app_workspace_id()) or (select app_is_system()));
"""


def upgrade() -> None:
    for sql in (MAILS, ESCALATIONS):
        ddl.run(sql)
    for table in TABLES:
        ddl.run(WALL.format(table=table))


def downgrade() -> None:
    ddl.run("drop table " + ", ".join(reversed(TABLES)))

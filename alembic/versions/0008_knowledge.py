"""What models cost, and knowledge: documents, their chunks with vectors and words, FAQ entries."""

from socialsync.db import ddl

revision = "0008"
down_revision = "0007"

AI = """
create table ai_calls (
    id uuid constraint pk_ai_calls primary key default uuidv7(),
    workspace_id uuid not null constraint fk_ai_calls_workspace_id_workspaces references workspaces,
    purpose text not null,
    subject text,
    kind text not null constraint ck_ai_calls_kind check (kind in ('chat', 'embedding', 'moderation')),
    model text not null,
    status text not null default 'running'
        constraint ck_ai_calls_status check (status in ('running', 'done', 'failed', 'unknown')),
    input_tokens integer not null default 0,
    output_tokens integer not null default 0,
    cost_usd numeric(14, 8) not null default 0,
    error text,
    finished_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_ai_calls_workspace_id_id unique (workspace_id, id)
);
create index ix_ai_calls_workspace_id_created_at on ai_calls (workspace_id, created_at);

create table ai_spending (
    id uuid constraint pk_ai_spending primary key default uuidv7(),
    workspace_id uuid not null constraint fk_ai_spending_workspace_id_workspaces references workspaces,
    month_on date not null,
    calls integer not null default 0,
    cost_usd numeric(14, 8) not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_ai_spending_workspace_id_id unique (workspace_id, id),
    constraint uq_ai_spending_workspace_id_month_on unique (workspace_id, month_on)
);
alter table ai_spending set (fillfactor = 50);
"""

KNOWLEDGE = """
create extension if not exists vector;

create table knowledge_documents (
    id uuid constraint pk_knowledge_documents primary key default uuidv7(),
    workspace_id uuid not null
        constraint fk_knowledge_documents_workspace_id_workspaces references workspaces,
    title text not null,
    source text not null constraint ck_knowledge_documents_source check (source in ('file', 'text', 'url')),
    filename text,
    url text,
    content_type text,
    size_bytes bigint not null default 0,
    digest bytea,
    status text not null default 'pending' constraint ck_knowledge_documents_status check (status in
        ('pending', 'processing', 'indexed', 'failed')),
    step text not null default 'waiting' constraint ck_knowledge_documents_step check (step in
        ('waiting', 'fetching', 'reading', 'embedding', 'storing', 'done')),
    progress double precision not null default 0
        constraint ck_knowledge_documents_progress check (progress between 0 and 1),
    upload integer not null default 1,
    pages integer,
    chunk_count integer not null default 0,
    language text,
    error text,
    waits_for text constraint ck_knowledge_documents_waits_for check (waits_for in ('budget', 'model')),
    not_before timestamptz,
    job_id bigint,
    indexed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_knowledge_documents_workspace_id_id unique (workspace_id, id)
);
create index ix_knowledge_documents_digest on knowledge_documents (workspace_id, digest)
    where digest is not null;
create index ix_knowledge_documents_waiting on knowledge_documents (updated_at)
    where status in ('pending', 'processing');

create table knowledge_parts (
    id uuid constraint pk_knowledge_parts primary key default uuidv7(),
    workspace_id uuid not null constraint fk_knowledge_parts_workspace_id_workspaces references workspaces,
    document_id uuid not null,
    upload integer not null,
    n integer not null,
    bytes bytea not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_knowledge_parts_workspace_id_id unique (workspace_id, id),
    constraint uq_knowledge_parts_workspace_id_document_id_upload_n
        unique (workspace_id, document_id, upload, n),
    constraint fk_knowledge_parts_document
        foreign key (workspace_id, document_id) references knowledge_documents (workspace_id, id)
        on delete cascade
);
alter table knowledge_parts alter column bytes set storage external;

create table faqs (
    id uuid constraint pk_faqs primary key default uuidv7(),
    workspace_id uuid not null constraint fk_faqs_workspace_id_workspaces references workspaces,
    question text not null,
    answer text not null,
    language text,
    revision integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_faqs_workspace_id_id unique (workspace_id, id)
);

create table knowledge_drafts (
    id uuid constraint pk_knowledge_drafts primary key default uuidv7(),
    workspace_id uuid not null constraint fk_knowledge_drafts_workspace_id_workspaces references workspaces,
    document_id uuid not null,
    upload integer not null,
    n integer not null,
    text text not null,
    heading text,
    page integer,
    language text,
    digest bytea not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_knowledge_drafts_workspace_id_id unique (workspace_id, id),
    constraint uq_knowledge_drafts_workspace_id_document_id_upload_n
        unique (workspace_id, document_id, upload, n),
    constraint fk_knowledge_drafts_document
        foreign key (workspace_id, document_id) references knowledge_documents (workspace_id, id)
        on delete cascade
);

create table knowledge_vectors (
    id uuid constraint pk_knowledge_vectors primary key default uuidv7(),
    workspace_id uuid not null constraint fk_knowledge_vectors_workspace_id_workspaces references workspaces,
    document_id uuid not null,
    digest bytea not null,
    model text not null,
    embedding halfvec(1536) not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_knowledge_vectors_workspace_id_id unique (workspace_id, id),
    constraint uq_knowledge_vectors_workspace_id_document_id_model_digest
        unique (workspace_id, document_id, model, digest),
    constraint fk_knowledge_vectors_document
        foreign key (workspace_id, document_id) references knowledge_documents (workspace_id, id)
        on delete cascade
);

create table knowledge_chunks (
    id uuid constraint pk_knowledge_chunks primary key default uuidv7(),
    workspace_id uuid not null constraint fk_knowledge_chunks_workspace_id_workspaces references workspaces,
    document_id uuid,
    faq_id uuid,
    n integer not null,
    text text not null,
    heading text,
    page integer,
    language text,
    config regconfig not null default 'simple'::regconfig,
    words tsvector not null
        generated always as (
            array_to_tsvector(array[workspace_id::text])
            || to_tsvector(config, coalesce(heading, '') || ' ' || text)
        ) stored,
    digest bytea not null,
    model text,
    embedding halfvec(1536),
    nearby boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_knowledge_chunks_workspace_id_id unique (workspace_id, id),
    constraint ck_knowledge_chunks_origin check (num_nonnulls(document_id, faq_id) = 1),
    constraint fk_knowledge_chunks_document
        foreign key (workspace_id, document_id) references knowledge_documents (workspace_id, id)
        on delete cascade,
    constraint fk_knowledge_chunks_workspace_id_faq_id_faqs
        foreign key (workspace_id, faq_id) references faqs (workspace_id, id) on delete cascade
);
create index ix_knowledge_chunks_workspace_id_document_id_n
    on knowledge_chunks (workspace_id, document_id, n);
create unique index uq_knowledge_chunks_faq on knowledge_chunks (workspace_id, faq_id)
    where faq_id is not null;
create index ix_knowledge_chunks_words on knowledge_chunks using gin (words) with (fastupdate = off);
create index ix_knowledge_chunks_workspace_id_nearby on knowledge_chunks (workspace_id, nearby);
create index ix_knowledge_chunks_embedding on knowledge_chunks using hnsw (embedding halfvec_ip_ops)
    where nearby;
-- The vector and the words of a row lie in the row itself: whoever searches reads them of thousands
alter table knowledge_chunks alter column embedding set storage plain;
alter table knowledge_chunks alter column words set storage main;
"""

BY_WORDS = """
-- Behind a wall Postgres searches no index with an operator that is not leakproof, and @@ is not. So this
-- sees over the wall and puts the workspace into the question instead: it is one of the words of each row.
create function find_passages_with(asked_config regconfig, asked tsquery, most integer) returns setof uuid
language sql stable security definer rows 100
set search_path = public, pg_temp set app.system_reason = 'passages by words' set enable_seqscan = off
begin atomic
    select chunk.id from knowledge_chunks chunk
    where chunk.words @@ (quote_literal(app_workspace_id()::text)::tsquery && asked)
        and chunk.config = asked_config and chunk.workspace_id = app_workspace_id()
    limit most;
end;
revoke execute on function find_passages_with from public;
grant execute on function find_passages_with to socialsync_app;
comment on function find_passages_with is 'Ids of passages of the current workspace with these words';
"""

TABLES = (
    "ai_calls", "ai_spending", "knowledge_documents", "knowledge_parts", "faqs", "knowledge_drafts",
    "knowledge_vectors", "knowledge_chunks",
)  # fmt: skip

WALL = """
alter table {table} enable row level security;
alter table {table} force row level security;
create policy workspace on {table}
    using (workspace_id = (select app_workspace_id()) or (select app_is_system()));
"""


def upgrade() -> None:
    ddl.run(AI)
    ddl.run(KNOWLEDGE)
    for table in TABLES:
        ddl.run(WALL.format(table=table))
    ddl.run(BY_WORDS)


def downgrade() -> None:
    ddl.run("drop function find_passages_with")
    ddl.run("drop table " + ", ".join(reversed(TABLES)) + "; drop extension vector")

"""Vectors are found by their signs, and words without a look at the rest of the workspace."""

from socialsync.db import ddl

revision = "0011"
down_revision = "0010"

SIGNS = """
alter table knowledge_chunks add column signs bit(1536)
    generated always as (cast(binary_quantize(embedding) as bit(1536))) stored;
drop index ix_knowledge_chunks_workspace_id_nearby;
create index ix_knowledge_chunks_signs on knowledge_chunks (workspace_id, nearby, model) include (id, signs);
create index ix_knowledge_chunks_workspace_id_config on knowledge_chunks (workspace_id, config);
-- An index alone answers only for pages that a vacuum has seen
alter table knowledge_chunks set (
    autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_scale_factor = 0.05);
"""

FIND = """
create or replace function find_passages_with(asked_config regconfig, asked tsquery, most integer)
returns setof uuid
language sql stable security definer rows 100
set search_path = public, pg_temp set app.system_reason = 'passages by words' set enable_seqscan = off
begin atomic
    select chunk.id from knowledge_chunks chunk
    where chunk.words @@ (quote_literal(app_workspace_id()::text)::tsquery && asked)
        and {guard}
    limit most;
end
"""
# `is not distinct from` keeps the planner from a bitmap of the whole workspace beside that of the words
GUARD = """
chunk.config is not distinct from asked_config and chunk.workspace_id is not distinct from app_workspace_id()
"""
GUARD_BEFORE = "chunk.config = asked_config and chunk.workspace_id = app_workspace_id()"


def upgrade() -> None:
    ddl.run(SIGNS)
    ddl.run(FIND.format(guard=GUARD))


def downgrade() -> None:
    ddl.run(FIND.format(guard=GUARD_BEFORE))
    ddl.run("""
    alter table knowledge_chunks
        reset (autovacuum_vacuum_insert_scale_factor, autovacuum_vacuum_scale_factor);
    drop index ix_knowledge_chunks_workspace_id_config;
    drop index ix_knowledge_chunks_signs;
    create index ix_knowledge_chunks_workspace_id_nearby on knowledge_chunks (workspace_id, nearby);
    alter table knowledge_chunks drop column signs;
    """)

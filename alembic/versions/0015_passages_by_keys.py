"""Words are looked for among those of their workspace alone."""

from socialsync.db import ddl

revision = "0015"
down_revision = "0014"

KEYS = """
create function passage_keys(workspace uuid, words tsvector) returns bigint[]
language sql immutable strict parallel safe
begin atomic
    select array_agg(hashtextextended(word, uuid_hash_extended(workspace, 0)))
    from unnest(tsvector_to_array(words)) as word;
end;
comment on function passage_keys is 'A number for each word of a passage, another one in each workspace';
create index ix_knowledge_chunks_keys on knowledge_chunks using gin (passage_keys(workspace_id, words))
    with (fastupdate = off);
drop index ix_knowledge_chunks_words;
"""
# Behind a wall Postgres searches no index with an operator that is not leakproof, and @> of arrays is not. So
# this sees over the wall and asks for keys that no other workspace has. `is not distinct from` keeps the
# planner from a bitmap of the whole workspace beside that of the words.
# The function of before stays for processes of the version before, slower without its index; a later
# migration drops it
FIND = """
create function find_passages_with(asked_configs regconfig[], asked tsvector[], most integer)
returns table (n integer, id uuid)
language sql stable security definer rows 300
set search_path = public, pg_temp set app.system_reason = 'passages by words' set enable_seqscan = off
begin atomic
    select given.n, found.id
    from unnest(asked_configs, asked) with ordinality as given (config, words, n) cross join lateral (
        select chunk.id from knowledge_chunks chunk
        where passage_keys(chunk.workspace_id, chunk.words) @> passage_keys(app_workspace_id(), given.words)
            and chunk.config is not distinct from given.config
            and chunk.workspace_id is not distinct from app_workspace_id()
        limit most
    ) as found;
end;
revoke execute on function find_passages_with(regconfig[], tsvector[], integer) from public;
grant execute on function find_passages_with(regconfig[], tsvector[], integer) to socialsync_app;
comment on function find_passages_with(regconfig[], tsvector[], integer) is
    'Ids of passages of the current workspace with all words of the n-th asked, some of each';
"""


def upgrade() -> None:
    ddl.run(KEYS)
    ddl.run(FIND)


def downgrade() -> None:
    ddl.run("create index ix_knowledge_chunks_words on knowledge_chunks using gin (words)"
            " with (fastupdate = off)")  # fmt: skip
    ddl.run("drop function find_passages_with(regconfig[], tsvector[], integer)")
    ddl.run("drop index ix_knowledge_chunks_keys; drop function passage_keys")

"""The queue: procrastinate's own schema for the installed version, our columns on it, the schedules.

Our columns on stock tables are appended, nullable and prefixed ``x_``; stock ones keep name, type and
meaning. tests/db compares this schema with the library's.
"""

from procrastinate.schema import SchemaManager

from socialsync.db import ddl

revision = "0002"
down_revision = "0001"

COLUMNS = """
alter table procrastinate_jobs add column x_expires_at timestamptz;
comment on column procrastinate_jobs.x_expires_at is 'A job still waiting then is cancelled instead of run';
create index procrastinate_jobs_x_expires_at_idx on procrastinate_jobs (x_expires_at)
    where status < 'doing' and x_expires_at is not null;
"""

SCHEDULES = """
create table schedules (
    name text constraint pk_schedules primary key,
    task text not null,
    cron text,
    every_s double precision constraint ck_schedules_every check (every_s >= 0.1),
    timezone text not null default 'UTC',
    args jsonb not null default '{}',
    queue text,
    expires_s double precision,
    enabled boolean not null default true,
    next_at timestamptz not null,
    last_at timestamptz,
    last_job_id bigint,
    removed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_schedules_cron_or_every check (num_nonnulls(cron, every_s) = 1)
);
create index ix_schedules_due on schedules (next_at) where enabled and removed_at is null;
"""


def upgrade() -> None:
    for sql in (SchemaManager.get_schema(), COLUMNS, SCHEDULES):
        ddl.run(sql)


def downgrade() -> None:
    ddl.run("""
        drop table schedules;
        do $$
        declare
            thing text;
        begin
            foreach thing in array array(
                select format('drop table %I cascade', relname) from pg_class
                where relnamespace = 'public'::regnamespace and relkind = 'r'
                    and starts_with(relname, 'procrastinate_')
            ) loop
                execute thing;
            end loop;
            foreach thing in array array(
                select format('drop function %s', oid::regprocedure) from pg_proc
                where pronamespace = 'public'::regnamespace and starts_with(proname, 'procrastinate_')
            ) loop
                execute thing;
            end loop;
            foreach thing in array array(
                select format('drop type %I cascade', typname) from pg_type
                where typnamespace = 'public'::regnamespace and starts_with(typname, 'procrastinate_')
                    and typtype in ('c', 'e')
            ) loop
                execute thing;
            end loop;
        end $$;
    """)

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
    where status = 'todo' and x_expires_at is not null;
"""

FETCH = """
create function queue_fetch_job(queues varchar[], worker bigint, tasks text[])
returns setof procrastinate_jobs language plpgsql as $$
begin
    update procrastinate_jobs set status = 'cancelled' where id in (
        select id from procrastinate_jobs
        where status = 'todo' and x_expires_at <= now() and (queues is null or queue_name = any (queues))
        for update skip locked
    );
    return query
    update procrastinate_jobs set status = 'doing', worker_id = worker where id = (
        select job.id from procrastinate_jobs job
        where job.status = 'todo' and job.task_name = any (tasks)
            and (queues is null or job.queue_name = any (queues))
            and (job.scheduled_at is null or job.scheduled_at <= now())
            and (job.lock is null or not exists (
                select from procrastinate_jobs other
                where other.lock = job.lock and (
                    other.status = 'doing'
                    or other.status = 'todo' and (other.priority, -other.id) > (job.priority, -job.id))))
        order by job.priority desc, job.id limit 1 for update of job skip locked
    ) returning *;
end $$;
"""

RESCUE = """
create function queue_rescue(dead_after interval, fail_tasks text[], drop_tasks text[])
returns table (job_id bigint, task text, outcome text)
language plpgsql as $$
declare
    job procrastinate_jobs;
begin
    for job in
        select j.* from procrastinate_jobs j
        left join procrastinate_workers w on w.id = j.worker_id and w.last_heartbeat > now() - dead_after
        where j.status = 'doing' and w.id is null
        for update of j skip locked
    loop
        job_id := job.id;
        task := job.task_name;
        if job.abort_requested then
            outcome := 'aborted';
        elsif job.task_name = any (fail_tasks) then
            outcome := 'failed';
        elsif job.task_name = any (drop_tasks) then
            outcome := 'aborted';
        else
            outcome := 'todo';
        end if;
        begin
            update procrastinate_jobs
            set status = outcome::procrastinate_job_status, worker_id = null, abort_requested = false,
                attempts = attempts + 1
            where id = job.id;
        exception when unique_violation then
            -- A twin with the same queueing lock waits already: it does this job's work.
            outcome := 'aborted';
            update procrastinate_jobs
            set status = 'aborted', worker_id = null, abort_requested = false, attempts = attempts + 1
            where id = job.id;
        end;
        return next;
    end loop;
end $$;
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
    for sql in (SchemaManager.get_schema(), COLUMNS, FETCH, RESCUE, SCHEDULES):
        ddl.run(sql)


def downgrade() -> None:
    ddl.run("""
        drop table schedules;
        drop function queue_rescue, queue_fetch_job;
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

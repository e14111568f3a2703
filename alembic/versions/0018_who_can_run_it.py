"""Which tasks each worker knows, and the jobs that no living worker can run."""

from socialsync.db import ddl

revision = "0018"
down_revision = "0017"

_ONE_QUEUE = "queue_name || '' = queue and status < 'doing'"
_READY = "(scheduled_at is null or x_due_at = scheduled_at)"
_ORDER = "coalesce(x_limit_key, ''), priority desc, id + 0"


def upgrade() -> None:
    # Reads what queue_depth counts, by the same indexes.
    ddl.run(f"""
        alter table worker_info add column tasks text[];
        comment on column worker_info.tasks is 'The tasks that it knows, aliases too; null: it does not tell';

        create function queue_tasks(queue text, most integer)
        returns table (task text, waiting integer, oldest_at timestamptz) language plpgsql stable
        set enable_seqscan = off set enable_bitmapscan = off set jit = off
        as $$
        begin
            return query
            select name, count(*)::integer, min(ready_at) from (
                (select task_name::text as name, coalesce(scheduled_at, x_created_at) as ready_at
                 from procrastinate_jobs
                 where {_ONE_QUEUE} and lock is null and x_kills is null and {_READY}
                 order by {_ORDER} limit most)
                union all
                (select task_name::text, coalesce(scheduled_at, x_created_at) from procrastinate_jobs
                 where {_ONE_QUEUE} and lock is not null and x_kills is null and {_READY}
                 order by {_ORDER} limit most)
                union all
                (select task_name::text, coalesce(scheduled_at, x_created_at) from procrastinate_jobs
                 where {_ONE_QUEUE} and x_kills is not null and {_READY}
                 order by x_kills, priority desc, id limit most)
                union all
                (select task_name::text, scheduled_at from procrastinate_jobs
                 where {_ONE_QUEUE} and scheduled_at is not null and x_due_at is distinct from scheduled_at
                    and scheduled_at <= statement_timestamp()
                 order by scheduled_at limit most)
                limit most
            ) ready group by name;
        end $$;
        comment on function queue_tasks(text, integer) is
            'How many jobs of each task wait in a queue, of the first so many';

        create view inspect.stranded with (security_invoker = true) as
        select setting.queue_name as queue, ready.task, ready.waiting,
            greatest(0, round(extract(epoch from statement_timestamp() - ready.oldest_at), 3)
                )::double precision as oldest_waiting_s
        from queue_settings setting cross join lateral queue_tasks(setting.queue_name, 10000) ready
        where not exists (
            select from procrastinate_workers worker left join worker_info info on info.worker_id = worker.id
            where worker.last_heartbeat > statement_timestamp() - interval '30 seconds'
                and (info.queues is null or setting.queue_name = any (info.queues))
                and (info.tasks is null or ready.task = any (info.tasks))
        );
        comment on view inspect.stranded is
            'Jobs that could run now, but for which no living worker serves the queue and knows the task';
        comment on column inspect.stranded.waiting is 'How many, among the first 10,000 of the queue';
        comment on column inspect.stranded.oldest_waiting_s is
            'Seconds since the first of them could have run';
        grant select on inspect.stranded to socialsync_app;
    """)  # noqa: S608 - our own words


def downgrade() -> None:
    ddl.run("""
        drop view inspect.stranded;
        drop function queue_tasks(text, integer);
        alter table worker_info drop column tasks;
    """)

-- Asking what the queue does. Each view costs little under a filter or a limit, however many jobs there are: it
-- reads partial indexes, and counts so far and no further.

create table task_info (
    name text constraint pk_task_info primary key,
    queue text not null,
    policy text not null,
    scope text not null,
    soft_s double precision not null,
    hard_s double precision not null,
    priority integer not null,
    aliases text[] not null default '{}',
    seen_at timestamptz not null default now()
);
comment on table task_info is 'The tasks that workers know: each worker writes its own when it starts';

-- What lists of jobs need: a workspace's own among everybody's, and the few that ended otherwise than well.
create index procrastinate_jobs_x_workspace_idx on procrastinate_jobs ((args ->> 'workspace_id'), id)
    where args ->> 'workspace_id' is not null;
create index procrastinate_jobs_x_unusual_idx on procrastinate_jobs (status, id)
    where status in ('failed', 'cancelled', 'aborted');

-- A queue's depth, counted up to `most` of each kind; the oldest is that of those counted.
create function queue_depth(queue text, most integer)
returns table (waiting integer, scheduled integer, oldest_at timestamptz) language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
begin
    select count(*), min(ready_at) into waiting, oldest_at from (
        (select coalesce(scheduled_at, x_created_at) as ready_at from procrastinate_jobs
         where queue_name || '' = queue and status < 'doing' and lock is null and x_kills is null
            and (scheduled_at is null or x_due_at = scheduled_at)
         order by coalesce(x_limit_key, ''), priority desc, id + 0 limit most)
        union all
        (select coalesce(scheduled_at, x_created_at) from procrastinate_jobs
         where queue_name || '' = queue and status < 'doing' and lock is not null and x_kills is null
            and (scheduled_at is null or x_due_at = scheduled_at)
         order by coalesce(x_limit_key, ''), priority desc, id + 0 limit most)
        union all
        (select coalesce(scheduled_at, x_created_at) from procrastinate_jobs
         where queue_name || '' = queue and status < 'doing' and x_kills is not null
            and (scheduled_at is null or x_due_at = scheduled_at)
         order by x_kills, priority desc, id limit most)
        union all
        (select scheduled_at from procrastinate_jobs
         where queue_name || '' = queue and status < 'doing' and scheduled_at is not null
            and x_due_at is distinct from scheduled_at and scheduled_at <= statement_timestamp()
         order by scheduled_at limit most)
        limit most
    ) ready;
    select count(*) into scheduled from (
        select from procrastinate_jobs
        where queue_name || '' = queue and status < 'doing' and scheduled_at is not null
            and x_due_at is distinct from scheduled_at and scheduled_at > statement_timestamp()
        order by scheduled_at limit most
    ) later;
    return next;
end $$;
comment on function queue_depth(text, integer) is
    'How many jobs of a queue wait, and how many are scheduled, counted up to a limit';

create schema inspect;
comment on schema inspect is 'What the queue does, to be asked by people and programs; nothing here can be changed';

create view inspect.active with (security_invoker = true) as
select job.id, job.task_name::text as task, job.queue_name::text as queue, job.worker_id, worker.name as worker,
    job.x_started_at as started_at,
    round(extract(epoch from statement_timestamp() - job.x_started_at), 3)::double precision as running_s,
    job.attempts, coalesce(job.x_kills, 0)::integer as kills, job.priority, job.lock, job.abort_requested,
    job.args, job.args ->> 'workspace_id' as workspace_id
from procrastinate_jobs job left join worker_info worker on worker.worker_id = job.worker_id
where job.status = 'doing';
comment on view inspect.active is 'The jobs that run, and where';
comment on column inspect.active.running_s is 'Seconds since this attempt began';
comment on column inspect.active.attempts is 'Attempts before this one';
comment on column inspect.active.kills is 'How often its process died while it ran';

create view inspect.scheduled with (security_invoker = true) as
select job.id, job.task_name::text as task, job.queue_name || '' as queue, job.scheduled_at as due_at,
    round(extract(epoch from job.scheduled_at - statement_timestamp()), 3)::double precision as due_in_s,
    job.attempts, job.priority, job.lock, job.queueing_lock, job.args,
    job.args ->> 'workspace_id' as workspace_id
from procrastinate_jobs job
where job.status < 'doing' and job.scheduled_at is not null and job.x_due_at is distinct from job.scheduled_at
    and job.scheduled_at > statement_timestamp();
comment on view inspect.scheduled is
    'Jobs that wait for a time, retries too. Among many, name a queue: where queue = ... order by due_at limit ...';
comment on column inspect.scheduled.due_in_s is 'Seconds until it may run';
comment on column inspect.scheduled.attempts is 'More than 0: it waits for its retry';

create view inspect.registered with (security_invoker = true) as
select name, queue, policy, scope, soft_s, hard_s, priority, aliases, seen_at from task_info;
comment on view inspect.registered is 'The tasks that workers know, with their settings';
comment on column inspect.registered.soft_s is 'Seconds after which a job of it is told to end';
comment on column inspect.registered.hard_s is 'Seconds after which a job of it is ended';
comment on column inspect.registered.seen_at is 'When a worker that knows it started last';

create view inspect.workers with (security_invoker = true) as
select worker.id, coalesce(info.name, 'worker ' || worker.id) as name, info.host, info.pid, info.queues,
    info.concurrency, info.version, coalesce(info.state, 'running') as state, info.wanted, info.supervisor,
    info.started_at, worker.last_heartbeat as heartbeat_at,
    round(extract(epoch from statement_timestamp() - worker.last_heartbeat), 3)::double precision as heartbeat_age_s,
    worker.last_heartbeat > statement_timestamp() - interval '30 seconds' as alive,
    coalesce(info.running, 0) as running, info.busy_share, info.memory_bytes, coalesce(info.done, 0) as done
from procrastinate_workers worker left join worker_info info on info.worker_id = worker.id;
comment on view inspect.workers is 'The workers, what they tell of themselves and how long ago';
comment on column inspect.workers.queues is 'The queues that it serves; null: all';
comment on column inspect.workers.wanted is 'What an operator asked of it: drain or stop';
comment on column inspect.workers.alive is 'Whether its heart beat within 30 seconds; others give its jobs back soon if not';
comment on column inspect.workers.busy_share is 'How busy it was in the last seconds, from 0 to 1: slots in use or processor time';
comment on column inspect.workers.done is 'Attempts it has ended since it started';

create view inspect.queues with (security_invoker = true) as
with running as (
    select queue_name, count(*)::integer as jobs from procrastinate_jobs where status = 'doing' group by queue_name
), failed as (
    select queue_name, count(*)::integer as jobs from (
        select queue_name from procrastinate_jobs
        where status = 'failed' and x_finished_at > statement_timestamp() - interval '1 hour'
        order by x_finished_at desc limit 10000
    ) lately group by queue_name
)
select setting.queue_name as name, depth.waiting, coalesce(running.jobs, 0) as running, depth.scheduled,
    case when depth.oldest_at is not null then
        greatest(0, round(extract(epoch from statement_timestamp() - depth.oldest_at), 3))::double precision
    end as oldest_waiting_s,
    coalesce(failed.jobs, 0) as failed_lately, setting.paused_at is not null as paused, setting.paused_at,
    (select count(*)::integer from inspect.workers worker
     where worker.alive and (worker.queues is null or setting.queue_name = any (worker.queues))) as workers
from queue_settings setting
cross join lateral queue_depth(setting.queue_name, 10000) depth
left join running on running.queue_name = setting.queue_name
left join failed on failed.queue_name = setting.queue_name;
comment on view inspect.queues is
    'The queues that ever had a job. waiting, scheduled and failed_lately are counted up to 10,000: that much, or more';
comment on column inspect.queues.waiting is 'Jobs that could run now, up to 10,000';
comment on column inspect.queues.scheduled is 'Jobs that wait for a time, retries too, up to 10,000';
comment on column inspect.queues.oldest_waiting_s is
    'Seconds since the longest waiting job could have run, among those counted; null: none waits';
comment on column inspect.queues.failed_lately is 'Jobs that failed within the last hour, up to 10,000 of all queues';
comment on column inspect.queues.workers is 'Living workers that serve it';

create view inspect.schedules with (security_invoker = true) as
select schedule.name, schedule.task, schedule.cron, schedule.every_s, schedule.timezone, schedule.args,
    schedule.queue, schedule.expires_s, schedule.enabled, schedule.next_at, schedule.last_at, schedule.last_job_id,
    job.status::text as last_job_status,
    schedule.enabled and schedule.next_at < statement_timestamp() - interval '10 seconds' as overdue
from schedules schedule left join procrastinate_jobs job on job.id = schedule.last_job_id
where schedule.removed_at is null;
comment on view inspect.schedules is 'What is deferred again and again, and when it comes next';
comment on column inspect.schedules.overdue is
    'Its time passed more than 10 seconds ago and it did not tick: no worker lives, or none can reach Postgres';
comment on column inspect.schedules.last_job_status is 'What became of its latest job; null once that is pruned';

create view inspect.failures with (security_invoker = true) as
select job.id, job.task_name::text as task, job.queue_name::text as queue, job.x_finished_at as failed_at,
    job.attempts, coalesce(job.x_kills, 0)::integer as kills, last.error, last.traceback, last.worker, job.args,
    job.args ->> 'workspace_id' as workspace_id
from procrastinate_jobs job left join lateral (
    select error, traceback, worker from job_results
    where job_id = job.id order by attempt desc limit 1
) last on true
where job.status = 'failed';
comment on view inspect.failures is
    'Jobs that failed and are not tried again, with their last error: order by failed_at desc limit ...';

create view inspect.timeline with (security_invoker = true) as
select event.id, event.job_id, job.task_name::text as task, job.queue_name::text as queue,
    event.type::text as event, event.at
from procrastinate_events event join procrastinate_jobs job on job.id = event.job_id;
comment on view inspect.timeline is 'What happened to a job: where job_id = ... order by id';
comment on column inspect.timeline.at is 'When it happened; of the event `scheduled` the time that was set';

create view inspect.task_stats with (security_invoker = true) as
select task_name as task, sum(succeeded)::bigint as succeeded, sum(failed)::bigint as failed,
    sum(retried)::bigint as retried, sum(cancelled)::bigint as aborted,
    (sum(succeeded) / nullif(sum(succeeded + failed), 0))::double precision as success_rate,
    sum(running_s) / nullif(sum(succeeded + failed + retried + cancelled), 0)::double precision as mean_s,
    max(longest_s) as longest_s,
    sum(waited_s) / nullif(sum(succeeded + failed + retried + cancelled), 0)::double precision as mean_wait_s
from job_stats where minute_at > now() - interval '1 day'
group by task_name;
comment on view inspect.task_stats is
    'How the attempts of the last 24 hours went, by task. Earlier ones: job_stats, by hour and then in total';
comment on column inspect.task_stats.retried is 'Attempts after which the job waits to be tried again';
comment on column inspect.task_stats.success_rate is 'Of the jobs that ended, from 0 to 1; null: none ended';
comment on column inspect.task_stats.mean_wait_s is 'Seconds between the moment a job could run and its start';

grant usage on schema inspect to socialsync_app;
grant select on all tables in schema inspect to socialsync_app;

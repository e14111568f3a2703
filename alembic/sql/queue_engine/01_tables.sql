-- What the engine keeps beside procrastinate's own columns, and its own tables.

alter table procrastinate_jobs
    add column x_created_at timestamptz default now(),
    add column x_due_at timestamptz,
    add column x_started_at timestamptz,
    add column x_finished_at timestamptz,
    add column x_kills smallint,
    add column x_limit_key text,
    add column x_rerun_of bigint;
comment on column procrastinate_jobs.x_created_at is 'When the job was deferred';
comment on column procrastinate_jobs.x_due_at is
    'Equals scheduled_at once that has come: the job is ready. Any new scheduled_at makes it wait again';
comment on column procrastinate_jobs.x_started_at is 'When the latest attempt began';
comment on column procrastinate_jobs.x_finished_at is 'When the job ended';
comment on column procrastinate_jobs.x_kills is
    'How often its process died while it ran; such a suspect runs alone among its kind';
comment on column procrastinate_jobs.x_limit_key is
    'Whose job it is, for fairness and limits: each key of a queue gets its turn';
comment on column procrastinate_jobs.x_rerun_of is 'The job that this one runs again';

-- In claim order. What is ready and what waits for its time are apart, so that a look costs what it claims.
-- `status < 'doing'`, `queue_name || ''` and `id + 0` mean what they seem to, spelled so that none of the library's
-- indexes can be taken for our queries. Statistics of a moment when nothing waited make the scan of a whole one
-- look cheap, and at the next moment it reads every finished job.
create index procrastinate_jobs_x_ready_idx on procrastinate_jobs
    ((queue_name || ''), (coalesce(x_limit_key, '')), priority desc, (id + 0))
    where status < 'doing' and lock is null and x_kills is null
        and (scheduled_at is null or x_due_at = scheduled_at);
create index procrastinate_jobs_x_ready_locked_idx on procrastinate_jobs
    ((queue_name || ''), (coalesce(x_limit_key, '')), priority desc, (id + 0))
    where status < 'doing' and lock is not null and x_kills is null
        and (scheduled_at is null or x_due_at = scheduled_at);
create index procrastinate_jobs_x_scheduled_idx on procrastinate_jobs ((queue_name || ''), scheduled_at)
    where status < 'doing' and scheduled_at is not null and x_due_at is distinct from scheduled_at;
create index procrastinate_jobs_x_lock_idx on procrastinate_jobs (lock, priority desc, id)
    where status < 'doing' and lock is not null;
create index procrastinate_jobs_x_suspect_idx on procrastinate_jobs (x_kills, priority desc, id)
    where status < 'doing' and x_kills is not null;
create index procrastinate_jobs_x_running_key_idx on procrastinate_jobs (x_limit_key)
    where status = 'doing' and x_limit_key is not null;
create index procrastinate_jobs_x_failed_idx on procrastinate_jobs (x_finished_at, id)
    where status = 'failed';
-- The library's foreign key sets worker_id to null when a worker is unregistered: it must find those rows.
create index procrastinate_jobs_x_worker_idx on procrastinate_jobs (worker_id)
    where worker_id is not null;

alter table procrastinate_jobs set (
    fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.05
);
alter table procrastinate_events set (
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0
);
alter table procrastinate_workers set (
    fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100
);

create table queue_settings (
    queue_name text constraint pk_queue_settings primary key,
    paused_at timestamptz,
    created_at timestamptz not null default now()
);
insert into queue_settings (queue_name) select distinct queue_name from procrastinate_jobs;
comment on table queue_settings is 'A row for every queue that ever had a job; paused ones are not claimed from';

create table limits (
    key text constraint pk_limits primary key,
    max_running integer constraint ck_limits_max_running check (max_running >= 0),
    rate_per_s double precision constraint ck_limits_rate check (rate_per_s > 0),
    burst double precision not null default 1 constraint ck_limits_burst check (burst >= 1),
    tokens double precision not null default 0,
    refilled_at timestamptz not null default now(),
    blocked_until timestamptz,
    constraint ck_limits_finite check (rate_per_s < 'infinity' and burst < 'infinity')
);
comment on table limits is 'By limit key: how many jobs may run at once, how many calls a second may be made'
    ' (a token bucket), and until when nothing of this key is claimed';

create table job_results (
    job_id bigint not null,
    attempt integer not null,
    outcome text not null,
    result jsonb,
    error text,
    traceback text,
    worker text,
    started_at timestamptz,
    finished_at timestamptz not null default now(),
    expires_at timestamptz,
    constraint pk_job_results primary key (job_id, attempt)
);
create index ix_job_results_expires_at on job_results (expires_at) where expires_at is not null;
comment on table job_results is 'What attempts returned or how they failed; results go at expires_at,'
    ' errors with their job';

create table job_stats (
    task_name text not null,
    queue_name text not null,
    minute_at timestamptz not null,
    succeeded bigint not null default 0,
    failed bigint not null default 0,
    retried bigint not null default 0,
    cancelled bigint not null default 0,
    running_s double precision not null default 0,
    longest_s double precision not null default 0,
    waited_s double precision not null default 0,
    buckets bigint[] not null default '{}',
    constraint pk_job_stats primary key (task_name, queue_name, minute_at)
);
create index ix_job_stats_minute_at on job_stats (minute_at);
alter table job_stats set (fillfactor = 60);
comment on table job_stats is 'Ends of attempts by task, queue and minute; buckets count durations for /metrics';

create table worker_info (
    worker_id bigint constraint pk_worker_info primary key
        constraint fk_worker_info_worker_id_procrastinate_workers
        references procrastinate_workers (id) on delete cascade,
    name text not null,
    host text not null,
    pid integer not null,
    pid_space text,
    queues text[],
    concurrency integer not null,
    version text not null,
    state text not null default 'running'
        constraint ck_worker_info_state check (state in ('running', 'draining', 'stopping')),
    wanted text constraint ck_worker_info_wanted check (wanted in ('drain', 'stop')),
    leased boolean not null,
    supervisor text,
    started_at timestamptz not null,
    registered_at timestamptz not null default now(),
    memory_bytes bigint,
    running integer not null default 0,
    busy_share double precision,
    done bigint not null default 0
);
alter table worker_info set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100);
comment on table worker_info is 'What each living worker tells of itself; leased: it holds a session lock that frees when it dies';

create type queue_claimed as (
    id bigint, task_name text, priority integer, lock text, queueing_lock text, args jsonb,
    scheduled_at timestamptz, queue_name text, attempts integer, kills smallint, limit_key text,
    created_at timestamptz, again_in double precision
);

create type queue_stream as (queue_name text, key text, priority integer, room integer);

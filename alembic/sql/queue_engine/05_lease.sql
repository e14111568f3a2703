-- Workers come, prove that they live, are given up, and what becomes of their jobs.

-- A worker's lease is a session lock on its id, taken before its row commits.
create or replace function queue_lease_class() returns integer language sql immutable parallel safe return 1364873285;
create or replace function queue_lease_number(worker bigint) returns integer language sql immutable parallel safe
return (worker % 2147483647)::integer;

create or replace function queue_leases() returns setof integer language sql stable
begin atomic
    select objid::bigint::integer from pg_locks
    where locktype = 'advisory' and classid = queue_lease_class()::bigint::oid and objsubid = 2 and granted
        and database = (select oid from pg_database where datname = current_database());
end;

create or replace function queue_register(leased boolean) returns bigint language plpgsql as $$
declare
    worker bigint;
begin
    insert into procrastinate_workers default values returning id into worker;
    if leased then
        perform pg_advisory_lock(queue_lease_class(), queue_lease_number(worker));
    end if;
    return worker;
end $$;

-- A worker that registered anew goes on for its `former` selves: the jobs in `running` come along and are returned,
-- and what else they claimed (the answer was lost, nobody runs it) goes back without spending an attempt. Asked
-- again after a lost answer, with the self of that time among the former ones, it finds everything there.
create or replace function queue_take_over(worker bigint, former bigint[], running bigint[]) returns bigint[]
language plpgsql as $$
declare
    kept bigint[];
    old bigint;
begin
    -- Waits for claims under way in the old names, and lets no other begin.
    perform from procrastinate_workers where id = any (former) order by id for update;
    with again as (
        update procrastinate_jobs set worker_id = worker
        where worker_id = any (former) and status = 'doing' and id = any (running) returning id
    )
    select coalesce(array_agg(id), '{}') into kept from again;
    foreach old in array former loop
        perform queue_give_back(old, '{}');
    end loop;
    delete from procrastinate_workers where id = any (former) and not exists (
        select from procrastinate_jobs left_over
        where left_over.worker_id = procrastinate_workers.id and left_over.status = 'doing');
    return kept;
end $$;

-- Jobs that a worker claimed and never began: back to the queue, except `keep`. One that somebody else's open
-- transaction holds (its row, or a twin that is not committed) stays behind, to be rescued with the worker's row.
create or replace function queue_give_back(worker bigint, keep bigint[]) returns setof bigint
language plpgsql set lock_timeout = '500ms' as $$
declare
    twin bigint;
begin
    return query
    update procrastinate_jobs job set
        status = (case when job.abort_requested then 'aborted' else 'todo' end)::procrastinate_job_status,
        worker_id = null, abort_requested = false, x_started_at = null
    where id = any (array(
        select id from procrastinate_jobs
        where worker_id = worker and status = 'doing' and queueing_lock is null and not (id = any (keep))
        for update skip locked))
    returning id;
    for twin in  -- the youngest first: an older one of the same queueing lock is superseded by it
        select id from procrastinate_jobs
        where worker_id = worker and status = 'doing' and queueing_lock is not null and not (id = any (keep))
        order by id desc for update skip locked
    loop
        begin
            perform queue_hand_over(array[twin], true);
            update procrastinate_jobs job set
                status = (case
                    when job.abort_requested then 'aborted'
                    when exists (
                        select from procrastinate_jobs waits
                        where waits.queueing_lock = job.queueing_lock and waits.status = 'todo') then 'aborted'
                    else 'todo' end)::procrastinate_job_status,
                worker_id = null, abort_requested = false, x_started_at = null
            where id = twin;
            return next twin;
        exception when lock_not_available or unique_violation then
            null;
        end;
    end loop;
end $$;

create or replace function queue_leave(worker bigint) returns void language plpgsql as $$
begin
    perform queue_give_back(worker, '{}');
    delete from procrastinate_workers where id = worker and not exists (
        select from procrastinate_jobs left_over where left_over.worker_id = worker and left_over.status = 'doing');
    perform pg_advisory_unlock_all();
end $$;

-- What becomes of the jobs of a worker that is dead: the caller holds its lease, or its heart has stopped.
-- `fail_tasks` must not run twice, `drop_tasks` are worth nothing later; `hard` is each task's hard limit: a job
-- beyond it, or one that its worker saw block the process, ended it and fails, and those beside it are innocent: they
-- are not charged. Innocent are all if Postgres itself
-- restarted since the last heartbeat, a moment ago: the worker may only be slow to come back. A job that somebody
-- else's open transaction holds must not hold up the others: it stays, and with it the worker's row, for the next
-- look.
create or replace function queue_bury(
    worker bigint, fail_tasks text[], drop_tasks text[], tasks text[], hard double precision[],
    most_kills integer
) returns table (job_id bigint, task text, outcome text, reason text)
language plpgsql set lock_timeout = '500ms' as $$
declare
    job procrastinate_jobs;
    culprit boolean;
    restarted boolean;
    guilt boolean;
    blocker bigint := (select blocked_by from worker_info where worker_id = worker);
    suspected boolean;
    kills smallint;
begin
    select blocker is not null or exists (
        select from procrastinate_jobs j
        join unnest(tasks, hard) as limited (task, seconds) on limited.task = j.task_name
        where j.worker_id = worker and j.status = 'doing'
            and j.x_started_at + make_interval(secs => seconds) < clock_timestamp() - interval '0.5 seconds'
    ) into guilt;
    -- Who was killed twice ran as the only suspect and is charged alone: those beside it were killed with it.
    select exists (
        select from procrastinate_jobs j
        where j.worker_id = worker and j.status = 'doing' and j.x_kills > 1
    ) into suspected;
    restarted := coalesce((
        select last_heartbeat < pg_postmaster_start_time() and last_heartbeat > clock_timestamp() - interval '30 seconds'
        from procrastinate_workers where id = worker), false);
    for job in
        select j.* from procrastinate_jobs j
        where j.status = 'doing' and (j.worker_id = worker or worker is null and j.worker_id is null)
        order by j.id for update skip locked
    loop
        job_id := job.id;
        task := job.task_name;
        culprit := guilt and (job.id is not distinct from blocker or exists (
            select from unnest(tasks, hard) as limited (task, seconds)
            where limited.task = job.task_name
                and job.x_started_at + make_interval(secs => seconds) < clock_timestamp() - interval '0.5 seconds'));
        kills := coalesce(job.x_kills, 0) + (not restarted and not (guilt and not culprit)
            and not (suspected and coalesce(job.x_kills, 0) <= 1))::integer;
        reason := 'Its worker died';
        if job.abort_requested then
            outcome := 'aborted';
        elsif job.id = blocker then
            outcome := 'failed';
            reason := 'HardTimeLimitExceeded: it blocked its process, which had to end; run what blocks in a thread';
        elsif culprit then
            outcome := 'failed';
            reason := 'HardTimeLimitExceeded: it ran past its hard limit and ended its process';
        elsif job.task_name = any (fail_tasks) then
            outcome := 'failed';
            reason := 'UnknownOutcome: its worker died, and what it did must not be done twice';
        elsif job.task_name = any (drop_tasks) then
            outcome := 'aborted';
            reason := 'Its worker died; the next tick replaces it';
        elsif kills >= most_kills then
            outcome := 'failed';
            reason := format('Poison: its process died %s times while it ran', kills);
        else
            outcome := 'todo';
        end if;
        begin
            if outcome = 'todo' and job.queueing_lock is not null then
                perform queue_hand_over(array[job.id], true);
                if exists (
                    select from procrastinate_jobs twin
                    where twin.queueing_lock = job.queueing_lock and twin.status = 'todo'
                ) then
                    outcome := 'aborted';
                    reason := 'Superseded: a job with the same queueing lock waits';
                end if;
            end if;
            update procrastinate_jobs
            set status = outcome::procrastinate_job_status, worker_id = null, abort_requested = false,
                attempts = attempts + (outcome <> 'todo')::integer, x_kills = nullif(kills, 0),
                x_finished_at = case when outcome <> 'todo' then clock_timestamp() end
            where id = job.id;
        exception when lock_not_available or unique_violation then
            continue;  -- a twin that another transaction has just made, or is about to
        end;
        if outcome <> 'todo' then
            insert into job_results (job_id, attempt, outcome, error, started_at)
            values (job.id, job.attempts + 1, outcome, reason, job.x_started_at)
            on conflict on constraint pk_job_results do update
                set outcome = excluded.outcome, error = excluded.error;
            insert into job_stats as known (task_name, queue_name, minute_at, failed, cancelled) values (
                job.task_name, job.queue_name, date_trunc('minute', clock_timestamp()),
                (outcome = 'failed')::integer, (outcome = 'aborted')::integer)
            on conflict (task_name, queue_name, minute_at) do update set
                failed = known.failed + excluded.failed, cancelled = known.cancelled + excluded.cancelled;
        end if;
        return next;
    end loop;
    delete from procrastinate_workers where id = worker and not exists (
        select from procrastinate_jobs left_over where left_over.worker_id = worker and left_over.status = 'doing');
end $$;

-- Workers come, prove that they live, are given up, and what becomes of their jobs.

-- A worker's lease is a session lock on its id, taken before its row commits.
create function queue_lease_class() returns integer language sql immutable parallel safe return 1364873285;
create function queue_lease_number(worker bigint) returns integer language sql immutable parallel safe
return (worker % 2147483647)::integer;

create function queue_leases() returns setof integer language sql stable
begin atomic
    select objid::bigint::integer from pg_locks
    where locktype = 'advisory' and classid = queue_lease_class()::bigint::oid and objsubid = 2 and granted
        and database = (select oid from pg_database where datname = current_database());
end;

-- Register, or register anew after the session was lost: then the jobs in `running` go along, and what else the
-- old row claimed (its answer was lost, nobody runs it) goes back without spending an attempt.
create function queue_register(before bigint, running bigint[], leased boolean) returns table (id bigint, kept bigint[])
language plpgsql as $$
begin
    insert into procrastinate_workers default values returning procrastinate_workers.id into queue_register.id;
    if leased then
        perform pg_advisory_lock(queue_lease_class(), queue_lease_number(queue_register.id));
    end if;
    kept := '{}';
    if before is not null then
        -- Waits for claims under way in the old name, and lets no other begin.
        perform from procrastinate_workers old where old.id = before for update;
        with again as (
            update procrastinate_jobs job set worker_id = queue_register.id
            where job.worker_id = before and job.status = 'doing' and job.id = any (running) returning job.id
        )
        select coalesce(array_agg(again.id), '{}') into kept from again;
        perform queue_give_back(before, running);
        delete from procrastinate_workers old where old.id = before;
    end if;
    return next;
end $$;

-- Jobs that a worker claimed and never began: back to the queue, except `keep`.
create function queue_give_back(worker bigint, keep bigint[]) returns setof bigint language plpgsql as $$
begin
    perform queue_hand_over(array(
        select job.id from procrastinate_jobs job
        where job.worker_id = worker and job.status = 'doing' and job.queueing_lock is not null
            and not (job.id = any (keep))), true);
    return query
    update procrastinate_jobs job set
        status = (case
            when job.abort_requested then 'aborted'
            when job.queueing_lock is not null and exists (
                select from procrastinate_jobs twin
                where twin.queueing_lock = job.queueing_lock and twin.status = 'todo') then 'aborted'
            else 'todo' end)::procrastinate_job_status,
        worker_id = null, abort_requested = false, x_started_at = null
    where job.worker_id = worker and job.status = 'doing' and not (job.id = any (keep))
    returning job.id;
end $$;

create function queue_leave(worker bigint) returns void language plpgsql as $$
begin
    perform queue_give_back(worker, '{}');
    delete from procrastinate_workers where id = worker;
    perform pg_advisory_unlock_all();
end $$;

-- What becomes of the jobs of a worker that is dead: the caller holds its lease, or its heart has stopped.
-- `fail_tasks` must not run twice, `drop_tasks` are worth nothing later; `hard` is each task's hard limit: a job
-- beyond it ended its process and fails, and those beside it are innocent.
create function queue_bury(
    worker bigint, fail_tasks text[], drop_tasks text[], tasks text[], hard double precision[],
    most_kills integer
) returns table (job_id bigint, task text, outcome text, reason text) language plpgsql as $$
declare
    job procrastinate_jobs;
    culprit boolean;
    innocent boolean := false;
    suspected boolean;
    kills smallint;
begin
    select exists (
        select from procrastinate_jobs j
        join unnest(tasks, hard) as limited (task, seconds) on limited.task = j.task_name
        where j.worker_id = worker and j.status = 'doing'
            and j.x_started_at + make_interval(secs => seconds) < clock_timestamp() - interval '0.5 seconds'
    ) into innocent;
    -- A suspect that ran is charged alone: those beside it were killed with it, or all of them by somebody else.
    select exists (
        select from procrastinate_jobs j
        where j.worker_id = worker and j.status = 'doing' and j.x_kills is not null
    ) into suspected;
    for job in
        select j.* from procrastinate_jobs j
        where j.status = 'doing' and (j.worker_id = worker or worker is null and j.worker_id is null)
        order by j.id for update
    loop
        job_id := job.id;
        task := job.task_name;
        culprit := innocent and exists (
            select from unnest(tasks, hard) as limited (task, seconds)
            where limited.task = job.task_name
                and job.x_started_at + make_interval(secs => seconds) < clock_timestamp() - interval '0.5 seconds');
        kills := coalesce(job.x_kills, 0)
            + (not (innocent and not culprit) and not (suspected and job.x_kills is null))::integer;
        reason := 'Its worker died';
        if job.abort_requested then
            outcome := 'aborted';
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
        if outcome = 'todo' and job.queueing_lock is not null then
            perform queue_hand_over(array[job.id], true);
        end if;
        if outcome = 'todo' and job.queueing_lock is not null and exists (
            select from procrastinate_jobs twin
            where twin.queueing_lock = job.queueing_lock and twin.status = 'todo'
        ) then
            outcome := 'aborted';
            reason := 'Superseded: a job with the same queueing lock waits';
        end if;
        begin
            update procrastinate_jobs
            set status = outcome::procrastinate_job_status, worker_id = null, abort_requested = false,
                attempts = attempts + (outcome <> 'todo')::integer, x_kills = nullif(kills, 0),
                x_finished_at = case when outcome <> 'todo' then clock_timestamp() end
            where id = job.id;
        exception when unique_violation then
            outcome := 'aborted';
            reason := 'Superseded: a job with the same queueing lock waits';
            update procrastinate_jobs
            set status = 'aborted', worker_id = null, abort_requested = false, attempts = attempts + 1,
                x_kills = nullif(kills, 0), x_finished_at = clock_timestamp()
            where id = job.id;
        end;
        if outcome <> 'todo' then
            insert into job_results (job_id, attempt, outcome, error, started_at)
            values (job.id, job.attempts + 1, outcome, reason, job.x_started_at)
            on conflict on constraint pk_job_results do update
                set outcome = excluded.outcome, error = excluded.error;
        end if;
        return next;
    end loop;
    delete from procrastinate_workers where id = worker;
end $$;

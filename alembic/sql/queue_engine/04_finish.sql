-- Ending many jobs at once, each only by the worker that owns it.

-- These running jobs are about to end superseded if a twin with their queueing lock waits. The last word on what is
-- to be done is the younger one's: a twin that is older takes over its arguments and, if `sooner`, its time.
create or replace function queue_hand_over(ids bigint[], sooner boolean) returns void language plpgsql
set enable_nestloop = on set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
begin
    if ids = '{}' then
        return;
    end if;
    update procrastinate_jobs twin set
        args = job.args,
        scheduled_at = case when sooner then least(twin.scheduled_at, job.scheduled_at) else twin.scheduled_at end
    from procrastinate_jobs job
    where job.id = any (ids) and job.status::text = 'doing' and not job.abort_requested
        and twin.queueing_lock = job.queueing_lock and twin.status = 'todo' and twin.id < job.id;
end $$;

-- Those that get another attempt.
create or replace function queue_finish_again(
    worker bigint, ids bigint[], outcomes text[], retry_ats timestamptz[], priorities integer[], queues text[],
    locks text[], spends boolean[]
) returns setof bigint language sql as $$
    with given as (
        select * from unnest(ids, outcomes, retry_ats, priorities, queues, locks, spends)
            as given (id, outcome, retry_at, priority, queue, lock, spend)
        where outcome = 'todo'
    ), mine as (
        select job.id, given.retry_at, given.priority, given.queue, given.lock, given.spend,
            (case
                when job.abort_requested then 'aborted'
                -- A twin waits already: it does this job's work.
                when job.queueing_lock is not null and exists (
                    select from procrastinate_jobs twin
                    where twin.queueing_lock = job.queueing_lock and twin.status = 'todo') then 'aborted'
                else 'todo'
            end)::procrastinate_job_status as becomes
        from given join procrastinate_jobs job on job.id = given.id
        where job.id = any (ids) and job.status::text = 'doing' and coalesce(job.worker_id, 0) = worker
        order by job.id for update of job
    )
    update procrastinate_jobs job set
        status = becomes,
        worker_id = null,
        abort_requested = false,
        attempts = job.attempts + spend::integer,
        x_finished_at = case when becomes <> 'todo' then clock_timestamp() end,
        scheduled_at = case when becomes = 'todo' then retry_at else job.scheduled_at end,
        priority = case when becomes = 'todo' then coalesce(mine.priority, job.priority) else job.priority end,
        queue_name = case when becomes = 'todo' then coalesce(mine.queue, job.queue_name) else job.queue_name end,
        lock = case when becomes = 'todo' then coalesce(mine.lock, job.lock) else job.lock end
    from mine where job.id = mine.id
    returning job.id
$$;

-- Who waits for another's open transaction (a twin that is not committed) keeps all others from ending: not for long.
create or replace function queue_finish(
    worker bigint, ids bigint[], outcomes text[], retry_ats timestamptz[], priorities integer[], queues text[],
    locks text[], spends boolean[], deletes bigint[],
    told bigint[], results jsonb[], errors text[], tracebacks text[], keeps interval[], name text
) returns setof bigint language plpgsql
set enable_seqscan = off set enable_nestloop = off set enable_mergejoin = off set jit = off
set plan_cache_mode = force_generic_plan set lock_timeout = '200ms'
as $$
declare
    ended bigint[];
    again bigint[];
begin
    -- Found by id: the index by worker is full of rows that it owned a moment ago. `any (ids)` bounds the scan
    -- whatever the statistics say.
    with done as (
        update procrastinate_jobs job set
            status = given.outcome::procrastinate_job_status,
            worker_id = null,
            abort_requested = false,
            attempts = job.attempts + given.spend::integer,
            x_finished_at = clock_timestamp()
        from unnest(ids, outcomes, spends) as given (id, outcome, spend)
        where job.id = any (ids) and job.id = given.id and given.outcome <> 'todo'
            and job.status::text = 'doing' and coalesce(job.worker_id, 0) = worker
        returning job.id
    )
    select coalesce(array_agg(id), '{}') into ended from done;
    if 'todo' = any (outcomes) then
        perform queue_hand_over(array(
            select job.id from procrastinate_jobs job
            where job.id = any (ids) and job.queueing_lock is not null and job.status::text = 'doing'
                and coalesce(job.worker_id, 0) = worker
                and job.id = any (array(select id from unnest(ids, outcomes) as given (id, outcome) where outcome = 'todo'))
        ), false);
        again := array(select queue_finish_again(worker, ids, outcomes, retry_ats, priorities, queues, locks, spends));
        ended := ended || again;
    end if;

    if told <> '{}' then
        insert into job_results
            (job_id, attempt, outcome, result, error, traceback, worker, started_at, expires_at)
        select job.id, job.attempts, job.status, tale.result,
            coalesce(tale.error, case when twin.id is not null then 'Superseded: job ' || twin.id || ' waits with the same queueing lock' end),
            tale.traceback, name, job.x_started_at,
            case when tale.error is null then now() + tale.keep end
        from unnest(told, results, errors, tracebacks, keeps)
            as tale (id, result, error, traceback, keep)
        join procrastinate_jobs job on job.id = tale.id
        left join procrastinate_jobs twin
            on job.status = 'aborted' and twin.queueing_lock = job.queueing_lock and twin.status = 'todo'
        where job.id = any (told) and tale.id = any (ended)
        on conflict (job_id, attempt) do update set
            outcome = excluded.outcome, result = excluded.result, error = excluded.error,
            traceback = excluded.traceback, worker = excluded.worker, started_at = excluded.started_at,
            finished_at = excluded.finished_at, expires_at = excluded.expires_at;
    end if;
    if deletes <> '{}' then
        delete from procrastinate_jobs where id = any (deletes) and id = any (ended) and status <> 'todo';
    end if;
    return query select unnest(ended);
end $$;

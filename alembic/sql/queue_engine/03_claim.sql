-- Claiming many jobs at once.

-- The order is the library's: priority, then id. Three things are added. Jobs with a limit key take turns, key
-- by key, at equal priority. A job whose time has come is promoted to the ready ones in order of its time, up to
-- `promote` of them a look. And a lock holds only against jobs in queues that somebody serves.
create or replace function queue_promote(queues text[], at timestamptz, most integer) returns void language plpgsql as $$
begin
    update procrastinate_jobs set x_due_at = scheduled_at where id = any (array(
        select due.id from unnest(queues) as queue cross join lateral (
            select id from procrastinate_jobs
            where queue_name || '' = queue and status < 'doing' and scheduled_at is not null
                and x_due_at is distinct from scheduled_at and scheduled_at <= at
            order by scheduled_at limit most for update skip locked
        ) due
    ));
end $$;

create or replace function queue_expire(queues text[], at timestamptz) returns void language plpgsql as $$
begin
    update procrastinate_jobs set status = 'cancelled', x_finished_at = clock_timestamp() where id = any (array(
        select id from procrastinate_jobs
        where status < 'doing' and x_expires_at <= at and queue_name = any (queues)
        limit 1000 for update skip locked
    ));
end $$;

-- The queues whose jobs may hold a lock: those that a living worker serves and nobody paused. Null: all.
create or replace function queue_served() returns text[] language sql stable
begin atomic
    select case when bool_or(info.queues is null) then
        (select array_agg(queue_name) from queue_settings where paused_at is null)
    else
        (select array_agg(distinct queue) from worker_info, unnest(queues) as queue
         where not exists (select from queue_settings where queue_name || '' = queue and paused_at is not null))
    end
    from worker_info info;
end;

-- The streams with something ready: for each queue and key the first priority at or below `bound`, and how many
-- of the key may start.
create or replace function queue_streams(queues text[], tasks text[], bound integer, since bigint, after_key text, most integer)
returns setof queue_stream language plpgsql stable as $$
begin
    return query
    with recursive keyed as (
        select queue, start as key, 0 as n from unnest(queues) as queue, unnest(array['', after_key]) as start
        union
        select queue, (
            select least(
                (select coalesce(x_limit_key, '') from procrastinate_jobs
                 where queue_name || '' = queue and coalesce(x_limit_key, '') > key and status < 'doing' and lock is null
                    and x_kills is null and (scheduled_at is null or x_due_at = scheduled_at)
                 order by coalesce(x_limit_key, '') limit 1),
                (select coalesce(x_limit_key, '') from procrastinate_jobs
                 where queue_name || '' = queue and coalesce(x_limit_key, '') > key and status < 'doing' and lock is not null
                    and x_kills is null and (scheduled_at is null or x_due_at = scheduled_at)
                 order by coalesce(x_limit_key, '') limit 1))
        ), n + 1
        from keyed where key is not null and n < most
    )
    select distinct queue, keyed.key, head.priority, case when limits.max_running is null then null
        else limits.max_running - (
            select count(*) from procrastinate_jobs where x_limit_key = keyed.key and status = 'doing')::integer
        end
    from keyed left join limits on limits.key = keyed.key cross join lateral (
        select max(priority) as priority from (
            (select priority from procrastinate_jobs
             where queue_name || '' = queue and coalesce(x_limit_key, '') = keyed.key and status < 'doing' and lock is null
                and x_kills is null and (scheduled_at is null or x_due_at = scheduled_at)
                and priority <= bound and id + 0 >= since and task_name = any (tasks)
             order by priority desc, id + 0 limit 1)
            union all
            (select priority from procrastinate_jobs
             where queue_name || '' = queue and coalesce(x_limit_key, '') = keyed.key and status < 'doing'
                and lock is not null
                and x_kills is null and (scheduled_at is null or x_due_at = scheduled_at)
                and priority <= bound and task_name = any (tasks)
             order by priority desc, id + 0 limit 1)
        ) either
    ) head
    where keyed.key is not null and head.priority is not null
        and coalesce(limits.blocked_until <= clock_timestamp(), true);
end $$;

-- One level: the ready jobs of exactly this priority, `wanted` at most, a share for each key. Heads of locks are
-- chosen under an advisory lock and looked at again under a fresh snapshot, because two claimers may choose at once.
create or replace function queue_claim_level(
    worker bigint, streams queue_stream[], served text[], tasks text[], wanted integer, since bigint, after_key text
) returns setof queue_claimed language plpgsql as $$
declare
    share integer := ceil(wanted::float / (
        select count(*) filter (where key <> '') + max((key = '')::integer) from unnest(streams)));
    chosen bigint[];
    candidates bigint[];
begin
    with turn as (
        select *, least(share, room) as most from unnest(streams) where coalesce(room, 1) > 0
        order by key <= after_key, key, queue_name limit wanted + 10
    ), free as (
        select job.id, turn.key, turn.most from turn cross join lateral (
            select id from procrastinate_jobs
            where queue_name || '' = turn.queue_name and coalesce(x_limit_key, '') = turn.key
                and priority = turn.priority and status < 'doing' and lock is null and x_kills is null
                and (scheduled_at is null or x_due_at = scheduled_at)
                and id + 0 >= since and task_name = any (tasks)
                and (x_expires_at is null or x_expires_at > clock_timestamp())
            order by id + 0 limit turn.most for update skip locked
        ) job
    ), heads as materialized (
        select job.id, job.lock, turn.key, turn.most from turn cross join lateral (
            select id, lock from procrastinate_jobs
            where queue_name || '' = turn.queue_name and coalesce(x_limit_key, '') = turn.key
                and priority = turn.priority and status < 'doing' and lock is not null and x_kills is null
                and (scheduled_at is null or x_due_at = scheduled_at) and task_name = any (tasks)
                and (x_expires_at is null or x_expires_at > clock_timestamp())
            order by id + 0 limit 100 + 2 * turn.most
        ) job
        where not exists (
            select from procrastinate_jobs running where running.lock = job.lock and running.status = 'doing'
        ) and not exists (
            select from procrastinate_jobs ahead
            where ahead.lock = job.lock and ahead.status < 'doing' and ahead.queue_name || '' = any (served)
                and (ahead.priority > turn.priority or ahead.priority = turn.priority and ahead.id < job.id)
        )
    ), held as (
        select id, key, most from heads where pg_try_advisory_xact_lock(hashtextextended(lock, 0))
    ), ranked as (
        select id, key, locked, row_number() over (partition by key order by id) as n, most
        from (select *, false from free union all select *, true from held) as every (id, key, most, locked)
    ), first as (
        select id, locked from ranked where n <= most order by n, key <= after_key, key, id limit wanted
    )
    select array_agg(id) filter (where not locked), array_agg(id) filter (where locked)
    into chosen, candidates from first;
    if candidates is not null then
        chosen := chosen || array(
            select id from procrastinate_jobs job
            where id = any (candidates) and status::text = 'todo' and not exists (
                    select from procrastinate_jobs running
                    where running.lock = job.lock and running.status = 'doing'
                ) and not exists (
                    select from procrastinate_jobs ahead
                    where ahead.lock = job.lock and ahead.status < 'doing'
                        and ahead.queue_name || '' = any (served)
                        and (ahead.priority > job.priority
                            or ahead.priority = job.priority and ahead.id < job.id)
                )
            for update skip locked
        );
    end if;
    return query
    update procrastinate_jobs
    set status = 'doing', worker_id = worker, x_started_at = clock_timestamp()
    where id = any (chosen)
    returning id, task_name::text, procrastinate_jobs.priority, procrastinate_jobs.lock, queueing_lock, args, scheduled_at,
        queue_name::text, attempts, x_kills, x_limit_key, x_created_at, null::double precision;
end $$;

-- The ready jobs from the highest priority downwards, level by level.
create or replace function queue_claim_ready(
    worker bigint, queues text[], served text[], tasks text[], wanted integer, since bigint, after_key text
) returns setof queue_claimed language plpgsql as $$
declare
    bound integer := 2147483647;
    streams queue_stream[];
    level integer;
    got integer;
    guarded boolean := false;
begin
    for _ in 1 .. 200 loop
        streams := array(select s from queue_streams(queues, tasks, bound, since, after_key, 100) s);
        if not guarded and exists (select from unnest(streams) where room is not null) then
            -- Two claimers must not count the running jobs of one key at the same moment.
            perform pg_advisory_xact_lock(hashtextextended('queue limits', 1));
            guarded := true;
            streams := array(select s from queue_streams(queues, tasks, bound, since, after_key, 100) s);
        end if;
        streams := array(select s from unnest(streams) s where coalesce(s.room, 1) > 0);
        level := (select max(priority) from unnest(streams));
        exit when level is null;
        streams := array(select s from unnest(streams) s where s.priority = level);
        return query select * from queue_claim_level(worker, streams, served, tasks, wanted, since, after_key);
        get diagnostics got = row_count;
        wanted := wanted - got;
        exit when wanted <= 0;
        if got = 0 or cardinality(streams) = 1 then
            exit when level = -2147483648;
            bound := level - 1;
        end if;
    end loop;
end $$;

-- Lock by lock instead of job by job: a great pile of jobs of one lock must not hide the locks behind it.
create or replace function queue_claim_deep(worker bigint, queues text[], served text[], tasks text[], wanted integer)
returns setof queue_claimed language plpgsql as $$
declare
    chosen bigint[];
begin
    with recursive piles as (
        (select lock, 1 as n from procrastinate_jobs
         where status < 'doing' and lock >= '' and x_kills is null and (scheduled_at is null or x_due_at = scheduled_at)
         order by lock limit 1)
        union all
        select (select job.lock from procrastinate_jobs job
                where job.status < 'doing' and job.lock > piles.lock
                    and x_kills is null and (scheduled_at is null or x_due_at = scheduled_at)
                order by job.lock limit 1), n + 1
        from piles where piles.lock is not null and n < 500
    ), heads as materialized (
        select head.id, piles.lock from piles cross join lateral (
            select * from procrastinate_jobs job
            where job.lock = piles.lock and job.status < 'doing' and job.queue_name || '' = any (served)
            order by job.priority desc, job.id limit 1
        ) head
        where head.queue_name = any (queues) and head.task_name = any (tasks) and head.x_kills is null
            and (head.x_expires_at is null or head.x_expires_at > clock_timestamp())
            and (head.scheduled_at is null or head.x_due_at = head.scheduled_at)
            and not exists (
                select from procrastinate_jobs running
                where running.lock = piles.lock and running.status = 'doing')
            and not exists (
                select from limits where key = head.x_limit_key
                    and (max_running is not null or blocked_until > clock_timestamp()))
        order by head.priority desc, head.id limit wanted
    )
    select array_agg(id) into chosen from heads where pg_try_advisory_xact_lock(hashtextextended(lock, 0));
    chosen := array(
        select id from procrastinate_jobs job
        where id = any (chosen) and status::text = 'todo' and not exists (
                select from procrastinate_jobs running
                where running.lock = job.lock and running.status = 'doing'
            ) and not exists (
                select from procrastinate_jobs ahead
                where ahead.lock = job.lock and ahead.status < 'doing' and ahead.queue_name || '' = any (served)
                    and (ahead.priority > job.priority or ahead.priority = job.priority and ahead.id < job.id)
            )
        for update skip locked
    );
    return query
    update procrastinate_jobs
    set status = 'doing', worker_id = worker, x_started_at = clock_timestamp()
    where id = any (chosen)
    returning id, task_name::text, procrastinate_jobs.priority, procrastinate_jobs.lock, queueing_lock, args, scheduled_at,
        queue_name::text, attempts, x_kills, x_limit_key, x_created_at, null::double precision;
end $$;

-- Jobs whose process died while they ran, at most `most_kills` times. Most of them only ran beside the one that did it,
-- or somebody killed the process: those of one death run again side by side. Who has two is under suspicion, and runs
-- as the only suspect of its process.
create or replace function queue_claim_suspect(
    worker bigint, queues text[], served text[], tasks text[], wanted integer, most_kills integer
) returns setof queue_claimed language plpgsql as $$
declare
    chosen bigint;
    kills integer;
begin
    for n in 1 .. wanted loop
        select job.id, x_kills into chosen, kills from procrastinate_jobs job
        where queue_name = any (queues) and status < 'doing' and x_kills <= most_kills
            and task_name = any (tasks) and coalesce(scheduled_at <= clock_timestamp(), true)
            and coalesce(x_expires_at > clock_timestamp(), true)
            and not exists (
                select from limits where key = job.x_limit_key and (blocked_until > clock_timestamp() or max_running <= (
                    select count(*) from procrastinate_jobs other
                    where other.x_limit_key = job.x_limit_key and other.status = 'doing')))
            and (lock is null or not exists (
                select from procrastinate_jobs other
                where other.lock = job.lock and (other.status = 'doing'
                    or other.status < 'doing' and other.queue_name || '' = any (served)
                        and (other.priority > job.priority or other.priority = job.priority and other.id < job.id))
            ) and pg_try_advisory_xact_lock(hashtextextended(lock, 0)))
        order by x_kills, priority desc, id limit 1 for update skip locked;
        exit when chosen is null or n > 1 and kills > 1;
        return query
        update procrastinate_jobs
        set status = 'doing', worker_id = worker, x_started_at = clock_timestamp(), x_due_at = scheduled_at
        where id = chosen and status::text = 'todo' and (lock is null or not exists (
            select from procrastinate_jobs other
            where other.lock = procrastinate_jobs.lock and (other.status = 'doing'
                or other.status < 'doing' and other.queue_name || '' = any (served)
                    and (other.priority > procrastinate_jobs.priority
                        or other.priority = procrastinate_jobs.priority and other.id < procrastinate_jobs.id))))
        returning id, task_name::text, procrastinate_jobs.priority, procrastinate_jobs.lock, queueing_lock, args,
            scheduled_at, queue_name::text, attempts, x_kills, x_limit_key, x_created_at, null::double precision;
        exit when not found or kills > 1;
    end loop;
end $$;

create or replace function queue_claim(
    worker bigint, only_queues text[], tasks text[], bulk text[], wanted integer, bulk_wanted integer,
    suspect boolean, since bigint, after_key text, most_kills integer default 32767
) returns setof queue_claimed language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
    at timestamptz := clock_timestamp();  -- a value: an index cannot be searched for a volatile function
    queues text[];
    due boolean;
    expired boolean;
    suspects boolean;
    special boolean;
    served text[];
    asked integer := wanted;
    got integer;
    again_in double precision;
begin
    select array(
            select queue_name from queue_settings
            where paused_at is null and (only_queues is null or queue_name = any (only_queues))
            order by queue_name
        ), exists (
            select from procrastinate_jobs where status < 'doing' and x_expires_at <= at
        ), suspect and exists (
            select from procrastinate_jobs where status < 'doing' and x_kills <= most_kills
        )
    into queues, expired, suspects;
    due := exists (
        select from unnest(queues) as queue where exists (
            select from procrastinate_jobs
            where queue_name || '' = queue and status < 'doing' and scheduled_at is not null
                and x_due_at is distinct from scheduled_at and scheduled_at <= at));
    if due then
        perform queue_promote(queues, at, greatest(wanted, 500));
    end if;
    if expired then
        perform queue_expire(queues, at);
    end if;
    special := exists (
        select from unnest(queues) as queue where exists (
            select from procrastinate_jobs
            where queue_name || '' = queue and coalesce(x_limit_key, '') >= '' and status < 'doing' and lock is not null
                and x_kills is null and (scheduled_at is null or x_due_at = scheduled_at)
        ) or exists (
            select from procrastinate_jobs
            where queue_name || '' = queue and coalesce(x_limit_key, '') > '' and status < 'doing' and lock is null
                and x_kills is null and (scheduled_at is null or x_due_at = scheduled_at)
        ));
    if suspects or special then
        served := queue_served();
    end if;
    if suspects and wanted > 0 then
        return query select * from queue_claim_suspect(
            worker, queues, served, tasks || bulk, least(wanted, 50), most_kills);
        get diagnostics got = row_count;
        wanted := wanted - got;
    end if;
    if bulk_wanted >= wanted then
        tasks := tasks || bulk;
        bulk := '{}';
    end if;
    if wanted > 0 then
        if special then
            return query select * from queue_claim_ready(worker, queues, served, tasks, wanted, since, after_key);
        else
            return query  -- what is usual: no keys, no locks
            update procrastinate_jobs
            set status = 'doing', worker_id = worker, x_started_at = clock_timestamp()
            where id = any (array(  -- an array, so that the plan does not depend on how many that might be
                select job.id from unnest(queues) as queue cross join lateral (
                    select id, priority from procrastinate_jobs
                    where queue_name || '' = queue and coalesce(x_limit_key, '') = '' and status < 'doing'
                        and lock is null and x_kills is null and (scheduled_at is null or x_due_at = scheduled_at)
                        and id + 0 >= since and task_name = any (tasks)
                        and (x_expires_at is null or x_expires_at > clock_timestamp())
                    order by priority desc, id + 0 limit wanted for update skip locked
                ) job
                order by job.priority desc, job.id limit wanted
            ))
            returning id, task_name::text, procrastinate_jobs.priority, procrastinate_jobs.lock, queueing_lock, args,
                scheduled_at, queue_name::text, attempts, x_kills, x_limit_key, x_created_at, null::double precision;
        end if;
        get diagnostics got = row_count;
        wanted := wanted - got;
        if special and wanted > 0 then
            return query select * from queue_claim_deep(worker, queues, served, tasks, wanted);
            get diagnostics got = row_count;
            wanted := wanted - got;
        end if;
    end if;
    if bulk_wanted > 0 and bulk <> '{}' and wanted > 0 then
        return query select * from queue_claim_ready(
            worker, queues, coalesce(served, queue_served()), bulk, least(bulk_wanted, wanted), 0, after_key);
        get diagnostics got = row_count;
        wanted := wanted - got;
    end if;
    if wanted = asked then  -- who got something looks again at once
        select least(
            (select greatest(extract(epoch from min(due.scheduled_at) - clock_timestamp())::double precision, case when min(due.scheduled_at) < at then 0.1 end)
             from unnest(queues) as queue cross join lateral (
                select scheduled_at from procrastinate_jobs
                where queue_name || '' = queue and status < 'doing' and scheduled_at is not null
                    and x_due_at is distinct from scheduled_at
                order by scheduled_at limit 1
             ) due),
            (select extract(epoch from min(greatest(blocked_until - clock_timestamp(), '10 ms')))::double precision
             from limits where blocked_until > clock_timestamp()),
            (select 0.25 from limits where max_running is not null limit 1)
        ) into again_in;
    end if;
    return query
    select null::bigint, null::text, null::integer, null::text, null::text, null::jsonb, null::timestamptz,
        null::text, null::integer, null::smallint, null::text, null::timestamptz, again_in;
end $$;

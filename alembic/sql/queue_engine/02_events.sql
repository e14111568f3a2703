-- Statement-level events and wake-ups in place of the library's row-level ones, which are disabled (not
-- redefined: its own migrations re-create them under the same names).

create or replace function queue_wake(queues text[]) returns void language plpgsql as $$
declare
    payload constant text := '{"type": "job_inserted", "job_id": 0}';
    queue text;
begin
    foreach queue in array queues loop
        perform pg_notify('procrastinate_queue_v1#' || queue, payload);
    end loop;
    if queues <> '{}' then
        perform pg_notify('procrastinate_any_queue_v1', payload);
    end if;
end $$;
comment on function queue_wake(text[]) is 'Wake the workers of these queues, once each, when the transaction commits';

-- A job that is due later than this after its insert wakes nobody: every look asks for the next due time, at
-- least once in such an interval.
create or replace function queue_poll_interval() returns interval language sql immutable parallel safe
return interval '5 seconds';

create or replace function queue_jobs_inserted() returns trigger language plpgsql as $$
begin
    insert into procrastinate_events (job_id, type, at)
    select id, 'deferred'::procrastinate_job_event_type, now() from born where status = 'todo'
    union all
    select id, 'scheduled', scheduled_at from born where status = 'todo' and scheduled_at is not null;

    insert into queue_settings (queue_name)
    select distinct queue_name from born
    where not exists (select from queue_settings known where known.queue_name = born.queue_name)
    on conflict do nothing;

    perform queue_wake(array(
        select distinct queue_name from born
        where status = 'todo' and coalesce(scheduled_at <= clock_timestamp() + queue_poll_interval(), true)
    ));
    return null;
end $$;

create or replace function queue_jobs_updated() returns trigger language plpgsql
set enable_nestloop = off set enable_mergejoin = off  -- nobody knows how many rows these have: hash them
as $$
declare
    queues text[];
begin
    insert into procrastinate_events (job_id, type, at)
    select later.id, kind::procrastinate_job_event_type, now()
    from later join prior using (id) cross join lateral (select case
        when prior.status = 'todo' and later.status = 'doing' then 'started'
        when prior.status = 'doing' and later.status = 'succeeded' then 'succeeded'
        when prior.status = 'doing' and later.status = 'todo' then 'deferred_for_retry'
        when prior.status = 'doing' and later.status = 'failed' then 'failed'
        when prior.status = 'doing' and later.status = 'aborted' then 'aborted'
        when prior.status = 'todo' and later.status in ('cancelled', 'failed', 'succeeded') then 'cancelled'
        when prior.status = 'failed' and later.status = 'todo' then 'retried'
        end) as event (kind)
    where prior.status <> later.status and kind is not null;

    -- Who held a lock is out of the way: whoever waits for it may be another worker's.
    if exists (select from prior where lock is not null) then
        perform queue_wake(array(
            select distinct next.queue_name from prior join later using (id) cross join lateral (
                select queue_name from procrastinate_jobs waits
                where waits.lock = prior.lock and waits.status < 'doing' order by priority desc, id limit 1
            ) next
            where prior.lock is not null and prior.status in ('todo', 'doing') and later.status not in ('todo', 'doing')
        ));
    end if;

    if not exists (select from later where status = 'todo') then
        return null;
    end if;
    queues := array(
        select distinct later.queue_name from later join prior using (id)
        where later.status = 'todo' and (prior.status <> 'todo' or later.queue_name <> prior.queue_name
            or later.scheduled_at is distinct from prior.scheduled_at)
    );
    if queues = '{}' then
        return null;
    end if;
    insert into procrastinate_events (job_id, type, at)
    select later.id, 'scheduled', later.scheduled_at from later join prior using (id)
    where later.status = 'todo' and later.scheduled_at is not null
        and (prior.status <> 'todo' or later.scheduled_at is distinct from prior.scheduled_at);
    insert into queue_settings (queue_name)
    select queue_name from unnest(queues) as moved (queue_name)
    where not exists (select from queue_settings known where known.queue_name = moved.queue_name)
    on conflict do nothing;
    perform queue_wake(array(
        select distinct queue_name from later
        where status = 'todo' and queue_name = any (queues)
            and coalesce(scheduled_at <= clock_timestamp() + queue_poll_interval(), true)
    ));
    return null;
end $$;

create or replace trigger queue_jobs_inserted after insert on procrastinate_jobs
    referencing new table as born for each statement execute function queue_jobs_inserted();
create or replace trigger queue_jobs_updated after update on procrastinate_jobs
    referencing old table as prior new table as later for each statement execute function queue_jobs_updated();

-- Jobs of a workspace, also those enqueued in SQL, take turns with those of other workspaces.
create or replace function queue_key_of_workspace() returns trigger language plpgsql as $$
begin
    new.x_limit_key := 'workspace:' || (new.args ->> 'workspace_id');
    return new;
end $$;
create or replace trigger queue_key_of_workspace before insert on procrastinate_jobs
    for each row when (new.x_limit_key is null and new.args ? 'workspace_id')
    execute function queue_key_of_workspace();

alter table procrastinate_jobs
    disable trigger procrastinate_jobs_notify_queue_job_inserted_v1,
    disable trigger procrastinate_trigger_status_events_insert_v1,
    disable trigger procrastinate_trigger_status_events_update_v1,
    disable trigger procrastinate_trigger_scheduled_events_v1;

"""Every SQL statement of the room."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping, and_, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from socialsync.features.posts import lanes
from socialsync.features.posts.lifecycle import ARRIVED
from socialsync.features.posts.models import Post, PostDelivery, PostRun
from socialsync.queue import deferring

WHY_PARKED = "It waits until its channel is open again: it is paused or needs a new access token."
_ENQUEUE_DUE = """
with due as materialized (
    select id, workspace_id, channel_id from posts where status = 'queued' and due_at <= :now
    order by due_at limit :limit for update skip locked
),
closed as materialized (  -- FOR SHARE: who opens one finds its posts parked, and who is about to has it open
    select id from channels where id in (select channel_id from due)
        and (status = 'needs_reauth' or status = 'active' and paused_at is not null) for share skip locked
),
parked as (
    update posts set not_before = :parked_until, error = :why_parked, updated_at = :now
    from due join closed on closed.id = due.channel_id where posts.id = due.id
),
taken as materialized (
    update posts set status = 'publishing', attempt = attempt + 1, error = null, updated_at = :now
    from due join channels on channels.id = due.channel_id
    where posts.id = due.id and due.channel_id not in (select id from closed)
    returning posts.id, posts.workspace_id, posts.attempt, posts.recurrence is not null as recurs,
        channels.platform || '\\:' || channels.external_id as limit_key, {next_job_id} as job_id
),
born as ({births}),
runs as (
    insert into post_runs (workspace_id, post_id, attempt, job_id)
    select workspace_id, id, attempt, job_id from taken
    on conflict do nothing  -- somebody moved a post by hand: its job resumes the run that is there
)
select (select count(*) from due) as seen, (select count(*) from taken) as count,
    array(select id from taken limit :named) as named, array(select id from taken where recurs) as recurring
"""

_UNPARK_REOPENED = text("""
update posts set not_before = null, error = null, updated_at = :now
from (
    select post.id from channels channel
    join posts post on post.workspace_id = channel.workspace_id and post.channel_id = channel.id
    where channel.status = 'active' and channel.paused_at is null and channel.updated_at > :since
        and post.status = 'queued' and post.due_at > :now and post.due_at <= :parked_until
        and post.publish_at <= :now and post.updated_at <= channel.updated_at
    for update of post skip locked
) parked
where posts.id = parked.id
""")

_WAITS = text("select exists (select from procrastinate_jobs where id = :id and status = 'todo')")
_LOCKS = lanes.in_sql("post.id", "post.workspace_id")
_STRANDED = text(
    f"""
select post.id, post.workspace_id, coalesce(run.status = 'running' and run.effect_at is not null, false)
    or exists (
        select from post_deliveries sending where sending.workspace_id = post.workspace_id
            and sending.post_id = post.id and sending.status = 'sending') as in_doubt
from posts post
left join lateral (
    select job_id, settle_job_id, status, effect_at from post_runs run
    where run.workspace_id = post.workspace_id and run.post_id = post.id order by attempt desc limit 1
) run on true
where post.status = 'publishing' and post.updated_at < :before
    and not exists (
        select from procrastinate_jobs job
        where job.id in (run.job_id, run.settle_job_id) and job.status in ('todo', 'doing'))
    -- nor a chunk of a broadcast; spelled as the indexes on locks are
    and not exists (
        select from procrastinate_jobs job where job.lock = any ({_LOCKS}) and job.status < 'doing')
    and not exists (
        select from procrastinate_jobs job where job.lock = any ({_LOCKS}) and job.status = 'doing')
order by post.updated_at limit :limit for update of post skip locked
"""  # noqa: S608 - a constant of ours
)

_SIGNS = text(
    f"""
select post.id, run.doubt, run.effect_at is null and run.container_id is not null as prepares,
    held.not_before is not null as held, held.error as held_error, jobs.*,
    (select max_running from limits where key = jobs.full_key) as at_most,
    exists (select from limits where key = jobs.next_key and rate_per_s is not null) as is_rated
from posts post
left join lateral (
    select doubt, effect_at, container_id from post_runs run
    where run.workspace_id = post.workspace_id and run.post_id = post.id order by attempt desc limit 1
) run on true
left join lateral (
    select not_before, error from post_deliveries delivery
    where delivery.workspace_id = post.workspace_id and delivery.post_id = post.id
        and delivery.status = 'queued' and delivery.not_before is not null order by not_before limit 1
) held on true
cross join lateral (
    select coalesce(bool_or(sends and status = 'doing'), false) as works,
        coalesce(bool_or(waits and is_due), false) as ready,
        max(limit_key) filter (where waits and is_due and exists (
            select from limits where key = job.limit_key and max_running <= (
                select count(*) from procrastinate_jobs other
                where other.x_limit_key = job.limit_key and other.status = 'doing'))) as full_key,
        min(scheduled_at) filter (where waits) as next_at,
        (array_agg(limit_key order by scheduled_at) filter (where waits))[1] as next_key,
        coalesce(bool_or(not sends), false) as settles,
        min(scheduled_at) filter (where not sends and scheduled_at > :now) as settles_at,
        max((select setting.queue_name from queue_settings setting where setting.queue_name = job.queue_name
                and setting.paused_at is not null))
            filter (where status = 'todo' and is_due) as paused,
        max((select blocked_until from limits where limits.key = job.limit_key
            and blocked_until > clock_timestamp())) as blocked_until
    from (  -- of each lock the first job alone can run, as the claim orders them
        select *, task_name <> :settling as sends, coalesce(scheduled_at, :now) <= :now as is_due,
            task_name <> :settling and status = 'todo' and row_number() over (
                partition by lock order by status = 'doing' desc, priority desc, id) = 1 as waits
        from (
            select id, lock, priority, status, scheduled_at, queue_name, x_limit_key as limit_key, task_name
            from procrastinate_jobs job where job.lock = any ({_LOCKS}) and job.status < 'doing'
            union all
            select id, lock, priority, status, scheduled_at, queue_name, x_limit_key, task_name
            from procrastinate_jobs job where job.lock = any ({_LOCKS}) and job.status = 'doing'
        ) every
    ) job
) jobs
where post.id = any (cast(:ids as uuid[]))
"""  # noqa: S608 - a constant of ours
)


async def find_post(session: AsyncSession, post_id: UUID) -> Post | None:
    return await session.get(Post, post_id)


async def lock_post(session: AsyncSession, post_id: UUID) -> Post | None:
    """The post as it is now, FOR UPDATE."""
    query = select(Post).where(Post.id == post_id).with_for_update()
    return await session.scalar(query, execution_options={"populate_existing": True})


async def list_posts(
    session: AsyncSession, *, before: UUID | None, limit: int, status: str | None, channel_id: UUID | None
) -> list[Post]:
    """Newest first, without their recipients: of a page of broadcasts they are megabytes."""
    query = select(Post).options(defer(Post.recipients, raiseload=True)).order_by(Post.id.desc()).limit(limit)
    if before:
        query = query.where(Post.id < before)
    if status:
        query = query.where(Post.status == status)
    if channel_id:
        query = query.where(Post.channel_id == channel_id)
    return list(await session.scalars(query))


async def list_runs(session: AsyncSession, post_id: UUID) -> list[PostRun]:
    """First attempt first."""
    return list(
        await session.scalars(select(PostRun).where(PostRun.post_id == post_id).order_by(PostRun.attempt))
    )


async def list_deliveries(
    session: AsyncSession, post_id: UUID, *, after: UUID | None, limit: int, status: str | None
) -> list[PostDelivery]:
    query = select(PostDelivery).where(PostDelivery.post_id == post_id).order_by(PostDelivery.id).limit(limit)
    if status is not None:
        query = query.where(PostDelivery.status == status)
    return list(await session.scalars(query.where(PostDelivery.id > after) if after else query))


async def count_due(session: AsyncSession, now: datetime) -> int:
    query = select(func.count()).where(Post.status == "queued", Post.due_at <= now)
    return await session.scalar(query) or 0


async def enqueue_due(
    session: AsyncSession,
    births: str,
    *,
    now: datetime,
    parked_until: datetime,
    limit: int,
    named: int,
) -> RowMapping:
    """Move due posts from ``queued`` to ``publishing``, each with its run and its job, skipping those that
    another worker has in hand. Those of a closed channel are looked at again at ``parked_until``.

    Args:
        births: how their jobs are born, of ``taken``.

    Returns:
        ``seen`` and of them ``count`` that were moved; the ids of some (``named``), and of those that recur.
    """
    statement = text(_ENQUEUE_DUE.format(births=births, next_job_id=deferring.NEXT_ID))
    values = {"now": now, "limit": limit, "named": named}
    values |= {"parked_until": parked_until, "why_parked": WHY_PARKED}
    return (await session.execute(statement, values)).mappings().one()


async def unpark_reopened(
    session: AsyncSession, *, now: datetime, since: datetime, parked_until: datetime
) -> None:
    """Let the posts go on that were parked before their channel was opened again (``since`` then)."""
    values = {"now": now, "since": since, "parked_until": parked_until}
    await session.execute(_UNPARK_REOPENED, values)


async def add_run(session: AsyncSession, post: Post, job_id: int) -> None:
    """The post's attempt, running."""
    values = {"workspace_id": post.workspace_id, "post_id": post.id, "attempt": post.attempt}
    await session.execute(insert(PostRun).values(**values, job_id=job_id).on_conflict_do_nothing())


async def find_running(session: AsyncSession, post_id: UUID) -> PostRun | None:
    """The attempt under way, FOR UPDATE."""
    query = select(PostRun).where(PostRun.post_id == post_id, PostRun.status == "running").with_for_update()
    return await session.scalar(query, execution_options={"populate_existing": True})


async def find_last_run(session: AsyncSession, post_id: UUID) -> PostRun | None:
    """The latest attempt, FOR UPDATE."""
    query = select(PostRun).where(PostRun.post_id == post_id).order_by(PostRun.attempt.desc()).limit(1)
    return await session.scalar(query.with_for_update(), execution_options={"populate_existing": True})


async def get_run(session: AsyncSession, run_id: UUID) -> PostRun | None:
    """FOR UPDATE."""
    return await session.get(PostRun, run_id, with_for_update=True, populate_existing=True)


async def is_watched(session: AsyncSession, run: PostRun) -> bool:
    """Whether a job waits that will settle this run."""
    if run.settle_job_id is None:
        return False
    return bool(await session.scalar(_WAITS, {"id": run.settle_job_id}))


async def list_platform_ids(session: AsyncSession, channel_id: UUID, *, since: datetime) -> list[str]:
    """What the platform calls the channel's posts that were published since then."""
    query = select(Post.platform_post_id).where(
        Post.channel_id == channel_id, Post.platform_post_id.is_not(None), Post.published_at >= since
    )
    return [found for found in await session.scalars(query) if found]


async def effect_begun(session: AsyncSession, post_id: UUID) -> bool:
    """Whether the running attempt's intent is committed, or any recipient of any attempt was reached."""
    run = exists().where(
        PostRun.post_id == post_id, PostRun.status == "running", PostRun.effect_at.is_not(None)
    )
    reached = PostDelivery.status.in_(("sending", "unknown", *ARRIVED))
    delivery = exists().where(PostDelivery.post_id == post_id, reached)
    return bool(await session.scalar(select(or_(run, delivery))))


async def commit_intent(session: AsyncSession, *, run_id: UUID, revision: int, now: datetime) -> bool:
    """Compare and set: the run is ours, has no intent yet, and the post is still what we have read."""
    unchanged = exists().where(
        and_(Post.id == PostRun.post_id, Post.status == "publishing", Post.revision == revision)
    )
    result = await session.execute(
        update(PostRun)
        .where(PostRun.id == run_id, PostRun.status == "running", PostRun.effect_at.is_(None), unchanged)
        .values(effect_at=now, updated_at=now)
        .returning(PostRun.id)
    )
    return result.first() is not None


async def forget_containers(session: AsyncSession, post_id: UUID) -> None:
    """No attempt of this post goes on with a container: they hold another text."""
    await session.execute(
        update(PostRun)
        .where(PostRun.post_id == post_id)
        .values(container_id=None, child_container_ids=[], container_at=None)
    )


async def move_deliveries(
    session: AsyncSession, post_id: UUID, *, of: str, to: str, error: str | None, now: datetime
) -> None:
    """All deliveries of a post in one status go to another. Who waits again has waited for nothing yet."""
    anew = {"not_before": None, "waits": 0, "faults": 0} if to == "queued" else {}
    await session.execute(
        update(PostDelivery)
        .where(PostDelivery.post_id == post_id, PostDelivery.status == of)
        .values(status=to, error=error, updated_at=now, **anew)
    )


async def take_stranded(session: AsyncSession, now: datetime, limit: int) -> Sequence[RowMapping]:
    """Posts that are ``publishing`` for a minute without a job that waits or runs: ``id, workspace_id``, and
    ``in_doubt`` when an intent is committed without an outcome.
    """
    before = now - timedelta(minutes=1)
    return (await session.execute(_STRANDED, {"before": before, "limit": limit})).mappings().all()


async def list_signs(
    session: AsyncSession, post_ids: Sequence[UUID], *, now: datetime
) -> Sequence[RowMapping]:
    """What tells why these posts, which are ``publishing``, are not out yet.

    Returns:
        of each ``id``; of its last run ``doubt`` and whether it ``prepares`` media; of a broadcast whether
        somebody is ``held`` back, with the ``held_error``; of its jobs whether one ``works``, is ``ready``
        (and ``blocked_until``, or kept by a ``full_key`` that lets ``at_most`` so many run) or ``settles``
        (next ``settles_at``), when the ``next_at`` sends, with its ``next_key`` (which ``is_rated`` when a
        rate is set for it), and in which ``paused`` queue one is held back.
    """
    if not post_ids:
        return []
    values = {"ids": list(post_ids), "now": now, "settling": "posts.settle_run"}
    return (await session.execute(_SIGNS, values)).mappings().all()


async def list_first_recipients(
    session: AsyncSession, post_ids: Sequence[UUID], most: int
) -> dict[UUID, tuple[list[str], int]]:
    """The first recipients of each of these posts, and how many there are."""
    query = select(Post.id, Post.recipients[1:most], func.cardinality(Post.recipients))
    rows = (await session.execute(query.where(Post.id.in_(post_ids)))).all()
    return {row[0]: (row[1], row[2]) for row in rows}


async def count_deliveries(session: AsyncSession, post_id: UUID) -> dict[str, int]:
    """How many recipients of a post there are in each status."""
    query = select(PostDelivery.status, func.count()).where(PostDelivery.post_id == post_id)
    counted = await session.execute(query.group_by(PostDelivery.status))
    return {row[0]: row[1] for row in counted}

"""Which tasks there are, written down by whoever knows them: ``task_info`` is what others can ask."""

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.queue.tasks import Declarations

# In one order, so that workers that start together cannot deadlock.
_ANNOUNCE = text("""
insert into task_info (name, queue, policy, scope, soft_s, hard_s, priority, aliases, seen_at)
select name, queue, policy, scope, soft_s, hard_s, priority,
    array(select jsonb_array_elements_text(aliases)), clock_timestamp()
from jsonb_to_recordset(cast(:tasks as jsonb)) as known (name text, queue text, policy text, scope text,
    soft_s double precision, hard_s double precision, priority integer, aliases jsonb)
order by name
on conflict (name) do update set queue = excluded.queue, policy = excluded.policy, scope = excluded.scope,
    soft_s = excluded.soft_s, hard_s = excluded.hard_s, priority = excluded.priority,
    aliases = excluded.aliases, seen_at = excluded.seen_at
""")


async def announce(session: AsyncSession, tasks: Declarations) -> None:
    """Write down the tasks that this process knows, as they are now."""
    known = []
    for name, details in tasks.details.items():
        task, _ = tasks.find(name)
        known.append(
            {
                "name": name,
                "queue": task.queue,
                "policy": details.policy.name,
                "scope": details.scope,
                "soft_s": details.policy.soft.total_seconds(),
                "hard_s": details.policy.hard.total_seconds(),
                "priority": task.priority,
                "aliases": list(task.aliases or ()),
            }
        )
    await session.execute(_ANNOUNCE, {"tasks": to_json(known).decode()})

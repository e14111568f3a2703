"""What of procrastinate's schema must be as we left it, looked at when a worker starts.

An upgrade of the library may re-create its row-level triggers, enabled: every event would be written twice
and every job would notify for itself. tests/queue/test_library.py pins what we use of its Python.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import telemetry

log = telemetry.get_logger(__name__)

REPLACED_TRIGGERS = (
    "procrastinate_jobs_notify_queue_job_inserted_v1",
    "procrastinate_trigger_scheduled_events_v1",
    "procrastinate_trigger_status_events_insert_v1",
    "procrastinate_trigger_status_events_update_v1",
)
"""Disabled: statement-level ones of ours stand in."""
OUR_TRIGGERS = ("queue_jobs_inserted", "queue_jobs_updated", "queue_key_of_workspace")

_TRIGGERS = text(
    "select tgname, tgenabled = 'O' as enabled from pg_trigger"
    " where tgrelid = 'procrastinate_jobs'::regclass and not tgisinternal"
)


async def faults(session: AsyncSession) -> list[str]:
    """What is wrong with the triggers on the jobs, each with its fix."""
    enabled = {row.tgname: row.enabled for row in await session.execute(_TRIGGERS)}
    wrong = [
        f"The library's trigger {name} is enabled beside ours, so that events are written twice."
        f" As the owner: alter table procrastinate_jobs disable trigger {name}"
        for name in REPLACED_TRIGGERS
        if enabled.get(name)
    ]
    wrong += [
        f"Our trigger {name} is not enabled, so that no events are written and nobody is woken."
        f" As the owner: alter table procrastinate_jobs enable trigger {name}"
        for name in OUR_TRIGGERS
        if not enabled.get(name)
    ]
    known = {*REPLACED_TRIGGERS, *OUR_TRIGGERS, *_KEPT}
    wrong += [
        f"There is a trigger {name} on the jobs that we don't know: a newer procrastinate's?"
        for name in sorted(enabled.keys() - known)
        if name.startswith("procrastinate")
    ]
    return wrong


_KEPT = (
    "procrastinate_jobs_notify_queue_job_aborted_v1",
    "procrastinate_trigger_abort_requested_events_v1",
    "procrastinate_trigger_delete_jobs_v1",
)


async def check(session: AsyncSession) -> None:
    """Say loudly what is wrong; a worker runs nevertheless."""
    for fault in await faults(session):
        log.error("[QUEUE] The schema is not as it should be", fault=fault)

"""What runs: workers, queues, schedules; and whether the channels' tokens are good."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import timetable
from socialsync.cli.checks.findings import Check, Installation, Verdict, failed, ok, warning
from socialsync.cli.wording import counted, plural
from socialsync.db.encryption import Cipher
from socialsync.features.channels import sealing
from socialsync.features.channels import service as channels
from socialsync.features.operations import health
from socialsync.queue import inspection
from socialsync.queue.shapes import QueueState, ScheduleState

_NAMED = 3
"""Channels that are named; of the others only the number is told."""
_START = "Start one: socialsync worker"
_KEY = "SOCIALSYNC_SECRET_KEY"
_LEAST_KEY = 16
"""Characters. Any form is taken, and shorter ones too: they may have encrypted what has to be opened."""


def operation(seen: Installation) -> list[Check]:
    return [
        Check("workers", lambda: _workers(seen)),
        Check("queues", lambda: _queues(seen)),
        Check("schedules", lambda: _schedules(seen)),
        Check("secret key", lambda: _key(seen)),
        Check("channels", lambda: _channels(seen)),
    ]


async def _workers(seen: Installation) -> Verdict:
    async with seen.seen() as session:
        known = await inspection.workers(session)
        waiting = sum(queue.waiting for queue in (await inspection.queue_states(session)).values())
    alive = [worker for worker in known if worker.alive]
    busy = health.alerts({}, workers=len(alive), utilisation=inspection.utilisation(known)) if alive else []
    if busy:
        return failed(busy[0].message, busy[0].fix)
    if alive:
        return ok(f"{plural(len(alive), 'worker')} active.")
    if waiting:
        return failed(f"None is active, while {counted(waiting)} job(s) wait.", _START)
    return warning("None is active: nothing is published or answered.", _START)


async def _queues(seen: Installation) -> Verdict:
    async with seen.seen() as session:
        alive = await inspection.count_active_workers(session)
        queues = await inspection.queue_states(session)
    alerts = [alert for alert in health.alerts(queues, workers=alive) if alert.about.startswith("queue:")]
    if not alerts:
        return ok(_waiting(list(queues.values())))
    found = " ".join(alert.message for alert in alerts)
    fix = "; ".join(alert.fix for alert in alerts if alert.fix)
    return failed(found, fix) if alerts[0].level == "alarm" else warning(found, fix)


def _waiting(queues: Sequence[QueueState]) -> str:
    waiting = sum(queue.waiting for queue in queues)
    return f"{counted(waiting)} job(s) wait." if waiting else "Nothing waits."


async def _schedules(seen: Installation) -> Verdict:
    async with seen.seen() as session:
        found = {schedule.name: schedule for schedule in await inspection.schedules(session)}
    wanted = [entry.name for entry in timetable.TIMETABLE]
    missing = [name for name in wanted if name not in found]
    if missing:
        return warning(
            f"Not there: {', '.join(missing)}. Somebody removed it, or no worker has started yet.",
            "Start a worker; what was removed comes back with: socialsync schedules add",
        )
    return _schedules_there([found[name] for name in wanted])


def _schedules_there(wanted: Sequence[ScheduleState]) -> Verdict:
    disabled = [schedule.name for schedule in wanted if not schedule.enabled]
    overdue = [schedule.name for schedule in wanted if schedule.enabled and schedule.overdue]
    if disabled:
        return warning(f"Disabled: {', '.join(disabled)}.", f"socialsync schedules enable {disabled[0]}")
    if overdue:
        return warning(f"Overdue, since nobody ticks: {', '.join(overdue)}.", _START)
    return ok(f"{plural(len(wanted), 'schedule')} of the timetable, all enabled.")


async def _key(seen: Installation) -> Verdict:
    environment = seen.settings
    cipher = Cipher(environment.secret_keys) if environment.has_secret_key else None
    async with seen.seen() as session:
        tokens = await sealing.count_tokens(session, cipher)
    if cipher is None and not tokens.stored:
        return ok(f"None yet: the first process makes one in SOCIALSYNC_HOME, unless {_KEY} is set.")
    if cipher is None:
        return failed(
            f"There is none, but {plural(tokens.stored, 'token')} of channels to open.",
            f"Set {_KEY} to the key that encrypted them, or SOCIALSYNC_HOME to the folder that has it.",
        )
    if shut := tokens.stored - tokens.opening:
        return failed(
            f"{shut:,} of {plural(tokens.stored, 'token')} of channels cannot be decrypted with it.",
            f"Add the key that encrypted them to the end of {_KEY}, or give the channels new tokens.",
        )
    if environment.secret_key and any(len(key) < _LEAST_KEY for key in environment.secret_keys[:1]):
        return warning(
            f"{_KEY} has fewer than {_LEAST_KEY} characters and can be guessed.",
            f"Put a new one in front of it, from openssl rand -base64 32: {_KEY}=new,old",
        )
    origin = f"From {_KEY}" if environment.secret_key else "Generated in SOCIALSYNC_HOME"
    opens = (
        f"it opens the tokens of {plural(tokens.stored, 'channel')}" if tokens.stored else "no token to open"
    )
    return ok(f"{origin}; {opens}.")


async def _channels(seen: Installation) -> Verdict:
    async with seen.seen() as session:
        count, revoked = await _look(session)
    if not revoked:
        return ok(f"{plural(count, 'channel')}, none of which needs a new token.")
    named = ", ".join(repr(channel.name) for channel in revoked[:_NAMED])
    more = f" and {len(revoked) - _NAMED:,} more" if len(revoked) > _NAMED else ""
    first = revoked[0]
    return warning(
        f"{len(revoked):,} of {plural(count, 'channel')} need a new token: {named}{more}.",
        f"socialsync channel edit {first.id} --workspace {first.workspace_id} --token -",
    )


async def _look(session: AsyncSession) -> tuple[int, Sequence[channels.Channel]]:
    return await channels.count_channels(session), await channels.list_revoked(session)

"""Rescue: the jobs of dead workers are given back, failed or dropped, as their policies say.

Dead is who has lost the session lock in two looks at least a second apart, proved by taking that lock; or who
has had no heartbeat for 30 s; or, at once, whose process was beside ours and is gone. A restart of Postgres
frees every lock while all workers still run, so a rescuer judges locks only after five seconds of unbroken
session of its own.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import telemetry
from socialsync.db.away import is_away
from socialsync.db.transaction import Database
from socialsync.queue.neighbours import is_gone
from socialsync.queue.policies import POLICIES, OnDeath, Policy
from socialsync.queue.tasks import Declarations

log = telemetry.get_logger(__name__)

DEAD_AFTER_S = 30.0
LOOK_EVERY = 0.4
TWICE_WITHIN = 1.0
STEADY_FOR = 5.0
MOST_KILLS = 3
"""A job that ran in so many processes when they died is poison."""

_LOOK = text("""
with lease as materialized (select queue_leases() as number)
select worker.id,
    worker.last_heartbeat < clock_timestamp() - make_interval(secs => :dead_after) as silent,
    coalesce(info.leased, false)
        and queue_lease_number(worker.id) not in (select number from lease) as unleased,
    info.pid, info.pid_space
from procrastinate_workers worker left join worker_info info on info.worker_id = worker.id
""")
_PROVE = text("select pg_try_advisory_xact_lock(queue_lease_class(), queue_lease_number(:worker))")
_STILL_SILENT = text("""
select true from procrastinate_workers
where id = :worker and last_heartbeat < clock_timestamp() - make_interval(secs => :dead_after)
for update skip locked
""")
_HOMELESS = text("select true from procrastinate_jobs where status = 'doing' and worker_id is null limit 1")
_BURY = text("""
select job_id, task, outcome, reason from queue_bury(:worker, cast(:fail as text[]), cast(:drop as text[]),
    cast(:tasks as text[]), cast(:hard as double precision[]), :most_kills)
""")
_KNOWN = text("select name, aliases, policy from task_info")
_ALONE = text("select pg_try_advisory_xact_lock(hashtextextended('queue rescue', 2))")


@dataclass(frozen=True)
class Seen:
    """A worker in one look."""

    id: int
    silent: bool
    unleased: bool
    gone: bool


class Rescuer:
    """Looks again and again; one of every worker's duties.

    Args:
        tasks: for their policies.
        steady_since: since when (monotonic) our own session lasts; None while it does not.
        steady_for: seconds that it must have lasted before locks are judged.
        dead_after: seconds without a heartbeat after which a worker is dead, whatever its lock.
    """

    def __init__(
        self,
        database: Database,
        tasks: Declarations,
        *,
        steady_since: Callable[[], float | None],
        steady_for: float = STEADY_FOR,
        dead_after: float = DEAD_AFTER_S,
    ) -> None:
        self._database = database
        self._tasks = tasks
        self._steady_since = steady_since
        self._steady_for = steady_for
        self._dead_after = dead_after
        self._missed: dict[int, float] = {}
        self._homeless_at: float | None = None

    async def run(self) -> None:
        """Look until cancelled; whatever goes wrong ends one look."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self.look()
            except Exception as error:
                self._missed = {}
                if is_away(error) or isinstance(error, OSError):
                    log.debug("[RESCUE] Postgres is away")
                else:
                    log.exception("[RESCUE] A look failed")

    async def look(self) -> int:
        """Look once, and bury who is dead. Returns how many jobs that concerned."""
        async with self._database.system_transaction("rescue looks at every worker") as session:
            rows = await session.execute(_LOOK, {"dead_after": self._dead_after})
            seen = [
                Seen(row.id, row.silent, row.unleased, row.unleased and is_gone(row.pid, row.pid_space))
                for row in rows
            ]
            homeless = await session.scalar(_HOMELESS) is not None
        rescued = 0
        for worker in self._dead(seen):
            rescued += await self._bury(worker)
        if self._for_long(homeless):
            rescued += await self._bury(None)
        return rescued

    def _dead(self, seen: list[Seen]) -> list[Seen]:
        """Who is dead by this look and the ones before."""
        now = time.monotonic()
        steady_since = self._steady_since()
        may_judge = steady_since is not None and now - steady_since >= self._steady_for
        missed = {worker.id: self._missed.get(worker.id, now) for worker in seen if worker.unleased}
        self._missed = missed if may_judge else {}
        return [
            worker
            for worker in seen
            if worker.silent
            or worker.gone
            or (may_judge and now - missed.get(worker.id, now) >= TWICE_WITHIN)
        ]

    def _for_long(self, homeless: bool) -> bool:
        """Whether running jobs without any worker were seen for long enough to be sure of it."""
        now = time.monotonic()
        self._homeless_at = (self._homeless_at or now) if homeless else None
        return self._homeless_at is not None and now - self._homeless_at >= TWICE_WITHIN

    async def _bury(self, worker: Seen | None) -> int:
        names: dict[OnDeath, list[str]] = {"requeue": [], "fail": [], "drop": []}
        policies = await self._policies()
        for name, policy in policies.items():
            names[policy.on_death].append(name)
        limits = {name: policy.hard.total_seconds() for name, policy in policies.items()}
        async with self._database.system_transaction("rescue gives back a dead worker's jobs") as session:
            if not await session.scalar(_ALONE) or not await self._is_dead(session, worker):
                return 0
            rows = await session.execute(
                _BURY,
                {
                    "worker": worker.id if worker else None,
                    "fail": names["fail"],
                    "drop": names["drop"],
                    "tasks": list(limits),
                    "hard": list(limits.values()),
                    "most_kills": MOST_KILLS,
                },
            )
            buried = rows.all()
        for row in buried:
            log.warning("[RESCUE] A dead worker's job", job_id=row.job_id, task=row.task, outcome=row.outcome)
        log.warning(
            "[RESCUE] Buried a dead worker", worker_id=worker.id if worker else None, jobs=len(buried)
        )
        return len(buried)

    async def _policies(self) -> dict[str, Policy]:
        """By every name that a job may have: aliases too, and tasks that only other processes know."""
        async with self._database.system_transaction("rescue looks at every worker") as session:
            known = (await session.execute(_KNOWN)).all()
        theirs = {
            name: POLICIES[row.policy]
            for row in known
            if row.policy in POLICIES
            for name in (row.name, *row.aliases)
        }
        details = self._tasks.details
        ours = {
            name: details[task.name].policy
            for name, task in self._tasks.tasks.items()
            if task.name in details
        }
        return theirs | ours

    async def _is_dead(self, session: AsyncSession, worker: Seen | None) -> bool:
        if worker is None:
            return True
        if worker.silent:
            values = {"worker": worker.id, "dead_after": self._dead_after}
            return await session.scalar(_STILL_SILENT, values) is not None
        return bool(await session.scalar(_PROVE, {"worker": worker.id}))

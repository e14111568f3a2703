"""Bodies that come together are stored together: while some are being stored, the others wait and share the
next transaction. Alone, a body waits for nobody; in a storm, fifty cost little more than one.

Nobody is answered before the commit of their own body.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from socialsync.db.away import is_away
from socialsync.db.sqlstates import READ_ONLY, sqlstate
from socialsync.db.transaction import Database
from socialsync.features.webhooks import service

ROUNDS = 2
"""Transactions at once: one is written to disk while the other is worked on."""
MANY = 16
"""Bodies that must wait for the second one to begin: fewer take less of the machine together."""
STUCK_AFTER_S = 0.2
"""A transaction that waits for somebody's lock holds up no others: after so long it does not count."""
MOST_ROUNDS = 8
MOST_BODIES = 100
MOST_BYTES = 32 * 1024
"""Of one transaction: some forty messages. It waits for the conversations of all of them, and holds them, so
one of a thousand would wait for every job that answers somebody. A body that is larger goes alone.
"""
_AWAY = ("08", "53", "57")
"""Classes of SQLSTATE that are about the server, and none of the bodies."""


@dataclass(eq=False)
class _Told:
    platform: str
    body: bytes
    at: datetime
    stored: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass(eq=False)
class _Round:
    """Transactions, one after the other, by one task."""

    began: float


class Intake:
    """Of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Told] = []
        self._rounds: list[_Round] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None

    async def receive(self, platform: str, body: bytes, *, now: datetime) -> None:
        """Returns when the body is stored for good; raises what kept it from being."""
        told = _Told(platform, body, now)
        self._waiting.append(told)
        self._look()
        await told.stored

    def _look(self) -> None:
        """Begin another round where there is room, else look again when one of those may be stuck."""
        if not self._waiting or len(self._rounds) >= MOST_ROUNDS:
            return
        moving = [each.began for each in self._rounds if each.began > _time() - STUCK_AFTER_S]
        if not moving or (len(moving) < ROUNDS and len(self._waiting) >= MANY):
            self._rounds.append(round_ := _Round(_time()))
            moving.append(round_.began)
            task = asyncio.create_task(self._go(round_))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_at(min(moving) + STUCK_AFTER_S, self._look_again)

    def _look_again(self) -> None:
        self._alarm = None
        self._look()

    async def _go(self, round_: _Round) -> None:
        """Until nobody waits. It belongs to no request: who hangs up takes nobody along."""
        try:
            while together := self._take():
                round_.began = _time()
                try:
                    await self._store(together)
                except Exception as error:  # noqa: BLE001 - whoever waits is told
                    _tell(together, error)
                else:
                    _tell(together, None)
        finally:
            self._rounds.remove(round_)

    def _take(self) -> list[_Told]:
        """Those of one platform: what is about an account is handed over in one order."""
        together: list[_Told] = []
        size = 0
        for told in self._waiting:
            if together and (told.platform != together[0].platform or size + len(told.body) > MOST_BYTES):
                continue
            together.append(told)
            size += len(told.body)
            if len(together) == MOST_BODIES:
                break
        taken = set(map(id, together))
        self._waiting = [told for told in self._waiting if id(told) not in taken]
        return together

    async def _store(self, together: Sequence[_Told]) -> None:
        bodies = [told.body for told in together]
        try:
            all_ = service.Together(together[0].platform, bodies, now=together[-1].at)
            async with self._database.system_transaction(
                "webhooks are stored and handled", *all_.questions
            ) as session:
                await all_.receive(session)
        except Exception as error:
            if _is_of_all(error):
                raise
            for told in together:  # one of them is at fault, and shall spoil only itself
                await self._store_alone(told)

    async def _store_alone(self, told: _Told) -> None:
        try:
            async with self._database.system_transaction("a webhook is stored at least") as session:
                await service.receive(session, told.platform, told.body, now=told.at)
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            _tell([told], error)


def _time() -> float:
    return asyncio.get_running_loop().time()


def _is_of_all(error: Exception) -> bool:
    """Whether Postgres is away, for all of them alike."""
    state = sqlstate(error)
    return is_away(error) and (state is None or state.startswith(_AWAY) or state == READ_ONLY)


def _tell(together: Sequence[_Told], error: Exception | None) -> None:
    for told in together:
        if told.stored.done():  # it was told before, or hung up
            continue
        if error is None:
            told.stored.set_result(None)
        else:
            told.stored.set_exception(error)

"""Calls the callback until it answers 200, as Meta does, however long it was away.

Meta, "Webhooks, Getting Started": what is not answered with 200 is tried again at once and then less often;
several updates may come in one call. One call at a time, so that without a fault news come in their order;
or several, as Meta calls somebody who has much to hear.
"""

import asyncio
import contextlib
import functools
import ssl
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx

from socialsync.simulator.webhooks.bodies import StatusUpdate
from socialsync.simulator.webhooks.callback import Callback
from socialsync.simulator.webhooks.parcels import ATTEMPTS, Parcel, Waiting, packed, pause_after

ANSWER_WITHIN_S = 10.0


class Courier:
    """Belongs to one world. Its methods are called in the event loop."""

    def __init__(self, callback: Callback | None) -> None:
        self._callback = callback
        self._waiting = Waiting()
        self._hurried: list[StatusUpdate] = []
        self._stirred = asyncio.Event()
        self._rounds: list[asyncio.Task[None]] = []
        self._calls = 1
        self._rushes: set[asyncio.Task[None]] = set()
        self._counts: Counter[str] = Counter(told=0, refused=0, given_up=0, lost=0, waiting=0)
        self.loses = False
        """Whether news are lost on their way, and never come again."""

    @property
    def is_called_for(self) -> bool:
        """Whether anybody wants to be told."""
        return self._callback is not None

    def call_at(self, callback: Callback, calls: int = 1) -> None:
        """From now on, with so many calls at a time; what still waits goes there too."""
        self._callback = callback
        self._calls = calls

    def tell(self, update: StatusUpdate, after_s: float = 0.0) -> None:
        if self.is_called_for and not self._lose(1):
            self._counts["waiting"] += 1
            self._waiting.add(_now() + after_s, update)
            self._stir()

    def hand_over(self, parcel: Parcel) -> None:
        """A body that somebody wrote."""
        if self._lose(parcel.size):
            return
        self._counts["waiting"] += parcel.size
        self._waiting.add_again(_now(), parcel)
        self._stir()

    def hurry(self, updates: Sequence[StatusUpdate]) -> None:
        """Keep these for `rush`."""
        if self.is_called_for and not self._lose(len(updates)):
            self._counts["waiting"] += len(updates)
            self._hurried += updates

    async def rush(self, within_s: float) -> bool:
        """Tell what was hurried, if anything was, now and apart from the rest; wait no longer than this for
        it to be heard.
        """
        if not self._hurried:
            return False
        parcel, self._hurried = packed(self._hurried), []
        rush = asyncio.create_task(self._rush(parcel))
        self._rushes.add(rush)
        rush.add_done_callback(self._rushes.discard)
        await asyncio.wait({rush}, timeout=within_s)
        return True

    def hand_over_later(self, parcel: Parcel, after_s: float) -> None:
        """A body whose time has not come yet, if it has not."""
        if after_s <= 0:
            self.hand_over(parcel)
            return
        self._counts["waiting"] += parcel.size
        self._waiting.add_again(_now() + after_s, parcel)
        self._stir()

    def stop(self) -> None:
        """For good: the world ends."""
        for task in (*self._rounds, *self._rushes):
            task.cancel()

    def as_json(self) -> dict[str, Any]:
        """Whom it calls; how many updates were heard, wait or were given up, and how many calls refused."""
        return {"url": self._callback and self._callback.url, **self._counts}

    def _lose(self, size: int) -> bool:
        if self.loses:
            self._counts["lost"] += size
        return self.loses

    def _stir(self) -> None:
        self._stirred.set()
        while len(self._rounds) < self._calls:
            self._rounds.append(asyncio.create_task(self._go_round()))

    async def _go_round(self) -> None:
        failures = 0
        async with _open_http() as http:
            while True:
                failures = 0 if await self._deliver(http, await self._next()) else failures + 1
                if failures:
                    # Whoever is away is not called once for each of the news of the meantime
                    await asyncio.sleep(pause_after(failures))

    async def _next(self) -> Parcel:
        while (parcel := self._waiting.take(_now())) is None:
            self._stirred.clear()
            due = self._waiting.due()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stirred.wait(), due and max(0.0, due - _now()))
        return parcel

    async def _rush(self, parcel: Parcel) -> None:
        async with _open_http() as http:
            await self._deliver(http, parcel)

    async def _deliver(self, http: httpx.AsyncClient, parcel: Parcel) -> bool:
        parcel.attempts += 1
        heard = await self._call(http, parcel)
        if not heard:
            self._counts["refused"] += 1
            if parcel.attempts < ATTEMPTS:
                self._waiting.add_again(_now() + pause_after(parcel.attempts), parcel)
                self._stir()
                return False
        self._counts["told" if heard else "given_up"] += parcel.size
        self._counts["waiting"] -= parcel.size
        return heard

    async def _call(self, http: httpx.AsyncClient, parcel: Parcel) -> bool:
        callback = self._callback
        if callback is None:
            return False
        address, headers = callback.address(parcel.platform), callback.headers(parcel.body)
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = await http.post(address, content=parcel.body, headers=headers)
        except (httpx.HTTPError, TimeoutError):
            return False
        return answer.status_code == httpx.codes.OK


def _now() -> float:
    return asyncio.get_running_loop().time()


def _open_http() -> httpx.AsyncClient:
    return httpx.AsyncClient(verify=_tls(), trust_env=False, timeout=ANSWER_WITHIN_S)


@functools.cache
def _tls() -> ssl.SSLContext:
    """Reading the authorities takes longer than all else here, so a process does it once."""
    return httpx.create_ssl_context()

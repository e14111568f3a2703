"""Whether anybody was there to be told: the web door beats, and notices itself when it did not.

What a platform tells is tried for a while and then lost. A door that was down, or that Postgres was away
from, beats again when it is back; what was missed until then is pulled. Of many doors one is enough.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock, telemetry
from socialsync.db.away import is_away
from socialsync.db.transaction import Database
from socialsync.features.channels import service as channels
from socialsync.features.webhooks import queries

log = telemetry.get_logger(__name__)

EVERY_S = 15.0
SILENCE = timedelta(seconds=60)
"""Without a beat, after which something may have been missed. Platforms try again within shorter ones."""
EARLIER = timedelta(minutes=5)
"""What was written so long before the last beat may have been told after it."""


async def beat(session: AsyncSession, *, now: datetime) -> int:
    """The door is there: how many channels may have missed something before."""
    before = await queries.beat(session, now=now)
    if before is None or now - before <= SILENCE:
        return 0
    missed = await channels.miss_all(session, since=before - EARLIER, now=now)
    log.warning(f"[WEBHOOK] Nobody was there to be told for {now - before}", channels=missed)
    return missed


@asynccontextmanager
async def beating(database: Database) -> AsyncIterator[None]:
    """Beat while the block runs."""
    heart = asyncio.create_task(_beat_on(database))
    try:
        yield
    finally:
        heart.cancel()
        await asyncio.wait({heart})


async def _beat_on(database: Database) -> None:
    """Until cancelled. Whatever goes wrong ends one beat, never the loop."""
    while True:
        try:
            async with database.system_transaction("the web door tells that it is there") as session:
                await beat(session, now=clock.now())
        except Exception as error:
            if not is_away(error) and not isinstance(error, OSError):
                log.exception("[WEBHOOK] A beat of the web door failed")
        await asyncio.sleep(EVERY_S)

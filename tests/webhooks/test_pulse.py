"""The web door notices when it was away, and everything that may have been missed then is pulled."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from socialsync import clock
from socialsync.features.channels import gaps
from socialsync.features.webhooks import pulse
from tests.messages.conftest import office
from tests.webhooks.conftest import CHANNEL

__all__ = ["office"]

LISTEN = text("select exists (select from pulses where name = 'web')")


@pytest.fixture
async def quiet(office):
    """Nothing is missed, and no job waits."""
    await office.rows("update channels set missed_since = null returning id")
    await office.rows("delete from procrastinate_jobs returning id")
    return office


async def beat(office) -> int:
    async with office.opened.database.system_transaction("a test beats") as session:
        return await pulse.beat(session, now=clock.now())


async def test_a_door_that_was_away_has_its_channels_catch_up(noon, quiet):
    assert await beat(quiet) == 0
    last = clock.now()
    noon.move(timedelta(minutes=10))
    assert await beat(quiet) == 1
    (channel,) = await quiet.rows("select * from channels where missed_since is not null")
    assert (channel["id"], channel["missed_since"]) == (quiet.instagram, last - pulse.EARLIER)
    (job,) = await quiet.jobs(gaps.CATCH_UP)
    assert job["x_limit_key"] == f"instagram:{channel['external_id']}"
    assert await beat(quiet) == 0


async def test_a_short_silence_is_nothing(noon, quiet):
    await beat(quiet)
    for _ in range(5):
        noon.move(pulse.SILENCE)
        assert await beat(quiet) == 0
    assert await quiet.jobs(gaps.CATCH_UP) == []


async def test_the_longer_of_two_silences_counts(noon, quiet):
    await beat(quiet)
    first = clock.now()
    for _ in range(2):
        noon.move(timedelta(minutes=10))
        await beat(quiet)
    (channel,) = await quiet.rows("select * from channels where missed_since is not null")
    assert channel["missed_since"] == first - pulse.EARLIER
    assert len(await quiet.jobs(gaps.CATCH_UP)) == 1


async def test_of_many_doors_one_notices(noon, fresh_database):
    async def of_one() -> int:
        async with fresh_database.system_transaction("a test beats") as session:
            return await pulse.beat(session, now=clock.now())

    assert await of_one() == 0
    async with fresh_database.system_transaction("a test connects") as session:
        await session.execute(text(CHANNEL.replace("'whatsapp'", "'instagram'")))
    noon.move(timedelta(minutes=10))
    found = await asyncio.gather(*(of_one() for _ in range(6)))
    assert sorted(found) == [0, 0, 0, 0, 0, 1]


async def test_the_door_beats_while_it_is_open(fresh_database):
    async with pulse.beating(fresh_database):
        for _ in range(500):
            async with fresh_database.system_transaction("a test listens") as session:
                if await session.scalar(LISTEN):
                    return
            await asyncio.sleep(0.01)
    pytest.fail("it did not beat")

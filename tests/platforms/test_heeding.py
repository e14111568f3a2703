"""An account that has used up its limit is left alone: calls tell it, and the limits of the queue hear it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from socialsync.clock import MovableClock
from socialsync.db.engine import create_engine
from socialsync.db.transaction import Database
from socialsync.db.urls import Urls
from socialsync.platforms import Media, Platforms, Sender, errors, open_platforms
from socialsync.platforms.usage import Usage, wait_for
from socialsync.resources import heeding
from tests.conftest import opening
from tests.platforms.world import World
from tests.simulator.server import SimulatorServer

FULL = {"X-App-Usage": '{"call_count":100}'}
MINUTE = timedelta(minutes=1)
NUMBER = Sender("106540352242922", "a-token-of-whatsapp", "whatsapp:106540352242922")
REASON = "a test of limits"


@dataclass
class Heard:
    """Whoever is told, remembers."""

    waits: list[tuple[str, timedelta]] = field(default_factory=list)

    async def __call__(self, limit_key: str, wait: timedelta) -> None:
        self.waits.append((limit_key, wait))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def platforms(world: World, heard: Heard) -> AsyncIterator[Platforms]:
    async with open_platforms(
        meta_graph_url=world.url, instagram_graph_url=world.url, version="v25.0", heed=heard
    ) as opened:
        yield opened


async def ask(platforms: Platforms, sender: Sender) -> str:
    media = Media("https://example.org/1.jpg", "image")
    return await platforms.instagram.create_container(sender, media, "", media_type="image")


def business(regain: int) -> dict[str, str]:
    limit = {"type": "instagram", "call_count": 100, "estimated_time_to_regain_access": regain}
    return {"X-Business-Use-Case-Usage": json.dumps({"1": [limit]})}


# The rule


@pytest.mark.parametrize(
    ("used", "wait"),
    [
        (Usage(0), None),
        (Usage(89.9), None),
        (Usage(100), timedelta(minutes=5)),
        (Usage(250), timedelta(minutes=5)),
        (Usage(100, timedelta(minutes=19)), timedelta(minutes=19)),
        (Usage(12, timedelta(minutes=3)), timedelta(minutes=3)),
    ],
)
def test_a_full_limit_is_waited_out(used: Usage, wait: timedelta | None):
    assert wait_for(used) == wait


def test_the_wait_grows_as_the_limit_is_used_up():
    waits = [wait_for(Usage(percent)) for percent in (90, 92, 95, 99, 99.9)]
    assert all(wait and timedelta(0) < wait < MINUTE for wait in waits)
    assert waits == sorted(set(waits))


# The calls


async def test_an_answer_of_an_idle_account_says_nothing(
    platforms: Platforms, world: World, heard: Heard, sender: Sender
):
    world.answers({"id": "1"}, headers={"X-App-Usage": '{"call_count":89}'})
    await ask(platforms, sender)
    assert heard.waits == []


async def test_a_good_answer_of_a_full_account_is_heeded_and_kept(
    platforms: Platforms, world: World, heard: Heard, sender: Sender
):
    world.answers({"id": "1"}, headers=FULL)
    assert await ask(platforms, sender) == "1"
    assert heard.waits == [(sender.limit_key, timedelta(minutes=5))]


async def test_the_longest_wait_of_an_answer_is_heeded_once(
    platforms: Platforms, world: World, heard: Heard, sender: Sender
):
    error = {"error": {"code": 80002}}
    world.answers(error, status=429, headers={**business(regain=7), "Retry-After": "600"})
    with pytest.raises(errors.RateLimited):
        await ask(platforms, sender)
    world.answers(error, status=403, headers=business(regain=7))
    with pytest.raises(errors.RateLimited):
        await ask(platforms, sender)
    waits = [wait for _, wait in heard.waits]
    assert waits == [timedelta(minutes=10), timedelta(minutes=7)]


@pytest.mark.parametrize(
    ("code", "subcode", "state"),
    [
        (131056, None, errors.PairRateLimited),
        (9, 2207042, errors.QuotaSpent),
        (190, None, errors.TokenRevoked),
        (2, None, errors.PlatformUnavailable),
    ],
)
async def test_what_does_not_concern_the_whole_account_is_not_heeded(
    *,
    platforms: Platforms,
    world: World,
    heard: Heard,
    sender: Sender,
    code: int,
    subcode: int | None,
    state: type[errors.PlatformError],
):
    world.answers(
        {"error": {"code": code, "error_subcode": subcode}}, status=400, headers={"Retry-After": "60"}
    )
    with pytest.raises(state):
        await ask(platforms, sender)
    assert heard.waits == []


async def test_a_limit_without_a_wait_is_left_to_the_policy(
    platforms: Platforms, world: World, heard: Heard, sender: Sender
):
    world.answers({"error": {"code": 4}}, status=400)
    with pytest.raises(errors.RateLimited):
        await ask(platforms, sender)
    assert heard.waits == []


async def test_a_lost_answer_says_nothing(platforms: Platforms, world: World, heard: Heard, sender: Sender):
    world.hangs_up()
    with pytest.raises(errors.PlatformUnavailable):
        await ask(platforms, sender)
    assert heard.waits == []


# The limits of the queue


async def blocked(database: Database) -> dict[str, datetime]:
    async with database.system_transaction(REASON) as session:
        rows = await session.execute(text("select key, blocked_until from limits order by key"))
        return {row.key: row.blocked_until for row in rows}


async def test_a_process_blocks_the_account_until_it_may_call_again(
    fresh: Urls, tmp_path: Path, simulator: SimulatorServer, noon: MovableClock
):
    async with opening(fresh, tmp_path, simulator.url) as opened:
        simulator.fault(action="usage", call_count=100, estimated_time_to_regain_access=12)
        await opened.platforms.whatsapp.send_text(NUMBER, "+33612345678", "Hello", "outbox-1")
        assert await blocked(opened.database) == {NUMBER.limit_key: noon() + timedelta(minutes=12)}
        simulator.fault(action="retry_after", retry_after_s=3_600)
        with pytest.raises(errors.RateLimited):
            await opened.platforms.whatsapp.send_text(NUMBER, "+33612345678", "Hello", "outbox-2")
        assert await blocked(opened.database) == {NUMBER.limit_key: noon() + timedelta(hours=1)}
    assert len(simulator.ledger(kind="whatsapp.message")) == 1


async def test_a_block_is_only_ever_prolonged(database: Database, noon: MovableClock):
    heed = heeding(database)
    await heed("instagram:1", timedelta(hours=1))
    await heed("instagram:1", MINUTE)
    await heeding(database)("instagram:1", MINUTE)
    assert await blocked(database) == {"instagram:1": noon() + timedelta(hours=1)}


async def test_what_hardly_prolongs_a_block_is_not_written(database: Database, noon: MovableClock):
    heed, start = heeding(database), noon()
    await heed("instagram:1", MINUTE)
    noon.move(timedelta(seconds=10))
    await heed("instagram:1", MINUTE)
    assert await blocked(database) == {"instagram:1": start + MINUTE}
    noon.move(timedelta(seconds=10))
    await heed("instagram:1", MINUTE)
    assert await blocked(database) == {"instagram:1": start + timedelta(seconds=80)}


async def test_a_database_that_is_away_harms_no_call(noon: MovableClock, closed_port: str):
    away = closed_port.replace("http://", "postgresql://nobody@") + "/nothing"
    engine = create_engine(Urls(app=away, owner=away, direct=away))
    with capture_logs() as lines:
        await heeding(Database(engine))("instagram:1", MINUTE)
    await engine.dispose()
    assert [line["event"] for line in lines] == ["[LIMITS] Could not store a wait"]
    assert lines[0]["until"] == datetime(2026, 3, 4, 12, 1, tzinfo=UTC)


async def test_a_number_that_sent_too_much_in_a_second_is_blocked_for_about_one(
    fresh: Urls, tmp_path: Path, simulator: SimulatorServer, noon: MovableClock
):
    async with opening(fresh, tmp_path, simulator.url) as opened:
        simulator.fault(action="error", code=130429, times=2)
        for least, most in ((0.8, 1.2), (1.6, 2.4)):
            with pytest.raises(errors.ThroughputReached) as refused:
                await opened.platforms.whatsapp.send_text(NUMBER, "+33612345678", "Hello", "outbox-1")
            wait = refused.value.retry_after
            assert timedelta(seconds=least) <= wait <= timedelta(seconds=most)
            assert await blocked(opened.database) == {NUMBER.limit_key: noon() + wait}
            noon.move(wait)


async def test_what_the_answer_says_goes_before_the_second(
    platforms: Platforms, world: World, heard: Heard, sender: Sender
):
    world.answers({"error": {"code": 130429}}, status=429, headers={"Retry-After": "7"})
    with pytest.raises(errors.ThroughputReached):
        await ask(platforms, sender)
    assert heard.waits == [(sender.limit_key, timedelta(seconds=7))]

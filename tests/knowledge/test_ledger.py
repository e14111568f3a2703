"""What calls cost is kept: each for a while, the sums for ever, at the prices of the operators."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from socialsync import clock
from socialsync.ai import Spender, ledger, listed
from socialsync.ai.ledger import KEEP_CALLS, Used

SYSTEM = "a test looks at the ledger"


@pytest.fixture
async def call(database, workspace):
    """Makes a call that ended; how it was written down."""

    async def call(**more):
        spender, now = Spender(workspace.id, "tests"), clock.now()
        used = Used("gpt-4o-mini", input_tokens=1_000_000)
        async with database.brief(workspace.id) as cursor:
            call_id = await ledger.begin(cursor, spender, "chat", "gpt-4o-mini", now=now)
            await ledger.end(cursor, call_id, spender, used, None, answered=True, now=now, **more)
        return call_id

    return call


async def rows(session, table: str):
    return (await session.execute(text(f"select * from {table}"))).all()  # noqa: S608 - our own words


async def test_old_calls_are_forgotten_and_the_sum_of_their_month_stays(database, call):
    await call()
    await call()
    async with database.system_transaction(SYSTEM) as session:
        later = clock.now() + KEEP_CALLS
        assert await ledger.prune(session, now=later - timedelta(minutes=1)) == 0
        assert len(await rows(session, "ai_calls")) == 2
        assert await ledger.prune(session, now=later + timedelta(minutes=1)) == 2
        assert await rows(session, "ai_calls") == []
        (month,) = await rows(session, "ai_spending")
    assert (month.calls, month.cost_usd) == (2, Decimal("0.3"))


async def test_a_call_costs_what_the_operators_say(database, call):
    await call(prices=listed({"gpt-4o-mini": (Decimal(7), Decimal(0))}))
    async with database.system_transaction(SYSTEM) as session:
        (row,) = await rows(session, "ai_calls")
    assert row.cost_usd == Decimal(7)

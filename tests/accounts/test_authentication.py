"""Keys are remembered for moments."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from socialsync.features.accounts import service
from socialsync.features.accounts.authentication import REMEMBERED, KeyAuthenticator
from tests.conftest import add_key


@pytest.fixture
def lookups(connection):
    """The SQL of key look-ups that really went to Postgres."""
    seen = []

    def note(_connection, _cursor, statement, *_):
        if "find_api_key" in statement:
            seen.append(statement)

    event.listen(connection.sync_connection, "before_cursor_execute", note)
    yield seen
    event.remove(connection.sync_connection, "before_cursor_execute", note)


async def revoke(database, key):
    async with database.system_transaction("a test revokes a key") as session:
        await service.revoke_key(session, key[:9])


async def test_a_key_is_looked_up_once_in_a_while(database, workspace, noon, lookups):
    keeper = KeyAuthenticator(database)
    key = await add_key(database, workspace.id)
    first = await keeper.authenticate(key)
    noon.move(REMEMBERED - timedelta(milliseconds=1))
    assert await keeper.authenticate(key) == first
    assert len(lookups) == 1
    noon.move(timedelta(milliseconds=1))
    await keeper.authenticate(key)
    assert len(lookups) == 2


async def test_a_revocation_holds_within_five_seconds(database, workspace, noon):
    keeper = KeyAuthenticator(database)
    key = await add_key(database, workspace.id)
    await keeper.authenticate(key)
    await revoke(database, key)
    noon.move(timedelta(seconds=5))
    with pytest.raises(service.UnknownKey):
        await keeper.authenticate(key)


async def test_being_used_does_not_prolong_what_is_remembered(database, workspace, noon):
    keeper = KeyAuthenticator(database)
    key = await add_key(database, workspace.id)
    await keeper.authenticate(key)
    await revoke(database, key)
    noon.move(timedelta(seconds=2))
    await keeper.authenticate(key)
    noon.move(timedelta(seconds=2))
    with pytest.raises(service.UnknownKey):
        await keeper.authenticate(key)


async def test_a_clock_that_goes_back_remembers_nothing(database, workspace, noon):
    keeper = KeyAuthenticator(database)
    key = await add_key(database, workspace.id)
    await keeper.authenticate(key)
    await revoke(database, key)
    noon.move(timedelta(seconds=-1))
    with pytest.raises(service.UnknownKey):
        await keeper.authenticate(key)


async def test_a_refused_key_is_not_remembered(database, lookups):
    keeper = KeyAuthenticator(database)
    for _ in range(2):
        with pytest.raises(service.UnknownKey):
            await keeper.authenticate("ss_" + "a" * 43)
    assert len(lookups) == 2


async def test_what_is_no_key_is_not_even_looked_up(database, lookups):
    with pytest.raises(service.UnknownKey):
        await KeyAuthenticator(database).authenticate("hello")
    assert not lookups


async def test_a_revoked_key_stops_at_the_door(client, database, noon):
    assert (await client.get("/api/v1/workspace")).status_code == 200
    await revoke(database, client.headers["authorization"].removeprefix("Bearer "))
    noon.move(timedelta(seconds=5))
    assert (await client.get("/api/v1/workspace")).status_code == 401

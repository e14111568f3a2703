"""How a channel speaks: each part is its own, or the workspace's."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from socialsync.errors import NotFound
from socialsync.features.channels import service
from socialsync.features.channels.manner import Manner
from tests.channels.conftest import URL

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
"""A Wednesday."""
WORKSPACES = {
    "timezone": "Europe/Paris",
    "languages": ["fr", "en"],
    "tone": "friendly",
    "business_hours": {"wed": [["09:00", "18:00"]]},
}
OWN = {"languages": ["de"], "tone": "dry", "business_hours": {"wed": [["14:00", "15:00"]]}}


@pytest.fixture
async def manner_of(client, resources, workspace):
    """How a channel speaks, whose workspace speaks as ``WORKSPACES``."""
    assert (await client.patch("/api/v1/workspace", json=WORKSPACES)).status_code == 200

    async def read(channel) -> Manner:
        async with resources.database.transaction(workspace.id) as session:
            manner = await service.get_manner(session, UUID(channel["id"]))
            row, again = await service.get_channel_row_with_manner(session, UUID(channel["id"]))
        assert (str(row.id), again) == (channel["id"], manner)
        return manner

    return read


async def test_a_channel_without_its_own_speaks_as_the_workspace(channel, manner_of):
    assert await manner_of(channel) == Manner(**WORKSPACES)


@pytest.mark.parametrize("name", OWN)
async def test_each_part_is_its_own_or_the_workspaces(client, channel, manner_of, name):
    await client.patch(f"{URL}/{channel['id']}", json={name: OWN[name]})
    assert await manner_of(channel) == Manner(**WORKSPACES | {name: OWN[name]})
    await client.patch(f"{URL}/{channel['id']}", json={name: None})
    assert await manner_of(channel) == Manner(**WORKSPACES)


async def test_a_deleted_channel_still_has_a_manner(client, channel, manner_of):
    await client.patch(f"{URL}/{channel['id']}", json=OWN)
    await client.delete(f"{URL}/{channel['id']}")
    assert await manner_of(channel) == Manner(**WORKSPACES | OWN)


async def test_no_channel_has_none(resources, workspace):
    async with resources.database.transaction(workspace.id) as session:
        with pytest.raises(NotFound):
            await service.get_channel_row_with_manner(session, uuid4())


@pytest.mark.parametrize(
    ("business_hours", "there"),
    [
        ({}, True),
        ({"wed": [["13:00", "13:01"]]}, True),
        ({"wed": [["12:00", "13:00"]]}, False),
        ({"thu": [["00:00", "24:00"]]}, False),
    ],
)
def test_hours_are_told_in_the_workspaces_zone(business_hours, there):
    manner = Manner("dry", ["de"], business_hours, "Europe/Paris")
    assert manner.are_there(NOON) is there

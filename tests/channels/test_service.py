"""What other rooms ask of channels."""

from uuid import UUID, uuid4

import pytest

from socialsync.errors import Invalid, NotFound
from socialsync.features.channels import service
from tests.channels.conftest import NEW, TOKEN, URL


async def test_a_sender_speaks_with_the_channels_token(channel, resources, workspace):
    async with resources.database.transaction(workspace.id) as session:
        row, sender = await service.load_sender(session, resources.cipher, UUID(channel["id"]))
    assert str(row.id) == channel["id"]
    assert (sender.external_id, sender.token) == ("106540352242922", TOKEN)
    assert sender.limit_key == "whatsapp:106540352242922"
    assert TOKEN not in repr(sender)


async def test_another_workspace_cannot_speak_for_it(channel, resources, other_workspace):
    async with resources.database.transaction(other_workspace.id) as session:
        with pytest.raises(NotFound):
            await service.load_sender(session, resources.cipher, UUID(channel["id"]))


async def test_nobody_speaks_for_a_deleted_channel(client, channel, resources, workspace):
    await client.delete(f"{URL}/{channel['id']}")
    async with resources.database.transaction(workspace.id) as session:
        with pytest.raises(NotFound):
            await service.load_sender(session, resources.cipher, UUID(channel["id"]))
        assert await service.find_channel(session, UUID(channel["id"])) is None
        row = await service.get_channel_row(session, UUID(channel["id"]))
        with pytest.raises(NotFound):
            service.sender_of(row, resources.cipher)
        with pytest.raises(NotFound):
            await service.get_channel_row(session, uuid4())


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"external_id": "a b"}, "external_id"),
        ({"access_token": "a b"}, "access_token"),
        ({"buffer_max_s": 1.0}, "buffer_quiet_s"),
    ],
)
async def test_the_rules_hold_without_the_door_too(resources, workspace, values, field):
    content = NEW | values
    token = content.pop("access_token")
    async with resources.database.transaction(workspace.id) as session:
        with pytest.raises(Invalid) as refused:
            await service.connect(
                session, resources.cipher, workspace.id, content, access_token=token, actor="cli"
            )
    assert refused.value.field == field

"""What other rooms ask of channels."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from socialsync import clock
from socialsync.errors import Invalid, NotFound
from socialsync.features.channels import service
from socialsync.queue import limits
from tests.channels.conftest import NEW, TOKEN, URL

WHATSAPP = "whatsapp:106540352242922"


@pytest.fixture
def limit(database):
    """The rate, the burst and the concurrency of a key; None when it has no limits."""

    async def read(key):
        async with database.system_transaction("a test looks at the limits") as session:
            found = await session.execute(
                text("select rate_per_s, burst, max_running from limits where key = :key"), {"key": key}
            )
            row = found.one_or_none()
        return row and tuple(row)

    return read


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


async def mark(resources, workspace, channel, **given) -> bool:
    async with resources.database.transaction(workspace.id) as session:
        return await service.mark_revoked(
            session, UUID(channel["id"]), "The password was changed.", now=clock.now(), **given
        )


async def test_a_refused_token_closes_the_channel_and_says_what_to_do(
    channel, resources, workspace, rows, noon
):
    assert service.is_open((await rows())[0])
    assert await mark(resources, workspace, channel)
    [row] = await rows()
    assert (row.status, row.status_reason, row.token_checked_at) == (
        "needs_reauth", "The password was changed.", noon()
    )  # fmt: skip
    assert not service.is_open(row)
    assert service.why_closed(row) == (
        "The channel 'Front desk' needs a new access token: The password was changed."
        f" PATCH /api/v1/channels/{row.id} with a new one."
    )


async def test_a_refused_token_is_noted_once(channel, resources, workspace, audited):
    assert [await mark(resources, workspace, channel) for _ in range(2)] == [True, False]
    revoked = [entry for entry in await audited() if entry.action == "channels.revoked"]
    assert [(entry.actor, entry.detail) for entry in revoked] == [
        ("socialsync", {"reason": "The password was changed."})
    ]


async def test_a_token_that_was_put_in_meanwhile_is_not_blamed(channel, resources, workspace, rows):
    [row] = await rows()
    assert not await mark(resources, workspace, channel, token_set_at=row.token_set_at - timedelta(hours=1))
    assert (await rows())[0].status == "active"
    assert await mark(resources, workspace, channel, token_set_at=row.token_set_at)


async def test_a_deleted_channel_is_not_marked(client, channel, resources, workspace, rows):
    await client.delete(f"{URL}/{channel['id']}")
    assert not await mark(resources, workspace, channel)
    [row] = await rows()
    assert "was deleted" in service.why_closed(row)


async def test_another_workspaces_channel_is_not_marked(channel, resources, other_workspace, rows):
    assert not await mark(resources, other_workspace, channel)
    assert (await rows())[0].status == "active"


async def test_a_paused_channel_is_closed_until_it_is_resumed(channel, client, rows):
    await client.put(f"{URL}/{channel['id']}/pause")
    [row] = await rows()
    assert not service.is_open(row)
    assert service.why_closed(row) == (
        f"The channel 'Front desk' is paused. Resume it: DELETE /api/v1/channels/{row.id}/pause."
    )
    await client.delete(f"{URL}/{channel['id']}/pause")
    assert service.is_open((await rows())[0])


async def test_a_whatsapp_number_may_send_eighty_messages_a_second(client, limit):
    await client.post(URL, json=NEW | {"platform": "instagram"})
    assert await limit("instagram:106540352242922") is None
    await client.post(URL, json=NEW)
    assert await limit(WHATSAPP) == (80, 10, None)


async def test_a_limit_that_operators_set_stays_theirs(client, limit, database):
    async with database.system_transaction("a test is an operator") as session:
        await limits.set_limit(session, WHATSAPP, rate_per_s=1000, burst=500, max_running=3)
    await client.post(URL, json=NEW)
    assert await limit(WHATSAPP) == (1000, 500, 3)


async def test_a_key_that_is_only_blocked_for_a_while_gets_its_rate_and_stays_blocked(
    client, limit, database, noon
):
    async with database.system_transaction("a test plays the platform") as session:
        await limits.block(session, WHATSAPP, until=noon())
    await client.post(URL, json=NEW)
    assert await limit(WHATSAPP) == (80, 10, None)
    async with database.system_transaction("a test looks at the block") as session:
        assert await session.scalar(text("select blocked_until from limits")) == noon()

"""A channel is deleted: what waits to be published by it is not forgotten."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from tests.posts.test_endpoints import connect, problem, write

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
TOMORROW = (NOON + timedelta(days=1)).isoformat()


async def statuses(client) -> list[str]:
    posts = (await client.get("/api/v1/posts")).json()["items"]
    return sorted(post["status"] for post in posts)


async def instagram(client) -> str:
    return await connect(client, "instagram", "17841400000000001")


async def test_a_channel_with_queued_posts_is_deleted_only_with_them(client, database, noon):
    channel_id = await instagram(client)
    other = await connect(client, "instagram", "17841400000000002")
    await write(client, channel_id, publish_at=TOMORROW)
    await write(client, channel_id, publish_at=TOMORROW, recurrence="FREQ=DAILY")
    await write(client, channel_id)
    await write(client, other, publish_at=TOMORROW)
    at = f"/api/v1/channels/{channel_id}"
    found = problem(await client.delete(at), 409)
    assert (found["code"], found["errors"][0]["field"]) == ("ChannelHasPosts", "cancel_posts")
    assert found["detail"].startswith("2 posts wait")
    assert (await client.get(at)).status_code == 200
    assert await statuses(client) == ["draft", "queued", "queued", "queued"]
    assert (await client.delete(at, params={"cancel_posts": True})).status_code == 204
    assert (await client.get(at)).status_code == 404
    assert await statuses(client) == ["cancelled", "cancelled", "draft", "queued"]
    async with database.system_transaction("a test looks") as session:
        noted = await session.scalar(
            text("select detail from audit_log where action = 'channels.posts_cancelled'")
        )
    assert noted == {"count": 2}


async def test_a_channel_without_queued_posts_is_deleted_at_once(client):
    channel_id = await instagram(client)
    await write(client, channel_id)
    assert (await client.delete(f"/api/v1/channels/{channel_id}")).status_code == 204
    problem(await client.delete(f"/api/v1/channels/{channel_id}"), 404)
    assert await statuses(client) == ["draft"]


async def test_another_workspaces_channel_is_not_there(client, other_client):
    channel_id = await instagram(client)
    await write(client, channel_id, publish_at=TOMORROW)
    problem(await other_client.delete(f"/api/v1/channels/{channel_id}", params={"cancel_posts": True}), 404)
    assert await statuses(client) == ["queued"]

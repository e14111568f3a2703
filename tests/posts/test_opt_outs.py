"""`/api/v1/opt-outs`: who gets no broadcasts."""

import pytest

from tests.posts.test_endpoints import connect, problem

URL = "/api/v1/opt-outs"


@pytest.fixture
async def whatsapp(client):
    return await connect(client, "whatsapp", "106540352242922")


async def test_somebody_is_put_on_the_list_once(client, whatsapp):
    body = {"channel_id": whatsapp, "recipient": "+33612345601", "reason": "asked on the phone"}
    first, again = (await client.post(URL, json=body)), (await client.post(URL, json={**body, "reason": "x"}))
    assert (first.status_code, first.json()) == (201, again.json())
    (listed,) = (await client.get(URL)).json()["items"]
    assert (listed["recipient"], listed["reason"]) == ("+33612345601", "asked on the phone")


async def test_the_list_is_paged_and_filtered_by_channel(client, whatsapp):
    other = await connect(client, "whatsapp", "106540352242923")
    for number in range(3):
        await client.post(URL, json={"channel_id": whatsapp, "recipient": f"+3361234560{number}"})
    await client.post(URL, json={"channel_id": other, "recipient": "+33612345609"})
    page = (await client.get(URL, params={"limit": 2})).json()
    assert [item["recipient"][-1] for item in page["items"]] == ["9", "2"]
    page = (await client.get(URL, params={"limit": 2, "cursor": page["next_cursor"]})).json()
    assert [item["recipient"][-1] for item in page["items"]] == ["1", "0"]
    assert page["next_cursor"] is None
    only = (await client.get(URL, params={"channel_id": other})).json()["items"]
    assert [item["recipient"] for item in only] == ["+33612345609"]


async def test_somebody_is_taken_off_the_list(client, whatsapp):
    row = (await client.post(URL, json={"channel_id": whatsapp, "recipient": "+33612345601"})).json()
    assert (await client.delete(f"{URL}/{row['id']}")).status_code == 204
    problem(await client.delete(f"{URL}/{row['id']}"), 404)
    assert (await client.get(URL)).json()["items"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"recipient": "0612345601"}, "recipient"),
        ({"recipient": None}, "recipient"),
        ({"channel_id": "3fa85f64-5717-4562-b3fc-2c963f66afa6"}, "channel_id"),
        ({"reason": ""}, "reason"),
        ({"colour": "blue"}, "colour"),
    ],
)
async def test_bad_input_is_named(client, whatsapp, change, field):
    body = {"channel_id": whatsapp, "recipient": "+33612345601", **change}
    assert [error["field"] for error in problem(await client.post(URL, json=body), 422)["errors"]] == [field]


async def test_instagram_has_no_broadcasts_to_opt_out_of(client):
    instagram = await connect(client, "instagram", "17841400000000001")
    found = problem(await client.post(URL, json={"channel_id": instagram, "recipient": "+33612345601"}), 422)
    assert found["errors"][0]["field"] == "channel_id"


async def test_the_list_is_the_workspaces_own(client, other_client, viewer_client, whatsapp):
    body = {"channel_id": whatsapp, "recipient": "+33612345601"}
    row = (await client.post(URL, json=body)).json()
    assert (await other_client.get(URL)).json()["items"] == []
    problem(await other_client.delete(f"{URL}/{row['id']}"), 404)
    problem(await other_client.post(URL, json=body), 422)
    assert len((await viewer_client.get(URL)).json()["items"]) == 1
    problem(await viewer_client.post(URL, json=body), 403)

"""Files that people send are fetched by a job and kept."""

import pytest

from socialsync.errors import Temporary
from tests.messages.conftest import Inbox

FETCH = "messages.fetch_media"


async def send_picture(inbox: Inbox, media_id: str = "1031923845631254") -> None:
    image = {"id": media_id, "mime_type": "image/jpeg", "caption": "Look"}
    await inbox.tell(inbox.body(inbox.message(type_="image", image=image)))


async def test_a_picture_is_fetched(inbox: Inbox):
    await send_picture(inbox)
    (job,) = await inbox.waiting(FETCH)
    assert (job["queue_name"], job["priority"]) == ("ingest", 2)
    assert await inbox.run(FETCH) == {"stored": 1, "failed": 0}
    (file,) = await inbox.rows("message_media")
    assert (file["status"], file["mime_type"]) == ("stored", "image/jpeg")
    assert bytes(file["content"]).startswith(b"\xff\xd8")
    assert file["size"] == len(bytes(file["content"]))


async def test_a_picture_of_instagram_is_fetched_from_its_address(inbox: Inbox, simulator):
    payload = {"url": f"{simulator.url}/_sim/media/latte.jpg"}
    message = {"mid": "m1", "attachments": [{"type": "image", "payload": payload}]}
    await inbox.tell(inbox.direct(message=message))
    assert await inbox.run(FETCH) == {"stored": 1, "failed": 0}


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x.jpg", "ftp://x/y", "http://169.254.169.254/latest"])
async def test_only_web_addresses_are_fetched(inbox: Inbox, url: str):
    attachment = {"type": "image", "payload": {"url": url}}
    await inbox.tell(inbox.direct(message={"mid": "m1", "attachments": [attachment]}))
    if url.startswith("ftp"):
        assert await inbox.waiting(FETCH) == []
        return
    assert await inbox.run(FETCH) == {"stored": 0, "failed": 1}
    assert "https" in (await inbox.rows("message_media"))[0]["error"]


async def test_a_passing_fault_is_tried_again(inbox: Inbox, simulator):
    await send_picture(inbox)
    simulator.fault(action="status", status=503, match={"kind": "whatsapp.media"}, times=1)
    (job,) = await inbox.waiting(FETCH)
    with pytest.raises(Temporary):
        await inbox.office.run(job["id"])
    assert (await inbox.rows("message_media"))[0]["status"] == "pending"
    await inbox.office.retry(job["id"])
    assert (await inbox.rows("message_media"))[0]["status"] == "stored"


async def test_a_file_that_is_gone_says_so(inbox: Inbox, simulator):
    await send_picture(inbox)
    simulator.fault(action="error", code=100, subcode=33, match={"kind": "whatsapp.media"})
    await inbox.office.rows(
        "update procrastinate_jobs set attempts = 3 where task_name like '%media' returning 1"
    )
    (job,) = await inbox.waiting(FETCH)
    await inbox.office.run(job["id"])
    (file,) = await inbox.rows("message_media")
    assert file["status"] == "failed"
    assert file["error"]


async def test_what_was_deleted_meanwhile_is_not_kept(inbox: Inbox):
    await send_picture(inbox)
    await inbox.tell(inbox.body(inbox.message(type_="revoke", revoke={"original_message_id": "wamid.1"})))
    assert await inbox.run(FETCH) == {"stored": 0, "failed": 0}
    assert await inbox.rows("message_media") == []

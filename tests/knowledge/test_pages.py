"""Documents that are pages of the web: fetched once, from where everybody may look, and nowhere else."""

from dataclasses import replace

import pytest

from socialsync.errors import Temporary
from socialsync.features.knowledge import service
from tests.conftest import settings_for
from tests.platforms.shelf import open_shelf

PAGE = (
    b"<!doctype html><html><head><title>Le Port: prices</title></head><body><h2>Lunch</h2>"
    b"<p>The lunch menu costs 19 euros on every day of the week, and drinks are included.</p></body></html>"
)


@pytest.fixture
async def shelf():
    async with open_shelf() as shelf:
        yield shelf


@pytest.fixture
def reader(library, shared, tmp_path, shelf):
    """A library whose outside world is the shelf: as if the simulator ran there."""
    here = settings_for(shared, tmp_path, shelf.url)
    return replace(library, opened=replace(library.opened, settings=here))


async def learn(library, url: str, *, title: str | None = None):
    async with library.opened.database.transaction(library.workspace_id) as session:
        values = {"title": title or url, "source": "url", "url": url}
        document, _ = await service.add_document(session, library.workspace_id, values)
    await library.work()
    return await library.see(document.id)


async def test_a_page_is_fetched_read_and_found(reader, shelf):
    url = shelf.put("/prices", PAGE, "text/html; charset=utf-8")
    document = await learn(reader, url)
    assert (document["status"], document["title"], document["error"]) == ("indexed", "Le Port: prices", None)
    assert document["size_bytes"] == len(PAGE)
    (hit, *_) = await reader.find("How much is lunch?")
    assert "19 euros" in hit.text
    assert hit.url == url
    assert shelf.asked == ["GET /prices"]


async def test_a_title_that_was_given_stays(reader, shelf):
    document = await learn(reader, shelf.put("/prices", PAGE, "text/html"), title="Menu")
    assert document["title"] == "Menu"


async def test_a_file_without_a_good_type_is_known_by_its_name(reader, shelf):
    url = shelf.put("/files/hours.md", b"# Hours\nWe open at nine o'clock.", "application/octet-stream")
    document = await learn(reader, url)
    assert (document["status"], document["filename"]) == ("indexed", "hours.md")


async def test_a_page_that_was_fetched_is_not_fetched_again_by_the_next_life(reader, shelf, monkeypatch):
    """The process dies after the page was stored: its parts are read from there."""
    url = shelf.put("/prices", PAGE, "text/html")
    async with reader.opened.database.transaction(reader.workspace_id) as session:
        values = {"title": url, "source": "url", "url": url}
        document, _ = await service.add_document(session, reader.workspace_id, values)
    (job,) = await reader.rows("select id from procrastinate_jobs")
    await reader.run(job["id"])
    await reader.rows("delete from knowledge_drafts returning id")
    await reader.rows("update knowledge_documents set step = 'reading' returning id")
    shelf.files.clear()
    await reader.run(job["id"])
    await reader.work()
    assert (await reader.see(document.id))["status"] == "indexed"
    assert shelf.asked == ["GET /prices"]


async def test_the_same_url_again_fetches_it_anew(reader, shelf, simulator):
    url = shelf.put("/prices", PAGE, "text/html")
    first = await learn(reader, url)
    shelf.put("/prices", PAGE.replace(b"19 euros", b"21 euros"), "text/html")
    again = await learn(reader, url)
    assert again["id"] == first["id"]
    texts = [row["text"] for row in await reader.rows("select text from knowledge_chunks")]
    assert ["21 euros" in text for text in texts] == [True]


async def test_a_page_takes_the_place_of_a_file_by_a_new_upload_of_its_url(client, reader, shelf):
    document = await reader.learn("Lunch costs 12 euros on every day of the week.", "lunch.md")
    url = shelf.put("/prices", PAGE, "text/html")
    answer = await client.put(f"/api/v1/documents/{document['id']}", json={"url": url})
    assert answer.status_code == 202, answer.text
    await reader.work()
    after = await reader.see(document["id"])
    assert (after["status"], after["source"], after["url"], after["error"]) == ("indexed", "url", url, None)
    texts = [row["text"] for row in await reader.rows("select text from knowledge_chunks")]
    assert [("19 euros" in text, "12 euros" in text) for text in texts] == [(True, False)]


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/",
        "http://localhost:1/",
        "http://10.0.0.1/",
        "http://[::1]:1/",
        "http://2130706433/",
    ],
)
@pytest.mark.parametrize("redirected", [False, True])
async def test_an_address_that_is_not_public_is_not_asked(reader, shelf, target, redirected):
    url = shelf.redirect("/away", target) if redirected else target
    document = await learn(reader, url)
    assert document["status"] == "failed"
    assert "public internet" in document["error"]


async def test_without_the_simulator_this_machine_is_as_private_as_any(library, shelf):
    document = await learn(library, shelf.put("/prices", PAGE, "text/html"))
    assert document["status"] == "failed"
    assert shelf.asked == []


async def test_a_page_that_is_not_there_fails_at_once(reader, shelf):
    document = await learn(reader, f"{shelf.url}/gone")
    assert document["status"] == "failed"
    assert "404 (not found)" in document["error"]


async def test_what_is_too_large_is_not_read_to_its_end(reader, shelf):
    document = await learn(reader, shelf.put("/much", b"x" * (60 * 2**20), "text/plain"))
    assert document["status"] == "failed"
    assert "larger than 50 MB" in document["error"]


async def test_a_server_out_of_order_is_asked_again_and_people_see_why(reader, shelf):
    url = shelf.put("/prices", b"", "text/html", status=503, headers={"Retry-After": "90"})
    with pytest.raises(Temporary) as failed:
        await learn(reader, url)
    assert failed.value.retry_after.total_seconds() == 90
    (document,) = await reader.rows("select * from knowledge_documents")
    assert document["status"] == "pending"
    assert "503" in document["error"]
    await reader.rows("update procrastinate_jobs set attempts = 3, status = 'todo' returning id")
    await reader.work()
    assert (await reader.see(document["id"]))["status"] == "failed"

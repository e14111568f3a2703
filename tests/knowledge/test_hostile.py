"""What others do on purpose, or at the same moment: bombs, foreign ids as words, uploads that meet."""

import asyncio
import gzip
import zlib

import pytest
from sqlalchemy import text

from socialsync.errors import Invalid
from socialsync.features.knowledge import queries, retrieval, service
from socialsync.platforms.webpages import PageRefused, PageUnreachable, fetch_page
from tests.conftest import add_workspace
from tests.knowledge.test_processing import HOURS, NOON, embedded

PARTS = "\n\n".join(f"## Part {n}\n" + f"This is what part {n} says of itself. " * 6 for n in range(20))
MANY = """
with entry as (
    insert into faqs (workspace_id, question, answer)
    select :theirs, 'q', 'a' from generate_series(1, 220) returning id
)
insert into knowledge_chunks (workspace_id, faq_id, n, text, config, digest)
select :theirs, id, 0, 'parking ' || :ours, 'english', '' from entry
"""


async def test_an_upload_while_the_one_before_is_embedded_is_paid_once(
    standing_library, simulator, monkeypatch
):
    library = standing_library
    document = await library.add(PARTS, "parts.md")
    (job,) = await library.rows("select id from procrastinate_jobs where status = 'todo'")
    await library.run(job["id"])
    (job,) = await library.rows("select id from procrastinate_jobs where status = 'todo'")
    real = queries.list_without_vector

    async def and_another_upload(*given):
        monkeypatch.setattr(queries, "list_without_vector", real)
        found = await real(*given)
        uploads.append(asyncio.create_task(library.replace(document.id, HOURS, now=NOON)))
        return found

    uploads = []
    monkeypatch.setattr(queries, "list_without_vector", and_another_upload)
    async with asyncio.timeout(20):
        await library.run(job["id"])
        await asyncio.gather(*uploads)
        await library.work()
    assert (await library.see(document.id))["status"] == "indexed"
    assert len(embedded(simulator)) == len(set(embedded(simulator)))


async def test_two_uploads_of_the_same_at_once_are_one_document(standing_library):
    first, second = await asyncio.gather(
        standing_library.add(HOURS, "a.md"), standing_library.add(HOURS, "b.md")
    )
    assert first.id == second.id


async def test_nobody_fills_anothers_search_by_writing_its_id(library):
    theirs = await add_workspace(library.opened.database, "Others")
    async with library.opened.database.transaction(theirs.id) as session:
        await session.execute(text(MANY), {"theirs": theirs.id, "ours": str(library.workspace_id)})
    async with library.opened.database.transaction(library.workspace_id) as session:
        await service.add_faq(
            session, library.workspace_id, question="Parking?", answer="Twenty places behind.", language="en"
        )
    async with library.opened.database.transaction(library.workspace_id) as session:
        hits = await retrieval.search(
            session, library.workspace_id, "parking", vector=None, model="m", limit=5
        )
    assert [hit.text for hit in hits] == ["Twenty places behind."]


@pytest.fixture
async def page():
    """Serves one body under an encoding."""
    served = {}

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Encoding: {served['encoding']}\r\n\r\n".encode() + served["body"])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    served["origin"] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield served


def zeros(mebibytes: int) -> bytes:
    packing = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join(packing.compress(bytes(2**20)) for _ in range(mebibytes)) + packing.flush()


async def fetch(page, path, most=2**20):
    with path.open("wb") as file:
        return await fetch_page(f"{page['origin']}/x", file, most=most, here={page["origin"]})


async def test_a_page_that_unpacks_to_too_much_is_refused_at_the_bound(page, tmp_path):
    page.update(encoding="gzip", body=zeros(300))
    with pytest.raises(PageRefused, match="larger than 1 MB"):
        await fetch(page, tmp_path / "x")
    assert (tmp_path / "x").stat().st_size <= 2**20


@pytest.mark.parametrize(
    ("encoding", "body", "error"),
    [
        ("gzip, gzip", lambda: gzip.compress(zeros(300)), PageRefused), ("br", lambda: b"x", PageRefused),
        ("gzip", lambda: b"no gzip", PageUnreachable),
    ],
)  # fmt: skip
async def test_what_cannot_be_unpacked_is_refused(page, tmp_path, encoding, body, error):
    page.update(encoding=encoding, body=body())
    with pytest.raises(error):
        await fetch(page, tmp_path / "x")


async def test_a_compressed_page_comes_as_it_was_meant(page, tmp_path):
    page.update(encoding="gzip", body=gzip.compress(b"<p>Lunch</p>"))
    assert (await fetch(page, tmp_path / "x")).size == 12
    assert (tmp_path / "x").read_bytes() == b"<p>Lunch</p>"


async def test_quotes_late_in_a_csv_are_kept_and_what_is_no_csv_is_invalid(library):
    plain = "".join(f"Question {n}?,Answer {n}.\n" for n in range(600))
    source = f'question,answer\n{plain}Really?,"We say ""yes"", always."\n'
    async with library.opened.database.transaction(library.workspace_id) as session:
        assert await service.import_faqs(session, library.workspace_id, source) == 601
        answer = await session.scalar(text("select answer from faqs where question = 'Really?'"))
        assert answer == 'We say "yes", always.'
        with pytest.raises(Invalid) as refused:
            await service.import_faqs(session, library.workspace_id, f"question,answer\na,{'x' * 140_000}\n")
    assert refused.value.field == "file"

"""The doors of knowledge."""

import pytest

from tests.knowledge import papers

HOURS = "We are open from Tuesday to Saturday, from noon to eleven in the evening."
PARKING = "Guests park for free behind the house; there are twenty places."
DOOR = "/api/v1/documents"


def file(content: str | bytes, name: str = "hours.md", kind: str = "text/markdown"):
    return {"file": (name, content.encode() if isinstance(content, str) else content, kind)}


@pytest.fixture
async def told(client, library):
    """A workspace that knows when it is open."""
    answer = await client.post(DOOR, files=file(f"# Hours\n{HOURS}\n\n# Parking\n{PARKING}"))
    assert answer.status_code == 202, answer.text
    await library.work()
    return answer.json()


async def test_a_file_is_taken_and_its_way_can_be_watched(client, library):
    answer = await client.post(DOOR, files=file(HOURS), data={"title": "When"})
    assert answer.status_code == 202
    document = answer.json()
    assert (document["status"], document["title"], document["filename"]) == ("pending", "When", "hours.md")
    assert document["job_id"]
    await library.work()
    document = (await client.get(f"{DOOR}/{document['id']}")).json()
    assert (document["status"], document["progress"], document["chunk_count"]) == ("indexed", 1.0, 1)
    assert document["language"] == "en"
    listed = (await client.get(DOOR, params={"status": "indexed"})).json()
    assert [each["id"] for each in listed["items"]] == [document["id"]]


async def test_a_text_is_taken_as_it_is(client, library):
    answer = await client.post(DOOR, json={"title": "Parking", "text": PARKING})
    assert answer.status_code == 202
    await library.work()
    document = (await client.get(f"{DOOR}/{answer.json()['id']}")).json()
    assert (document["status"], document["source"]) == ("indexed", "text")


async def test_the_same_content_is_the_same_document(client, library, told):
    again = await client.post(DOOR, files=file(f"# Hours\n{HOURS}\n\n# Parking\n{PARKING}", "copy.md"))
    assert (again.status_code, again.json()["id"]) == (202, told["id"])


async def test_a_repeated_request_makes_one_document(client, library):
    head = {"Idempotency-Key": "upload-1"}
    one = await client.post(DOOR, files=file(HOURS), headers=head)
    two = await client.post(DOOR, files=file(HOURS), headers=head)
    assert one.json() == two.json()
    other = await client.post(DOOR, files=file(PARKING), headers=head)
    assert other.status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ""),
        ({"text": "Without a title."}, "title"),
        ({"title": "Empty", "text": "  "}, "text"),
        ({"title": "Both", "text": "x", "url": "https://example.com"}, ""),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "gopher://example.com"}, "url"),
        ({"url": "https://user:secret@example.com/"}, "url"),
        ({"url": "http://example.com:99999/"}, "url"),
        ({"url": "not a url"}, "url"),
        ({"title": "x" * 301, "text": "x"}, "title"),
    ],
)
async def test_what_cannot_be_learnt_is_refused_at_the_door(client, library, body, field):
    answer = await client.post(DOOR, json=body)
    assert answer.status_code == 422
    assert field in answer.text
    assert await library.rows("select id from knowledge_documents") == []


async def test_a_form_without_a_file_is_refused(client, library):
    answer = await client.post(DOOR, files={"other": ("a.txt", b"x", "text/plain")})
    assert answer.status_code == 422
    assert "file" in answer.json()["detail"]


async def test_a_file_of_more_than_fifty_megabytes_is_refused(client, library):
    answer = await client.post(DOOR, files=file(b"x" * (50 * 2**20 + 1), "much.txt", "text/plain"))
    assert answer.status_code in {413, 422}
    assert "50 M" in answer.text or "MiB" in answer.text


async def test_strange_names_do_no_harm(client, library):
    for name in ("../../etc/passwd.md", "a\u202egnp.md", "x" * 400 + ".md"):
        answer = await client.post(DOOR, files=file(HOURS + name, name))
        assert answer.status_code == 202
        assert "/" not in answer.json()["filename"]
        assert len(answer.json()["filename"]) <= 300


async def test_a_file_that_cannot_be_read_says_so_to_people(client, library):
    answer = await client.post(DOOR, files=file(papers.pdf(""), "scan.pdf", "application/pdf"))
    await library.work()
    document = (await client.get(f"{DOOR}/{answer.json()['id']}")).json()
    assert document["status"] == "failed"
    assert "scanned" in document["error"]
    assert "OCR" in document["error"]


async def test_a_new_upload_takes_the_place_of_the_old(client, library, told):
    answer = await client.put(f"{DOOR}/{told['id']}", files=file("# Hours\nWe are open on Sundays only."))
    assert answer.status_code == 202
    assert answer.json()["status"] == "pending"
    await library.work()
    hits = (await client.post("/api/v1/knowledge/search", json={"query": "When are you open?"})).json()
    assert [hit["text"] for hit in hits["items"]] == ["We are open on Sundays only."]


async def test_a_document_becomes_a_page_by_a_new_upload(client, library, told):
    """Nobody reads the page here; tests/knowledge/test_pages.py does."""
    url = "https://example.com/hours"
    answer = await client.put(f"{DOOR}/{told['id']}", json={"url": url})
    assert answer.status_code == 202, answer.text
    document = answer.json()
    assert (document["id"], document["source"], document["url"]) == (told["id"], "url", url)
    assert (document["status"], document["filename"]) == ("pending", None)
    hits = (await client.post("/api/v1/knowledge/search", json={"query": "When are you open?"})).json()
    assert HOURS in hits["items"][0]["text"], "until the page is read the old one is found"


@pytest.mark.parametrize("body", [{"url": "file:///etc/passwd"}, {"url": "x", "text": "y", "title": "z"}, {}])
async def test_a_new_upload_that_cannot_be_learnt_leaves_the_old_as_it_is(client, library, told, body):
    assert (await client.put(f"{DOOR}/{told['id']}", json=body)).status_code == 422
    document = (await client.get(f"{DOOR}/{told['id']}")).json()
    assert (document["status"], document["source"]) == ("indexed", "file")


async def test_a_deleted_document_is_forgotten(client, library, told):
    assert (await client.delete(f"{DOOR}/{told['id']}")).status_code == 204
    assert (await client.get(f"{DOOR}/{told['id']}")).status_code == 404
    hits = (await client.post("/api/v1/knowledge/search", json={"query": "parking"})).json()
    assert hits["items"] == []


async def test_other_workspaces_know_nothing_of_it(other_client, library, told):
    assert (await other_client.get(f"{DOOR}/{told['id']}")).status_code == 404
    assert (await other_client.delete(f"{DOOR}/{told['id']}")).status_code == 404
    hits = (await other_client.post("/api/v1/knowledge/search", json={"query": "parking"})).json()
    assert hits["items"] == []
    answer = await other_client.post("/api/v1/knowledge/answer", json={"question": "Where can I park?"})
    assert answer.json()["grounded"] is False


async def test_a_viewer_asks_and_changes_nothing(viewer_client, library):
    assert (await viewer_client.post(DOOR, files=file(HOURS))).status_code == 403
    assert (
        await viewer_client.post("/api/v1/faqs", json={"question": "q", "answer": "a"})
    ).status_code == 403
    assert (await viewer_client.get(DOOR)).status_code == 200
    assert (await viewer_client.post("/api/v1/knowledge/search", json={"query": "x"})).status_code == 200


async def test_a_hit_says_where_it_stands(client, told):
    hits = (await client.post("/api/v1/knowledge/search", json={"query": "Can I park?", "limit": 1})).json()
    (hit,) = hits["items"]
    assert hit["document_id"] == told["id"]
    assert hit["text"] == PARKING
    assert hit["score"] > 0
    assert hit["source"]["title"] == "hours.md"
    assert hit["source"]["heading"] == "Parking"


async def test_an_answer_names_its_sources(client, told):
    answer = (await client.post("/api/v1/knowledge/answer", json={"question": "Where can I park?"})).json()
    assert answer["grounded"] is True
    assert "behind the house" in answer["answer"]
    assert PARKING in [source["text"] for source in answer["sources"]]


async def test_what_the_knowledge_does_not_hold_is_not_answered(client, told):
    asked = {"question": "Do you sell electric guitars?"}
    answer = (await client.post("/api/v1/knowledge/answer", json=asked)).json()
    assert (answer["grounded"], answer["sources"]) == (False, [])
    assert "don't have" in answer["answer"]
    french = (await client.post("/api/v1/knowledge/answer", json={**asked, "language": "fr"})).json()
    assert french["answer"].startswith("Je suis désolé")


async def test_a_faq_entry_is_kept_changed_and_preferred(client, library, told):
    entry = {
        "question": "Is there parking?",
        "answer": "Yes: twenty places, free of charge.",
        "language": "en",
    }
    made = await client.post("/api/v1/faqs", json=entry)
    assert made.status_code == 201
    id_ = made.json()["id"]
    await library.work()
    search = {"query": "Is there parking?", "limit": 2}
    (first, *_) = (await client.post("/api/v1/knowledge/search", json=search)).json()["items"]
    assert (first["source"]["faq_id"], first["document_id"]) == (id_, None)
    changed = await client.patch(f"/api/v1/faqs/{id_}", json={"answer": "No longer."})
    assert (changed.json()["answer"], changed.json()["revision"]) == ("No longer.", 2)
    await library.work()
    (first, *_) = (await client.post("/api/v1/knowledge/search", json=search)).json()["items"]
    assert first["text"] == "No longer."
    assert [each["id"] for each in (await client.get("/api/v1/faqs")).json()["items"]] == [id_]
    assert (await client.delete(f"/api/v1/faqs/{id_}")).status_code == 204
    assert (await client.get(f"/api/v1/faqs/{id_}")).status_code == 404
    assert await library.rows("select id from knowledge_chunks where faq_id is not null") == []


@pytest.mark.parametrize(
    "source",
    [
        'question,answer\nOpen on Sundays?,No.\nDogs?,"Yes, on the terrace."\n',
        "\ufeffFrage;Antwort;language\nHunde?;Ja, auf der Terrasse.;de\nKarte?;Ja.;de\n",
        "Pregunta\tRespuesta\n¿Perros?\tSí.\n¿Tarjeta?\tSí.\n",
        "QUESTION,ANSWER\r\nOpen?,Yes.\r\n\r\nDogs?,No.\r\n",
    ],
    ids=["english", "german with a mark", "tabs", "windows"],
)
async def test_entries_are_imported_from_csv(client, library, source):
    answer = await client.post(
        "/api/v1/faqs/import", content=source.encode(), headers={"Content-Type": "text/csv"}
    )
    assert (answer.status_code, answer.json()) == (201, {"count": 2})
    await library.work()
    assert len(await library.rows("select id from knowledge_chunks where embedding is not null")) == 2


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("question,answer\nOpen?,Yes.\nDogs?,\n", "Line 3"),
        ("a,b\n1,2\n", "question and answer"),
        ("", "question and answer"),
        ("question,answer\n" + "q,a\n" * 5_001, "5,001 rows"),
        ("question,answer,language\nOpen?,Yes.,english\n", "Line 2"),
        ("question,answer\n" + "q" * 3_000 + ",a\n", "Line 2"),
    ],
)
async def test_a_csv_with_a_fault_is_refused_whole(client, library, source, said):
    answer = await client.post(
        "/api/v1/faqs/import", content=source.encode(), headers={"Content-Type": "text/csv"}
    )
    assert answer.status_code == 422
    assert said in answer.text
    assert await library.rows("select id from faqs") == []


BOUNDARY = {"Content-Type": "Multipart/Form-Data; boundary=x"}
ONE = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nOpen\r\n'


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (ONE + ONE + b"--x--\r\n", BOUNDARY),
        (b"--y\r\nnonsense", BOUNDARY),
        (ONE + b"--x--\r\n", {"Content-Type": "multipart/form-data"}),
        (ONE + b"--x--\r\n", {"Content-Type": "application/octet-stream"}),
        (b"%PDF-1.7 ...", {"Content-Type": "application/pdf"}),
        (b"\xff\xfe", {}),
    ],
)
async def test_what_is_no_form_is_told_how_a_file_is_sent(client, content, headers):
    answer = await client.post(DOOR, content=content, headers=headers)
    assert answer.status_code == 422, answer.text
    [entry] = answer.json()["errors"]
    assert (entry["field"], "multipart/form-data" in entry["fix"]) == ("file", True)


async def test_the_type_of_a_form_is_known_in_any_case(client):
    answer = await client.post(DOOR, content=ONE + b"--x--\r\n", headers=BOUNDARY)
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": "x", "text": ""}, "text"),
        ({"url": "nowhere"}, "url"),
        ({"text": "x"}, "title"),
    ],
)
async def test_what_is_wrong_with_a_text_is_named_as_it_is_spelled(client, body, field):
    answer = await client.post(DOOR, json=body)
    assert [entry["field"] for entry in answer.json()["errors"]] == [field]


async def test_json_of_a_document_is_read_as_strictly_as_any(client):
    headers = {"Content-Type": "application/json"}
    answer = await client.post(DOOR, content=b'{"title": "a", "text": "b", "text": "c"}', headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "text")
    answer = await client.post(DOOR, content=b'{"title"', headers=headers)
    assert "':' delimiter at character 8" in answer.json()["detail"]

import pytest


@pytest.mark.parametrize(
    ("path", "knows"),
    [
        ("/api/v1/posts?stauts=failed", "status"),
        ("/api/v1/jobs?queues=ingest", "queue"),
        ("/api/v1/workspace?x=1", "none"),
    ],
)
async def test_a_misspelt_filter_is_refused_and_not_ignored(client, path, knows):
    answer = await client.get(path)
    assert answer.status_code == 422, answer.text
    (problem,) = answer.json()["errors"]
    assert knows in problem["fix"]
    assert problem["field"] in path


NOWHERE = "01890a5d-ac96-774b-bcce-b302099a8057"
BODYLESS = [
    ("PUT", f"/api/v1/conversations/{NOWHERE}/takeover"),
    ("DELETE", f"/api/v1/conversations/{NOWHERE}/takeover"),
    ("PUT", f"/api/v1/channels/{NOWHERE}/pause"),
    ("POST", f"/api/v1/posts/{NOWHERE}/publish"),
    ("POST", "/api/v1/jobs/1/cancel"),
]


@pytest.mark.parametrize(("method", "path"), BODYLESS)
async def test_a_body_where_none_is_taken_is_refused_by_the_name_of_its_field(client, method, path):
    answer = await client.request(method, path, json={"minutes": 30})
    assert answer.status_code == 422, answer.text
    (problem,) = answer.json()["errors"]
    assert (problem["field"], problem["problem"]) == ("minutes", "There is a body where none is taken.")
    assert "takes none" in problem["fix"]


@pytest.mark.parametrize("body", [b"minutes=30", b"[1]", b'"x"', b"\xff", b"0"])
async def test_a_body_without_fields_is_refused_too(client, body):
    answer = await client.put(BODYLESS[0][1], content=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] is None


async def test_a_long_body_is_refused_without_being_read(client):
    """Nobody parses megabytes to name a field."""
    method, path = BODYLESS[0]
    answer = await client.request(method, path, content=b'{"minutes": 30' + b" " * 100_000 + b"}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0] == {
        "field": None,
        "problem": "There is a body where none is taken.",
        "fix": "Leave the body out; this address takes none.",
    }


async def test_a_caller_who_has_gone_is_no_error(client):
    """It hangs up while its key is looked up."""
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    method, path = BODYLESS[4]
    headers = [(b"authorization", client.headers["authorization"].encode()), (b"host", b"testserver")]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "raw_path": path.encode(), "query_string": b"", "headers": headers, "scheme": "http",
        "server": ("testserver", 80), "client": ("127.0.0.1", 1), "root_path": "",
    }  # fmt: skip
    await client._transport.app(scope, receive, send)
    assert sent[0]["status"] == 404


@pytest.mark.parametrize("body", [b"", b" \n", b"{}", b"null"])
@pytest.mark.parametrize(("method", "path"), BODYLESS)
async def test_an_empty_body_is_none(client, method, path, body):
    assert (await client.request(method, path, content=body)).status_code == 404


async def test_who_may_not_call_is_told_so_before_any_body_is_looked_at(client):
    (method, path), body = BODYLESS[0], {"minutes": 30}
    headers = {"Authorization": "Bearer ss_unknown"}
    assert (await client.request(method, path, json=body, headers=headers)).status_code == 401
    assert (await client.request("POST", "/api/v1/queues/ingest/pause", json=body)).status_code == 403

"""Whatever is thrown at it, the answer is never a fault of ours."""

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ODD = [
    "",
    " ",
    "\x00",
    "\ud800",
    "\udfff",
    "\u202e",
    "🦊",
    "'; drop table posts; --",
    "%s",
    "{}",
    "NaN",
    "x" * 5000,
]
ODD += ["2026-03-04T12:00:00", "2026-03-04T12:00:00Z", "0001-01-01T00:00:00+23:59", "whatsapp", "instagram"]
WRITING = {"post", "patch", "put"}
TEXTS = st.sampled_from(ODD) | st.text(max_size=8)
BYTES = [b"[" * 50_000, b'{"a":' * 50_000, b"9" * 5_000, b"\xef\xbb\xbf{}"]
NUMBERS = st.integers() | st.sampled_from([2**31, 2**63, 10**400, -1]) | st.floats()
NOWHERE = "01890a5d-ac96-774b-bcce-b302099a8057"
SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""More examples than usual: ``pytest --hypothesis-profile=thorough``."""


def values(names):
    return st.recursive(
        st.none() | st.booleans() | NUMBERS | TEXTS,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(names) | TEXTS, inner, max_size=3)
        ),
        max_leaves=6,
    )


def fields_of(described):
    """Every name that a body of ours has somewhere."""
    schemas = described["components"]["schemas"].values()
    return sorted({name for schema in schemas for name in schema.get("properties", {})})


def operations_of(described, methods):
    return [
        (method.upper(), path)
        for path, operations in described["paths"].items()
        for method in operations
        if method in methods and path.startswith("/api")
    ]


def bodies_of(described):
    """Method, path and schema of every operation with a JSON body."""
    found = []
    for method, path in operations_of(described, WRITING):
        content = described["paths"][path][method.lower()].get("requestBody", {}).get("content", {})
        reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
        schema = described["components"]["schemas"].get(reference.rpartition("/")[2], {})
        if schema:
            found.append((method, path, schema))
    return found


def example_of(schema):
    """The whole example, or one put together from those of the fields."""
    fields = {
        name: field["examples"][0] for name, field in schema["properties"].items() if "examples" in field
    }
    return dict(schema.get("examples", [fields])[0])


@pytest.fixture
async def a_channel(client):
    body = {"platform": "whatsapp", "name": "x", "external_id": "1", "access_token": "t"}
    return (await client.post("/api/v1/channels", json=body)).json()["id"]


def assert_no_fault(answer, sent):
    assert answer.status_code < 500, (answer.status_code, answer.text, sent)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


def address_of(path, channel_id):
    path = path.replace("{channel_id}", channel_id)
    while "{" in path:
        path = path[: path.index("{")] + NOWHERE + path[path.index("}") + 1 :]
    return path


async def send(client, method, address, body):
    text = json.dumps(body)
    answer = await client.request(method, address, content=text, headers={"content-type": "application/json"})
    assert_no_fault(answer, (method, address, text))


@SETTINGS
@given(st.data())
async def test_odd_json(client, app, a_channel, data):
    method, path = data.draw(st.sampled_from(operations_of(app.openapi(), WRITING)))
    names = fields_of(app.openapi())
    body = data.draw(st.dictionaries(st.sampled_from(names), values(names), max_size=8) | values(names))
    await send(client, method, address_of(path, a_channel), body)


@SETTINGS
@given(st.data())
async def test_a_good_body_with_odd_fields(client, app, a_channel, data):
    """Gets past the first checks, down to the rules and to Postgres."""
    described = app.openapi()
    method, path, schema = data.draw(st.sampled_from(bodies_of(described)))
    body = example_of(schema)
    if "channel_id" in schema["properties"]:
        body["channel_id"] = a_channel
    for name in data.draw(st.lists(st.sampled_from(sorted(schema["properties"])), min_size=1, max_size=2)):
        body[name] = data.draw(values(sorted(schema["properties"])))
    await send(client, method, address_of(path, a_channel), body)


@SETTINGS
@given(
    st.binary(max_size=50)
    | st.sampled_from([b"[" * 50_000, b'{"a":' * 50_000, b"9" * 5_000, b"\xef\xbb\xbf{}"]),
    st.sampled_from(["application/json", "application/x+json", "text/plain", "multipart/form-data", "", ";"]),
)
async def test_odd_bytes(client, body, kind):
    answer = await client.post(
        "/api/v1/channels", content=body, headers={"content-type": kind, "idempotency-key": "k"}
    )
    assert_no_fault(answer, (body, kind))


@SETTINGS
@given(st.data())
async def test_odd_addresses_and_queries(client, app, data):
    _, path = data.draw(st.sampled_from(operations_of(app.openapi(), {"get"})))
    while "{" in path:
        odd = quote(data.draw(TEXTS).encode("utf-8", "replace"), safe="")
        path = path[: path.index("{")] + odd + path[path.index("}") + 1 :]
    names = st.sampled_from(["limit", "cursor", "status", "channel_id", "from", "to", "q"])
    written = TEXTS.map(lambda text: text.encode("utf-8", "replace").decode())
    query = data.draw(st.dictionaries(names, written | st.integers().map(str), max_size=3))
    answer = await client.get(path, params=query, follow_redirects=True)
    assert_no_fault(answer, (path, query))


@SETTINGS
@given(
    st.sampled_from(["authorization", "idempotency-key", "x-workspace-id", "x-request-id"]),
    st.binary(max_size=30).filter(lambda value: not set(value) & set(b"\r\n\x00")),
)
async def test_odd_headers(client, name, value):
    answer = await client.post("/api/v1/channels", json={}, headers={name: value})
    assert_no_fault(answer, (name, value))

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

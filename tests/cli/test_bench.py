"""``socialsync bench`` measures in a database of its own and leaves nothing behind."""

import json

import psycopg
import pytest


def databases(fresh) -> list[str]:
    with psycopg.connect(fresh.owner) as connection:
        rows = connection.execute("select datname from pg_database where datname like 'socialsync_bench%'")
        return [name for (name,) in rows]


def test_a_server_that_others_may_use_is_not_loaded_unasked(run):
    assert "--yes" in run("bench", expect=1)


@pytest.mark.journey
@pytest.mark.timeout(120)
def test_it_measures_and_drops_its_database(run, fresh):
    found = json.loads(run("bench", "--yes", "--jobs", "200", "--samples", "10", "--json"))
    assert found["jobs_per_s"] > 0
    assert 0 < found["pickup_p50_ms"] <= found["pickup_p99_ms"]
    assert databases(fresh) == []
    with psycopg.connect(fresh.owner) as connection:
        assert not connection.execute("select from procrastinate_jobs").rowcount

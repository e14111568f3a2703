"""A small workspace's questions are answered from an index, however many rows the others have."""

from uuid import uuid4

import pytest
from sqlalchemy import event, text

from socialsync.features.posts import deliveries, queries


def listing(session):
    return queries.list_posts(session, before=None, limit=50, status=None, channel_id=uuid4())


def open_chunks(session):
    return deliveries.list_open_chunks(session, uuid4())


def runs(session):
    return queries.list_runs(session, uuid4())


@pytest.mark.parametrize("ask", [listing, open_chunks, runs])
async def test_the_workspace_is_an_index_condition(database, ask):
    said = []

    def note(_connection, _cursor, statement, parameters, *_):
        said.append((statement, parameters))

    async with database.transaction(uuid4()) as session:
        connection = await session.connection()
        event.listen(connection.sync_connection, "before_cursor_execute", note)
        await ask(session)
        event.remove(connection.sync_connection, "before_cursor_execute", note)
        await session.execute(text("set local enable_seqscan = off"))
        statement, parameters = said[-1]
        plan = await connection.exec_driver_sql(f"explain {statement}", parameters)
        lines = "\n".join(line for (line,) in plan)
    assert "Index Cond: ((workspace_id = " in lines, lines

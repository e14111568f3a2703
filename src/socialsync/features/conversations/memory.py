"""The AI's thread of a conversation: LangGraph's checkpoints, in the same Postgres, behind its walls.

They are scratch paper: a thread is begun anew for each window, from the rows, and says how far the window's
answer had come when a process died. The rows are the truth. Importing this takes seconds: see ``mind``.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import StateGraph
from psycopg.rows import dict_row
from typing_extensions import override

from socialsync.db.transaction import Database, psycopg_connection

Wire = Callable[[Any], None]


class Saver(AsyncPostgresSaver):
    """Checkpoints of one workspace, each call in a transaction of its own. Plain values only: what somebody
    else may have stored is not called.
    """

    def __init__(self, database: Database, workspace_id: UUID) -> None:
        strict = JsonPlusSerializer(allowed_msgpack_modules=None)
        super().__init__(conn=None, serde=strict)  # type: ignore[arg-type] # _cursor has one
        self._database = database
        self._workspace_id = workspace_id

    @override
    @asynccontextmanager
    async def _cursor(self, *, pipeline: bool = False) -> AsyncIterator[Any]:
        async with self.lock, self._database.transaction(self._workspace_id) as session:
            driver = await psycopg_connection(session)
            async with driver.cursor(binary=True, row_factory=dict_row) as cursor:
                yield cursor

    @override
    async def aput_writes(self, *_: Any, **__: Any) -> None:
        """One step is taken at a time: its checkpoint, which follows, has all that it wrote."""


class Thread:
    """What was thought about one conversation.

    Args:
        shape: a TypedDict of plain values; its ``turn`` tells which words it is about.
        wire: adds the steps and edges to the graph.
    """

    def __init__(
        self, database: Database, workspace_id: UUID, conversation_id: UUID, *, shape: type, wire: Wire
    ) -> None:
        self._saver = Saver(database, workspace_id)
        self._name = f"{workspace_id}:{conversation_id}"
        graph: Any = StateGraph(shape)
        wire(graph)
        self._graph = graph.compile(checkpointer=self._saver)
        self._config: Any = {"configurable": {"thread_id": self._name}}

    async def go_through(self, begun: Any) -> Any:
        """Take every step, and give the state at the end; steps that were taken at the same words are not
        taken again.
        """
        kept = await self._graph.aget_state(self._config)
        if kept.values.get("turn") != begun["turn"]:
            await self._saver.adelete_thread(self._name)
            return await self._graph.ainvoke(begun, self._config, durability="sync")
        if not kept.next:
            return kept.values
        return await self._graph.ainvoke(None, self._config, durability="sync")

    async def renew(self, begun: Any, *, before: str) -> None:
        """Forget the steps, and stand before this one with another state."""
        await self._saver.adelete_thread(self._name)
        await self._graph.aupdate_state(self._config, begun, as_node=before)

"""The jobs of the room: answer a person, keep what the AI remembers up to date, pull what was missed."""

from uuid import UUID

from socialsync import resources
from socialsync.features.conversations import answering, history
from socialsync.features.conversations.mind import Mind
from socialsync.features.messages import lanes
from socialsync.features.messages import service as messages
from socialsync.features.messages.tasks import patient
from socialsync.queue import locks
from socialsync.queue.jobs import Job
from socialsync.queue.tasks import task


@task(
    name="conversations.process_message", queue="ingest", policy="message", scope="workspace", priority=5,
    lock=lanes.of_conversation,
)  # fmt: skip
@patient
async def process_message(job: Job, *, workspace_id: UUID, conversation_id: UUID) -> dict[str, str]:
    """Close the conversation's window at its instant, and answer it."""
    opened = resources.of(job)
    ended = await answering.answer(opened, job, workspace_id, conversation_id, Mind(opened))
    return {"conversation_id": str(conversation_id), "status": ended}


@task(
    name="conversations.update_langgraph_state", queue="state", policy="state", scope="workspace", priority=8,
    lock=lanes.of_thread,
)  # fmt: skip
@patient
async def update_langgraph_state(job: Job, *, workspace_id: UUID, conversation_id: UUID) -> dict[str, str]:
    """Somebody else has the floor now: what the AI remembers follows the rows."""
    return await _bring_up_to_date(job, workspace_id, conversation_id)


@task(
    name="conversations.sync_operator_message", queue="state", policy="state", scope="workspace", priority=7,
    lock=lanes.of_thread,
)  # fmt: skip
@patient
async def sync_operator_message(job: Job, *, workspace_id: UUID, conversation_id: UUID) -> dict[str, str]:
    """A person of the business wrote: the AI shall know of it."""
    return await _bring_up_to_date(job, workspace_id, conversation_id)


@task(
    name="conversations.catch_up", queue="ingest", policy="message", scope="workspace", priority=1,
    lock=locks.of_catching_up,
)  # fmt: skip
@patient
async def catch_up(job: Job, *, workspace_id: UUID, channel_id: UUID) -> dict[str, int | str]:
    """Have the platform tell again what a channel may have missed, and store it."""
    return await history.catch_up(resources.of(job), job, workspace_id, channel_id)


async def _bring_up_to_date(job: Job, workspace_id: UUID, conversation_id: UUID) -> dict[str, str]:
    opened = resources.of(job)
    async with opened.database.transaction(workspace_id) as session:
        conversation = await messages.get_conversation(session, conversation_id)
        turn = await answering.read_turn(session, conversation)
    await Mind(opened).catch_up(turn)
    return {"conversation_id": str(conversation_id), "status": "up to date"}

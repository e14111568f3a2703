"""When things happen by themselves.

``TIMETABLE`` seeds the ``schedules`` table, which is the operators' from then on. ``SWEEPS`` run in the
upkeep of the workers, each naming the rows it looks after.
"""

from collections.abc import Sequence
from datetime import timedelta

from socialsync import clock
from socialsync.ai import ledger
from socialsync.db import idempotency
from socialsync.features.channels import gaps, renewals
from socialsync.features.comments import service as comments
from socialsync.features.escalations import service as escalations
from socialsync.features.knowledge import service as knowledge
from socialsync.features.messages import service as messages
from socialsync.features.posts import service as posts
from socialsync.features.webhooks import service as webhooks
from socialsync.queue import pruning
from socialsync.queue.schedules import New
from socialsync.queue.upkeep import Sweep

TIMETABLE = (
    New(
        name="enqueue-due-posts",
        task="posts.enqueue_due_posts",
        cron="* * * * *",
        expires_s=55,
    ),
    New(
        name="poll-post-comments",
        task="comments.poll_post_comments",
        cron="*/5 * * * *",
        expires_s=290,
    ),
)

SWEEPS = (
    Sweep(
        "posts that are publishing without a live job",
        timedelta(minutes=1),
        lambda session: posts.requeue_stranded(session, now=clock.now()),
    ),
    Sweep(
        "messages.check_buffer: windows that are over, without a live job",
        timedelta(seconds=5),
        lambda session: messages.check_buffer(session, now=clock.now()),
    ),
    Sweep(
        "messages in the outbox without a live job",
        timedelta(minutes=1),
        lambda session: messages.requeue_stranded(session, now=clock.now()),
    ),
    Sweep(
        "escalations and their mails that wait without a live job",
        timedelta(minutes=1),
        lambda session: escalations.requeue_stranded(session, now=clock.now()),
    ),
    Sweep(
        "escalations for which nobody came in time",
        timedelta(minutes=1),
        lambda session: escalations.remind(session, now=clock.now()),
        routine=True,
    ),
    Sweep(
        "comments with work to do, and replies in doubt, without a live job",
        timedelta(minutes=1),
        lambda session: comments.requeue_stranded(session, now=clock.now()),
    ),
    Sweep(
        "documents that wait without a live job",
        timedelta(minutes=1),
        lambda session: knowledge.requeue_stranded(session, now=clock.now()),
    ),
    Sweep(
        "workspaces that are worth an index of vectors",
        timedelta(minutes=5),
        knowledge.index_crowded,
        routine=True,
    ),
    Sweep(
        "channels that missed something, without a live job",
        timedelta(minutes=1),
        lambda session: gaps.requeue_stranded(session, now=clock.now()),
    ),
    Sweep(
        "tokens that end soon",
        timedelta(hours=1),
        lambda session: renewals.defer_due(session, now=clock.now()),
        routine=True,
    ),
    Sweep(
        "webhooks whose messages were not known yet",
        timedelta(seconds=5),
        lambda session: webhooks.retry_waiting(session, now=clock.now()),
        routine=True,
    ),
    Sweep(
        "webhooks of last month",
        timedelta(minutes=1),
        lambda session: webhooks.prune(session, now=clock.now()),
        routine=True,
    ),
    Sweep(
        "idempotency keys of yesterday",
        timedelta(hours=1),
        lambda session: idempotency.prune(session, now=clock.now()),
        routine=True,
    ),
    Sweep(
        "calls to models of last quarter",
        timedelta(minutes=1),
        lambda session: ledger.prune(session, now=clock.now()),
        routine=True,
    ),
    *pruning.SWEEPS,
)


def sweeps(*, embedding_model: str) -> Sequence[Sweep]:
    """All of them. What another model embedded is looked for with today's."""
    bare = Sweep(
        "passages without a vector of the model of today",
        timedelta(minutes=1),
        lambda session: knowledge.requeue_bare(session, embedding_model, now=clock.now()),
        routine=True,
    )
    return (*SWEEPS, bare)

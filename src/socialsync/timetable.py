"""When things happen by themselves. Seeds the ``schedules`` table; from then on it is the operators'."""

from datetime import timedelta

from socialsync.queue.schedules import Entry

TIMETABLE = (
    Entry(
        name="enqueue-due-posts",
        task="posts.enqueue_due_posts",
        cron="* * * * *",
        expires=timedelta(seconds=55),
    ),
)

"""Who is measured: ours, stock procrastinate, PgQueuer, Celery with Redis, and SQL alone."""

"""The doors for those who look after jobs, and for those who run the installation."""

from socialsync.api.routing import Router
from socialsync.features.operations.endpoints import health, jobs, queues, schedules, workers

router = Router()
for part in (jobs, queues, schedules, workers, health):
    router.include_router(part.router)

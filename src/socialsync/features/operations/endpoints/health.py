"""Health and figures. They need no key: they tell counts, never contents."""

from http import HTTPStatus

from starlette.responses import RedirectResponse, Response

from socialsync.api.opened import Opened
from socialsync.api.routing import Router
from socialsync.features.operations import health, metrics, readiness
from socialsync.features.operations.health import Alert
from socialsync.features.operations.readiness import NotReady
from socialsync.features.operations.schemas import (
    AlertOut,
    HealthOut,
    LiveOut,
    QueueHealthOut,
    QueueOut,
    ReadyOut,
)
from socialsync.queue.shapes import QueueState

router = Router()


@router.head("/health/live", include_in_schema=False)
@router.get("/health/live", tags=["health"], summary="Is the process alive?")
async def live() -> LiveOut:
    """Answers without looking at anything else: restart the process when it does not."""
    return LiveOut()


@router.head("/health/ready", include_in_schema=False)
@router.get("/health/ready", tags=["health"], summary="Can it serve requests?")
async def ready(opened: Opened) -> ReadyOut:
    """503 with the reason and the fix while the database is away, not migrated or with too old a pgvector."""
    await readiness.check(opened.database)
    return ReadyOut()


@router.head("/health", include_in_schema=False)
@router.get("/health", tags=["health"], summary="How is everything?", responses={503: {"model": HealthOut}})
async def overview(opened: Opened, response: Response) -> HealthOut:
    """Workers, queues and what a person should look at. `down`, with 503, when it cannot serve requests."""
    try:
        seen = await readiness.see(opened.database)
    except NotReady as error:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        alert = Alert("alarm", "database", error.message, error.fix)
        return HealthOut(
            status="down",
            workers="unknown",
            utilisation=None,
            oldest_waiting_s=None,
            queues={},
            alerts=[AlertOut.model_validate(alert)],
        )
    queues = seen.queues or {}
    found = health.alerts(queues, workers=seen.workers, utilisation=seen.utilisation)
    if seen.queues is None:
        message = "There are more jobs than could be counted in time."
        found.append(Alert("alarm", "queues", message, "Look at them: socialsync inspect queues"))
    return HealthOut(
        status=health.status(found),
        workers=f"{seen.workers} worker(s) active",
        utilisation=seen.utilisation,
        oldest_waiting_s=max((queue.oldest_waiting_s or 0 for queue in queues.values()), default=0) or None,
        queues={name: _shown(queue) for name, queue in queues.items()},
        alerts=[AlertOut.model_validate(alert) for alert in found],
    )


@router.get(
    "/metrics",
    tags=["health"],
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def prometheus(opened: Opened) -> Response:
    """In the text format 0.0.4. It tells counts and the names of tasks and queues, never of workspaces."""
    return Response(await metrics.page(opened.database), media_type=metrics.MEDIA_TYPE)


@router.get("/", include_in_schema=False)
async def home() -> RedirectResponse:
    return RedirectResponse("docs")


def _shown(queue: QueueState) -> QueueHealthOut:
    told = QueueOut.model_validate(queue)
    return QueueHealthOut(**told.model_dump(), level=health.depth(queue.waiting))

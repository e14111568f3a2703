"""A workspace whose people are told by mail, and the server that takes it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from socialsync import clock, registry
from socialsync.db.urls import Urls
from socialsync.features.escalations import lanes, service
from socialsync.settings import Settings
from tests.conftest import settings_for
from tests.escalations.post_office import PostOffice, serving
from tests.posts.conftest import Office, office
from tests.simulator.server import SimulatorServer

__all__ = ["office"]
registry.load()

OWNER = "owner@bakery.example.com"


@pytest.fixture
async def post_office():
    async with serving(PostOffice()) as open_one:
        yield open_one


@pytest.fixture
def settings(
    tmp_path: Path, shared: Urls, outside_world: SimulatorServer, post_office: PostOffice
) -> Settings:
    mail = {"smtp_url": SecretStr(post_office.url), "mail_from": "Bakery <desk@bakery.example.com>"}
    return settings_for(shared, tmp_path, outside_world.url).model_copy(
        update={**mail, "public_url": "https://sync.example.com"}
    )


@dataclass
class Desk:
    """Where things end up that a person must see."""

    office: Office
    clock: clock.MovableClock
    post_office: PostOffice

    @property
    def workspace_id(self) -> UUID:
        return self.office.workspace_id

    @property
    def now(self) -> datetime:
        return clock.now()

    def wait(self, **by: float) -> datetime:
        return self.clock.move(timedelta(**by))

    async def address(self, email: str | None, channel: str = "whatsapp") -> None:
        await self.office.rows(
            "update channels set escalation_email = :email where id = :id returning id",
            email=email,
            id=getattr(self.office, channel),
        )

    async def open(self, **values: Any) -> UUID:
        usual = {
            "channel_id": self.office.whatsapp,
            "subject": "comment",
            "subject_id": uuid4(),
            "urgency": "high",
            "reason": "A complaint.",
        }
        async with self.office.opened.database.transaction(self.workspace_id) as session:
            return await service.open(
                session, workspace_id=self.workspace_id, now=self.now, **{**usual, **values}
            )

    async def see(self, escalation_id: UUID) -> dict[str, Any]:
        return (await self.office.rows("select * from escalations where id = :id", id=escalation_id))[0]

    async def mails(self) -> list[dict[str, Any]]:
        return await self.office.rows("select * from escalation_mails order by id")

    async def mail(self) -> dict[str, Any]:
        return (await self.mails())[-1]

    async def waiting(self) -> list[dict[str, Any]]:
        return [job for job in await self.office.jobs(lanes.NOTIFY) if job["status"] == "todo"]

    async def run(self) -> Any:
        """Run the job that waits, once its time has come; it ends as a worker would end it."""
        (job,) = await self.waiting()
        if job["scheduled_at"] is not None and job["scheduled_at"] > self.now:
            self.clock.set(job["scheduled_at"])
        try:
            result = await self.office.run(job["id"])
        except Exception as error:
            after = getattr(error, "retry_after", None) or timedelta(0)
            await self._leave(job["id"], "todo", at=self.now + after)
            raise
        await self._leave(job["id"], "succeeded")
        return result

    async def sweep(self, which: Any) -> int:
        async with self.office.opened.database.system_transaction("a test sweeps") as session:
            return await which(session, now=self.now)

    async def _leave(self, job_id: int, status: str, at: datetime | None = None) -> None:
        """As the end of a job that failed it waits again, or is superseded by one that waits already."""
        twins = await self.waiting()
        await self.office.rows(
            "update procrastinate_jobs set worker_id = null, scheduled_at = coalesce(:at, scheduled_at),"
            " status = cast(:status as procrastinate_job_status) where id = :id returning id",
            id=job_id,
            at=at,
            status="failed" if status == "todo" and twins else status,
        )


@pytest.fixture
async def desk(office: Office, noon: clock.MovableClock, post_office: PostOffice) -> Desk:
    made = Desk(office, noon, post_office)
    await made.address(OWNER)
    return made

"""What every step of a job works with, and the one way a job moves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog

from bot import jobs
from bot.jobs import Event, Job
from bot.media import Media
from bot.pace import Pace
from bot.store import Store
from bot.vendors import Vendors
from providers.base import Provider, Remote

__all__ = ["Delivery", "Desk"]

log = structlog.get_logger(__name__)


class Delivery(Protocol):
    """The face that shows jobs to people: Discord or the command line."""

    async def update(self, job: Job) -> None:
        """The job moved. Must return quickly and never raise; being called twice is normal."""
        ...

    async def deliver(
        self, job: Job, clip: Path
    ) -> jobs.Delivered | jobs.Undeliverable | jobs.Later:
        """Show the clip exactly once, also when called again after a crash."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """Shared by the steps; it keeps nothing of a job."""

    store: Store
    vendors: Vendors
    media: Media
    delivery: Delivery
    pace: Pace
    clips: Path
    tmp: Path

    def now(self) -> datetime:
        return self.pace.clock()

    async def move(self, job: Job, event: Event) -> Job:
        """Commit what happened, with the money it implies, and tell the person.

        Raises `Superseded` when somebody else moved the job, `StoreBroken`.
        """
        now = self.now()
        after = jobs.apply(job, event, now)
        message, detail = self.vendors.clean(after.message), self.vendors.clean(after.detail)
        if (message, detail) != (after.message, after.detail):
            after = replace(after, message=message, detail=detail)
        await self.store.move(job, after, type(event).__name__, now)
        log.debug("moved", to=after.state.value, event_=type(event).__name__, detail=after.detail)
        await self.delivery.update(after)
        return after

    async def accepted(self, job: Job, client: Provider, remote: Remote) -> Job:
        """The vendor has it, under this id."""
        now = self.now()
        return await self.move(
            job,
            jobs.Accepted(
                remote=remote,
                due_at=now + timedelta(seconds=min(client.facts.poll_floor_s, 1.0)),
                deadline_at=now + timedelta(seconds=client.facts.deadline_s),
            ),
        )

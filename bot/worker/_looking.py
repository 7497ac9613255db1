"""A paid call whose answer was lost: look it up, or send the same id again where that is safe."""

from __future__ import annotations

import structlog

from bot import jobs
from bot.endings import detail_of, rejected_at_once
from bot.jobs import Job
from bot.worker._desk import Desk
from providers.base import Provider, Remote
from providers.errors import ContentRejected, ProviderError

__all__ = ["Looking"]

log = structlog.get_logger(__name__)


class Looking:
    """From a lost answer to knowing; never a second submission that could be a second job."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def recover(self, job: Job) -> Job:
        """A crash around the paid call: it may have left. Look it up, or send the same id again."""
        return await self._desk.move(
            job,
            jobs.Lost(due_at=self._desk.now(), detail="the program ended during the paid call"),
        )

    async def step(self, job: Job) -> Job:
        client = self._desk.vendors.client(job.provider)
        if client is None or job.request is None or job.first_sent_at is None:
            return await self._look_later(job, 60.0, "its vendor's key is not set")
        facts = client.facts
        try:
            await self._desk.vendors.pace(job.provider)
            if facts.findable and (found := await self._find(job, client)):
                return await self._desk.accepted(job, client, found)
            if facts.resend_safe and (not facts.findable or job.looks >= 1):
                return await self._resend(job, client)
        except ProviderError as error:
            await self._desk.vendors.spoke(job.provider, error)
            return await self._look_later(job, facts.find_after_s, detail_of(error))
        detail = "not in the vendor's list" if facts.findable else "this vendor keeps no list"
        return await self._look_later(job, facts.find_after_s if facts.findable else 600.0, detail)

    async def _find(self, job: Job, client: Provider) -> Remote | None:
        """The one submission nobody owns that can only be this one, or None."""
        assert job.request is not None  # noqa: S101 - checked by the caller
        assert job.first_sent_at is not None  # noqa: S101 - checked by the caller
        found = await client.find(job.request, job.first_sent_at)
        await self._desk.vendors.spoke(job.provider)
        if not found:
            return None
        owned = await self._desk.store.owned(job.provider, [remote.remote_id for remote in found])
        free = [remote for remote in found if remote.remote_id not in owned]
        if client.facts.resend_safe:
            return free[0] if free else None
        if len(free) == 1 and not await self._desk.store.twins(job):
            return free[0]
        if free:
            log.warning("several submissions look alike", matches=len(free))
        return None

    async def _resend(self, job: Job, client: Provider) -> Job:
        """The same paid call with the same id, which the vendor promises to take once."""
        assert job.request is not None  # noqa: S101 - checked by the caller
        try:
            remote = await client.submit(job.request)
        except ContentRejected as error:
            return await self._desk.move(job, rejected_at_once(job, error))
        return await self._desk.accepted(job, client, remote)

    async def _look_later(self, job: Job, first_s: float, detail: str) -> Job:
        due_at = jobs.look_again(self._desk.now(), job.looks, first_s)
        return await self._desk.move(job, jobs.Look(due_at=due_at, detail=detail))

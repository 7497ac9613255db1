"""The last steps: the clip reaches people, or the hold is released; and a person's verdict."""

from __future__ import annotations

import asyncio

import structlog

from bot import jobs
from bot.jobs import Job, Reason, State
from bot.money import usd
from bot.store import Superseded
from bot.texts import say
from bot.worker._desk import Desk
from providers.base import Remote
from providers.errors import ProviderError

__all__ = ["Ending"]

log = structlog.get_logger(__name__)


class Ending:
    """Delivers, settles, and books what a person decides of an uncertain job."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def deliver(self, job: Job) -> Job:
        clip = self._desk.clips / job.clip
        if not await asyncio.to_thread(clip.exists):
            return await self._desk.move(
                job,
                jobs.Undeliverable(message=say("end.file_gone")),
            )
        if job.first_post_at is None:
            job = await self._desk.move(job, jobs.Posting())
        return await self._desk.move(job, await self._desk.delivery.deliver(job, clip))

    async def refund(self, job: Job) -> Job:
        client = self._desk.vendors.client(job.provider)
        running = job.reason is Reason.EXPIRED and not job.cancel_sent
        if running and client and job.remote and job.request and client.facts.cancellable:
            try:
                await client.cancel(job.remote, job.request)
            except ProviderError as error:
                log.info("cancel failed", detail=error.detail)
        return await self._desk.move(job, jobs.Refunded())

    async def resolve(self, job: Job, verdict: str) -> Job:
        """A person decides an uncertain job: "not-submitted", "spent", or "remote:<id>".

        Raises `jobs.Illegal` when the job is not uncertain (any more).
        """
        while True:
            try:
                return await self._resolve(job, verdict)
            except Superseded:  # we looked it up at the same moment
                job = await self._desk.store.job(job.id)

    async def _resolve(self, job: Job, verdict: str) -> Job:
        client = self._desk.vendors.client(job.provider)
        if job.state is not State.UNCERTAIN:
            raise jobs.Illegal(f"job {job.id} is {job.state.value}, not uncertain")
        if verdict.startswith("remote:") and client:
            after = await self._desk.accepted(
                job, client, Remote(remote_id=verdict[len("remote:") :])
            )
        elif verdict == "spent":
            after = await self._desk.move(
                job,
                jobs.Refund(
                    reason=Reason.SPENT,
                    message=say("end.spent", price=usd(job.hold_micros)),
                    cost_micros=job.hold_micros,
                    cost_note="decided by a person",
                ),
            )
        else:
            after = await self._desk.move(
                job,
                jobs.Refund(
                    reason=Reason.NOT_SUBMITTED,
                    message=say("end.not_submitted"),
                ),
            )
        return after

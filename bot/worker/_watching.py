"""A job at the vendor: asked for at its pace, asked to stop, and read to its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog

from bot import jobs
from bot.endings import account_reason, detail_of, ending, expired
from bot.jobs import Job
from bot.texts import say
from bot.worker._desk import Desk
from providers.base import Phase, Provider, Remote, Status, VideoRequest
from providers.errors import AccountProblem, ProviderError, RateLimited

__all__ = ["Watching"]

_SWEEP_UNTIL: Final = timedelta(hours=24)
_SWEEP_EVERY: Final = timedelta(seconds=60)
_SLOWEST_POLL_S: Final = 60.0
_LONGEST_POLL_S: Final = 3600.0  # whatever a vendor asks for: a finished clip may be kept an hour
_MISSES_TOLD: Final = 3  # polls in a row without an answer, then the person is told
_FORGIVEN: Final = timedelta(seconds=30)  # a fresh job a vendor does not show yet
log = structlog.get_logger(__name__)


class Watching:
    """From `rendering` to the vendor's verdict."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._misses: dict[str, int] = {}  # polls in a row without a usable answer

    def forget(self, job_id: str) -> None:
        self._misses.pop(job_id, None)

    async def step(self, job: Job) -> Job:
        client = self._desk.vendors.client(job.provider)
        if client is None or job.request is None or job.remote is None:
            return await self._tick(job, 60.0, detail="its vendor's key is not set")
        if job.cancel_at and not job.cancel_sent:
            asked = await self._ask_to_stop(job, client, job.remote, job.request)
            if asked.cancel_sent:
                return asked
        try:
            await self._desk.vendors.pace(job.provider)
            status = await client.poll(job.remote, job.request)
        except ProviderError as error:
            return await self._poll_failed(job, client, error)
        await self._desk.vendors.spoke(job.provider)
        return await self._read_status(job, client, status)

    async def _poll_failed(self, job: Job, client: Provider, error: ProviderError) -> Job:
        """Nothing is known of the job: it goes on at the vendor, and is asked for ever less often.

        An answer nobody can read is kept, and says nothing about the job either.
        """
        log.warning("poll failed", error=type(error).__name__, detail=error.detail, body=error.body)
        await self._desk.vendors.spoke(job.provider, error)
        if self._never_ended(job):
            return await self._desk.move(job, expired(job, detail_of(error)))
        misses = self._misses.get(job.id, 0) + 1
        self._misses[job.id] = misses
        wait_s = min(
            _SLOWEST_POLL_S, max(5.0, client.facts.poll_floor_s) * 2.0 ** min(misses - 1, 6)
        )
        if isinstance(error, AccountProblem):
            await self._desk.vendors.pause(job.provider, account_reason(error))
            wait_s = _SLOWEST_POLL_S
        elif isinstance(error, RateLimited) and error.retry_after_s is not None:
            wait_s = max(min(error.retry_after_s, _LONGEST_POLL_S), client.facts.poll_floor_s)
        told = misses >= _MISSES_TOLD and not job.cancel_at
        return await self._tick(
            job,
            wait_s,
            detail=detail_of(error),
            message=say("wait.no_answer", provider=job.provider) if told else None,
        )

    async def _ask_to_stop(
        self, job: Job, client: Provider, remote: Remote, request: VideoRequest
    ) -> Job:
        """Asked once; while the vendor does not take it, the job is polled and asked again."""
        if not client.facts.cancellable:
            return await self._tick(
                job,
                0.0,
                cancel_sent=True,
                message=say("wait.cannot_stop", provider=job.provider),
            )
        try:
            await self._desk.vendors.pace(job.provider)
            await client.cancel(remote, request)
        except ProviderError as error:
            log.warning("cancel failed", error=type(error).__name__, detail=error.detail)
            return job
        wait_s = client.facts.poll_floor_s
        told = say("wait.asked_to_stop", provider=job.provider)
        return await self._tick(job, wait_s, cancel_sent=True, message=told)

    async def _read_status(self, job: Job, client: Provider, status: Status) -> Job:
        young = self._desk.now() - (job.rendering_since or job.updated_at) < _FORGIVEN
        if status.phase is Phase.GONE and young and not job.cancel_sent:
            return await self._tick(job, 5.0, detail="the vendor does not show it yet")
        match status.phase:
            case Phase.QUEUED | Phase.RENDERING:
                return await self._still_rendering(job, client, status)
            case Phase.SUCCEEDED:
                expires_at = status.expires_at or self._desk.now() + timedelta(
                    seconds=client.facts.result_ttl_s
                )
                return await self._desk.move(
                    job,
                    jobs.Finished(
                        result_url=status.result_url,
                        expires_at=expires_at,
                        cost_micros=status.cost_micros,
                    ),
                )
            case _:
                can_stop = client.facts.cancellable
                return await self._desk.move(job, ending(job, status, can_stop=can_stop))

    async def _still_rendering(self, job: Job, client: Provider, status: Status) -> Job:
        now = self._desk.now()
        since = job.rendering_since or now
        progress = status.progress
        if progress is None and status.phase is Phase.RENDERING:
            progress = job.progress or 0.0  # it has begun: from here on it may cost something
        if self._never_ended(job):
            return await self._desk.move(job, expired(job, "it never ended"))
        back = self._misses.pop(job.id, 0) >= _MISSES_TOLD and not job.cancel_at
        if job.deadline_at and now > job.deadline_at:
            return await self._tick(
                job,
                _SWEEP_EVERY.total_seconds(),
                progress=progress,
                message=say(
                    "wait.long", provider=job.provider, minutes=client.facts.deadline_s // 60
                ),
            )
        times = await self._desk.store.render_times(job.model)
        due_at = jobs.poll_again(now, since, client.facts.poll_floor_s, times)
        if back or (job.progress is None) is not (progress is None):
            message = "" if back else None
            tick = jobs.Ticked(due_at=due_at, progress=progress, message=message)
            return await self._desk.move(job, tick)
        # Nothing a restart would need: it asks again anyway.
        seen = replace(job, due_at=due_at, progress=progress)
        await self._desk.delivery.update(seen)
        return seen

    def _never_ended(self, job: Job) -> bool:
        """Whether it is long past every deadline: with no cancel at some vendors, it may bill."""
        now = self._desk.now()
        overdue = job.deadline_at is not None and now > job.deadline_at
        return overdue and now - (job.rendering_since or now) > _SWEEP_UNTIL

    async def _tick(
        self,
        job: Job,
        wait_s: float,
        *,
        progress: float | None = None,
        detail: str = "",
        message: str | None = None,
        cancel_sent: bool = False,
    ) -> Job:
        return await self._desk.move(
            job,
            jobs.Ticked(
                due_at=self._desk.now() + timedelta(seconds=wait_s),
                progress=progress,
                detail=detail.strip(),
                message=message,
                cancel_sent=cancel_sent,
            ),
        )

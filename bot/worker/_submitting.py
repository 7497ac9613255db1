"""The paid call: a turn in the vendor's lane, the request, the call, and what its answer means."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

from bot import jobs
from bot.endings import (
    account_reason,
    account_refused,
    detail_of,
    malformed,
    model_gone,
    rejected_at_once,
    unsendable,
    unusable,
)
from bot.jobs import Action, Job, Reason
from bot.media import BadImage
from bot.router import RoutePlan
from bot.stills import STILLS, fit_still, rules_for
from bot.texts import Text, recognised, say
from bot.worker._desk import Desk
from providers.base import MediaInput, Provider, VideoRequest
from providers.errors import AccountProblem, ProviderError, RateLimited, Unavailable

__all__ = ["Submitting"]

log = structlog.get_logger(__name__)

_CANCELLED_BEFORE: Final = jobs.Refund(reason=Reason.CANCELLED, message=say("end.cancelled_before"))


class Submitting:
    """From `queued` to the vendor's answer. `wake_of` is the event a job is woken by."""

    def __init__(self, desk: Desk, wake_of: Callable[[str], asyncio.Event]) -> None:
        self._desk = desk
        self._wake_of = wake_of

    async def step(self, job: Job) -> Job:
        """Cancelled, blocked, told to wait, or sent when its turn has come."""
        if job.cancel_at:
            return await self._desk.move(job, _CANCELLED_BEFORE)
        vendors, plan = self._desk.vendors, job.plan
        client = vendors.client(plan.provider)
        available = await vendors.availability(job.place)
        blocked = available.missing.get(plan.provider) or available.routes_off.get(
            (plan.provider, plan.wire_id, plan.dialect)
        )
        if client is None or blocked:
            return await self._desk.move(job, unusable(job, blocked or "no client"))
        lane = vendors.lane(plan.provider)
        if lane.health.closed and job.message != (told := _told_to_wait(job, lane.health.why)):
            return await self._desk.move(job, jobs.Later(due_at=job.due_at, message=told))
        if not await self._take_turn(job):
            return await self._desk.store.job(job.id)
        if lane.health.doubted and not await self._speaks(client):
            return job
        await vendors.pace(plan.provider)
        return await self._send(await self._desk.store.job(job.id), client)

    async def _send(self, job: Job, client: Provider) -> Job:
        """It is this job's turn: its request, the committed intent, the call."""
        if job.cancel_at:
            return await self._desk.move(job, _CANCELLED_BEFORE)
        try:
            request = await self._request(job, client)
        except BadImage as error:
            return await self._desk.move(job, unsendable(job, error))
        return await self._submit(await self._desk.move(job, jobs.Submit(request=request)), client)

    async def _take_turn(self, job: Job) -> bool:
        """Wait for the vendor's lane; False when it closed, or the job was woken (cancelled?)."""
        lane, wake = self._desk.vendors.lane(job.provider), self._wake_of(job.id)
        turn = asyncio.ensure_future(lane.enter(job.id))
        try:
            while not turn.done() and not wake.is_set():
                opens_at = lane.health.opens_at if lane.health.closed else None
                timer = asyncio.ensure_future(self._desk.pace.wait(opens_at, wake))
                try:
                    await asyncio.wait({turn, timer}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    timer.cancel()
                    await asyncio.wait({timer})
                lane.admit()
                await asyncio.sleep(0)
            return turn.done() and turn.result()
        finally:
            turn.cancel()
            await asyncio.wait({turn})

    async def _speaks(self, client: Provider) -> bool:
        """After a silence: the free call comes before the next paid one."""
        try:
            await client.check()
        except AccountProblem as error:
            await self._desk.vendors.spoke(client.id)
            await self._desk.vendors.pause(client.id, account_reason(error))
            return False
        except (Unavailable, RateLimited) as error:
            await self._desk.vendors.spoke(client.id, error)
            return False
        except ProviderError as error:
            log.info("the free call is not understood", provider=client.id, detail=error.detail)
        await self._desk.vendors.spoke(client.id)
        return True

    async def _submit(self, job: Job, client: Provider) -> Job:
        """The paid call, and what its answer means. The intent is committed."""
        assert job.request is not None  # noqa: S101 - `Submit` set it
        try:
            remote = await client.submit(job.request)
        except ProviderError as error:
            await self._desk.vendors.spoke(job.provider, error)
            return await self._submission_failed(job, client, error)
        finally:
            self._desk.vendors.lane(job.provider).answered(job.id)
        await self._desk.vendors.spoke(job.provider, took=True)
        return await self._desk.accepted(job, client, remote)

    async def _submission_failed(self, job: Job, client: Provider, error: ProviderError) -> Job:
        log.warning(
            "submission failed", error=type(error).__name__, detail=error.detail, body=error.body
        )
        vendors, plan = self._desk.vendors, job.plan
        match jobs.action_for(error):
            case Action.LATER:
                event = self._later(job, error)
            case Action.LOOK:
                due_at = self._desk.now() + timedelta(seconds=client.facts.find_after_s)
                event = jobs.Lost(due_at=due_at, detail=detail_of(error))
            case Action.STOP:
                event = rejected_at_once(job, error)
            case Action.PAUSE:
                await vendors.pause(plan.provider, account_reason(error))
                event = account_refused(job, error)
            case Action.ROUTE_OFF:
                why = say("trouble.unserved")
                await vendors.route_off(plan.provider, plan.wire_id, plan.dialect, why)
                event = model_gone(job, error)
            case Action.NEXT_ROUTE:
                log.error("our request was malformed", detail=error.detail, body=error.body)
                event = malformed(job, error)
        return await self._desk.move(job, event)

    def _later(self, job: Job, error: ProviderError) -> jobs.Later:
        """Surely not accepted. "Too many requests" closes the lane; the job waits in its place."""
        if isinstance(error, RateLimited):
            wait_s = 0.0
            message = _told_to_wait(job, self._desk.vendors.lane(job.provider).health.why)
        else:
            wait_s = min(60.0, 2.0**job.attempt)
            message = say("wait.unreached", provider=job.provider)
        due_at = self._desk.now() + timedelta(seconds=wait_s)
        return jobs.Later(due_at=due_at, detail=detail_of(error), message=message)

    async def _request(self, job: Job, client: Provider) -> VideoRequest:
        """The brief as this route's parameters, its stills within the vendor's limits.

        Raises `BadImage` with what a still lacks.
        """
        plan, fit = job.plan, job.plan.fit
        inputs = tuple([await self._fitted(plan, client, media) for media in job.brief.inputs])
        return VideoRequest(
            wire_id=plan.wire_id,
            dialect=plan.dialect,
            prompt=job.brief.prompt,
            duration_s=fit.duration_s,
            aspect=fit.aspect,
            resolution=fit.resolution,
            audio=fit.audio,
            correlation_id=f"{job.id}-{job.attempt + 1}",
            seed=job.brief.seed,
            negative=job.brief.negative,
            inputs=inputs,
            options=dict(plan.options),
        )

    async def _fitted(self, plan: RoutePlan, client: Provider, media: MediaInput) -> MediaInput:
        """A still as the card said it would be sent; everything else goes as it is."""
        if media.path is None or media.role not in STILLS:
            return media
        rules = rules_for(client, plan, media.role)
        made, note = await fit_still(self._desk.media, rules, media, media.path.parent)
        if note:
            log.info("still adapted", role=media.role.value, provider=plan.provider, done=note)
        return made


def _told_to_wait(job: Job, why: str) -> Text:
    """For the person; the vendor's own words are in the log and with the operator."""
    what = why.partition(" (")[0] or say("lane.busy")
    return say("wait.told", provider=job.provider, what=recognised(what, "lane"))

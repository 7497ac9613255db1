"""The paid call: a turn in the vendor's lane, the request, the call, and what its answer means."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

from bot import jobs
from bot.endings import account_reason, detail_of, rejected_at_once
from bot.jobs import Action, Event, Job, Reason
from bot.media import BadImage
from bot.router import RoutePlan
from bot.stills import STILLS, fit_still, rules_for
from bot.worker._desk import Desk
from providers.base import MediaInput, Provider, VideoRequest
from providers.errors import AccountProblem, OutOfCredit, ProviderError, RateLimited, Unavailable

__all__ = ["Submitting"]

log = structlog.get_logger(__name__)

_CANCELLED_BEFORE: Final = jobs.Refund(
    reason=Reason.CANCELLED, message="Cancelled before it was sent; nothing was charged."
)


class Submitting:
    """From `queued` to the vendor's answer. `wake_of` is the event a job is woken by."""

    def __init__(self, desk: Desk, wake_of: Callable[[str], asyncio.Event]) -> None:
        self._desk = desk
        self._wake_of = wake_of

    async def step(self, job: Job) -> Job:
        if job.cancel_at:
            return await self._desk.move(job, _CANCELLED_BEFORE)
        plan = job.plan
        client = self._desk.vendors.client(plan.provider)
        available = await self._desk.vendors.availability(job.place)
        blocked = available.missing.get(plan.provider) or available.routes_off.get(
            (plan.provider, plan.wire_id, plan.dialect)
        )
        if client is None or blocked:
            return await self._desk.move(
                job,
                jobs.NextRoute(
                    reason=Reason.FAILED,
                    message=f"{plan.provider} cannot be used now ({blocked}), and no other route "
                    "serves this model at the agreed price. Nothing was charged.",
                    detail=blocked or "no client",
                ),
            )
        lane = self._desk.vendors.lane(plan.provider)
        if lane.health.closed and job.message != (told := _told_to_wait(job, lane.health.why)):
            return await self._desk.move(job, jobs.Later(due_at=job.due_at, message=told))
        if not await self._take_turn(job):
            return await self._desk.store.job(job.id)
        if lane.health.doubted and not await self._speaks(client):
            return job
        await self._desk.vendors.pace(plan.provider)
        job = await self._desk.store.job(job.id)
        if job.cancel_at:
            return await self._desk.move(job, _CANCELLED_BEFORE)
        try:
            request = await self._request(job, client)
        except BadImage as error:
            return await self._desk.move(
                job,
                jobs.NextRoute(
                    reason=Reason.FAILED,
                    message=f"{error.user_message} Nothing was sent to {plan.provider}.",
                    detail=error.user_message,
                ),
            )
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
        now, plan = self._desk.now(), job.plan
        log.warning(
            "submission failed", error=type(error).__name__, detail=error.detail, body=error.body
        )
        match jobs.action_for(error):
            case Action.LATER:
                # "Too many requests" closes the lane, where the job then waits in its old place.
                wait_s = 0.0 if isinstance(error, RateLimited) else min(60.0, 2.0**job.attempt)
                event: Event = jobs.Later(
                    due_at=now + timedelta(seconds=wait_s),
                    detail=detail_of(error),
                    message=_told_to_wait(job, self._desk.vendors.lane(job.provider).health.why)
                    if isinstance(error, RateLimited)
                    else f"{plan.provider} cannot be reached; trying again by itself.",
                )
            case Action.LOOK:
                event = jobs.Lost(
                    due_at=now + timedelta(seconds=client.facts.find_after_s),
                    detail=detail_of(error),
                )
            case Action.STOP:
                event = rejected_at_once(job, error)
            case Action.PAUSE:
                await self._desk.vendors.pause(plan.provider, account_reason(error))
                trouble = (
                    "Our account at {} has no credit left"
                    if isinstance(error, OutOfCredit)
                    else "{} does not accept our account at the moment"
                ).format(plan.provider)
                event = jobs.NextRoute(
                    reason=Reason.FAILED,
                    message=f"{trouble}; the operator has been told. Nothing was charged.",
                    detail=error.detail,
                )
            case Action.ROUTE_OFF:
                await self._desk.vendors.route_off(
                    plan.provider,
                    plan.wire_id,
                    plan.dialect,
                    "the vendor says it no longer serves this model",
                )
                event = jobs.NextRoute(
                    reason=Reason.FAILED,
                    message=f"{plan.provider} no longer serves this model. Nothing was charged; "
                    "ask again and another model will be offered.",
                    detail=error.detail,
                )
            case Action.NEXT_ROUTE:
                log.error("our request was malformed", detail=error.detail, body=error.body)
                event = jobs.NextRoute(
                    reason=Reason.FAILED,
                    message=f"{plan.provider} refused the request as malformed. That is our bug; "
                    "nothing was charged.",
                    detail=detail_of(error),
                )
        return await self._desk.move(job, event)

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


def _told_to_wait(job: Job, why: str) -> str:
    """For the person; the vendor's own words are in the log and with the operator."""
    what = why.partition(" (")[0] or "is busy"
    return f"{job.provider} {what}; your clip keeps its place and is tried again by itself."

"""Bring every job to its end: read its state, do the one thing that state asks for, commit.

State lives only in the database, so `advance` may be called again after any crash, by any process
that holds the data folder. One coroutine per job waits for its due time and steps; vendors' lanes
and rates keep them apart. What a state may lead to stands in `jobs`; how a clip reaches people is
the `Delivery`'s business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import structlog

from bot import files, jobs
from bot.config import is_loopback
from bot.endings import account_reason, detail_of, ending, expired, rejected_at_once
from bot.errors import BotError
from bot.jobs import Action, Event, Job, Reason, State
from bot.media import BadClip, BadImage, ClipInfo, Media
from bot.money import usd
from bot.pace import Pace
from bot.router import RoutePlan
from bot.stills import STILLS, fit_still, rules_for
from bot.store import Store, Superseded
from bot.vendors import Vendors
from providers.base import MediaInput, Phase, Provider, Remote, Status, VideoRequest
from providers.errors import (
    AccountProblem,
    ContentRejected,
    OutOfCredit,
    ProtocolError,
    ProviderError,
    RateLimited,
    Unavailable,
)

__all__ = ["Delivery", "Patience", "Worker"]

_SWEEP_UNTIL: Final = timedelta(hours=24)
_SWEEP_EVERY: Final = timedelta(seconds=60)
_FETCH_TRIES: Final = 12
_GONE: Final = frozenset({403, 404, 410})  # of a result's address: 403 is a signature's end
_SLOWEST_POLL_S: Final = 60.0
_MISSES_TOLD: Final = 3  # polls in a row without an answer, then the person is told
_PATIENT_TURNS: Final = 3  # submissions a throttled job may try before others go first
_FORGIVEN: Final = timedelta(seconds=30)  # a fresh job a vendor does not show yet
_ASKS_EVERY_S: Final = 2.0
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


class Patience(Protocol):
    """How long to wait between tries, in seconds, by how often it was tried."""

    def __call__(self, tries: int, /) -> float: ...


def _growing(tries: int) -> float:
    return min(3600.0, 2.0 * 2 ** min(tries, 11))


class Worker:
    """Runs jobs of one data folder. `async with TaskGroup` owns its coroutines through `run`."""

    def __init__(
        self,
        *,
        store: Store,
        vendors: Vendors,
        media: Media,
        folder: Path,
        delivery: Delivery,
        pace: Pace,
        fetch_patience: Patience = _growing,
    ) -> None:
        self._store = store
        self._vendors = vendors
        self._media = media
        self._clips = folder / "clips"
        self._tmp = folder / "tmp"
        self._inputs = folder / "inputs"
        self._delivery = delivery
        self._clock = pace.clock
        self._pace = pace
        self._fetch_patience = fetch_patience
        self._downloads = asyncio.Semaphore(4)
        self._wakes: dict[str, asyncio.Event] = {}
        self._group: asyncio.TaskGroup | None = None
        self._progress: dict[str, float] = {}
        self._misses: dict[str, int] = {}  # polls in a row without a usable answer

    async def run(self, *, resume: bool = True, forever: bool = True) -> None:
        """Go on with what is unfinished (`resume`), then with new jobs and others' requests.

        Not `forever`: ends when every job in hand has ended.
        """
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                for job in await self._store.unfinished() if resume else ():
                    self.start(job)
                if forever:
                    group.create_task(self._serve_asks(), name="asks")
                    group.create_task(self._reprobe(), name="reprobe")
                    await asyncio.Event().wait()
            finally:
                self._group = None

    def start(self, job: Job) -> None:
        """Take a job in hand. Needs `run` to be running."""
        if self._group is None:
            raise RuntimeError("the worker is not running")
        if job.id in self._wakes:
            self.wake(job.id)
            return
        if job.state in (State.SUBMITTING, State.RENDERING) and self._vendors.client(job.provider):
            self._vendors.lane(job.provider).resume(job.id)
        self._wakes[job.id] = asyncio.Event()
        self._group.create_task(self._drive(job.id), name=f"job {job.id}")

    def wake(self, job_id: str) -> None:
        """Something happened (a webhook, a request): look at this job now."""
        if wake := self._wakes.get(job_id):
            wake.set()

    def progress_of(self, job: Job) -> float | None:
        """How far the job is, 0..1; finer than the database while a clip is fetched or drawn.

        None where nobody knows: 0 only says that the vendor has begun.
        """
        return self._progress.get(job.id, job.progress) or None

    def ahead_of(self, job: Job) -> int:
        """How many jobs the vendor's lane takes before this one."""
        if self._vendors.client(job.provider) is None:
            return 0
        return self._vendors.lane(job.provider).ahead_of(job.id)

    async def advance(self, job: Job) -> Job:
        """One step: the effect its state asks for, and the committed move. Idempotent.

        Raises `Superseded` when another runner moved the job, `StoreBroken`.
        """
        match job.state:
            case State.QUEUED:
                return await self._submit_next(job)
            case State.SUBMITTING:
                return await self._recover_submission(job)
            case State.UNCERTAIN:
                return await self._look(job)
            case State.RENDERING:
                return await self._poll(job)
            case State.FETCHING:
                return await self._fetch(job)
            case State.DELIVERING:
                return await self._deliver(job)
            case State.REFUNDING:
                return await self._refund(job)
            case State.DONE | State.REFUNDED:
                return job

    async def _drive(self, job_id: str) -> None:
        wake = self._wakes[job_id]
        job = await self._store.job(job_id)
        looked = job.state is not State.UNCERTAIN  # after a start, look once without waiting
        try:
            while not job.ended:
                if looked and (job.due_at > self._clock() or wake.is_set()):
                    await self._pace.wait(job.due_at, wake)
                    if wake.is_set():  # somebody has raised a flag, or moved it
                        wake.clear()
                        job = await self._store.job(job_id)
                looked = True
                job = await self._step(job)
        finally:
            for memory in (self._wakes, self._progress, self._misses):
                memory.pop(job_id, None)
            self._vendors.forget(job_id)

    async def _step(self, job: Job) -> Job:
        """One step that survives our own faults: logged, and tried again later."""
        with structlog.contextvars.bound_contextvars(job_id=job.id, state=job.state.value):
            try:
                after = await self.advance(job)
            except Superseded:
                log.info("moved by somebody else")
                return await self._store.job(job.id)
            except BotError as error:
                log.error("step failed", error=error.user_message)
                return await self._again_in(5.0, job)
            except Exception:
                log.exception("step failed")
                return await self._again_in(30.0, job)
        self._free_place(job, after)
        return after

    def _free_place(self, before: Job, after: Job) -> None:
        """What the vendor has or may soon have keeps its place, what waits for one its turn."""
        if after.state is State.RENDERING or self._vendors.client(before.provider) is None:
            return
        lane = self._vendors.lane(before.provider)
        waits = after.state is State.QUEUED and after.provider == before.provider
        tired = after.attempt > before.attempt and after.attempt % _PATIENT_TURNS == 0
        if waits and not tired:
            lane.step_aside(after.id, for_long=after.due_at > self._clock())
        else:
            lane.leave(after.id)

    async def _again_in(self, seconds: float, job: Job) -> Job:
        await self._pace.wait(self._clock() + timedelta(seconds=seconds), asyncio.Event())
        return job

    async def _move(self, job: Job, event: Event) -> Job:
        now = self._clock()
        after = jobs.apply(job, event, now)
        after = replace(
            after,
            message=self._vendors.clean(after.message),
            detail=self._vendors.clean(after.detail),
        )
        await self._store.move(job, after, type(event).__name__, now)
        log.debug("moved", to=after.state.value, event_=type(event).__name__, detail=after.detail)
        await self._delivery.update(after)
        return after

    # queued, submitting, uncertain: the paid call

    async def _submit_next(self, job: Job) -> Job:
        if job.cancel_at:
            return await self._move(job, _CANCELLED_BEFORE)
        plan = job.plan
        client = self._vendors.client(plan.provider)
        available = await self._vendors.availability(job.place)
        blocked = available.missing.get(plan.provider) or available.routes_off.get(
            (plan.provider, plan.wire_id, plan.dialect)
        )
        if client is None or blocked:
            return await self._move(
                job,
                jobs.NextRoute(
                    reason=Reason.FAILED,
                    message=f"{plan.provider} cannot be used now ({blocked}), and no other route "
                    "serves this model at the agreed price. Nothing was charged.",
                    detail=blocked or "no client",
                ),
            )
        lane = self._vendors.lane(plan.provider)
        if lane.health.closed and job.message != (told := _told_to_wait(job, lane.health.why)):
            return await self._move(job, jobs.Later(due_at=job.due_at, message=told))
        if not await self._take_turn(job):
            return await self._store.job(job.id)
        if lane.health.doubted and not await self._speaks(client):
            return job
        await self._vendors.pace(plan.provider)
        job = await self._store.job(job.id)
        if job.cancel_at:
            return await self._move(job, _CANCELLED_BEFORE)
        try:
            request = await self._request(job, client)
        except BadImage as error:
            return await self._move(
                job,
                jobs.NextRoute(
                    reason=Reason.FAILED,
                    message=f"{error.user_message} Nothing was sent to {plan.provider}.",
                    detail=error.user_message,
                ),
            )
        return await self._submit(await self._move(job, jobs.Submit(request=request)), client)

    async def _take_turn(self, job: Job) -> bool:
        """Wait for the vendor's lane; False when it closed, or the job was woken (cancelled?)."""
        lane, wake = self._vendors.lane(job.provider), self._wakes[job.id]
        turn = asyncio.ensure_future(lane.enter(job.id))
        try:
            while not turn.done() and not wake.is_set():
                opens_at = lane.health.opens_at if lane.health.closed else None
                timer = asyncio.ensure_future(self._pace.wait(opens_at, wake))
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
            await self._vendors.spoke(client.id)
            await self._vendors.pause(client.id, account_reason(error))
            return False
        except (Unavailable, RateLimited) as error:
            await self._vendors.spoke(client.id, error)
            return False
        except ProviderError as error:
            log.info("the free call is not understood", provider=client.id, detail=error.detail)
        await self._vendors.spoke(client.id)
        return True

    async def _submit(self, job: Job, client: Provider) -> Job:
        """The paid call, and what its answer means. The intent is committed."""
        assert job.request is not None  # noqa: S101 - `Submit` set it
        try:
            remote = await client.submit(job.request)
        except ProviderError as error:
            await self._vendors.spoke(job.provider, error)
            return await self._submission_failed(job, client, error)
        finally:
            self._vendors.lane(job.provider).answered(job.id)
        await self._vendors.spoke(job.provider, took=True)
        return await self._accepted(job, client, remote)

    async def _accepted(self, job: Job, client: Provider, remote: Remote) -> Job:
        now = self._clock()
        return await self._move(
            job,
            jobs.Accepted(
                remote=remote,
                due_at=now + timedelta(seconds=min(client.facts.poll_floor_s, 1.0)),
                deadline_at=now + timedelta(seconds=client.facts.deadline_s),
            ),
        )

    async def _submission_failed(self, job: Job, client: Provider, error: ProviderError) -> Job:
        now, plan = self._clock(), job.plan
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
                    message=_told_to_wait(job, self._vendors.lane(job.provider).health.why)
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
                await self._vendors.pause(plan.provider, account_reason(error))
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
                await self._vendors.route_off(
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
        return await self._move(job, event)

    async def _recover_submission(self, job: Job) -> Job:
        """A crash around the paid call: it may have left. Look it up, or send the same id again."""
        return await self._move(
            job,
            jobs.Lost(due_at=self._clock(), detail="the program ended during the paid call"),
        )

    async def _look(self, job: Job) -> Job:
        client = self._vendors.client(job.provider)
        if client is None or job.request is None or job.first_sent_at is None:
            return await self._look_later(job, 60.0, "its vendor's key is not set")
        facts = client.facts
        try:
            await self._vendors.pace(job.provider)
            if facts.findable and (found := await self._find(job, client)):
                return await self._accepted(job, client, found)
            if facts.resend_safe and (not facts.findable or job.looks >= 1):
                return await self._resend(job, client)
        except ProviderError as error:
            await self._vendors.spoke(job.provider, error)
            return await self._look_later(job, facts.find_after_s, detail_of(error))
        detail = "not in the vendor's list" if facts.findable else "this vendor keeps no list"
        return await self._look_later(job, facts.find_after_s if facts.findable else 600.0, detail)

    async def _find(self, job: Job, client: Provider) -> Remote | None:
        """The one submission nobody owns that can only be this one, or None."""
        assert job.request is not None  # noqa: S101 - checked by the caller
        assert job.first_sent_at is not None  # noqa: S101 - checked by the caller
        found = await client.find(job.request, job.first_sent_at)
        await self._vendors.spoke(job.provider)
        if not found:
            return None
        owned = await self._store.owned(job.provider, [remote.remote_id for remote in found])
        free = [remote for remote in found if remote.remote_id not in owned]
        if client.facts.resend_safe:
            return free[0] if free else None
        if len(free) == 1 and not await self._store.twins(job):
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
            return await self._move(job, rejected_at_once(job, error))
        return await self._accepted(job, client, remote)

    async def _look_later(self, job: Job, first_s: float, detail: str) -> Job:
        due_at = jobs.look_again(self._clock(), job.looks, first_s)
        return await self._move(job, jobs.Look(due_at=due_at, detail=detail))

    # rendering, fetching: free reads

    async def _poll(self, job: Job) -> Job:
        client = self._vendors.client(job.provider)
        if client is None or job.request is None or job.remote is None:
            return await self._tick(job, 60.0, detail="its vendor's key is not set")
        if job.cancel_at and not job.cancel_sent:
            asked = await self._ask_to_stop(job, client, job.remote, job.request)
            if asked.cancel_sent:
                return asked
        try:
            await self._vendors.pace(job.provider)
            status = await client.poll(job.remote, job.request)
        except ProviderError as error:
            return await self._poll_failed(job, client, error)
        await self._vendors.spoke(job.provider)
        return await self._read_status(job, client, status)

    async def _poll_failed(self, job: Job, client: Provider, error: ProviderError) -> Job:
        """Nothing is known of the job: it goes on at the vendor, and is asked for ever less often.

        An answer nobody can read is kept, and says nothing about the job either.
        """
        log.warning("poll failed", error=type(error).__name__, detail=error.detail, body=error.body)
        await self._vendors.spoke(job.provider, error)
        if self._never_ended(job):
            return await self._move(job, expired(job, detail_of(error)))
        misses = self._misses.get(job.id, 0) + 1
        self._misses[job.id] = misses
        wait_s = min(
            _SLOWEST_POLL_S, max(5.0, client.facts.poll_floor_s) * 2.0 ** min(misses - 1, 6)
        )
        if isinstance(error, AccountProblem):
            await self._vendors.pause(job.provider, account_reason(error))
            wait_s = _SLOWEST_POLL_S
        elif isinstance(error, RateLimited) and error.retry_after_s is not None:
            wait_s = max(error.retry_after_s, client.facts.poll_floor_s)
        told = misses >= _MISSES_TOLD and not job.cancel_at
        return await self._tick(
            job,
            wait_s,
            detail=detail_of(error),
            message=_no_answer(job) if told else None,
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
                message=f"{job.provider} cannot stop a running job and charges it either way, so "
                "the clip will still come.",
            )
        try:
            await self._vendors.pace(job.provider)
            await client.cancel(remote, request)
        except ProviderError as error:
            log.warning("cancel failed", error=type(error).__name__, detail=error.detail)
            return job
        return await self._tick(
            job, 1.0, cancel_sent=True, message=f"{job.provider} was asked to stop."
        )

    async def _read_status(self, job: Job, client: Provider, status: Status) -> Job:
        young = self._clock() - (job.rendering_since or job.updated_at) < _FORGIVEN
        if status.phase is Phase.GONE and young and not job.cancel_sent:
            return await self._tick(job, 5.0, detail="the vendor does not show it yet")
        match status.phase:
            case Phase.QUEUED | Phase.RENDERING:
                return await self._still_rendering(job, client, status)
            case Phase.SUCCEEDED:
                expires_at = status.expires_at or self._clock() + timedelta(
                    seconds=client.facts.result_ttl_s
                )
                return await self._move(
                    job,
                    jobs.Finished(
                        result_url=status.result_url,
                        expires_at=expires_at,
                        cost_micros=status.cost_micros,
                    ),
                )
            case _:
                can_stop = client.facts.cancellable
                return await self._move(job, ending(job, status, can_stop=can_stop))

    async def _still_rendering(self, job: Job, client: Provider, status: Status) -> Job:
        now = self._clock()
        since = job.rendering_since or now
        progress = status.progress
        if progress is None and status.phase is Phase.RENDERING:
            progress = job.progress or 0.0  # it has begun: from here on it may cost something
        if self._never_ended(job):
            return await self._move(job, expired(job, "it never ended"))
        back = self._misses.pop(job.id, 0) >= _MISSES_TOLD and not job.cancel_at
        if job.deadline_at and now > job.deadline_at:
            return await self._tick(
                job,
                _SWEEP_EVERY.total_seconds(),
                progress=progress,
                message=f"{job.provider} has been at it for over "
                f"{client.facts.deadline_s // 60} minutes; we keep looking.",
            )
        times = await self._store.render_times(job.model)
        due_at = jobs.poll_again(now, since, client.facts.poll_floor_s, times)
        if back or (job.progress is None) is not (progress is None):
            message = "" if back else None
            tick = jobs.Ticked(due_at=due_at, progress=progress, message=message)
            return await self._move(job, tick)
        # Nothing a restart would need: it asks again anyway.
        seen = replace(job, due_at=due_at, progress=progress)
        await self._delivery.update(seen)
        return seen

    def _never_ended(self, job: Job) -> bool:
        """Whether it is long past every deadline: with no cancel at some vendors, it may bill."""
        now = self._clock()
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
        return await self._move(
            job,
            jobs.Ticked(
                due_at=self._clock() + timedelta(seconds=wait_s),
                progress=progress,
                detail=detail.strip(),
                message=message,
                cancel_sent=cancel_sent,
            ),
        )

    async def _fetch(self, job: Job) -> Job:
        clip = self._clips / f"{job.id}.mp4"
        try:
            if await asyncio.to_thread(clip.exists):
                info = await self._media.examine(clip)
            else:
                info = await self._bring(job, clip)
        except BadClip as error:
            if error.conclusive:
                await asyncio.to_thread(clip.unlink, missing_ok=True)
            return await self._fetch_later(job, error.user_message, error.user_message)
        except _NoMore as error:
            return await self._move(job, expired(job, error.detail))
        except ProviderError as error:
            return await self._fetch_later(
                job,
                "The finished clip cannot be fetched yet; trying again.",
                detail_of(error),
                gone=isinstance(error, ProtocolError) and error.status in _GONE,
            )
        size_bytes = (await asyncio.to_thread(clip.stat)).st_size
        return await self._move(
            job,
            jobs.Fetched(
                clip=clip.name,
                sha256=await files.sha256(clip),
                size_bytes=size_bytes,
                duration_s=info.duration_s,
                width=info.width,
                height=info.height,
            ),
        )

    async def _bring(self, job: Job, clip: Path) -> ClipInfo:
        """Fetch into the temp folder, verify there, and only then give it the clip's name."""
        client = self._vendors.client(job.provider)
        if client is None or job.request is None or job.remote is None:
            raise ProviderError("its vendor's key is not set")
        part = self._tmp / f"{job.id}.mp4"
        status = await self._result(job, client, job.remote, job.request)
        ours = is_loopback(urlsplit(client.options.base_url).hostname or "")

        async def download(url: str, headers: Mapping[str, str] | None = None, /) -> None:
            await self._media.download(url, part, headers, loopback_ok=lambda _origin: ours)

        try:
            async with self._downloads:
                await client.fetch(
                    job.remote,
                    job.request,
                    status,
                    part,
                    download,
                    lambda share: self._show_progress(job.id, share),
                )
            info = await self._media.examine(part)
            await files.keep(part, clip)
            return info
        finally:
            self._progress.pop(job.id, None)
            await asyncio.to_thread(part.unlink, missing_ok=True)

    async def _result(
        self, job: Job, client: Provider, remote: Remote, request: VideoRequest
    ) -> Status:
        """Where the clip lies. An address that failed once may have ended: a fresh one is asked."""
        if job.fetch_tries == 0:
            return Status(phase=Phase.SUCCEEDED, result_url=job.result_url)
        await self._vendors.pace(job.provider)
        status = await client.poll(remote, request)
        if status.phase is Phase.GONE and job.fetch_tries > 1:
            raise _NoMore(status.reason or "the vendor does not have the clip any more")
        if status.phase is not Phase.SUCCEEDED:
            raise ProtocolError(f"a finished job is now {status.phase.value} ({status.reason})")
        return status

    def _show_progress(self, job_id: str, share: float) -> None:
        self._progress[job_id] = share

    async def _fetch_later(self, job: Job, message: str, detail: str, *, gone: bool = False) -> Job:
        now = self._clock()
        ended = job.result_expires_at is not None and now > job.result_expires_at
        if (ended or gone) and job.fetch_tries >= _FETCH_TRIES:
            return await self._move(job, expired(job, detail))
        due_at = now + timedelta(seconds=self._fetch_patience(job.fetch_tries))
        return await self._move(job, jobs.FetchLater(due_at=due_at, message=message, detail=detail))

    # delivering, refunding: people

    async def _deliver(self, job: Job) -> Job:
        clip = self._clips / job.clip
        if not await asyncio.to_thread(clip.exists):
            return await self._move(
                job,
                jobs.Undeliverable(
                    message="The clip was made and paid, but its file is gone from the disk."
                ),
            )
        if job.first_post_at is None:
            job = await self._move(job, jobs.Posting())
        return await self._move(job, await self._delivery.deliver(job, clip))

    async def _refund(self, job: Job) -> Job:
        client = self._vendors.client(job.provider)
        running = job.reason is Reason.EXPIRED and not job.cancel_sent
        if running and client and job.remote and job.request and client.facts.cancellable:
            try:
                await client.cancel(job.remote, job.request)
            except ProviderError as error:
                log.info("cancel failed", detail=error.detail)
        return await self._move(job, jobs.Refunded())

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
        made, note = await fit_still(self._media, rules, media, media.path.parent)
        if note:
            log.info("still adapted", role=media.role.value, provider=plan.provider, done=note)
        return made

    # requests of other processes

    async def _serve_asks(self) -> None:
        """Obey what `cancel` and `resolve` left in the database beside us."""
        seen = -1
        while True:
            version = await self._store.data_version()
            if version != seen:
                seen = version
                for ask in await self._store.asks():
                    await self._obey(ask.id, ask.job_id, ask.kind, ask.value)
            await asyncio.sleep(_ASKS_EVERY_S)

    async def _obey(self, ask_id: int, job_id: str, kind: str, value: str) -> None:
        try:
            job = await self._store.job(job_id)
            if kind == "resolve":
                await self.resolve(job, value)
            self.wake(job.id)
            answer = "done"
        except (BotError, Superseded, jobs.Illegal) as error:
            answer = str(error)
        await self._store.answer(ask_id, answer, self._clock())

    async def resolve(self, job: Job, verdict: str) -> Job:
        """A person decides an uncertain job: "not-submitted", "spent", or "remote:<id>".

        Raises `jobs.Illegal` when the job is not uncertain (any more).
        """
        while True:
            try:
                return await self._resolve(job, verdict)
            except Superseded:  # we looked it up at the same moment
                job = await self._store.job(job.id)

    async def _resolve(self, job: Job, verdict: str) -> Job:
        client = self._vendors.client(job.provider)
        if job.state is not State.UNCERTAIN:
            raise jobs.Illegal(f"job {job.id} is {job.state.value}, not uncertain")
        if verdict.startswith("remote:") and client:
            after = await self._accepted(job, client, Remote(remote_id=verdict[len("remote:") :]))
        elif verdict == "spent":
            after = await self._move(
                job,
                jobs.Refund(
                    reason=Reason.SPENT,
                    message=f"Booked as spent by hand: {usd(job.hold_micros)}, no clip.",
                    cost_micros=job.hold_micros,
                    cost_note="decided by a person",
                ),
            )
        else:
            after = await self._move(
                job,
                jobs.Refund(
                    reason=Reason.NOT_SUBMITTED,
                    message="Decided by hand: the vendor never got it. The hold is released.",
                ),
            )
        self.wake(job.id)
        return after

    async def _reprobe(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_EVERY.total_seconds())
            await self._vendors.reprobe()


_CANCELLED_BEFORE: Final = jobs.Refund(
    reason=Reason.CANCELLED, message="Cancelled before it was sent; nothing was charged."
)


class _NoMore(ProviderError):
    """The vendor says that the finished clip is gone."""


def _told_to_wait(job: Job, why: str) -> str:
    """For the person; the vendor's own words are in the log and with the operator."""
    what = why.partition(" (")[0] or "is busy"
    return f"{job.provider} {what}; your clip keeps its place and is tried again by itself."


def _no_answer(job: Job) -> str:
    return (
        f"{job.provider} has the job but does not answer at the moment; we keep asking, and the "
        "clip comes when it does."
    )

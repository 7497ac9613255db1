"""Bring every job to its end: read its state, do the one thing that state asks for, commit.

State lives only in the database, so `advance` may be called again after any crash, by any process
that holds the data folder. One coroutine per job waits for its due time and steps; vendors' lanes
and rates keep them apart. What a state may lead to stands in `jobs`; how a clip reaches people is
the `Delivery`'s business.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import structlog

from bot import files, jobs
from bot.config import is_loopback
from bot.errors import BotError
from bot.jobs import Action, Event, Job, Reason, State
from bot.media import BadClip, BadImage, ClipInfo, Media
from bot.money import usd
from bot.store import Store, Superseded
from bot.vendors import Vendors
from providers.base import MediaInput, MediaRole, Phase, Provider, Remote, Status, VideoRequest
from providers.errors import (
    AccountProblem,
    ContentRejected,
    OutOfCredit,
    ProviderError,
    RateLimited,
)

__all__ = ["Delivery", "Patience", "Worker"]

_SWEEP_UNTIL: Final = timedelta(hours=24)
_SWEEP_EVERY: Final = timedelta(seconds=60)
_FETCH_TRIES: Final = 12
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
    return min(600.0, 2.0 * 2**tries)


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
        clock: Callable[[], datetime],
        fetch_patience: Patience = _growing,
    ) -> None:
        self._store = store
        self._vendors = vendors
        self._media = media
        self._clips = folder / "clips"
        self._tmp = folder / "tmp"
        self._inputs = folder / "inputs"
        self._delivery = delivery
        self._clock = clock
        self._fetch_patience = fetch_patience
        self._downloads = asyncio.Semaphore(4)
        self._wakes: dict[str, asyncio.Event] = {}
        self._group: asyncio.TaskGroup | None = None
        self._progress: dict[str, float] = {}

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
        """How far the job is, 0..1; finer than the database while a clip is fetched or drawn."""
        return self._progress.get(job.id, job.progress)

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
                wait_s = (job.due_at - self._clock()).total_seconds()
                if looked and (wait_s > 0 or wake.is_set()):
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(wake.wait(), max(0.0, wait_s))
                    wake.clear()
                    job = await self._store.job(job_id)
                looked = True
                job = await self._step(job)
        finally:
            self._wakes.pop(job_id, None)
            self._progress.pop(job_id, None)

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
                await asyncio.sleep(5.0)
                return job
            except Exception:
                log.exception("step failed")
                await asyncio.sleep(30.0)
                return job
        if after.state is not State.RENDERING and self._vendors.client(job.provider):
            self._vendors.lane(job.provider).leave(job.id)
        return after

    async def _move(self, job: Job, event: Event) -> Job:
        now = self._clock()
        after = jobs.apply(job, event, now)
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
        if not await self._take_turn(job):
            return await self._store.job(job.id)
        await self._vendors.pace(plan.provider)
        job = await self._store.job(job.id)
        if job.cancel_at:
            return await self._move(job, _CANCELLED_BEFORE)
        try:
            request = await self._request(job)
        except BadImage as error:
            return await self._move(
                job, jobs.Refund(reason=Reason.FAILED, message=error.user_message)
            )
        return await self._submit(await self._move(job, jobs.Submit(request=request)), client)

    async def _take_turn(self, job: Job) -> bool:
        """Wait for the vendor's lane; False when the job was woken first (it may be cancelled)."""
        turn = asyncio.ensure_future(self._vendors.lane(job.provider).enter(job.id))
        woken = asyncio.ensure_future(self._wakes[job.id].wait())
        try:
            await asyncio.wait({turn, woken}, return_when=asyncio.FIRST_COMPLETED)
            return turn.done()
        finally:
            for waiting in (turn, woken):
                waiting.cancel()
            await asyncio.wait({turn, woken})

    async def _submit(self, job: Job, client: Provider) -> Job:
        """The paid call, and what its answer means. The intent is committed."""
        assert job.request is not None  # noqa: S101 - `Submit` set it
        try:
            remote = await client.submit(job.request)
        except ProviderError as error:
            return await self._submission_failed(job, client, error)
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
                due_at = now + timedelta(seconds=_back_off_s(error, job.attempt))
                event: Event = jobs.Later(
                    due_at=due_at,
                    detail=error.detail,
                    message=f"{plan.provider} is busy; trying again by itself.",
                )
            case Action.LOOK:
                event = jobs.Lost(
                    due_at=now + timedelta(seconds=client.facts.find_after_s), detail=error.detail
                )
            case Action.STOP:
                event = jobs.Refund(
                    reason=Reason.REJECTED,
                    message=_rejected(plan.provider, ""),
                    detail=error.detail + " " + error.body,
                )
            case Action.PAUSE:
                await self._vendors.pause(plan.provider, _account_reason(error))
                event = jobs.NextRoute(
                    reason=Reason.FAILED,
                    message=f"{plan.provider} does not accept our account at the moment; the "
                    "operator has been told. Nothing was charged.",
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
                    detail=error.detail + " " + error.body,
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
            return await self._look_later(job, facts.find_after_s, error.detail)
        detail = "not in the vendor's list" if facts.findable else "this vendor keeps no list"
        return await self._look_later(job, facts.find_after_s if facts.findable else 600.0, detail)

    async def _find(self, job: Job, client: Provider) -> Remote | None:
        """The one submission nobody owns that can only be this one, or None."""
        assert job.request is not None  # noqa: S101 - checked by the caller
        assert job.first_sent_at is not None  # noqa: S101 - checked by the caller
        found = await client.find(job.request, job.first_sent_at)
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
            return await self._move(
                job,
                jobs.Refund(
                    reason=Reason.REJECTED,
                    message=_rejected(job.provider, ""),
                    detail=error.detail,
                ),
            )
        return await self._accepted(job, client, remote)

    async def _look_later(self, job: Job, first_s: float, detail: str) -> Job:
        due_at = jobs.look_again(self._clock(), job.looks, first_s)
        return await self._move(job, jobs.Look(due_at=due_at, detail=detail))

    # rendering, fetching: free reads

    async def _poll(self, job: Job) -> Job:
        client = self._vendors.client(job.provider)
        if client is None or job.request is None or job.remote is None:
            return await self._tick(job, 60.0, detail="its vendor's key is not set")
        try:
            if job.cancel_at and not job.cancel_sent:
                return await self._ask_to_stop(job, client, job.remote, job.request)
            await self._vendors.pace(job.provider)
            status = await client.poll(job.remote, job.request)
        except RateLimited as error:
            return await self._tick(job, error.retry_after_s or 15.0, detail=error.detail)
        except AccountProblem as error:
            await self._vendors.pause(job.provider, _account_reason(error))
            return await self._tick(job, 60.0, detail=error.detail)
        except ProviderError as error:
            log.warning("poll failed", error=type(error).__name__, body=error.body)
            return await self._tick(
                job, max(5.0, client.facts.poll_floor_s), detail=f"{error.detail} {error.body}"
            )
        return await self._read_status(job, client, status)

    async def _ask_to_stop(
        self, job: Job, client: Provider, remote: Remote, request: VideoRequest
    ) -> Job:
        if not client.facts.cancellable:
            return await self._tick(
                job,
                0.0,
                cancel_sent=True,
                message=f"{job.provider} cannot stop a running job and charges it either way, so "
                "the clip will still come.",
            )
        await self._vendors.pace(job.provider)
        await client.cancel(remote, request)
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
                return await self._move(job, _ending(job, status))

    async def _still_rendering(self, job: Job, client: Provider, status: Status) -> Job:
        now = self._clock()
        since = job.rendering_since or now
        if job.deadline_at and now > job.deadline_at:
            if now - since > _SWEEP_UNTIL:
                return await self._move(job, _expired(job, "it never ended"))
            return await self._tick(
                job,
                _SWEEP_EVERY.total_seconds(),
                progress=status.progress,
                message=f"{job.provider} has been at it for over "
                f"{client.facts.deadline_s // 60} minutes; we keep looking.",
            )
        times = await self._store.render_times(job.model)
        due_at = jobs.poll_again(now, since, client.facts.poll_floor_s, times)
        return await self._move(
            job, jobs.Ticked(due_at=due_at, progress=status.progress, detail="")
        )

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
        except ProviderError as error:
            return await self._fetch_later(
                job, "The finished clip cannot be fetched yet; trying again.", error.detail
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
        status = Status(
            phase=Phase.SUCCEEDED,
            # A URL that failed once may have expired: the provider then asks for a fresh one.
            result_url=job.result_url if job.fetch_tries == 0 else None,
            expires_at=job.result_expires_at,
        )

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

    def _show_progress(self, job_id: str, share: float) -> None:
        self._progress[job_id] = share

    async def _fetch_later(self, job: Job, message: str, detail: str) -> Job:
        now = self._clock()
        expired = job.result_expires_at is not None and now > job.result_expires_at
        if expired and job.fetch_tries >= _FETCH_TRIES:
            return await self._move(job, _expired(job, detail))
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

    async def _request(self, job: Job) -> VideoRequest:
        """The brief as this route's parameters; stills are brought to the size it demands."""
        plan, fit = job.plan, job.plan.fit
        inputs = tuple([await self._exact(job, media) for media in job.brief.inputs])
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

    async def _exact(self, job: Job, media: MediaInput) -> MediaInput:
        if media.path is None or media.role not in (MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME):
            return media
        client = self._vendors.client(job.provider)
        size = client.frame_size(job.plan.fit.resolution, job.plan.fit.aspect) if client else None
        if size is None:
            return media
        width, height = size
        target = media.path.with_name(f"{media.path.stem}-{width}x{height}.png")
        await self._media.prepare_image(media.path, target, exact=size)
        return replace(media, path=target, mime="image/png")

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

        Raises `jobs.Illegal` when the job is not uncertain (any more), `Superseded`.
        """
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


def _ending(job: Job, status: Status) -> jobs.Refund:
    """An end without a clip: what it is called, and what it costs."""
    if status.phase is Phase.GONE and not job.cancel_sent:
        return _expired(job, status.reason or "the vendor does not know it any more")
    cost, note = _end_cost(job, status)
    charged = (
        f" {usd(min(cost, job.hold_micros))} were charged." if cost else " Nothing was charged."
    )
    match status.phase:
        case Phase.REJECTED:
            reason, message = Reason.REJECTED, _rejected(job.provider, charged)
        case Phase.CANCELLED | Phase.GONE:
            reason, message = Reason.CANCELLED, "Cancelled." + charged
        case _:
            reason = Reason.FAILED
            message = (
                f"{job.provider} could not make this clip.{charged} Try again, or another model."
            )
    return jobs.Refund(
        reason=reason, message=message, cost_micros=cost, cost_note=note, detail=status.reason
    )


def _end_cost(job: Job, status: Status) -> tuple[int, str]:
    if status.cost_micros is not None:
        return status.cost_micros, "vendor's figure"
    if status.billed:
        return job.hold_micros, "the vendor documents that this is billed"
    if status.phase in (Phase.REJECTED, Phase.FAILED):
        return 0, "no figure from the vendor: to be reconciled"
    if job.progress:
        return job.hold_micros, "stopped while running, no figure from the vendor: the held bound"
    return 0, "stopped before it ran: to be reconciled"


def _expired(job: Job, detail: str) -> jobs.Refund:
    cost = job.hold_micros if job.cost_micros is None else job.cost_micros
    return jobs.Refund(
        reason=Reason.EXPIRED,
        message=f"{job.provider} took the job, but no clip can be had from it any more. "
        f"{usd(min(cost, job.hold_micros))} are booked until the vendor's bill says otherwise.",
        cost_micros=cost,
        cost_note="outcome unknown: the held bound, to be reconciled",
        detail=detail,
    )


def _rejected(provider: str, charged: str) -> str:
    return (
        f"{provider} refuses this content.{charged or ' Nothing was charged.'} Other words or "
        "another model may pass; it is not tried again by itself."
    )


def _account_reason(error: ProviderError) -> str:
    credit = isinstance(error, OutOfCredit)
    kind = "no credit left at the vendor" if credit else "the key is not accepted"
    return f"{kind} ({error.detail})"


def _back_off_s(error: ProviderError, attempt: int) -> float:
    asked = error.retry_after_s if isinstance(error, RateLimited) else None
    return asked if asked is not None else min(60.0, 2.0**attempt)

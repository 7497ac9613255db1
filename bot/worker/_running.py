"""Jobs taken in hand: one coroutine each, a step at a time, until they end.

A job waits for its due time and steps; vendors' lanes and rates keep jobs apart. What other
processes ask for (`cancel`, `resolve`) is read from the database beside us.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from bot import jobs
from bot.errors import BotError
from bot.jobs import Job, State
from bot.media import Media
from bot.pace import Pace
from bot.store import Store, Superseded
from bot.vendors import Vendors
from bot.worker._desk import Delivery, Desk
from bot.worker._ending import Ending
from bot.worker._fetching import Fetching
from bot.worker._looking import Looking
from bot.worker._patience import Patience, growing
from bot.worker._submitting import Submitting
from bot.worker._watching import Watching

__all__ = ["Worker"]

_ASKS_EVERY_S: Final = 2.0
_REPROBE_EVERY_S: Final = 60.0
_PATIENT_TURNS: Final = 3  # submissions a throttled job may try before others go first
log = structlog.get_logger(__name__)


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
        fetch_patience: Patience = growing,
    ) -> None:
        self._desk = Desk(
            store=store,
            vendors=vendors,
            media=media,
            delivery=delivery,
            pace=pace,
            clips=folder / "clips",
            tmp=folder / "tmp",
        )
        self._submitting = Submitting(self._desk, lambda job_id: self._wakes[job_id])
        self._looking = Looking(self._desk)
        self._watching = Watching(self._desk)
        self._fetching = Fetching(self._desk, fetch_patience)
        self._ending = Ending(self._desk)
        self._wakes: dict[str, asyncio.Event] = {}
        self._group: asyncio.TaskGroup | None = None

    async def run(self, *, resume: bool = True, forever: bool = True) -> None:
        """Go on with what is unfinished (`resume`), then with new jobs and others' requests.

        Not `forever`: ends when every job in hand has ended.
        """
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                for job in await self._desk.store.unfinished() if resume else ():
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
        if job.state in (State.SUBMITTING, State.RENDERING) and self._desk.vendors.client(
            job.provider
        ):
            self._desk.vendors.lane(job.provider).resume(job.id)
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
        share = self._fetching.progress_of(job.id)
        return (job.progress if share is None else share) or None

    def ahead_of(self, job: Job) -> int:
        """How many jobs the vendor's lane takes before this one."""
        if self._desk.vendors.client(job.provider) is None:
            return 0
        return self._desk.vendors.lane(job.provider).ahead_of(job.id)

    async def advance(self, job: Job) -> Job:
        """One step: the effect its state asks for, and the committed move. Idempotent.

        Raises `Superseded` when another runner moved the job, `StoreBroken`.
        """
        match job.state:
            case State.QUEUED:
                return await self._submitting.step(job)
            case State.SUBMITTING:
                return await self._looking.recover(job)
            case State.UNCERTAIN:
                return await self._looking.step(job)
            case State.RENDERING:
                return await self._watching.step(job)
            case State.FETCHING:
                return await self._fetching.step(job)
            case State.DELIVERING:
                return await self._ending.deliver(job)
            case State.REFUNDING:
                return await self._ending.refund(job)
            case State.DONE | State.REFUNDED:
                return job

    async def _drive(self, job_id: str) -> None:
        wake = self._wakes[job_id]
        job = await self._desk.store.job(job_id)
        looked = job.state is not State.UNCERTAIN  # after a start, look once without waiting
        try:
            while not job.ended:
                if looked and (job.due_at > self._desk.now() or wake.is_set()):
                    await self._desk.pace.wait(job.due_at, wake)
                    if wake.is_set():  # somebody has raised a flag, or moved it
                        wake.clear()
                        job = await self._desk.store.job(job_id)
                looked = True
                job = await self._step(job)
        finally:
            self._wakes.pop(job_id, None)
            self._watching.forget(job_id)
            self._desk.vendors.forget(job_id)

    async def _step(self, job: Job) -> Job:
        """One step that survives our own faults: logged, and tried again later."""
        with structlog.contextvars.bound_contextvars(job_id=job.id, state=job.state.value):
            try:
                after = await self.advance(job)
            except Superseded:
                log.info("moved by somebody else")
                return await self._desk.store.job(job.id)
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
        if after.state is State.RENDERING or self._desk.vendors.client(before.provider) is None:
            return
        lane = self._desk.vendors.lane(before.provider)
        waits = after.state is State.QUEUED and after.provider == before.provider
        tired = after.attempt > before.attempt and after.attempt % _PATIENT_TURNS == 0
        if waits and not tired:
            lane.step_aside(after.id, for_long=after.due_at > self._desk.now())
        else:
            lane.leave(after.id)

    async def _again_in(self, seconds: float, job: Job) -> Job:
        await self._desk.pace.wait(self._desk.now() + timedelta(seconds=seconds), asyncio.Event())
        return job

    async def resolve(self, job: Job, verdict: str) -> Job:
        """A person decides an uncertain job: "not-submitted", "spent", or "remote:<id>".

        Raises `jobs.Illegal` when the job is not uncertain (any more).
        """
        after = await self._ending.resolve(job, verdict)
        self.wake(after.id)
        return after

    # requests of other processes

    async def _serve_asks(self) -> None:
        """Obey what `cancel` and `resolve` left in the database beside us."""
        seen = -1
        while True:
            version = await self._desk.store.data_version()
            if version != seen:
                seen = version
                for ask in await self._desk.store.asks():
                    await self._obey(ask.id, ask.job_id, ask.kind, ask.value)
            await asyncio.sleep(_ASKS_EVERY_S)

    async def _obey(self, ask_id: int, job_id: str, kind: str, value: str) -> None:
        try:
            job = await self._desk.store.job(job_id)
            if kind == "resolve":
                await self.resolve(job, value)
            self.wake(job.id)
            answer = "done"
        except (BotError, Superseded, jobs.Illegal) as error:
            answer = str(error)
        await self._desk.store.answer(ask_id, answer, self._desk.now())

    async def _reprobe(self) -> None:
        while True:
            await asyncio.sleep(_REPROBE_EVERY_S)
            await self._desk.vendors.reprobe()

"""What a face has to do for comparisons, and what it is given; clips of theirs pass it by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.comparing._audition import AuditionReport
from bot.comparing._course import is_compared, plan_id_of
from bot.comparing._result import NoVote, Result
from bot.jobs import Delivered, Job, Later, Place, Undeliverable
from bot.store import Phase, Store
from bot.worker import Delivery

__all__ = ["Face", "Making", "Presentation", "Progress", "Shown", "Together"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Making:
    """How far a comparison is: numbers only, since who is ready first would tell."""

    id: str
    offer: str  # what its price was agreed to under; an audition's comparisons share it
    place: Place
    status_message_id: int | None
    total: int
    ready: int
    failed: int
    show_by: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far everything stands that was agreed to under one price."""

    place: Place
    status_message_id: int | None
    prompt: str  # "" for an audition, which has several
    parts: int
    open: int  # of the parts: still being made
    shown: int  # of the parts: people can vote, or could
    message_id: int | None  # where a single comparison is voted on
    total: int  # clips
    ready: int
    failed: int
    show_by: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """One clip to post. `label` is its letter; the model's name too, where nothing is hidden."""

    letter: str
    label: str
    path: Path
    file_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Presentation:
    """What is voted on. Nothing in it tells the models apart when it is `blind`."""

    id: str
    offer: str
    place: Place
    status_message_id: int | None
    prompt: str
    blind: bool
    clips: tuple[Shown, ...]  # A, B, C ...
    side_by_side: Path | None
    questions: tuple[str, ...]  # "general" first, then categories; each is asked with A, B, ...
    quorum: int
    deadline_at: datetime
    missing: int  # how many did not arrive
    note: str
    part: int  # which one of an audition it is, from 1
    parts: int
    spoiler: bool  # hidden until a press, as what it was made from
    announced: bool  # another one of the audition is being voted on: nobody need be called again


class Face(Protocol):
    """Shows comparisons to people. Must not raise; what cannot be done now is `Later`."""

    async def limit_bytes(self, place: Place) -> int:
        """How large one attachment may be there, now."""
        ...

    async def making(self, making: Making) -> None:
        """A job of it has moved. Must return quickly; being called twice is normal."""
        ...

    async def show(self, presentation: Presentation) -> Delivered | Undeliverable | Later:
        """Post it exactly once, also when called again after a crash; the message's id."""
        ...

    async def tell(
        self, told: Result | NoVote | AuditionReport
    ) -> Delivered | Undeliverable | Later:
        """Post the last word on it, exactly once."""
        ...


class Together:
    """The worker's delivery: clips of a comparison in a channel wait for each other.

    Such a job is done, and paid, with its clip on our disk; what people see of it is `Comparing`'s
    business. One that comes after the last word is an ordinary clip.
    """

    def __init__(self, face: Delivery, store: Store) -> None:
        self._face = face
        self._store = store
        self.moved: Callable[[Job], None] = _nobody

    async def update(self, job: Job) -> None:
        if is_compared(job):
            self.moved(job)
        await self._face.update(job)

    async def deliver(self, job: Job, clip: Path) -> Delivered | Undeliverable | Later:
        if not _withheld(job):
            return await self._face.deliver(job, clip)
        plan = await self._store.plans.get(plan_id_of(job))
        if plan is not None and plan.phase is Phase.TOLD:
            return await self._face.deliver(job, clip)
        return Delivered()


def _withheld(job: Job) -> bool:
    """Whoever waits at a terminal gets each clip as it comes; names are no secret there."""
    return is_compared(job) and job.place.channel_id is not None


def _nobody(job: Job) -> None:
    del job

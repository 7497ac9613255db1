"""Comparisons for tests: a bot with keys but no vendors, jobs moved by hand, a recording face."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bot import jobs
from bot.app import App, reading
from bot.brief import Brief, Stage
from bot.comparing import AuditionReport, Making, NoVote, Presentation, Result
from bot.config import Settings
from bot.jobs import Delivered, Job, Later, Place, Reason, Undeliverable
from bot.producer import Person
from providers.base import Remote
from tests.bot.make import NOW, later, request
from tests.clips import clip_bytes

__all__ = [
    "ANN",
    "BEN",
    "BOSS",
    "BRIEF",
    "HERE",
    "MODELS",
    "STRANGER",
    "Clock",
    "RecordingFace",
    "SingleFace",
    "agreed",
    "arrive",
    "fail",
    "keyed",
    "lose",
    "posted",
]

ANN = Person(user_id=3, guild_id=1)
BEN = Person(user_id=4, guild_id=1)
BOSS = Person(user_id=5, guild_id=1, manager=True)
STRANGER = Person(user_id=3, guild_id=2, manager=True)
HERE = Place(guild_id=1, channel_id=2, user_id=3)
BRIEF = Brief(prompt="a dancer mid-performance in rain", stage=Stage.FINAL, duration_s=4)
MODELS = ("sora-2", "kling-v3", "ltx-2.3-pro")
NOBODY = "http://127.0.0.1:9"


@dataclass
class Clock:
    """Stands still until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def at(self, seconds: float) -> None:
        self.now = later(seconds)


@dataclass
class RecordingFace:
    """A face that posts into lists. `answers` come first, then everything is delivered."""

    limit: int = 10 << 20
    shown: list[Presentation] = field(default_factory=list[Presentation])
    told: list[Result | NoVote | AuditionReport] = field(default_factory=list[Any])
    made: list[Making] = field(default_factory=list[Making])
    answers: list[Later | Undeliverable] = field(default_factory=list[Later | Undeliverable])
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, condition: Callable[[], bool], deadline_s: float = 120) -> None:
        """Wait for something this face is called for."""
        async with asyncio.timeout(deadline_s):
            while not condition():
                self.called.clear()
                await self.called.wait()

    async def limit_bytes(self, place: Place) -> int:
        return self.limit

    async def making(self, making: Making) -> None:
        self.made.append(making)
        self.called.set()

    async def show(self, presentation: Presentation) -> Delivered | Undeliverable | Later:
        self.shown.append(presentation)
        self.called.set()
        return self.answers.pop(0) if self.answers else Delivered(message_id=70)

    async def tell(
        self, told: Result | NoVote | AuditionReport
    ) -> Delivered | Undeliverable | Later:
        self.told.append(told)
        self.called.set()
        return self.answers.pop(0) if self.answers else Delivered(message_id=71)


class SingleFace:
    """A face for single clips; it knows what it was shown."""

    def __init__(self) -> None:
        self.updated: list[str] = []
        self.delivered: list[str] = []

    async def update(self, job: Job) -> None:
        self.updated.append(job.id)

    async def deliver(self, job: Job, clip: Path) -> Delivered:
        self.delivered.append(job.id)
        return Delivered(message_id=5)


@asynccontextmanager
async def keyed(folder: Path, clock: Clock, **changes: Any) -> AsyncIterator[App]:
    """Quotes and books as in a running bot with these keys; no job takes a step by itself."""
    values = {
        "data_dir": folder,
        "gateway_api_key": "k",
        "gateway_base_url": f"{NOBODY}/v1",
        "discord_allowed_guilds": frozenset({1, 2}),
        "clip_usd": 9,
        "daily_usd": 500,
    }
    for vendor in ("kling", "gemini", "ltx"):
        values |= {f"{vendor}_api_key": "k", f"{vendor}_base_url": NOBODY}
    async with reading(Settings.model_validate(values | changes), clock=clock) as app:
        yield app


async def agreed(app: App, count: int = 2, **changes: Any) -> list[Job]:
    """A comparison of the first `count` models that somebody said yes to, in that order."""
    chosen = MODELS[:count]
    proposal = await app.comparing.propose(BRIEF, HERE, models=chosen, **changes)
    offer = await app.comparing.offer(proposal)
    made = await app.comparing.go(offer, ANN, start=False, status_message_id=69)
    return sorted(made, key=lambda job: chosen.index(job.model))


async def arrive(app: App, job: Job, content: bytes | None = None, seconds: float = 4) -> Job:
    """Its clip is on our disk and paid, as the worker leaves it."""
    clip = app.folder / "clips" / f"{job.id}.mp4"
    await asyncio.to_thread(clip.write_bytes, clip_bytes() if content is None else content)
    return await _moved(
        app,
        job,
        jobs.Submit(request=request()),
        jobs.Accepted(remote=Remote(remote_id=job.id), due_at=later(1), deadline_at=later(9)),
        jobs.Finished(result_url=None, expires_at=None, cost_micros=None),
        jobs.Fetched(
            clip=clip.name, sha256="ab", size_bytes=9, duration_s=seconds, width=2, height=2
        ),
        jobs.Posting(),
        jobs.Delivered(),
    )


async def fail(app: App, job: Job) -> Job:
    refused = jobs.Refund(reason=Reason.REJECTED, message="The vendor refuses this content.")
    return await _moved(app, job, refused, jobs.Refunded())


async def lose(app: App, job: Job) -> Job:
    """Its submission is uncertain."""
    lost = jobs.Lost(due_at=later(60), detail="cut")
    return await _moved(app, job, jobs.Submit(request=request(f"{job.id}-1")), lost)


async def posted(app: App, face: RecordingFace, count: int = 2, **changes: Any) -> Presentation:
    """A comparison that people can vote on."""
    for job in await agreed(app, count, **changes):
        await arrive(app, job)
    app.comparing.attach(face)
    await app.comparing.sweep()
    return face.shown[-1]


async def _moved(app: App, current: Job, *events: jobs.Event) -> Job:
    for event in events:
        now = app.clock()
        after = jobs.apply(current, event, now)
        current = await app.store.move(current, after, type(event).__name__, now)
    return current

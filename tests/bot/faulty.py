"""The whole application around one vendor that misbehaves, on a clock that leaps.

Real sockets, a real database and the real worker; only waiting is replaced: whoever waits until a
moment moves the clock there. What vendors do wrong is scripted in `tests.standin.loopback`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app import App, running
from bot.brief import Brief
from bot.cli._terminal import Terminal
from bot.config import Settings
from bot.jobs import Job, Place
from bot.pace import Pace, utc_now
from bot.producer import Quote
from tests.clips import clip_bytes
from tests.standin.fal import Fal
from tests.standin.google import Google
from tests.standin.kling import Kling
from tests.standin.loopback import Loopback
from tests.standin.ltx import LTX
from tests.standin.openai import Gateway
from tests.standin.replicate import Replicate
from tests.standin.runway import Runway

__all__ = ["PROMPT", "SCENES", "VENDORS", "Studio", "Vendor", "studio"]

PROMPT = "a paper boat crossing a puddle, low angle"


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """How a vendor is reached, and what the clip of these tests costs there."""

    standin: type[Loopback]
    model: str
    variables: str  # the key's, or the pair's; the address's
    hold_micros: int
    duration_s: int = 5


VENDORS = {
    "kling": Vendor(
        standin=Kling,
        model="kling-v3",
        variables="KLING_API_KEY KLING_BASE_URL",
        hold_micros=420_000,
    ),
    "runway": Vendor(
        standin=Runway,
        model="gen-4.5",
        variables="RUNWAYML_API_SECRET RUNWAYML_BASE_URL",
        hold_micros=600_000,
    ),
    "google": Vendor(
        standin=Google,
        model="gemini-omni-1.1",
        variables="GEMINI_API_KEY GEMINI_BASE_URL",
        hold_micros=506_800,
    ),
    "ltx": Vendor(
        standin=LTX, model="ltx-2.3-fast", variables="LTX_API_KEY LTX_BASE_URL", hold_micros=150_000
    ),
    "replicate": Vendor(
        standin=Replicate,
        model="kling-v3",
        variables="REPLICATE_API_TOKEN REPLICATE_BASE_URL",
        hold_micros=840_000,
    ),
    "fal": Vendor(
        standin=Fal, model="kling-v3", variables="FAL_KEY FAL_BASE_URL", hold_micros=420_000
    ),
    "gateway": Vendor(
        standin=Gateway,
        model="sora-2",
        variables="GATEWAY_API_KEY GATEWAY_BASE_URL",
        hold_micros=400_000,
        duration_s=4,
    ),
}

# The same Kling where only the access/secret pair is set, which opens the legacy generation alone.
LEGACY_KLING = Vendor(
    standin=Kling,
    model="kling-v3",
    variables="KLING_ACCESS_KEY KLING_SECRET_KEY KLING_BASE_URL",
    hold_micros=420_000,
)
SCENES = {**VENDORS, "kling-legacy": LEGACY_KLING}


class Hands:
    """A clock that stands still until it is moved; while it is `held`, waiting moves it not."""

    def __init__(self) -> None:
        self.held = False
        self.now = utc_now().replace(microsecond=0)  # what the database keeps

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True, kw_only=True, slots=True)
class Leap(Pace):
    """Time that is at once where somebody waits for it to be."""

    hands: Hands

    async def wait(self, until: datetime | None, wake: asyncio.Event) -> None:
        if until is None or self.hands.held:
            await wake.wait()
        elif not wake.is_set():
            self.hands.now = max(self.hands.now, until)
        await asyncio.sleep(0)


class Witness(Terminal):
    """A terminal that remembers everything a person was told."""

    def __init__(self, hands: Hands) -> None:
        super().__init__(hands)
        self.told: list[str] = []
        self.moves: list[Job] = []

    async def update(self, job: Job) -> None:
        await super().update(job)
        self.moves.append(job)
        if job.message and job.message not in self.told:
            self.told.append(job.message)


@dataclass(frozen=True, kw_only=True)
class Studio:
    """A running application, the vendor it may use, and what people were told."""

    app: App
    vendor: Any
    name: str
    hands: Hands
    witness: Witness

    async def quote(self) -> Quote:
        kind = SCENES[self.name]
        brief = Brief(prompt=PROMPT, model=kind.model, duration_s=kind.duration_s)
        return await self.app.producer.quote(brief, Place())

    async def make(self, takes: int = 1, *, origin: str = "test") -> list[Job]:
        quote = await self.quote()
        return await self.app.producer.generate(quote, origin=origin, takes=takes)

    async def until(self, reached: Callable[[Job], bool], *jobs: Job, within_s: float = 60) -> None:
        """Wait until each of the jobs has come as far."""
        async with asyncio.timeout(within_s):
            while not all(reached(self.witness.seen.get(job.id, job)) for job in jobs):
                self.witness.changed.clear()
                await self.witness.changed.wait()

    def moved_on(self, hours: float) -> None:
        self.hands.now += timedelta(hours=hours)


@asynccontextmanager
async def studio(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **limits: float
) -> AsyncIterator[Studio]:
    """The application with one of `SCENES`, its jobs running; `limits` are those of `Pace`."""
    kind, hands = SCENES[name], Hands()
    *keys, address = kind.variables.split()
    secrets = {key: f"planted-{name}-{key.lower()}" for key in keys}
    more: dict[str, Any] = {"pair": tuple(secrets.values())} if len(keys) > 1 else {}
    async with kind.standin(clip=clip_bytes(), key=secrets[keys[0]], **more) as vendor:
        for key, value in secrets.items():
            monkeypatch.setenv(key, value)
        monkeypatch.setenv(address, vendor.base_url)
        monkeypatch.setenv("DATA_DIR", str(folder / "data"))
        monkeypatch.setenv("DAILY_USD", "50")
        witness, pace = Witness(hands), Leap(clock=hands, hands=hands, **limits)
        async with running(Settings.load(), witness, what="test", pace=pace) as app:
            worker = asyncio.ensure_future(app.worker.run(resume=False))
            await asyncio.sleep(0)
            try:
                yield Studio(app=app, vendor=vendor, name=name, hands=hands, witness=witness)
            finally:
                worker.cancel()
                with suppress(asyncio.CancelledError):
                    await worker

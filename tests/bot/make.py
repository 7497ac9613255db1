"""Values for tests: jobs and their parts, with only what a test cares about said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.brief import Brief
from bot.jobs import Job, Place
from bot.models import Confidence, Fit
from bot.router import RoutePlan
from providers.base import VideoRequest

__all__ = ["NOW", "job", "plan", "request"]

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def plan(provider: str = "gateway", price_micros: int = 500_000, **changes: Any) -> RoutePlan:
    fit = Fit(
        duration_s=4,
        aspect="16:9",
        resolution="720p",
        audio=True,
        price_micros=price_micros,
        adapted=(),
        confidence=Confidence.VERIFIED,
    )
    made = RoutePlan(
        provider=provider,
        wire_id="sora-2",
        dialect="videos",
        fit=fit,
        price_micros=price_micros,
        confidence=Confidence.VERIFIED,
        options={},
    )
    return replace(made, **changes)


def job(job_id: str = "j1", *, hold_micros: int = 500_000, routes: int = 2, **changes: Any) -> Job:
    made = Job(
        id=job_id,
        origin=f"test:{job_id}",
        batch=job_id,
        place=Place(guild_id=1, channel_id=2, user_id=3),
        model="sora-2",
        brief=Brief(prompt="a paper boat"),
        routes=tuple(plan(price_micros=hold_micros) for _ in range(routes)),
        hold_micros=hold_micros,
        created_at=NOW,
        updated_at=NOW,
        due_at=NOW,
    )
    return replace(made, **changes)


def request(correlation_id: str = "j1-1") -> VideoRequest:
    return VideoRequest(
        wire_id="sora-2",
        dialect="videos",
        prompt="a paper boat",
        duration_s=4,
        aspect="16:9",
        resolution="720p",
        audio=True,
        correlation_id=correlation_id,
    )


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)

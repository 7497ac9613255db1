"""Jobs as the producer makes them, for benchmarks that need many."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from bot.brief import Brief
from bot.catalogue import builtin_text, load
from bot.classifier import classify
from bot.jobs import Job, Place, State
from bot.limits import Caps
from bot.models import Availability, Confidence, Fit
from bot.router import Decision, RoutePlan, decide
from providers.base import Remote, VideoRequest

__all__ = ["decision", "job", "plenty", "waiting"]

PROMPT = (
    "A paper boat drifts down a rain gutter at dusk, street lamps mirrored in the water, the camera"
    " follows close behind it; shallow focus, quiet, 35 mm"
)


def decision() -> str:
    """The record that is stored with a job, as the producer stores it."""
    now = Availability(today=datetime.now(UTC).date(), missing={})
    made = decide(Brief(prompt=PROMPT), classify(PROMPT), load(builtin_text(), None), now)
    return TypeAdapter(Decision).dump_json(made).decode()


def job(job_id: str, *, provider: str = "gateway", **changes: Any) -> Job:
    """Queued now, for one clip of five seconds with a second route."""
    now = changes.pop("created_at", datetime.now(UTC))
    made = Job(
        id=job_id,
        origin=f"bench:{job_id}",
        batch=job_id,
        place=Place(guild_id=1, channel_id=2, user_id=3),
        model="sora-2",
        brief=Brief(prompt=PROMPT),
        routes=(_plan(provider), _plan(provider)),
        hold_micros=500_000,
        created_at=now,
        updated_at=now,
        due_at=now,
    )
    return replace(made, **changes)


def waiting(job_id: str, due_at: datetime, *, provider: str = "gateway") -> Job:
    """A vendor is at work on it; nothing to do before `due_at`."""
    queued = job(job_id, provider=provider)
    plan = queued.plan
    return replace(
        queued,
        state=State.RENDERING,
        ver=2,
        attempt=1,
        due_at=due_at,
        first_sent_at=queued.created_at,
        rendering_since=queued.created_at,
        deadline_at=due_at,
        remote=Remote(remote_id=f"remote-{job_id}"),
        request=VideoRequest(
            wire_id=plan.wire_id,
            dialect=plan.dialect,
            prompt=PROMPT,
            duration_s=plan.fit.duration_s,
            aspect=plan.fit.aspect,
            resolution=plan.fit.resolution,
            audio=plan.fit.audio,
            correlation_id=f"{job_id}-1",
        ),
    )


def plenty() -> Caps:
    """Caps that no benchmark reaches."""
    return Caps(clip_micros=10**9, daily_micros=10**12, allowed_guilds=frozenset({1}))


def _plan(provider: str) -> RoutePlan:
    fit = Fit(
        duration_s=5,
        aspect="16:9",
        resolution="720p",
        audio=False,
        price_micros=500_000,
        adapted=(),
        confidence=Confidence.VERIFIED,
    )
    return RoutePlan(
        provider=provider,
        wire_id="sora-2",
        dialect="videos",
        fit=fit,
        price_micros=fit.price_micros,
        confidence=fit.confidence,
        options={},
    )

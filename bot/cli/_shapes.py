"""The JSON people's scripts read, in the names `--help` and the documentation promise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.jobs import Job, Reason, State
from bot.ledger import settled_micros
from bot.models import Route
from bot.producer import Listing
from bot.store import AcceptedRow
from bot.taste import Belief

__all__ = [
    "accepted_rows",
    "belief_rows",
    "exit_code",
    "generated",
    "job_row",
    "model_row",
    "reason_of",
    "usd_number",
]


def generated(job: Job, clip: Path | None, route: Mapping[str, Any]) -> dict[str, Any]:
    """The object of `generate`, also for an end without a clip."""
    return {
        "job": job.id,
        "state": job.state.value,
        "reason": reason_of(job),
        "model": job.model,
        "provider": job.provider,
        "remote_id": job.remote.remote_id if job.remote else None,
        "clip": str(clip) if clip else None,
        "sha256": job.sha256 or None,
        "duration_s": job.duration_s if job.clip else None,
        "width": job.width or None,
        "height": job.height or None,
        "quoted_usd": usd_number(job.hold_micros),
        "charged_usd": usd_number(settled_micros(job)) if job.ended else 0.0,
        "route": route,
    }


def job_row(job: Job, clips: Path) -> dict[str, Any]:
    return {
        "job": job.id,
        "state": job.state.value,
        "reason": reason_of(job),
        "model": job.model,
        "provider": job.provider,
        "remote_id": job.remote.remote_id if job.remote else None,
        "prompt": job.brief.prompt,
        "created_at": job.created_at.isoformat(),
        "clip": str(clips / job.clip) if job.clip else None,
    }


def model_row(listing: Listing) -> dict[str, Any]:
    model = listing.model
    return {
        "id": model.id,
        "name": model.name,
        "maker": model.maker,
        "status": listing.status.value,
        "successor": model.successor,
        "strengths": {name: strength.value for name, strength in model.strengths.items()},
        "routes": [
            {
                "provider": route.provider,
                "wire_id": route.wire_id,
                "offered": not reason,
                "reason": reason or listing.waits.get(route.provider, ""),
                "usd_per_s": _usd_per_s(route),
                "retires": route.retires.isoformat() if route.retires else None,
            }
            for route, reason in listing.routes
        ],
    }


def accepted_rows(costs: Sequence[AcceptedRow]) -> list[dict[str, Any]]:
    """What a second that was kept has cost; `category` "" is a model's categories together."""
    return [
        {
            "model": row.model,
            "category": row.category,
            "accepted_s": row.accepted_s,
            "spent_usd": usd_number(row.spent_micros),
            "usd_per_accepted_s": None
            if row.per_s_micros is None
            else round(row.per_s_micros / 1_000_000, 6),
        }
        for row in costs
    ]


def belief_rows(beliefs: Sequence[Belief]) -> list[dict[str, Any]]:
    """Prior, votes and posterior, in the order they weigh."""
    return [
        {
            "category": one.category,
            "weight": one.weight,
            "model": one.model,
            "prior": one.prior,
            "votes": one.votes,
            "wins": one.wins,
            "ties": one.ties,
            "posterior": one.value,
            "low": one.low,
            "high": one.high,
            "separated": one.separated,
            "sentence": one.sentence,
        }
        for one in beliefs
    ]


def reason_of(job: Job) -> str:
    """Why it stands as it does: a sentence, "" when all is well."""
    return job.message or job.reason.value


def exit_code(job: Job) -> int:
    """0 done · 4 content refused · 5 failed · 6 uncertain, hold kept."""
    if job.state is State.DONE:
        return 0
    if job.state is State.UNCERTAIN:
        return 6
    return 4 if job.reason is Reason.REJECTED else 5


def usd_number(micros: int) -> float:
    return micros / 1_000_000


def _usd_per_s(route: Route) -> float | None:
    """The price of the usual variant: the lowest resolution of at least 720p, silent if sold."""
    if route.price is None:
        return None
    names = list(route.price.per_s)
    usual = next((name for name in names if name not in ("360p", "480p")), names[0])
    rate = route.price.per_s[usual]
    micros = rate.audio_micros if rate.silent_micros is None else rate.silent_micros
    return None if micros is None else usd_number(micros)

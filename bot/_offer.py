"""What a route offers once it is known what is attached: the limits that hold, applied.

Pure; the rows behind it are in `models`, what a brief becomes on such an offer in `fitting`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeVar

from bot.brief import Brief
from bot.models import Audio, Extra, Limit, Model, Route
from providers.base import MediaRole

__all__ = ["Offer", "both", "offer_for"]

T = TypeVar("T")

VIDEOS: Final = (MediaRole.MOTION, MediaRole.SOURCE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """What the route offers once it is known what is attached."""

    name: str
    durations_s: tuple[int, ...]
    aspects: tuple[str, ...]
    resolutions: tuple[str, ...]
    audio: Audio
    inputs: tuple[MediaRole, ...]
    alone: tuple[MediaRole, ...]  # what it takes when nothing else is attached
    requires: tuple[MediaRole, ...]
    max_references: int | None
    duration_follows: MediaRole | None  # the clip is as long as this input
    shaped: bool  # what is attached decides the ratio
    has_video: bool
    extras: tuple[Extra, ...]
    by_size: tuple[Limit, ...]  # limits that hang on the resolution


def offer_for(model: Model, route: Route, brief: Brief) -> Offer:
    roles = {media.role for media in brief.inputs}
    limits = [limit for limit in (*model.limits, *route.limits) if _holds(limit, roles)]
    inputs = both(model.inputs, route.inputs)
    offer = Offer(
        name=model.name,
        durations_s=both(model.durations_s, route.durations_s),
        aspects=both(model.aspects, route.aspects),
        resolutions=both(model.resolutions, route.resolutions),
        audio=route.audio or model.audio,
        inputs=inputs,
        alone=inputs,
        requires=model.requires,
        max_references=route.max_references or model.max_references,
        duration_follows=model.duration_follows,
        extras=route.extras,
        shaped=any(role in roles for role in model.aspect_from),
        has_video=any(role in roles for role in VIDEOS),
        by_size=tuple(limit for limit in limits if limit.at),
    )
    for limit in limits:
        if not limit.at:
            offer = _limited(offer, limit)
    return offer


def _limited(offer: Offer, limit: Limit) -> Offer:
    counts = [n for n in (offer.max_references, limit.max_references) if n is not None]
    return replace(
        offer,
        durations_s=both(offer.durations_s, limit.durations_s),
        aspects=both(offer.aspects, limit.aspects),
        resolutions=both(offer.resolutions, limit.resolutions),
        audio=limit.audio or offer.audio,
        inputs=both(offer.inputs, limit.inputs),
        requires=(*offer.requires, *limit.requires),
        max_references=min(counts, default=None),
        duration_follows=limit.duration_follows or offer.duration_follows,
        extras=both(offer.extras, limit.extras),
    )


def both(offered: tuple[T, ...], limit: tuple[T, ...] | None) -> tuple[T, ...]:
    return offered if limit is None else tuple(value for value in offered if value in limit)


def _holds(limit: Limit, roles: set[MediaRole]) -> bool:
    attached = not limit.attached or any(role in roles for role in limit.attached)
    return attached and not any(role in roles for role in limit.missing)

"""Models, routes and prices as dated data: load, validate, overlay, fit a brief, estimate a price.

Pure: reads text, returns values; lifecycle is judged against the `today` it is given. What is
offered also depends on keys and paused vendors, which the caller passes in as `Availability`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from bot.brief import Brief
from providers.base import MediaRole

__all__ = [
    "Audio",
    "Availability",
    "Catalogue",
    "Confidence",
    "Fit",
    "Lifecycle",
    "Model",
    "Price",
    "Rate",
    "Route",
    "Strength",
    "Unfit",
]


class Confidence(StrEnum):
    VERIFIED = "verified"  # the vendor's own page or answer
    LISTED = "listed"  # one third party, or an expectation from the vendor's own list
    DISPUTED = "disputed"  # sources disagree: quoted "at most", held at the higher


class Audio(StrEnum):
    NONE = "none"  # the model makes silent clips
    OPTIONAL = "optional"  # the model can do both
    ALWAYS = "always"  # sound cannot be switched off


class Lifecycle(StrEnum):
    LIVE = "live"  # some route is offered
    OFF = "off"  # only a key is missing, or its vendor is paused or switched off
    RETIRED = "retired"  # no route is left today


@dataclass(frozen=True, kw_only=True, slots=True)
class Strength:
    """A belief 0..1 about one category; source "none" means a neutral prior, no evidence yet."""

    value: float
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """Micro-USD per second of output; None where that variant is not sold."""

    silent_micros: int | None
    audio_micros: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """What a route charges, by resolution and audio, in micro-USD per second of output."""

    per_s: Mapping[str, Rate]
    confidence: Confidence
    source: str
    verified: date
    minimum_micros: int = 0  # least charge for a clip
    with_video_input: Mapping[str, Rate] = field(default_factory=dict[str, Rate])


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Model x provider x wire id x price. Capability fields narrow the model's, None = the same."""

    provider: str
    wire_id: str
    dialect: str
    source: str
    verified: date
    price: Price | None = None  # no price: not offered
    retires: date | None = None
    off: str = ""  # switched off, with the reason
    durations_s: tuple[int, ...] | None = None
    aspects: tuple[str, ...] | None = None
    resolutions: tuple[str, ...] | None = None
    audio: Audio | None = None
    inputs: tuple[MediaRole, ...] | None = None
    options: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    id: str
    name: str
    maker: str
    family: str  # whose prompt craft applies: "sora", "kling" or "" (none known)
    summary: str  # what it is for, one phrase
    durations_s: tuple[int, ...]  # whole seconds on offer, ascending
    aspects: tuple[str, ...]
    resolutions: tuple[str, ...]  # ascending
    audio: Audio
    inputs: tuple[MediaRole, ...]  # what it can take
    requires: tuple[MediaRole, ...]  # what it cannot do without
    strengths: Mapping[str, Strength]  # all ten categories
    render_s: float  # usual wait for a short clip; a planning figure until measured
    routes: tuple[Route, ...]  # in order of preference
    source: str
    verified: date
    released: date | None = None
    retires: date | None = None  # the maker's own date; a gateway route may outlive it
    successor: str | None = None
    successor_by: str = ""  # "maker" or "ours"
    max_prompt_chars: int = 4000


@dataclass(frozen=True, kw_only=True, slots=True)
class Availability:
    """The facts of this process a pure function cannot know.

    `missing` maps a provider id to why it cannot be used now ("set RUNWAYML_API_SECRET",
    "paused: ..."), absent = usable. `paused_only` are those where a key is set but it is paused.
    `routes_off` maps (provider, wire_id) to a reason found at run time (the vendor said "gone").
    """

    today: date
    missing: Mapping[str, str]
    routes_off: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """A brief made possible on one route; `adapted` says every change in words."""

    duration_s: int
    aspect: str
    resolution: str
    audio: bool
    price_micros: int
    adapted: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfit:
    """Why a brief cannot be made here, and what is possible."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    models: Mapping[str, Model]
    revision: str  # changes with any byte of the data; stored with each decision

    def fit(self, model: Model, route: Route, brief: Brief, *, cheap: bool) -> Fit | Unfit:
        raise NotImplementedError  # replaced below by the loader's author

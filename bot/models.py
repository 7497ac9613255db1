"""The catalogue's nouns: what a model can do, where it is sold, for how much, until when.

Values only. How they are read from TOML is `catalogue`'s business, whether a brief can be made
with them and what it costs `fitting`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from providers.base import MediaRole

__all__ = [
    "PROVIDER_IDS",
    "RESOLUTIONS",
    "Audio",
    "Availability",
    "Catalogue",
    "Confidence",
    "Extra",
    "Fit",
    "Lifecycle",
    "Limit",
    "Model",
    "Price",
    "PromptUnit",
    "Rate",
    "Route",
    "Strength",
    "Unfit",
]

PROVIDER_IDS: Final = (
    "local",
    "kling",
    "runway",
    "google",
    "ltx",
    "replicate",
    "fal",
    "openai",
    "gateway",
)
RESOLUTIONS: Final = ("480p", "720p", "1024p", "1080p", "1440p", "4k")  # ascending


class Confidence(StrEnum):
    VERIFIED = "verified"  # the vendor's own page or answer
    LISTED = "listed"  # one third party, or an expectation from the vendor's own list
    DISPUTED = "disputed"  # sources disagree: quoted "at most", held at the higher


class Audio(StrEnum):
    NONE = "none"  # the model makes silent clips
    OPTIONAL = "optional"  # the model can do both
    ALWAYS = "always"  # sound cannot be switched off


class Extra(StrEnum):
    SEED = "seed"  # the route takes a seed
    NEGATIVE = "negative"  # the route takes a negative prompt


class PromptUnit(StrEnum):
    CHARACTERS = "characters"  # the limit counts characters
    UTF16 = "utf16"  # the limit counts UTF-16 code units: an emoji is two


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
    confidence: Confidence | None = None  # None: the price's own

    def of(self, audio: bool) -> int | None:
        return self.audio_micros if audio else self.silent_micros


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """What a route charges, by resolution and audio, in micro-USD per second of output."""

    per_s: Mapping[str, Rate]
    confidence: Confidence
    source: str
    verified: date
    minimum_micros: int = 0  # least charge for a clip
    with_video_input: Mapping[str, Rate] = field(default_factory=dict[str, Rate])

    def rate(self, resolution: str, *, has_video_input: bool) -> Rate | None:
        """None where that resolution has no price."""
        rates = self.with_video_input if has_video_input and self.with_video_input else self.per_s
        return rates.get(resolution)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """A case in which less is on offer than otherwise: what is given here is all that is left.

    It holds when every part of its condition does. Limits only ever narrow; where several hold,
    what all of them allow is left.
    """

    attached: tuple[MediaRole, ...] = ()  # when any of these is attached
    missing: tuple[MediaRole, ...] = ()  # when none of these is attached
    at: tuple[str, ...] = ()  # when made at one of these resolutions
    durations_s: tuple[int, ...] | None = None
    aspects: tuple[str, ...] | None = None
    resolutions: tuple[str, ...] | None = None
    audio: Audio | None = None
    inputs: tuple[MediaRole, ...] | None = None
    requires: tuple[MediaRole, ...] = ()
    max_references: int | None = None
    duration_follows: MediaRole | None = None
    extras: tuple[Extra, ...] | None = None


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
    limits: tuple[Limit, ...] = ()
    extras: tuple[Extra, ...] = ()
    max_references: int | None = None
    max_prompt_chars: int | None = None
    prompt_unit: PromptUnit = PromptUnit.CHARACTERS


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
    off: str = ""  # switched off on every route, with the reason
    base: float | None = None  # neutral prior of the categories without evidence
    base_source: str = ""
    limits: tuple[Limit, ...] = ()  # those of every route
    max_references: int | None = None  # None: no limit known
    duration_follows: MediaRole | None = None  # the clip is as long as this input
    aspect_from: tuple[MediaRole, ...] = ()  # with one of these attached, the ratio is theirs
    upscales: bool = False  # gives a finished clip more pixels, and makes nothing new


@dataclass(frozen=True, kw_only=True, slots=True)
class Availability:
    """The facts of this process a pure function cannot know.

    `missing` maps a provider id to why it cannot be used now ("set RUNWAYML_API_SECRET", or
    "paused: ..." where a key is set but of no use today), absent = usable. `routes_off` maps
    (provider, wire_id) to a reason found at run time (the vendor said "gone").
    """

    today: date
    missing: Mapping[str, str]
    routes_off: Mapping[tuple[str, str, str], str] = field(
        default_factory=dict[tuple[str, str, str], str]
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """A brief made possible on one route; `adapted` says every change in words."""

    duration_s: int
    aspect: str
    resolution: str
    audio: bool
    price_micros: int
    adapted: tuple[str, ...]
    confidence: Confidence = Confidence.VERIFIED  # of this very price


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfit:
    """Why a brief cannot be made here, and what is possible."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    models: Mapping[str, Model]
    revision: str  # changes with any byte of the data; stored with each decision

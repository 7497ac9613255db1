"""The record of a routing decision: everything it was decided on, stored with the take.

Values only. How they come about is `choice` and `ranking`, how they look the presenter's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from bot.brief import CATEGORIES, GENERAL, Stage
from bot.models import Confidence, Fit
from bot.texts import Text, say

__all__ = [
    "CATEGORY_NAMES",
    "NO_FACTS",
    "Candidate",
    "Decision",
    "Dropped",
    "Facts",
    "Preference",
    "Refusal",
    "RefusalCode",
    "RoutePlan",
    "StageFrom",
    "to_json",
]

CATEGORY_NAMES: Final[Mapping[str, Text]] = {
    name: say(f"category.{name}") for name in (*CATEGORIES, GENERAL)
}


class StageFrom(StrEnum):
    OPTION = "option"  # the person set it
    WORDS = "words"  # the prompt says draft, quick, final ...
    DEFAULT = "default"  # nothing said: concept


class RefusalCode(StrEnum):
    UNKNOWN_MODEL = "unknown_model"  # no such model in the catalogue
    RETIRED = "retired"  # the model asked for is served nowhere any more
    NO_KEY = "no_key"  # its vendors have no key here, or are paused
    UNFIT = "unfit"  # the model asked for cannot make this brief
    TOO_EXPENSIVE = "too_expensive"  # it fits, but above the cap per clip
    NOTHING_FITS = "nothing_fits"  # no model on offer can make this brief


@dataclass(frozen=True, kw_only=True, slots=True)
class Preference:
    """A team's own belief 0..1 about a model in a category, and the sentence that says whence.

    `wins` of `votes` are given where the team has made it its favourite beyond doubt, else 0.
    """

    value: float
    sentence: str
    voted: bool = False  # people have answered just this, rather than something near it
    wins: int = 0
    votes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What was measured or set here; every part may be missing.

    `max_price_micros` is the cap per clip. `failure_rate` and `render_s` are per model id, `prior`
    is the server's usual category weights, `preferences` (model id, category) replace strengths,
    `video_s` is the length of an attached video.
    """

    max_price_micros: int | None = None
    failure_rate: Mapping[str, float] = field(default_factory=dict[str, float])
    render_s: Mapping[str, float] = field(default_factory=dict[str, float])
    prior: Mapping[str, float] | None = None
    preferences: Mapping[str, Mapping[str, Preference]] = field(
        default_factory=dict[str, Mapping[str, Preference]]
    )
    video_s: float | None = None


NO_FACTS: Final = Facts()


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutePlan:
    """One way to make the clip with one model."""

    provider: str
    wire_id: str
    dialect: str
    fit: Fit
    price_micros: int
    confidence: Confidence
    options: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A model that can make this brief now, with the parts of its score.

    The first of `routes` is the one described here. The others make the same clip for no more
    money, so a job may move to them without asking again.
    """

    model: str
    name: str
    provider: str
    wire_id: str
    dialect: str
    fit: Fit
    price_micros: int
    confidence: Confidence
    quality: float
    wait_s: float
    failure_rate: float
    score: float
    reasons: tuple[str, ...]
    routes: tuple[RoutePlan, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dropped:
    model: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why nothing is made, in words for the person; `successor` can run now, in one tap."""

    code: RefusalCode
    message: str
    successor: Candidate | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    weights: Mapping[str, float]
    evidence: Mapping[str, tuple[str, ...]]
    confidence: float
    stage: Stage
    stage_from: StageFrom
    candidates: tuple[Candidate, ...]  # best first
    dropped: tuple[Dropped, ...]
    choice: Candidate | None
    refusal: Refusal | None
    headline: str
    flips: tuple[str, ...]
    doubt: str
    advice: tuple[str, ...]
    catalogue_revision: str
    reason: str = ""  # the choice for people: one short line without scores
    judged_by: str = ""  # the chat model whose weights these are; "" for the built-in classifier


def to_json(decision: Decision) -> dict[str, Any]:
    """The `route` object that people's scripts read."""
    choice = decision.choice
    return {
        "weights": dict(decision.weights),
        "evidence": {category: list(words) for category, words in decision.evidence.items()},
        "stage": decision.stage.value,
        "choice": {"model": choice.model, "provider": choice.provider} if choice else None,
        "candidates": [
            {
                "model": candidate.model,
                "provider": candidate.provider,
                "price_usd": candidate.price_micros / 1_000_000,
                "score": candidate.score,
                "reasons": list(candidate.reasons),
            }
            for candidate in decision.candidates
        ],
        "dropped": [{"model": drop.model, "reason": drop.reason} for drop in decision.dropped],
        "advice": list(decision.advice),
    }

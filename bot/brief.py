"""What a person asked for, before any model is chosen. Plain values, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from providers.base import MediaInput, MediaRole

__all__ = ["CATEGORIES", "GENERAL", "MAX_PROMPT_CHARS", "Brief", "Stage"]

MAX_PROMPT_CHARS: Final = 4000

# The ten categories of realistic motion, in the order they are shown, and the neutral one.
CATEGORIES: Final = (
    "temporal_coherence",
    "human_motion",
    "fluid_physics",
    "camera_motion",
    "facial_expression",
    "style",
    "speed",
    "image_to_video",
    "multi_character",
    "environment",
)
GENERAL: Final = "general"


class Stage(StrEnum):
    ANIMATIC = "animatic"  # the free storyboard, rendered here
    CONCEPT = "concept"  # short, cheap, fast versions of an idea
    FINAL = "final"  # the take that is kept: quality decides


@dataclass(frozen=True, kw_only=True, slots=True)
class Brief:
    """The request as typed; None means "not said", so that defaults stay visible as ours."""

    prompt: str
    model: str | None = None  # None: choose for me
    stage: Stage | None = None
    duration_s: float | None = None
    aspect: str | None = None
    resolution: str | None = None
    audio: bool | None = None
    seed: int | None = None
    negative: str | None = None
    inputs: tuple[MediaInput, ...] = ()
    spoiler: bool = False  # what it starts from was hidden, so what comes of it is

    def has(self, role: MediaRole) -> bool:
        return any(media.role is role for media in self.inputs)

"""Shots and takes as values, and the verbs that lead from one take's brief to the next.

A shot is one idea and one thread; a take is a numbered result in it. Pure: which frames exist and
what a route offers is handed in, what the next take costs is the producer's answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.brief import Brief, Stage
from bot.errors import Refused
from bot.jobs import TERMINAL, Job, State
from bot.texts import say
from providers.base import MediaInput, MediaRole

__all__ = [
    "MAX_TAKES",
    "Board",
    "Line",
    "Plan",
    "Shot",
    "Take",
    "Verb",
    "Verdict",
    "again",
    "as_made",
    "change",
    "continued",
    "lineage",
    "longer",
    "several",
    "title_of",
    "to_final",
    "upscaled",
    "use_as_first_frame",
]

MAX_TAKES: Final = 10
TITLE_CHARS: Final = 60  # Discord takes 100; a list of threads shows fewer


class Verdict(StrEnum):
    NONE = "none"  # nobody has decided
    PICKED = "picked"  # the shot's chosen take; one per shot
    REJECTED = "rejected"  # looked at and not wanted


class Verb(StrEnum):
    """How a take came about."""

    FIRST = "first"  # asked for in words, from no other take
    AGAIN = "again"  # the same brief, another seed
    SEVERAL = "several"  # the same brief, several seeds
    LONGER = "longer"  # the next length the model offers
    CONTINUE = "continue"  # begins on the parent's last frame
    FINAL = "final"  # the same brief at stage final
    AS_FIRST_FRAME = "as_first_frame"  # begins on the parent's last frame, on another model
    CHANGE = "change"  # another prompt or other options
    UPSCALE = "upscale"  # the parent with more pixels


@dataclass(frozen=True, kw_only=True, slots=True)
class Shot:
    """One idea. Without a thread its takes are replies in the channel."""

    id: str
    scope: str  # whose it is: a guild id or "cli"
    origin: str  # what asked for it: the same origin is the same shot
    channel_id: int | None
    thread_id: int | None
    title: str
    owner_id: int
    board_message_id: int | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Take:
    shot_id: str
    number: int  # from 1, without gaps
    job_id: str
    parent: int | None  # the number of an earlier take
    verb: Verb
    verdict: Verdict = Verdict.NONE
    verdict_by: int | None = None
    verdict_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Which takes of which shot a yes will make."""

    shot_id: str
    parent: int | None
    verb: Verb
    takes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A take as the board shows it; `micros` is what it cost, or what is held for it."""

    take: Take
    model: str
    provider: str
    prompt: str
    state: State
    user_id: int
    micros: int
    channel_id: int | None
    status_message_id: int | None
    result_message_id: int | None
    clip: str
    deleted: bool
    shape: float = 16 / 9  # width / height of the clip
    spoiler: bool = False  # shown only to who wants to see it

    @property
    def held(self) -> bool:
        """The money is not spent yet."""
        return self.state not in TERMINAL


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """A shot with all its takes, in order."""

    shot: Shot
    lines: tuple[Line, ...]

    @property
    def settled_micros(self) -> int:
        return sum(line.micros for line in self.lines if not line.held)

    @property
    def held_micros(self) -> int:
        return sum(line.micros for line in self.lines if line.held)

    @property
    def total_micros(self) -> int:
        """The running total: spent and held."""
        return self.settled_micros + self.held_micros

    @property
    def spoiler(self) -> bool:
        """Whether a picture of its takes must be hidden like one of them."""
        return any(line.spoiler and not line.deleted for line in self.lines)

    @property
    def picked(self) -> Line | None:
        return next((line for line in self.lines if line.take.verdict is Verdict.PICKED), None)


def title_of(prompt: str) -> str:
    """The first words of a prompt as a name: one line, cut between words, never empty."""
    line = " ".join("".join(c if c.isprintable() else " " for c in prompt).split())
    first = re.split(r"(?<=\w{3})[.!?;:。！？](?:\s|$)", line, maxsplit=1)[0].strip(" ,;:-")
    if len(first) <= TITLE_CHARS:
        return first or "Untitled shot"
    cut = first[:TITLE_CHARS]
    whole = cut.rpartition(" ")[0] if " " in cut[TITLE_CHARS // 2 :] else cut[:-1]
    return whole.rstrip(" ,;:-") + "…"


def lineage(takes: Sequence[Take], number: int) -> tuple[Take, ...]:
    """A take and what it came from, oldest first. Empty for a number the shot does not have."""
    by_number: Mapping[int, Take] = {take.number: take for take in takes}
    line: list[Take] = []
    at: int | None = number
    while at is not None and (take := by_number.get(at)) is not None:
        line.append(take)
        at = take.parent if take.parent is not None and take.parent < take.number else None
    return tuple(reversed(line))


def as_made(job: Job) -> Brief:
    """The brief of a take with the model that made it, where the brief left the choice to us."""
    return replace(job.brief, model=job.model)


def again(brief: Brief) -> Brief:
    """The same with a new seed."""
    return replace(brief, seed=None)


def several(brief: Brief, takes: int) -> Brief:
    """The same `takes` times with new seeds. Raises `Refused` outside 1 to 10."""
    if not 1 <= takes <= MAX_TAKES:
        raise Refused(say("shot.takes_at_once", most=MAX_TAKES, takes=takes))
    return again(brief)


def longer(brief: Brief, made_s: float, offered_s: Sequence[int]) -> Brief | None:
    """The next length on offer above what was made; None when it was the longest."""
    above = [seconds for seconds in offered_s if seconds > made_s]
    return replace(brief, duration_s=min(above)) if above else None


def continued(brief: Brief, frame: MediaInput) -> Brief:
    """A clip that begins where the other ended; a seed or an end of its own would pull it back."""
    kept = tuple(media for media in brief.inputs if media.role is MediaRole.REFERENCE)
    first = replace(frame, role=MediaRole.FIRST_FRAME)
    return replace(brief, inputs=(first, *kept), seed=None)


def use_as_first_frame(brief: Brief, frame: MediaInput, model: str | None) -> Brief:
    """The same on another model (None: choose for me), beginning on this still."""
    return replace(continued(brief, frame), model=model)


def to_final(brief: Brief) -> Brief:
    """The same for keeps: the final stage chooses its model and size."""
    return replace(brief, stage=Stage.FINAL, model=None)


def upscaled(brief: Brief, clip: MediaInput, duration_s: float) -> Brief:
    """The same clip at the largest size on offer; nothing in it is made anew."""
    return Brief(
        prompt=brief.prompt,
        stage=Stage.FINAL,
        duration_s=duration_s,
        audio=brief.audio,
        inputs=(clip,),
        spoiler=brief.spoiler,
    )


def change(brief: Brief, prompt: str) -> Brief:
    """Other words, all else the same: with a seed kept, only the words make the difference."""
    return replace(brief, prompt=prompt)

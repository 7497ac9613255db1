"""Options the words of a prompt already name: stage, shape, length, sound.

Conservative on purpose: a hint only fills what the person left open, and a wrong one is worse
than none. Which default stands in for a missing hint is left to the router.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bot.brief import Stage
from bot.reading import Finding, Reading

__all__ = ["Hints", "hints"]

TALL: Final = "9:16"
LONGEST_S: Final = 180
FLAGGED_ASPECT: Final = re.compile(r"--(?:ar|aspect(?:-ratio)?)[ =]\s*(\d{1,2}(?:\.\d+)?:\d{1,2})")
ASPECT: Final = re.compile(
    r"(?<![\d:.])(1:1|4:3|3:4|4:5|5:4|9:16|16:9|21:9|2:3|3:2|9:21|2\.39:1)(?![\d:])"
)
RATIO: Final = re.compile(r"\d:\d")
FLAGGED_LENGTH: Final = re.compile(r"--(?:dur(?:ation)?|seconds|secs?)[ =]\s*(\d{1,3})s?\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hints:
    """What the words ask for; None where they say nothing."""

    stage: Stage | None = None
    aspect: str | None = None
    duration_s: int | None = None
    audio: bool | None = None


def hints(text: str, reading: Reading) -> Hints:
    said = _said(reading)
    return Hints(
        stage=_stage(said),
        aspect=_aspect(text, said),
        duration_s=_duration(text, reading),
        audio=_audio(said),
    )


def _said(reading: Reading) -> frozenset[str]:
    """Hint words that stand and are not denied; "#not_draft" and its like claim their words."""
    negated = [mark for mark in reading.marks if mark.concept == "#negation"]
    return frozenset(mark.concept[1:] for mark in reading.marks if not _denied(mark, negated))


def _denied(mark: Finding, negated: list[Finding]) -> bool:
    return any(n.clause == mark.clause and 0 < mark.first - n.first <= 4 for n in negated)


def _stage(said: frozenset[str]) -> Stage | None:
    asked = [
        stage
        for word, stage in (
            ("animatic", Stage.ANIMATIC),
            ("draft", Stage.CONCEPT),
            ("final", Stage.FINAL),
        )
        if word in said
    ]
    if asked[:1] == [Stage.ANIMATIC]:  # "rough animatic" asks for one thing
        return Stage.ANIMATIC
    return asked[0] if len(asked) == 1 else None


def _aspect(text: str, said: frozenset[str]) -> str | None:
    named = (FLAGGED_ASPECT.findall(text) or ASPECT.findall(text)) if RATIO.search(text) else ()
    if named:
        return named[0] if len(set(named)) == 1 else None
    return TALL if "vertical" in said else None


def _duration(text: str, reading: Reading) -> int | None:
    flagged = FLAGGED_LENGTH.findall(text) if "--" in text else ()
    if flagged:
        return int(flagged[-1]) if 0 < int(flagged[-1]) <= LONGEST_S else None
    # Beside "in", "after", "later" a number of seconds tells when, not how long the clip is.
    before = {mark.end for mark in reading.marks if mark.concept == "#moment_before"}
    after = {mark.start for mark in reading.marks if mark.concept == "#moment_after"}
    found = set[int]()
    for length in reading.lengths:
        start, end = length.finding.start, length.finding.end
        if not ({start, start - 1} & before or {end, end + 1} & after):
            found.add(length.seconds)
    seconds = found.pop() if len(found) == 1 else 0
    return seconds if 0 < seconds <= LONGEST_S else None


def _audio(said: frozenset[str]) -> bool | None:
    on, off = "sound_on" in said, "sound_off" in said
    return None if on == off else on

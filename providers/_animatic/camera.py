"""Camera moves: which one a prompt names, and where the camera stands at a moment of it."""

from __future__ import annotations

import math
import re
from enum import StrEnum
from random import Random
from typing import Final, NamedTuple

__all__ = ["NEAR", "Move", "Pose", "ease", "move_for", "pose"]


class Move(StrEnum):
    PUSH_IN = "push in"  # the camera comes nearer
    PULL_BACK = "pull back"  # the camera moves away
    PAN_LEFT = "pan left"  # the view goes left, the picture slides right
    PAN_RIGHT = "pan right"  # the view goes right
    TILT_UP = "tilt up"  # the view goes up
    TILT_DOWN = "tilt down"  # the view goes down
    CRANE_UP = "crane up"  # the camera rises: what is near sinks first
    ORBIT = "orbit"  # the camera circles: near and far slide against each other
    HANDHELD = "handheld"  # the camera breathes
    LOCKED = "locked off"  # the camera stands still


class Pose(NamedTuple):
    """What the camera does to something near: shift in frame sizes, and enlargement."""

    x: float
    y: float
    zoom: float


# Only words that cannot mean a person's or a thing's own movement: better no move than a wrong one.
HOW: Final = r"(?:\w+ly |slow |very |to the |further ){0,3}"
NAMED: Final = {
    Move.PUSH_IN: rf"(?:push|dolly|zoom)(?:e?s|ing)?[ -]{HOW}in\b",
    Move.PULL_BACK: rf"(?:pull|dolly|zoom)(?:e?s|ing)?[ -]{HOW}(?:back|out)\b",
    Move.PAN_LEFT: rf"(?:pan(?:s|ning)?|trucking|tracking|dolly(?:ing)?) {HOW}left\b",
    Move.PAN_RIGHT: rf"(?:pan(?:s|ning)?|trucking|tracking|dolly(?:ing)?) {HOW}right\b",
    Move.TILT_UP: rf"tilt(?:s|ing)? {HOW}up\b",
    Move.TILT_DOWN: rf"tilt(?:s|ing)? {HOW}down\b",
    Move.CRANE_UP: rf"(?:crane|boom|jib)(?:s|ing)? {HOW}up\b|crane shot",
    Move.ORBIT: rf"camera {HOW}(?:orbit|circl)\w*|orbit(?:al|ing)? shot|arc shot",
    Move.HANDHELD: r"hand-?held(?: camera| shot| footage| feel| look|[,.;]|$)|shaky cam\w*",
    Move.LOCKED: r"locked[ -]off|lock-off|(?:static|fixed) (?:shot|camera|frame)|on a tripod",
}
BY_CHANCE: Final = (
    Move.PUSH_IN,
    Move.PULL_BACK,
    Move.PAN_LEFT,
    Move.PAN_RIGHT,
    Move.CRANE_UP,
    Move.ORBIT,
)


def move_for(prompt: str, chance: Random) -> tuple[Move, bool]:
    """The first move the prompt names and True, else one by chance and False."""
    drawn = chance.choice(BY_CHANCE)
    found = [
        (match.start(), move)
        for move, words in NAMED.items()
        if (match := re.search(rf"(?<!no )(?<!not )(?<!without )\b(?:{words})", prompt, re.I))
    ]
    return (min(found)[1], True) if found else (drawn, False)


def ease(time: float) -> float:
    return time * time * (3 - 2 * time)


def pose(move: Move, time: float) -> Pose:
    """The camera at `time` 0..1; the middle of a move is its fastest part."""
    if move is Move.HANDHELD:
        return _breath(time)
    begin, end = ENDS[move]
    eased = ease(time)
    return Pose(*(a + (b - a) * eased for a, b in zip(begin, end, strict=True)))


NEAR: Final = 1.55  # enlargement of what is nearest at the end of a push in
ENDS: Final = {
    Move.PUSH_IN: (Pose(0, 0, 1), Pose(0, 0, NEAR)),
    Move.PULL_BACK: (Pose(0, 0, NEAR), Pose(0, 0, 1)),
    Move.PAN_LEFT: (Pose(-0.13, 0, 1), Pose(0.13, 0, 1)),
    Move.PAN_RIGHT: (Pose(0.13, 0, 1), Pose(-0.13, 0, 1)),
    Move.TILT_UP: (Pose(0, -0.1, 1), Pose(0, 0.1, 1)),
    Move.TILT_DOWN: (Pose(0, 0.1, 1), Pose(0, -0.1, 1)),
    Move.CRANE_UP: (Pose(0, -0.04, 1.06), Pose(0, 0.16, 1.06)),
    Move.ORBIT: (Pose(0.12, 0, 1.04), Pose(-0.12, 0, 1.04)),
    Move.LOCKED: (Pose(0, 0, 1), Pose(0, 0, 1)),
}


def _breath(time: float) -> Pose:
    x = 0.010 * math.sin(9.1 * time) + 0.006 * math.sin(23 * time + 1)
    y = 0.008 * math.sin(11.7 * time + 2) + 0.005 * math.sin(29 * time)
    return Pose(x, y, 1.06)

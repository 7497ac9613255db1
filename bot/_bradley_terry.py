"""Bradley-Terry with a prior: how far votes move models from where they start. Pure numbers.

One choice among k shown has probability softmax(start + shift) (Luce's form: with two shown it is
Bradley-Terry, and a choice among four stays one choice, not three). A tie is 1/k of a win each.
The shifts have a normal prior around 0, so their best values are unique, and depend on counts
alone: the order of the votes cannot matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Heat", "Posterior", "fit"]

Matrix = list[list[float]]

_NEAR: Final = 1e-10  # a step no shift feels
_STEPS: Final = 100  # Newton needs under ten; this is the end of a bad dream


@dataclass(frozen=True, kw_only=True, slots=True)
class Heat:
    """All choices among the same models: their numbers, starts (logits) and shares of wins."""

    shown: tuple[int, ...]
    start: tuple[float, ...]
    won: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Posterior:
    """Best shifts, and what is not known of them."""

    shift: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]


def fit(players: int, heats: Sequence[Heat], precision: float) -> Posterior:
    """Maximise the log-likelihood of all choices minus precision / 2 * sum of squared shifts."""
    shift = [0.0] * players
    height = _height(shift, heats, precision)
    spread: Matrix = []
    for _ in range(_STEPS):
        slope, curve = _slope_and_curve(shift, heats, precision)
        spread = _inverse(curve)
        step = [_dot(row, slope) for row in spread]
        if max((abs(part) for part in step), default=0.0) < _NEAR:
            break
        shift, height = _climb(shift, height, step, heats, precision)
    return Posterior(shift=tuple(shift), covariance=tuple(tuple(row) for row in spread))


def _climb(
    shift: list[float], height: float, step: list[float], heats: Sequence[Heat], precision: float
) -> tuple[list[float], float]:
    """A Newton step, halved until it does not lead down: the hill has one top."""
    while True:
        there = [at + part for at, part in zip(shift, step, strict=True)]
        reached = _height(there, heats, precision)
        if reached >= height - 1e-12 * abs(height) or max(map(abs, step)) < _NEAR:
            return there, reached
        step = [part / 2 for part in step]


def _height(shift: Sequence[float], heats: Sequence[Heat], precision: float) -> float:
    terms = [-precision / 2 * _dot(shift, shift)]
    for heat in heats:
        chances = _chances(shift, heat)
        terms += [won * math.log(chance) for won, chance in zip(heat.won, chances, strict=True)]
    return math.fsum(terms)


def _slope_and_curve(
    shift: Sequence[float], heats: Sequence[Heat], precision: float
) -> tuple[list[float], Matrix]:
    """First derivatives, and the negated second ones."""
    size = len(shift)
    slope = [-precision * at for at in shift]
    curve = [[precision if row == col else 0.0 for col in range(size)] for row in range(size)]
    for heat in heats:
        chances, mass = _chances(shift, heat), math.fsum(heat.won)
        for here, won, chance in zip(heat.shown, heat.won, chances, strict=True):
            slope[here] += won - mass * chance
            curve[here][here] += mass * chance
            for there, other in zip(heat.shown, chances, strict=True):
                curve[here][there] -= mass * chance * other
    return slope, curve


def _chances(shift: Sequence[float], heat: Heat) -> list[float]:
    logits = [start + shift[one] for one, start in zip(heat.shown, heat.start, strict=True)]
    top = max(logits)
    odds = [max(math.exp(logit - top), 1e-300) for logit in logits]
    total = math.fsum(odds)
    return [odd / total for odd in odds]


def _inverse(matrix: Matrix) -> Matrix:
    """Gauss-Jordan; the matrix is positive definite, so that no pivot is 0."""
    size = len(matrix)
    rows = [
        [*row, *(float(at == col) for col in range(size))]
        for at, row in enumerate(matrix)
    ]  # fmt: skip
    for at in range(size):
        pivot = rows[at][at]
        lead = rows[at] = [value / pivot for value in rows[at]]
        for other, row in enumerate(rows):
            if other != at and (times := row[at]):
                rows[other] = [a - times * b for a, b in zip(row, lead, strict=True)]
    return [row[size:] for row in rows]


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return math.fsum(a * b for a, b in zip(one, other, strict=True))

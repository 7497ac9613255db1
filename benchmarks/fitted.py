"""Weights fitted anew, to judge rows that none of them has seen. Needs numpy and scipy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final, Literal

from bot.classifier import shares
from bot.learned import learned
from bot.lexicon import lexicon
from bot.reading import Reading, read
from training.corpus import Row, fold
from training.fit import Settings, fit, sums

__all__ = ["curve", "fitted", "without"]

Judge = Callable[[Sequence[Row]], Sequence[Mapping[str, float]]]

SHARES: Final = (0.6, 0.8, 0.9, 1.0)
SEED: Final = 60
FOLDS: Final = 5
HELD_OUT: Final = 6  # groups of authors or files
PERCENT: Final = 100


def fitted(rows: Sequence[Row], *, concepts: bool = True) -> Judge:
    """Weights fitted to these rows, as a judge of others."""
    found = fit(rows, _readings(rows), Settings(concepts=concepts))
    heat = learned().heat if concepts else 1.0

    def judge(others: Sequence[Row]) -> Sequence[Mapping[str, float]]:
        return [shares(row, heat) for row in sums(found, _readings(others)).tolist()]

    return judge


def without(rows: Sequence[Row], kind: Literal["author", "file"]) -> Judge:
    """Each row judged by weights fitted without its author, or without its file.

    Several are held out at a time, so that it takes minutes: the weights know even less.
    """
    said = dict[str, Mapping[str, float]]()
    for names in _groups(Counter(getattr(row, kind) for row in rows)):
        kept = [row for row in rows if getattr(row, kind) not in names]
        own = [row for row in rows if getattr(row, kind) in names]
        said |= zip((row.key for row in own), fitted(kept)(own), strict=True)
    return lambda some: [said[row.key] for row in some]


def _groups(sizes: Mapping[str, int]) -> Sequence[Sequence[str]]:
    """Of about the same number of rows: the largest first, each to where there is most room."""
    groups: list[list[str]] = [[] for _ in range(HELD_OUT)]
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        min(groups, key=lambda group: sum(sizes[other] for other in group)).append(name)
    return groups


def curve(rows: Sequence[Row]) -> Iterator[tuple[float, int, Judge, Sequence[Row]]]:
    """Ever more of the rows trained on, judging the same fifth that is held out."""
    held = [row for row in rows if fold(row, SEED, FOLDS) == 0]
    others = [row for row in rows if fold(row, SEED, FOLDS) != 0]
    for share in SHARES:
        some = [row for row in others if fold(row, SEED + 1, PERCENT) < share * PERCENT]
        yield share, len(some), fitted(some), held


def _readings(rows: Sequence[Row]) -> list[Reading]:
    return [_reading(row.prompt) for row in rows]


@cache
def _reading(prompt: str) -> Reading:
    return read(prompt, lexicon())

"""What a brief demands: text -> weighted categories with the words that caused them.

Cues say what is named, the learned weights what is meant; what both say is added up before it
becomes weights. Pure: both are read once, on the first call. Which model suits the demands is
left to `router.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.brief import GENERAL
from bot.hints import Hints, hints
from bot.learned import Judgement, Row, Weights, learned
from bot.lexicon import LABELS, Lexicon, lexicon
from bot.reading import Finding, Reading, read

__all__ = ["Classification", "Hints", "classify", "cue_points", "shares"]

REPEAT: Final = 0.3  # what saying the same again adds
SHOWN: Final = 0.08  # words are named for the categories that weigh as much
TELLING: Final = 0.15  # how far a word must lift a category above the others to be named
WORDS: Final = 5  # named for a category at most


@dataclass(frozen=True, kw_only=True, slots=True)
class Classification:
    """Weights of all eleven categories, sum 1; the words behind them; how much there was."""

    weights: Mapping[str, float]
    evidence: Mapping[str, tuple[str, ...]]
    confidence: float
    hints: Hints


def classify(text: str) -> Classification:
    book, weights = lexicon(), learned()
    reading = read(text, book)
    meant = weights.meant(reading.tokens)
    points = cue_points(reading.findings, book)
    rows = (tuple(points.values()), weights.named(reading), meant.sums)
    demand = shares(tuple(map(sum, zip(*rows, strict=True))), weights.heat)
    if not reading.tokens:
        demand = {label: float(label == GENERAL) for label in LABELS}
    return Classification(
        weights=demand,
        evidence=_evidence(text, demand, [*_named(reading, book, weights), *_meant(meant, book)]),
        confidence=_confidence(demand),
        hints=hints(text, reading),
    )


def cue_points(findings: Iterable[Finding], book: Lexicon) -> dict[str, float]:
    """The points the cue files give each label."""
    points, seen = dict[str, float]((label, 0.0) for label in LABELS), set[str]()
    for item in findings:
        if item.denied:
            continue
        again = REPEAT if item.concept in seen else 1.0
        seen.add(item.concept)
        for label, score in book.concepts[item.concept].scores.items():
            points[label] += score * item.force * again
    return {label: max(score, 0.0) for label, score in points.items()}


def shares(sums: Row, heat: float) -> dict[str, float]:
    """Sums -> weights that are as sure as they are right."""
    most = max(sums)
    powers = [math.exp((value - most) / heat) for value in sums]
    whole = sum(powers)
    return {label: power / whole for label, power in zip(LABELS, powers, strict=True)}


def _confidence(demand: Mapping[str, float]) -> float:
    """Near 1 where few categories share what is not general, near 0 where all is guesswork."""
    spread = -sum(weight * math.log(weight) for weight in demand.values() if weight > 0)
    return max(0.0, (1 - demand[GENERAL]) * (1 - spread / math.log(len(LABELS))))


@dataclass(frozen=True, slots=True)
class _Word:
    """A place in the text and how far it lifts each label above the others."""

    start: int
    end: int
    lifts: Row


def _named(reading: Reading, book: Lexicon, weights: Weights) -> Iterator[_Word]:
    for item in reading.findings:
        if item.denied:
            continue
        scores = book.concepts[item.concept].scores
        learnt = weights.names.get(item.concept)
        row = [scores.get(label, 0.0) * item.force for label in LABELS]
        if learnt:
            row = [cue + more for cue, more in zip(row, learnt, strict=True)]
        yield _Word(item.start, item.end, _lifts(row))


def _meant(meant: Judgement, book: Lexicon) -> Iterator[_Word]:
    for piece, row in meant.pieces:
        if piece.text not in book.function_words:  # "the" persuades nobody
            yield _Word(piece.start, piece.end, _lifts(row))


def _lifts(row: Sequence[float]) -> Row:
    mean = sum(row) / len(row)
    return tuple([value - mean for value in row])


def _evidence(
    text: str, demand: Mapping[str, float], words: Sequence[_Word]
) -> dict[str, tuple[str, ...]]:
    """For each category that matters the words that lifted it most, strongest first."""
    found = dict[str, tuple[str, ...]]()
    for i, label in enumerate(LABELS):
        if demand[label] < SHOWN:
            continue
        ranked = sorted(words, key=lambda word: -word.lifts[i])
        told, taken = list[str](), list[_Word]()
        for word in ranked[: 2 * WORDS]:
            if word.lifts[i] < TELLING or len(told) == WORDS:
                break
            if all(word.end <= other.start or word.start >= other.end for other in taken):
                taken.append(word)
                told.append(text[word.start : word.end])
        if told:
            found[label] = tuple(dict.fromkeys(told))
    return found

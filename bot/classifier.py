"""What a brief demands: text -> weighted categories with the words that caused them.

Cues say what is named, the learned weights what is meant; what both say is added up before it
becomes weights. Pure: both are read once, on the first call. Which model suits the demands is
left to `router.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from bot.brief import GENERAL
from bot.hints import Hints, hints
from bot.learned import Judgement, Row, learned
from bot.lexicon import LABELS, Lexicon, lexicon
from bot.reading import Finding, Reading, read

__all__ = ["Classification", "Hints", "classify", "cue_points", "shares"]

REPEAT: Final = 0.3  # what saying the same again adds
SHOWN: Final = 0.08  # words are named for the categories that weigh as much
TELLING: Final = 0.15  # how far a word must lift a category above the others to be named
BESIDE: Final = 0.4  # and how far beside the strongest word; weaker ones explain nothing
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
        evidence=_evidence(text, demand, reading, meant),
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


def _evidence(
    text: str, demand: Mapping[str, float], reading: Reading, meant: Judgement
) -> dict[str, tuple[str, ...]]:
    """For each category that matters the words that lifted it most, strongest first."""
    found = dict[str, tuple[str, ...]]()
    for i, label in enumerate(LABELS):
        if demand[label] < SHOWN:
            continue
        words = [*_named(reading, i), *_meant(meant, i)]
        words.sort(key=lambda word: -word[0])
        told, taken = list[str](), list[tuple[int, int]]()
        for lift, start, end in words[: 2 * WORDS]:
            if lift < BESIDE * words[0][0]:
                break
            if all(end <= first or start >= last for first, last in taken):
                taken.append((start, end))
                told.append(text[start:end])
        if told:
            found[label] = tuple(dict.fromkeys(told[:WORDS]))
    return found


Word = tuple[float, int, int]  # how far it lifts a label above the others, and where it stands


def _named(reading: Reading, i: int) -> Iterator[Word]:
    for item in reading.findings:
        if not item.denied:
            given, learnt = _pull(item.concept)
            lift = given[i] * item.force + learnt[i]
            if lift >= TELLING:
                yield lift, item.start, item.end


@cache
def _pull(concept: str) -> tuple[Row, Row]:
    """How far a concept lifts each label above the others, by hand and by what was learnt."""
    scores = lexicon().concepts[concept].scores
    learnt = learned().names.get(concept, (0.0,) * len(LABELS))
    given = [scores.get(label, 0.0) for label in LABELS]
    return _lifts(given), _lifts(learnt)


def _lifts(row: Sequence[float]) -> Row:
    mean = sum(row) / len(row)
    return tuple([value - mean for value in row])


def _meant(meant: Judgement, i: int) -> Iterator[Word]:
    unit, function_words = meant.unit, lexicon().function_words
    for piece, said in meant.pieces:
        lift = unit * (said.sums[i] - said.mean)
        if lift >= TELLING and piece.text not in function_words:  # "the" persuades nobody
            yield lift, piece.start, piece.end

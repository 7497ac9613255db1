"""What a brief demands: text -> weighted categories with the words that caused them.

Pure: the cue files are read once, on the first call. Which model suits the
demands is left to `router.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bot.brief import CATEGORIES, GENERAL
from bot.hints import Hints, hints
from bot.lexicon import LABELS, lexicon
from bot.reading import Finding, Reading, read

__all__ = ["Classification", "Hints", "classify"]

SHARPNESS: Final = 2.5  # above 1 the strongest demand wins over a crowd of weak ones
THIN: Final = 3.0  # cue points at which two thirds of the doubt are gone
REPEAT: Final = 0.3  # what saying the same again adds


@dataclass(frozen=True, kw_only=True, slots=True)
class Classification:
    """Weights of all eleven categories, sum 1; the words behind them; how much there was."""

    weights: Mapping[str, float]
    evidence: Mapping[str, tuple[str, ...]]
    confidence: float
    hints: Hints


def classify(text: str) -> Classification:
    reading = read(text, lexicon())
    scores = _cue_scores(reading.findings)
    total = sum(score for label, score in scores.items() if label != GENERAL)
    weights = _sharpen(scores)
    return Classification(
        weights=weights,
        evidence=_evidence(text, reading),
        confidence=1 - math.exp(-total / THIN),
        hints=hints(text, reading),
    )


def _cue_scores(findings: Iterable[Finding]) -> dict[str, float]:
    concepts = lexicon().concepts
    scores, seen = dict[str, float]((label, 0.0) for label in LABELS), set[str]()
    for item in findings:
        if item.denied:
            continue
        again = REPEAT if item.concept in seen else 1.0
        seen.add(item.concept)
        for label, score in concepts[item.concept].scores.items():
            scores[label] += score * item.force * again
    return {label: max(score, 0.0) for label, score in scores.items()}


def _sharpen(scores: Mapping[str, float]) -> dict[str, float]:
    total = sum(scores[c] for c in CATEGORIES)
    kappa = 1 - math.exp(-total / THIN)
    general = scores[GENERAL] * (1 - kappa) + 0.25
    powers = {
        label: (score if label != GENERAL else general) ** SHARPNESS
        for label, score in scores.items()
    }
    whole = sum(powers.values())
    return {label: power / whole for label, power in powers.items()}


def _evidence(text: str, reading: Reading) -> dict[str, tuple[str, ...]]:
    concepts = lexicon().concepts
    words = dict[str, list[str]]()
    for item in reading.findings:
        if item.denied:
            continue
        for label, score in concepts[item.concept].scores.items():
            said = text[item.start : item.end]
            if score > 0 and said not in words.setdefault(label, []):
                words[label].append(said)
    return {label: tuple(said) for label, said in words.items()}

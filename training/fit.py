"""Fits the linear weights: multinomial logistic regression over concepts and hashed n-grams.

A row's target is half its label, half whatever of its acceptable labels the model likes best.
The hand-given points of the cue files are the starting belief; weights move away from it only
as far as the corpus makes them. Needs numpy and scipy; the product needs neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import minimize

from bot import learned
from bot.classifier import cue_points
from bot.learned import BITS
from bot.lexicon import LABELS, lexicon
from bot.reading import Reading, read
from training.corpus import Row

__all__ = ["Fit", "Settings", "fit", "hottest", "readings", "sums"]

Matrix = NDArray[np.float64]
PLACE = {label: i for i, label in enumerate(LABELS)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Chosen by holding out authors of the corpus."""

    looseness: float = 40.0  # inverse of the penalty on large weights
    choice: float = 0.5  # share of the target that is free among the acceptable labels
    naming: float = 0.2  # how easily a concept's weight moves, beside an n-gram's
    second: float = 0.6  # weight of n-grams fitted without concepts, beside those fitted with
    rounds: int = 100
    concepts: bool = True  # without them n-grams stand alone, which only the benchmark wants


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """Weights a row of LABELS each."""

    names: Mapping[str, int]
    named: Matrix
    rows: Matrix  # one for each slot
    bias: Matrix
    concepts: bool


def readings(rows: Iterable[Row]) -> list[Reading]:
    book = lexicon()
    return [read(row.prompt, book) for row in rows]


def fit(rows: Sequence[Row], texts: Sequence[Reading], settings: Settings) -> Fit:
    """Beside concepts n-grams learn what these leave over; alone they learn more of their own.

    Adding the two is better than either on authors never seen, and costs nothing at run time.
    """
    found = _fit(rows, texts, settings)
    if not (settings.concepts and settings.second):
        return found
    alone = _fit(rows, texts, replace(settings, concepts=False))
    return replace(
        found,
        rows=found.rows + settings.second * alone.rows,
        bias=found.bias + settings.second * alone.bias,
    )


def _fit(rows: Sequence[Row], texts: Sequence[Reading], settings: Settings) -> Fit:
    grams, (named, names) = _grams(texts), _named(texts)
    used = np.unique(grams.indices)
    rarity = _rarity(grams[:, used])
    naming = np.full(len(names), settings.naming * settings.concepts)
    ease = np.concatenate([rarity, naming, [0.3]])
    whole = sp.hstack([grams[:, used], named, np.ones((len(rows), 1))]).tocsr() @ sp.diags(ease)
    start = _points(texts) * settings.concepts
    weights = _descend(whole, rows, start, settings) * ease[:, None]
    spread = np.zeros((1 << BITS, len(LABELS)))
    spread[used] = weights[: len(used)]
    return Fit(
        names=names,
        rows=spread,
        named=weights[len(used) : -1],
        bias=weights[-1],
        concepts=settings.concepts,
    )


def sums(found: Fit, texts: Sequence[Reading]) -> Matrix:
    """What points, names and n-grams add up to for each text."""
    named, _ = _named(texts, found.names)
    points = _points(texts) * found.concepts
    return points + named @ found.named + found.bias + _grams(texts) @ found.rows


def hottest(total: Matrix, rows: Sequence[Row]) -> float:
    """The heat at which the weights are as sure as they are right."""
    allowed = _targets(rows)[1]

    def surprise(heat: float) -> float:
        return -float(np.log((_shares(total / heat) * allowed).sum(1)).sum())

    return min((surprise(h), h) for h in np.arange(0.4, 3.0, 0.02).tolist())[1]


def _points(texts: Sequence[Reading]) -> Matrix:
    book = lexicon()
    points = [cue_points(reading.findings, book) for reading in texts]
    return np.array([[score[label] for label in LABELS] for score in points])


def _grams(texts: Sequence[Reading]) -> sp.csr_matrix:
    columns, values, ends = list[int](), list[float](), [0]
    for reading in texts:
        found = learned.pieces(reading.tokens)
        said = [gram for piece in found for gram in learned.grams(piece)]
        said += learned.pairs(found)
        columns += [learned.slot(gram) for gram in said]
        values += [1 / len(said) ** 0.5 for _ in said]
        ends.append(len(columns))
    matrix = sp.csr_matrix((values, columns, ends), shape=(len(texts), 1 << BITS))
    matrix.sum_duplicates()
    return matrix


def _named(
    texts: Sequence[Reading], names: Mapping[str, int] | None = None
) -> tuple[sp.csr_matrix, Mapping[str, int]]:
    said = [sorted(learned.named(reading)) for reading in texts]
    if names is None:
        names = {name: i for i, name in enumerate(sorted({n for row in said for n in row}))}
    places = [[names[name] for name in row if name in names] for row in said]
    ends = np.cumsum([0, *map(len, places)])
    columns = [place for row in places for place in row]
    shape = (len(texts), len(names))
    return sp.csr_matrix((np.ones(len(columns)), columns, ends), shape=shape), names


def _rarity(grams: sp.csr_matrix) -> Matrix:
    seen = np.bincount(grams.indices, minlength=grams.shape[1])
    rarity = np.log((1 + grams.shape[0]) / (1 + seen)) + 1
    return rarity / rarity.mean()


def _targets(rows: Sequence[Row]) -> tuple[Matrix, Matrix]:
    label, allowed = np.zeros((len(rows), len(LABELS))), np.zeros((len(rows), len(LABELS)))
    for i, row in enumerate(rows):
        label[i, PLACE[row.label]] = 1
        allowed[i, [PLACE[name] for name in row.acceptable]] = 1
    return label, allowed


def _shares(total: Matrix) -> Matrix:
    powers = np.exp(total - total.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def _descend(
    whole: sp.csr_matrix, rows: Sequence[Row], start: Matrix, settings: Settings
) -> Matrix:
    label, allowed = _targets(rows)
    turned, free = whole.T.tocsr(), settings.choice
    penalty = 1 / settings.looseness
    shape = (whole.shape[1], len(LABELS))

    def loss(flat: Matrix) -> tuple[float, Matrix]:
        weights = flat.reshape(shape)
        shares = _shares(whole @ weights + start)
        liked = shares * allowed
        mass = np.maximum(liked.sum(1, keepdims=True), 1e-12)
        exact = np.maximum((shares * label).sum(1), 1e-12)
        surprise = -((1 - free) * np.log(exact) + free * np.log(mass[:, 0])).sum()
        slope = turned @ (shares - (1 - free) * label - free * liked / mass)
        return float(surprise + penalty / 2 * (flat @ flat)), (slope + penalty * weights).ravel()

    options = {"maxiter": settings.rounds, "maxcor": 6}
    zeros = np.zeros(shape[0] * shape[1])
    return minimize(loss, zeros, jac=True, method="L-BFGS-B", options=options).x.reshape(shape)

"""The usable models of one brief at one stage, ordered by utility.

`U = quality - price - wait - recent failures`: quality is what the demand weighs of a model's
strengths; price and wait count in doublings over the cheapest and fastest paid candidate.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.brief import GENERAL, Brief, Stage
from bot.models import Model
from bot.router.decision import Facts, RoutePlan
from bot.router.verdicts import QUALITIES, Case, Goods, Shelf, Verdict, judge, mean_of

__all__ = [
    "FAILURE_WEIGHT",
    "PRICE_WEIGHT",
    "TIE",
    "Ask",
    "Entry",
    "Ranking",
    "Standing",
    "first_at",
    "leader",
    "rank",
    "standings",
]

PRICE_WEIGHT: Final[Mapping[Stage, float]] = {
    Stage.ANIMATIC: 0.06,
    Stage.CONCEPT: 0.06,
    Stage.FINAL: 0.02,
}
WAIT_WEIGHT: Final[Mapping[Stage, float]] = {
    Stage.ANIMATIC: 0.04,
    Stage.CONCEPT: 0.04,
    Stage.FINAL: 0.0,
}
FAILURE_WEIGHT: Final = 0.3
TIE: Final = 0.03  # closer than this, the cheaper one


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """The question in all its parts, so that it can be put again at another stage."""

    brief: Brief
    case: Case
    facts: Facts
    demand: Mapping[str, float]  # what quality is measured by: the weights without speed, sum 1
    words: Mapping[str, str]  # what speaks for a category, as it is quoted
    evidence: Mapping[str, tuple[str, ...]]  # the same, word by word
    standings: Mapping[str, Standing]  # of every model

    @property
    def shelf(self) -> Shelf:
        return self.case.shelf


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What is thought of a model for this demand, at any stage and price."""

    beliefs: Mapping[str, float]  # strength by category, and "general", their mean
    quality: float
    wait_s: float
    failure_rate: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A usable model with the parts of its utility."""

    id: str
    price_micros: int
    verdict: Verdict
    standing: Standing
    price_cost: float
    wait_cost: float
    score: float

    @property
    def model(self) -> Model:
        return self.verdict.model

    @property
    def plan(self) -> RoutePlan:
        return self.verdict.plans[0]

    @property
    def local(self) -> bool:
        return self.verdict.local


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranking:
    stage: Stage
    models: tuple[Entry, ...]  # best first, without storyboards
    storyboards: tuple[Entry, ...]
    verdicts: Mapping[str, Verdict]  # of every model

    @property
    def entries(self) -> tuple[Entry, ...]:
        if self.stage is Stage.ANIMATIC:
            return (*self.storyboards, *self.models)
        return (*self.models, *self.storyboards)

    def entry(self, model_id: str) -> Entry:
        return next(entry for entry in self.entries if entry.id == model_id)


def standings(shelf: Shelf, demand: Mapping[str, float], facts: Facts) -> Mapping[str, Standing]:
    return {name: _standing(goods, demand, facts) for name, goods in shelf.goods.items()}


def rank(ask: Ask, stage: Stage) -> Ranking:
    verdicts = judge(ask.case, ask.brief.prompt, stage)
    entries = [
        Entry(
            id=name,
            price_micros=price_micros,
            verdict=verdicts[name],
            standing=ask.standings[name],
            price_cost=price_cost,
            wait_cost=wait_cost,
            score=score,
        )
        for score, price_micros, name, price_cost, wait_cost in _scored(ask, verdicts, stage)
    ]
    return Ranking(
        stage=stage,
        models=_ordered(entry for entry in entries if not entry.local),
        storyboards=tuple(entry for entry in entries if entry.local),
        verdicts=verdicts,
    )


def first_at(ask: Ask, stage: Stage) -> Model | None:
    """Only who would be first at that stage; None where nothing could be made."""
    verdicts = judge(ask.case, ask.brief.prompt, stage)
    boards = [verdict.model for verdict in verdicts.values() if verdict.local]
    rivals = [row[:3] for row in _scored(ask, verdicts, stage) if not verdicts[row[2]].local]
    if boards and (stage is Stage.ANIMATIC or not rivals):
        return boards[0]
    return verdicts[leader(rivals)].model if rivals else None


def leader(scored: Iterable[tuple[float, float, str]]) -> str:
    """Of (score, price, id): the cheapest among those that tie with the best score."""
    entries = list(scored)
    best = max(entries)[0]
    near = [(price, -score, name) for score, price, name in entries if best - score < _NEAR]
    return min(near)[2]


_NEAR: Final = TIE - 5e-7  # scores have six decimals, their differences noise behind them


def _standing(goods: Goods, demand: Mapping[str, float], facts: Facts) -> Standing:
    model, beliefs = goods.model, goods.beliefs
    if preferences := facts.preferences.get(model.id):
        taught = {name: preferences[name].value for name in QUALITIES if name in preferences}
        beliefs = {**beliefs, **taught}
        beliefs[GENERAL] = mean_of(beliefs)
    return Standing(
        beliefs=beliefs,
        quality=sum([weight * beliefs[name] for name, weight in demand.items()]),
        wait_s=max(facts.render_s.get(model.id, model.render_s), 0.1),
        failure_rate=facts.failure_rate.get(model.id, 0.0),
    )


def _scored(
    ask: Ask, verdicts: Mapping[str, Verdict], stage: Stage
) -> Sequence[tuple[float, int, str, float, float]]:
    """Of every usable model: score, price, id, and what price and wait took from the score."""
    usable = [(name, one, ask.standings[name]) for name, one in verdicts.items() if one.plans]
    paid = [(one.price_micros, at.wait_s) for _, one, at in usable if one.price_micros > 0]
    cheapest = min([price for price, _ in paid], default=0)
    fastest = min([wait_s for _, wait_s in paid], default=0.0)
    rows: list[tuple[float, int, str, float, float]] = []
    for name, verdict, standing in usable:
        price = wait = 0.0
        if verdict.price_micros > 0:
            price = PRICE_WEIGHT[stage] * math.log2(verdict.price_micros / cheapest)
            wait = WAIT_WEIGHT[stage] * math.log2(standing.wait_s / fastest)
        score = standing.quality - price - wait - FAILURE_WEIGHT * standing.failure_rate
        rows.append((round(score, 6), verdict.price_micros, name, price, wait))
    return rows


def _ordered(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """By score, price and id; but of those that tie for the lead the cheapest goes first."""
    by_key = {(entry.score, entry.price_micros, entry.id): entry for entry in entries}
    if not by_key:
        return ()
    first = leader(by_key)
    order = sorted(by_key, key=lambda key: (key[2] != first, -key[0], key[1], key[2]))
    return tuple([by_key[key] for key in order])

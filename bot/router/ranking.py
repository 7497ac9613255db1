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
from bot.router.verdicts import LOCAL, QUALITIES, Case, Goods, Shelf, Verdict, judge, mean_of

__all__ = [
    "FAILURE_WEIGHT",
    "PRICE_WEIGHT",
    "TIE",
    "Ask",
    "Entry",
    "Ranking",
    "Standing",
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
    evidence: Mapping[str, tuple[str, ...]]
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
        return self.plan.provider == LOCAL


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
    entries = _entries(ask, verdicts, stage)
    return Ranking(
        stage=stage,
        models=_ordered(entry for entry in entries if not entry.local),
        storyboards=tuple(entry for entry in entries if entry.local),
        verdicts=verdicts,
    )


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


def _entries(ask: Ask, verdicts: Mapping[str, Verdict], stage: Stage) -> Sequence[Entry]:
    usable = [
        (name, verdict.plans[0].price_micros, verdict, ask.standings[name])
        for name, verdict in verdicts.items()
        if verdict.plans
    ]
    cheapest = min([price for _, price, _, _ in usable if price > 0], default=0)
    fastest = min([one.wait_s for _, price, _, one in usable if price > 0], default=0.0)
    entries: list[Entry] = []
    for name, price_micros, verdict, standing in usable:
        price = wait = 0.0
        if price_micros > 0:
            price = PRICE_WEIGHT[stage] * math.log2(price_micros / cheapest)
            wait = WAIT_WEIGHT[stage] * math.log2(standing.wait_s / fastest)
        failures = FAILURE_WEIGHT * standing.failure_rate
        entry = Entry(
            id=name,
            price_micros=price_micros,
            verdict=verdict,
            standing=standing,
            price_cost=price,
            wait_cost=wait,
            score=round(standing.quality - price - wait - failures, 6),
        )
        entries.append(entry)
    return entries


def _ordered(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """By score, price and id; but of those that tie for the lead the cheapest goes first."""
    by_key = {(entry.score, entry.price_micros, entry.id): entry for entry in entries}
    if not by_key:
        return ()
    first = leader(by_key)
    order = sorted(by_key, key=lambda key: (key[2] != first, -key[0], key[1], key[2]))
    return tuple([by_key[key] for key in order])

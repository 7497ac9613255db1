"""Every model judged for one brief at one stage, and the usable ones ordered by utility.

`U = quality - price - wait - recent failures`: quality is what the demand weighs of a model's
strengths; price and wait count in doublings over the cheapest and fastest paid candidate.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.brief import CATEGORIES, GENERAL, Brief, Stage
from bot.fitting import Wish, fit
from bot.lifecycle import offered, status
from bot.models import Availability, Catalogue, Fit, Lifecycle, Model, Route, Unfit
from bot.money import usd
from bot.router.decision import Facts, Preference, RefusalCode, RoutePlan

__all__ = [
    "FAILURE_WEIGHT",
    "LOCAL",
    "PRICE_WEIGHT",
    "QUALITIES",
    "TIE",
    "Ask",
    "Entry",
    "Ranking",
    "Verdict",
    "fit_on",
    "joined",
    "leader",
    "rank",
    "rank_again",
]

LOCAL: Final = "local"  # the provider that draws storyboards here
QUALITIES: Final = tuple(category for category in CATEGORIES if category != "speed")

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
    wish: Wish
    catalogue: Catalogue
    availability: Availability
    facts: Facts
    demand: Mapping[str, float]  # the weights without speed: what quality is measured by
    evidence: Mapping[str, tuple[str, ...]]
    keyless: bool  # for want of a key, nothing but the storyboard can run


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What became of one model: usable plans, or why not (`over` are the plans above the cap)."""

    model: Model
    plans: tuple[tuple[Route, RoutePlan], ...] = ()
    over: tuple[RoutePlan, ...] = ()
    code: RefusalCode | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A usable model with the parts of its utility."""

    model: Model
    route: Route
    plans: tuple[RoutePlan, ...]
    beliefs: Mapping[str, float]  # strength by category, and "general", their mean
    quality: float
    wait_s: float
    failure_rate: float
    price_cost: float = 0.0
    wait_cost: float = 0.0
    score: float = 0.0

    @property
    def id(self) -> str:
        return self.model.id

    @property
    def price_micros(self) -> int:
        return self.plans[0].price_micros

    @property
    def local(self) -> bool:
        return self.route.provider == LOCAL


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


def rank(ask: Ask, stage: Stage) -> Ranking:
    return _ranked(
        ask, stage, {model.id: _judge(ask, model, stage) for model in ask.catalogue.models.values()}
    )


def rank_again(ask: Ask, ranking: Ranking, stage: Stage) -> Ranking:
    """The same at another stage, which moves sizes and prices but not what is possible."""
    return _ranked(
        ask,
        stage,
        {name: _judge_again(ask, verdict, stage) for name, verdict in ranking.verdicts.items()},
    )


def leader(scored: Iterable[tuple[float, float, str]]) -> str:
    """Of (score, price, id): the cheapest among those that tie with the best score."""
    entries = list(scored)
    best = max(score for score, _, _ in entries)
    near = [entry for entry in entries if round(best - entry[0], 6) < TIE]
    return min(near, key=lambda entry: (entry[1], -entry[0], entry[2]))[2]


def fit_on(ask: Ask, model: Model, route: Route, stage: Stage) -> Fit | Unfit:
    if route.provider == LOCAL and not (
        stage is Stage.ANIMATIC or ask.keyless or ask.brief.model == model.id
    ):
        return Unfit(reason="a storyboard, no AI model: used at stage animatic or without any key")
    return fit(model, route, ask.brief, stage=stage, want=ask.wish, video_s=ask.facts.video_s)


def joined(parts: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(part for part in parts if part))


def _ranked(ask: Ask, stage: Stage, verdicts: Mapping[str, Verdict]) -> Ranking:
    entries = [_entry(ask, verdict) for verdict in verdicts.values() if verdict.plans]
    paid = [entry for entry in entries if entry.price_micros > 0]
    cheapest = min((entry.price_micros for entry in paid), default=0)
    fastest = min((entry.wait_s for entry in paid), default=0.0)
    scored = [_scored(entry, stage, cheapest, fastest) for entry in entries]
    return Ranking(
        stage=stage,
        models=_ordered(entry for entry in scored if not entry.local),
        storyboards=tuple(entry for entry in scored if entry.local),
        verdicts=verdicts,
    )


def _scored(entry: Entry, stage: Stage, cheapest: int, fastest: float) -> Entry:
    price = wait = 0.0
    if entry.price_micros > 0:
        price = PRICE_WEIGHT[stage] * math.log2(entry.price_micros / cheapest)
        wait = WAIT_WEIGHT[stage] * math.log2(entry.wait_s / fastest)
    score = entry.quality - price - wait - FAILURE_WEIGHT * entry.failure_rate
    return replace(entry, price_cost=price, wait_cost=wait, score=round(score, 6))


def _ordered(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """By score, price and id; but of those that tie for the lead the cheapest goes first."""
    ordered = sorted(entries, key=lambda entry: (-entry.score, entry.price_micros, entry.id))
    if ordered:
        first = leader((entry.score, entry.price_micros, entry.id) for entry in ordered)
        ordered.sort(key=lambda entry: entry.id != first)
    return tuple(ordered)


def _judge(ask: Ask, model: Model, stage: Stage) -> Verdict:
    plans: list[tuple[Route, RoutePlan]] = []
    over: list[RoutePlan] = []
    unfit: list[str] = []
    closed: list[str] = []
    cap = ask.facts.max_price_micros
    for route in model.routes:
        if reason := offered(model, route, ask.availability):
            closed.append(reason)
            continue
        found = fit_on(ask, model, route, stage)
        if isinstance(found, Unfit):
            unfit.append(found.reason)
        elif cap is not None and found.price_micros > cap:
            over.append(_plan(route, found))
        else:
            plans.append((route, _plan(route, found)))
    if plans:
        return Verdict(model=model, plans=_same_clip(plans))
    if over:
        least = min(plan.price_micros for plan in over)
        reason = f"costs {usd(least)}, above CLIP_USD ({usd(cap or 0)})"
        code = RefusalCode.TOO_EXPENSIVE
        return Verdict(model=model, over=tuple(over), code=code, reason=reason)
    if unfit:
        return Verdict(model=model, code=RefusalCode.UNFIT, reason=joined(unfit))
    return _closed(ask, model, closed)


def _judge_again(ask: Ask, verdict: Verdict, stage: Stage) -> Verdict:
    if verdict.plans:
        route, cap = verdict.plans[0][0], ask.facts.max_price_micros
        found = fit_on(ask, verdict.model, route, stage)
        if isinstance(found, Fit) and (cap is None or found.price_micros <= cap):
            return replace(verdict, plans=((route, _plan(route, found)),))
    elif not verdict.over:
        return verdict
    return _judge(ask, verdict.model, stage)


def _plan(route: Route, found: Fit) -> RoutePlan:
    return RoutePlan(
        provider=route.provider,
        wire_id=route.wire_id,
        dialect=route.dialect,
        fit=found,
        price_micros=found.price_micros,
        confidence=found.confidence,
        options=dict(route.options),
    )


def _same_clip(plans: Sequence[tuple[Route, RoutePlan]]) -> tuple[tuple[Route, RoutePlan], ...]:
    """The route that changes the brief least, then those that make the same for no more."""
    first = min(plans, key=lambda item: len(item[1].fit.adapted))
    price, clip = first[1].price_micros, _clip(first[1].fit)
    follow = [
        item
        for item in plans
        if item is not first and item[1].price_micros <= price and _clip(item[1].fit) == clip
    ]
    return (first, *follow)


def _clip(found: Fit) -> tuple[int, str, str, bool]:
    return found.duration_s, found.aspect, found.resolution, found.audio


def _closed(ask: Ask, model: Model, reasons: Sequence[str]) -> Verdict:
    if status(model, ask.availability) is Lifecycle.OFF:
        keys = _missing_keys(ask.availability, model)
        return Verdict(model=model, code=RefusalCode.NO_KEY, reason=joined(keys or reasons))
    ended_first = sorted(dict.fromkeys(reasons), key=lambda reason: "retired" not in reason)
    reason = "; ".join(ended_first) or "no route"
    heir = ask.catalogue.models.get(model.successor or "")
    if heir is not None:
        reason += f"; {heir.name} takes its place"
    return Verdict(model=model, code=RefusalCode.RETIRED, reason=reason)


def _missing_keys(availability: Availability, model: Model) -> Sequence[str]:
    """What those vendors lack whose routes would be offered otherwise."""
    unlocked = replace(availability, missing={})
    return [
        availability.missing[route.provider]
        for route in model.routes
        if route.provider in availability.missing and not offered(model, route, unlocked)
    ]


def _entry(ask: Ask, verdict: Verdict) -> Entry:
    model, facts = verdict.model, ask.facts
    beliefs = _beliefs(model, facts.preferences.get(model.id, {}))
    return Entry(
        model=model,
        route=verdict.plans[0][0],
        plans=tuple(plan for _, plan in verdict.plans),
        beliefs=beliefs,
        quality=sum(weight * beliefs[name] for name, weight in ask.demand.items()),
        wait_s=max(facts.render_s.get(model.id, model.render_s), 0.1),
        failure_rate=facts.failure_rate.get(model.id, 0.0),
    )


def _beliefs(model: Model, preferences: Mapping[str, Preference]) -> Mapping[str, float]:
    beliefs = {
        name: preferences[name].value if name in preferences else model.strengths[name].value
        for name in QUALITIES
    }
    beliefs[GENERAL] = sum(beliefs.values()) / len(QUALITIES)
    return beliefs

"""Every model judged for one brief at one stage: the ways it can be made, or why it cannot.

Of the wording only the length matters here, so a judgement is remembered for the next prompt with
the same options. How the usable models compare is `ranking`'s question.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Final

from bot.brief import CATEGORIES, GENERAL, Brief, Stage
from bot.fitting import Wish, fit
from bot.lifecycle import PAUSED, offered, status
from bot.models import (
    Availability,
    Catalogue,
    Confidence,
    Fit,
    Lifecycle,
    Model,
    Route,
    Unfit,
)
from bot.money import usd
from bot.router.decision import RefusalCode, RoutePlan
from bot.texts import Text, join, say
from providers.base import MediaInput

__all__ = [
    "LOCAL",
    "QUALITIES",
    "Case",
    "Goods",
    "Shelf",
    "Verdict",
    "case_of",
    "fit_on",
    "judge",
    "mean_of",
    "quote",
    "shelf_of",
    "with_words",
]

LOCAL: Final = "local"  # the provider that draws storyboards here
QUALITIES: Final = tuple(category for category in CATEGORIES if category != "speed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Goods:
    """One model before any brief is seen; `routes` say "" or why they are not offered."""

    model: Model
    routes: tuple[tuple[Route, str], ...]
    beliefs: Mapping[str, float]  # strength by category, and "general", their mean
    unproven: frozenset[str]  # categories without evidence
    shortest_prompt: int  # what every route takes, however it counts


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Shelf:
    """What is on offer here and now; equal to itself only, so that it can be a key."""

    catalogue: Catalogue
    availability: Availability
    goods: Mapping[str, Goods]
    keyless: bool  # not one vendor can be used, and none of them only because it is paused
    shortest_prompt: int  # what every route of every model takes


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What decides whether, how and for how much a model can make a brief: all but its words."""

    shelf: Shelf
    brief: Brief
    wish: Wish
    max_price_micros: int | None
    video_s: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What became of one model: usable plans, or why not (`over` are the plans above the cap)."""

    model: Model
    plans: tuple[RoutePlan, ...] = ()
    retires: date | None = None  # when the first plan's route ends
    said: tuple[str, ...] = ()  # the first plan in words: its price, and what it adapts
    price_micros: int = 0  # of the first plan
    local: bool = False
    over: tuple[RoutePlan, ...] = ()
    code: RefusalCode | None = None
    reason: str = ""


def shelf_of(catalogue: Catalogue, availability: Availability) -> Shelf:
    """The same shelf as before while the catalogue object and the availability's values last."""
    return _shelf(
        _Same(catalogue),
        availability.today,
        tuple(availability.missing.items()),
        tuple(availability.routes_off.items()),
    )


def case_of(
    shelf: Shelf,
    brief: Brief,
    wish: Wish,
    *,
    max_price_micros: int | None = None,
    video_s: float | None = None,
) -> Case:
    return Case(
        shelf=shelf,
        brief=_wordless(brief),
        wish=wish,
        max_price_micros=max_price_micros,
        video_s=video_s,
    )


def judge(case: Case, prompt: str, stage: Stage) -> Mapping[str, Verdict]:
    """A verdict on every model of the catalogue."""
    verdicts = _judged(case, stage)
    length = len(prompt.encode("utf-16-le", "surrogatepass")) // 2  # as the strictest count
    if length <= case.shelf.shortest_prompt:
        return verdicts
    spoken = with_words(case, prompt)
    again = [one for one in case.shelf.goods.values() if length > one.shortest_prompt]
    return {**verdicts, **{one.model.id: _verdict(spoken, one, stage) for one in again}}


def with_words(case: Case, prompt: str) -> Case:
    """For the prompts that are too long somewhere; never remembered."""
    return replace(case, brief=replace(case.brief, prompt=prompt))


def quote(plan: RoutePlan) -> Text:
    price = usd(plan.price_micros)
    if plan.confidence is Confidence.DISPUTED:
        price = say("common.at_most", price=price)
    key = "route.quote_sound" if plan.fit.audio else "route.quote"
    found = plan.fit
    return say(key, price=price, seconds=found.duration_s, resolution=found.resolution)


def fit_on(case: Case, model: Model, route: Route, stage: Stage) -> Fit | Unfit:
    if route.provider == LOCAL and not (
        stage is Stage.ANIMATIC or case.shelf.keyless or case.brief.model == model.id
    ):
        return Unfit(reason=say("route.storyboard"))
    return fit(model, route, case.brief, stage=stage, want=case.wish, video_s=case.video_s)


def mean_of(beliefs: Mapping[str, float]) -> float:
    return sum(beliefs[name] for name in QUALITIES) / len(QUALITIES)


class _Same:
    """A catalogue as a key: the very object, since its values cannot be hashed."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.catalogue is self.catalogue

    def __hash__(self) -> int:
        return id(self.catalogue)


@lru_cache(maxsize=16)
def _shelf(
    same: _Same,
    today: date,
    missing: tuple[tuple[str, str], ...],
    routes_off: tuple[tuple[tuple[str, str, str], str], ...],
) -> Shelf:
    now = Availability(today=today, missing=dict(missing), routes_off=dict(routes_off))
    goods = {name: _goods(model, now) for name, model in same.catalogue.models.items()}
    reasons = [
        reason for one in goods.values() for route, reason in one.routes if route.provider != LOCAL
    ]
    return Shelf(
        catalogue=same.catalogue,
        availability=now,
        goods=goods,
        keyless=not any(not reason or reason.startswith(PAUSED) for reason in reasons),
        shortest_prompt=min((one.shortest_prompt for one in goods.values()), default=0),
    )


def _goods(model: Model, now: Availability) -> Goods:
    beliefs = {name: model.strengths[name].value for name in QUALITIES}
    limits = [route.max_prompt_chars or model.max_prompt_chars for route in model.routes]
    return Goods(
        model=model,
        routes=tuple((route, offered(model, route, now)) for route in model.routes),
        beliefs=beliefs | {GENERAL: mean_of(beliefs)},
        unproven=frozenset(name for name in QUALITIES if model.strengths[name].source == "none"),
        shortest_prompt=min(limits, default=model.max_prompt_chars),
    )


def _wordless(brief: Brief) -> Brief:
    """What of a brief the judgement hangs on: no words, no files, nobody's data."""
    return replace(
        brief,
        prompt="",
        stage=None,
        seed=None if brief.seed is None else 0,
        negative="-" if brief.negative else None,
        inputs=tuple(MediaInput(role=media.role, mime="") for media in brief.inputs),
    )


@lru_cache(maxsize=256)
def _judged(case: Case, stage: Stage) -> Mapping[str, Verdict]:
    return {name: _verdict(case, one, stage) for name, one in case.shelf.goods.items()}


def _verdict(case: Case, goods: Goods, stage: Stage) -> Verdict:
    plans: list[tuple[Route, RoutePlan]] = []
    over: list[RoutePlan] = []
    unfit: list[str] = []
    model, cap = goods.model, case.max_price_micros
    for route, closed in goods.routes:
        if closed:
            continue
        found = fit_on(case, model, route, stage)
        if isinstance(found, Unfit):
            unfit.append(found.reason)
        elif cap is not None and found.price_micros > cap:
            over.append(_plan(route, found))
        else:
            plans.append((route, _plan(route, found)))
    if plans:
        return _usable(model, plans)
    if over:
        least = min(plan.price_micros for plan in over)
        reason = say("route.dear", price=usd(least), cap=usd(cap or 0))
        code = RefusalCode.TOO_EXPENSIVE
        return Verdict(model=model, over=tuple(over), code=code, reason=reason)
    if unfit:
        return Verdict(model=model, code=RefusalCode.UNFIT, reason=_joined(unfit))
    return _closed(case.shelf, goods)


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


def _usable(model: Model, plans: Sequence[tuple[Route, RoutePlan]]) -> Verdict:
    """The route that changes the brief least, then those that make the same for no more."""
    route, first = min(plans, key=lambda item: len(item[1].fit.adapted))
    clip = _clip(first.fit)
    follow = [
        plan
        for _, plan in plans
        if plan is not first and plan.price_micros <= first.price_micros and _clip(plan.fit) == clip
    ]
    return Verdict(
        model=model,
        plans=(first, *follow),
        retires=route.retires,
        said=(quote(first), *first.fit.adapted),
        price_micros=first.price_micros,
        local=first.provider == LOCAL,
    )


def _clip(found: Fit) -> tuple[int, str, str, bool]:
    return found.duration_s, found.aspect, found.resolution, found.audio


def _closed(shelf: Shelf, goods: Goods) -> Verdict:
    model, reasons = goods.model, [reason for _, reason in goods.routes]
    if status(model, shelf.availability) is Lifecycle.OFF:
        keys = _missing_keys(shelf.availability, model)
        return Verdict(model=model, code=RefusalCode.NO_KEY, reason=_joined(keys or reasons))
    ended_first = sorted(dict.fromkeys(reasons), key=lambda reason: "retired" not in reason)
    said = ended_first or [say("route.none")]
    heir = shelf.catalogue.models.get(model.successor or "")
    if heir is not None:
        said.append(say("route.heir", model=heir.name))
    return Verdict(model=model, code=RefusalCode.RETIRED, reason=join("; ", said))


def _missing_keys(availability: Availability, model: Model) -> Sequence[str]:
    """What those vendors lack whose routes would be offered otherwise."""
    unlocked = replace(availability, missing={})
    return [
        availability.missing[route.provider]
        for route in model.routes
        if route.provider in availability.missing and not offered(model, route, unlocked)
    ]


def _joined(parts: Iterable[str]) -> str:
    return join(say("off.or"), list(dict.fromkeys(part for part in parts if part)))

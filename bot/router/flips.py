"""What would turn the choice: the smallest change of stage, of price and of one category.

A change is found from the sums and then decided again, so that a flip says what would happen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from bot.brief import Stage
from bot.router.decision import CATEGORY_NAMES
from bot.router.ranking import PRICE_WEIGHT, TIE, Ask, Entry, Ranking, first_at, leader
from bot.router.verdicts import QUALITIES

__all__ = ["flips"]

NEIGHBOUR: Final[Mapping[Stage, Stage]] = {
    Stage.ANIMATIC: Stage.CONCEPT,
    Stage.CONCEPT: Stage.FINAL,
    Stage.FINAL: Stage.CONCEPT,
}
LARGEST_FACTOR: Final = 4.0  # a choice that only turns beyond these is firm
LARGEST_SHIFT: Final = 0.5


def flips(ask: Ask, ranking: Ranking, chosen: Entry) -> tuple[str, ...]:
    found = [_stage(ask, ranking, chosen)]
    if not chosen.local:
        found += [_price(ranking, chosen), _category(ask, ranking, chosen)]
    return tuple(flip for flip in found if flip)


def _stage(ask: Ask, ranking: Ranking, chosen: Entry) -> str:
    stage = NEIGHBOUR[ranking.stage]
    first = first_at(ask, stage)
    return f"at stage {stage}: {first.name}" if first and first.id != chosen.id else ""


def _price(ranking: Ranking, chosen: Entry) -> str:
    rivals = [entry for entry in ranking.models if entry.id != chosen.id]
    if not rivals or chosen.price_micros <= 0:
        return ""
    weight = PRICE_WEIGHT[ranking.stage]
    least = min(_factor(chosen, rival, weight) for rival in rivals)
    factor = (math.floor(least * 10) + 1) / 10
    winner = leader(
        (entry.score, entry.price_micros, entry.id)
        if entry.id != chosen.id
        else (entry.score - weight * math.log2(factor), entry.price_micros * factor, entry.id)
        for entry in ranking.models
    )
    if winner == chosen.id or factor > LARGEST_FACTOR:
        return ""
    return f"if {chosen.model.name} cost {factor:g}x as much: {ranking.entry(winner).model.name}"


def _factor(chosen: Entry, rival: Entry, weight: float) -> float:
    """How many times dearer the choice must be for this rival to win."""
    gap, ratio = chosen.score - rival.score, rival.price_micros / chosen.price_micros
    still_cheaper = 2 ** min((gap + TIE) / weight, 64.0)  # the rival must win clearly
    if still_cheaper <= ratio:
        return max(still_cheaper, 1.0)
    return max(2 ** min((gap - TIE) / weight, 64.0), ratio, 1.0)  # the rival need only tie


def _category(ask: Ask, ranking: Ranking, chosen: Entry) -> str:
    shifts = [
        shift
        for rival in ranking.models
        if rival.id != chosen.id
        for shift in _shifts(chosen, rival)
    ]
    if not shifts:
        return ""
    least, name = min(shifts)
    weight = ask.demand.get(name, 0.0)
    percent = math.floor(100 * (weight + least * (1 - weight))) + 1
    shift = (percent / 100 - weight) / (1 - weight)
    winner = leader(
        (
            entry.score + shift * (entry.standing.beliefs[name] - entry.standing.quality),
            entry.price_micros,
            entry.id,
        )
        for entry in ranking.models
    )
    if winner == chosen.id:
        return ""
    return f"with {CATEGORY_NAMES[name]} at {percent} %: {ranking.entry(winner).model.name}"


def _shifts(chosen: Entry, rival: Entry) -> Iterable[tuple[float, str]]:
    """How far all weights must lean towards one category before this rival wins, for each."""
    price = rival.price_micros - chosen.price_micros
    margin = -TIE if price > 0 else TIE if price < 0 else 0.0
    behind = max(chosen.score - rival.score - margin, 0.0)
    better = chosen.standing.quality - rival.standing.quality
    mine, theirs = chosen.standing.beliefs, rival.standing.beliefs
    for name in QUALITIES:
        slope = better - (mine[name] - theirs[name])
        if slope > 1e-9 and behind <= LARGEST_SHIFT * slope:
            yield behind / slope, name

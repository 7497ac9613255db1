"""What a server's blind votes have taught: its ranking, what that changes in the choice, its price.

A recount of the votes in the database; what is kept in memory is only the last count, and only as
long as the database says that no vote behind it has changed. How votes are cast is `comparing`'s
business, how they are counted `ranking`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from bot.models import Catalogue
from bot.ranking import OVERALL, Ranking, Row, Vote, preferences, ranking
from bot.router import Decision, Preference
from bot.router.verdicts import mean_of
from bot.store import AcceptedRow, Store

__all__ = ["Belief", "Taste", "TasteView"]

MATTERS: Final = 0.05  # the share of the weights from which a category is explained


@dataclass(frozen=True, kw_only=True, slots=True)
class TasteView:
    """A server's ranking, and what a second that was kept has cost by model and category."""

    ranked: Ranking
    costs: tuple[AcceptedRow, ...]
    steers: bool  # the settings let it decide

    def per_s_micros(self, model: str, category: str = OVERALL) -> float | None:
        """Micro-USD a second that was kept, overall or in one category; None: none was."""
        category = "" if category == OVERALL else category
        found = (c for c in self.costs if (c.model, c.category) == (model, category))
        row = next(found, None)
        return row.per_s_micros if row else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Belief:
    """One model in one category: what the catalogue says, and what votes have made of it."""

    category: str
    weight: float  # how much the brief asks for it
    model: str
    prior: float
    value: float  # the prior where votes do not steer
    low: float
    high: float
    votes: int
    wins: int
    ties: int
    separated: bool
    sentence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Counted:
    version: int  # of the votes
    ranked: Ranking
    taught: Mapping[str, Mapping[str, Preference]]


class Taste:
    """Rankings by server. Any call may raise `StoreBroken`."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._store = store
        self._strengths = {model.id: model.strengths for model in catalogue.models.values()}
        self._names = {model.id: model.name for model in catalogue.models.values()}
        self._counted: dict[str, _Counted] = {}

    async def ranking(self, scope: str) -> Ranking:
        """The count of a server's votes; costs one indexed read while nothing has changed."""
        return (await self._current(scope)).ranked

    async def _current(self, scope: str) -> _Counted:
        version = await self._store.plans.taste_version(scope)
        known = self._counted.get(scope)
        if known is None or known.version != version:
            # A tenth of a second for thousands of votes: not on the loop's time.
            ranked = await asyncio.to_thread(self.count, await self._store.comparisons.votes(scope))
            known = _Counted(version=version, ranked=ranked, taught=preferences(ranked))
            self._counted[scope] = known
        return known

    def count(self, votes: Collection[Vote]) -> Ranking:
        """The ranking that these votes alone would give."""
        return ranking(votes, self._strengths, self._names)

    def name(self, model: str) -> str:
        return self._names.get(model, model)

    async def preferences(self, scope: str) -> Mapping[str, Mapping[str, Preference]]:
        """What takes the place of built-in strengths in the choice; nothing where switched off."""
        counted = await self._current(scope)
        if not counted.taught or not (await self._store.rules.of(scope)).votes_steer:
            return {}
        return counted.taught

    async def view(self, scope: str) -> TasteView:
        """The ranking for people, also where it does not steer."""
        return TasteView(
            ranked=await self.ranking(scope),
            costs=tuple(await self._store.comparisons.cost_per_accepted_second(scope)),
            steers=(await self._store.rules.of(scope)).votes_steer,
        )

    async def explain(self, scope: str, decision: Decision) -> tuple[Belief, ...]:
        """Prior, votes and posterior of every candidate, by what the brief asks for most."""
        rows = {(row.model, row.category): row for row in (await self.ranking(scope)).rows}
        taught = await self.preferences(scope)
        demand = sorted(decision.weights.items(), key=lambda pair: -pair[1])
        return tuple(
            self._belief(category, weight, candidate.model, rows, taught)
            for category, weight in demand
            if weight >= MATTERS and category != "speed"
            for candidate in decision.candidates
        )

    def _belief(
        self,
        category: str,
        weight: float,
        model: str,
        rows: Mapping[tuple[str, str], Row],
        taught: Mapping[str, Mapping[str, Preference]],
    ) -> Belief:
        row = rows.get((model, category))
        prior = row.prior if row else self._prior(model, category)
        steered = taught.get(model, {}).get(category)
        return Belief(
            category=category,
            weight=weight,
            model=model,
            prior=prior,
            value=steered.value if steered else prior,
            low=row.low if row else prior,
            high=row.high if row else prior,
            votes=row.votes if row else 0,
            wins=row.wins if row else 0,
            ties=row.ties if row else 0,
            separated=bool(row and row.separated),
            sentence=steered.sentence if steered else "",
        )

    def _prior(self, model: str, category: str) -> float:
        """Of a model nobody has voted on: its strength, overall the mean of all."""
        strengths = self._strengths[model]
        if category in strengths:
            return strengths[category].value
        return mean_of({name: strength.value for name, strength in strengths.items()})

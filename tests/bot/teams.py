"""Teams whose true taste is known: they vote by it, and a ranking can be held against it.

As in the measurement the router's design rests on: six models, a built-in table that is wrong by
.6 logit (sd), and the prior alone agreeing with the truth at a Kendall tau of about .59.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

from bot.models import Strength
from bot.ranking import EDGE, Ranking, Vote
from bot.router.verdicts import QUALITIES

__all__ = ["FACES", "Team", "belief", "ballot", "kendall", "strengths", "team"]

FACES = "facial_expression"
TABLE_SD = 0.8  # logits between models in the table
WRONG_SD = 0.6  # logits between table and truth
PEOPLE = 6

Logits = Mapping[str, Mapping[str, float]]  # category -> model


@dataclass(frozen=True, kw_only=True, eq=False)
class Team:
    table: Logits
    truth: Logits
    seed: int

    @property
    def strengths(self) -> Mapping[str, Mapping[str, Strength]]:
        models = self.table[FACES]
        return strengths(
            {
                model: {name: belief(self.table[name][model]) for name in QUALITIES}
                for model in models
            }
        )

    def votes(self, count: int, categories: Sequence[str] = (FACES,), size: int = 2) -> list[Vote]:
        """Comparisons of random models, each judged by one of the team in one of `categories`."""
        random = Random(self.seed + 1)
        votes: list[Vote] = []
        for number in range(count):
            name = categories[number % len(categories)]
            shown = tuple(random.sample(sorted(self.truth[name]), size))
            odds = [math.exp(self.truth[name][model]) for model in shown]
            (choice,) = random.choices(shown, odds)
            votes.append(ballot(choice, shown, number, category=name, user_id=number % PEOPLE))
        return votes

    def tau(self, ranked: Ranking, category: str = FACES) -> float:
        return kendall(self.truth[category], [row.model for row in ranked.of(category)])


def team(seed: int, models: int = 6, shared: float = 0.0) -> Team:
    """`shared` is how much of the table's error a model has in all categories alike."""
    random = Random(seed)
    names = [f"m{number}" for number in range(models)]
    everywhere = {name: random.gauss(0, WRONG_SD * math.sqrt(shared)) for name in names}
    table = {name: {m: random.gauss(0, TABLE_SD) for m in names} for name in QUALITIES}
    truth = {
        name: {
            m: at + everywhere[m] + random.gauss(0, WRONG_SD * math.sqrt(1 - shared))
            for m, at in row.items()
        }
        for name, row in table.items()
    }
    return Team(table=table, truth=truth, seed=seed)


def ballot(
    choice: str,
    shown: Sequence[str],
    number: int = 0,
    *,
    category: str = FACES,
    user_id: int = 1,
    weight: float = 1.0,
) -> Vote:
    return Vote(
        comparison_id=f"c{number}",
        question=category,
        user_id=user_id,
        shown=tuple(shown),
        choice=choice,
        weights={category: weight},
    )


def belief(logit: float) -> float:
    """A strength that the ranking reads as this many logits."""
    return min(1.0, max(0.0, (1 / (1 + math.exp(-logit)) - EDGE) / (1 - 2 * EDGE)))


def strengths(values: Mapping[str, Mapping[str, float]]) -> Mapping[str, Mapping[str, Strength]]:
    return {
        model: {name: Strength(value=value, source="test") for name, value in row.items()}
        for model, row in values.items()
    }


def kendall(truth: Mapping[str, float], order: Sequence[str]) -> float:
    """Pairs in the right order minus pairs in the wrong one, over all pairs."""
    pairs = list(combinations(order, 2))
    return sum(1 if truth[a] > truth[b] else -1 for a, b in pairs) / len(pairs)

"""A team's own ranking: blind votes, with the catalogue's strengths as what is believed before.

Pure, and a recount each time: the same votes in any order give the same ranking, and votes that
are taken away leave no trace. Where votes are kept is the store's business, how a ranking steers
the choice the router's (`preferences` is in its shape), how it looks the presenter's.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Final

from bot._bradley_terry import Heat, Posterior, fit
from bot.brief import GENERAL
from bot.models import Strength
from bot.router import CATEGORY_NAMES, Preference
from bot.router.verdicts import QUALITIES, mean_of

__all__ = [
    "CAP",
    "NONE",
    "OVERALL",
    "POOL_BELOW",
    "TAU",
    "TIE",
    "Ranking",
    "Row",
    "Strengths",
    "Vote",
    "preferences",
    "questions_of",
    "ranking",
]

OVERALL: Final = GENERAL  # the question "which is best?"; every other question is a category
TIE: Final = "tie"  # as good as each other: half a win each
NONE: Final = "none"  # all bad: kept, but says nothing about who is better

TAU: Final = 2.0  # how firmly the catalogue is believed: its logits are off by about .7
CAP: Final = 10.0  # full votes of one person on one pair in one category
POOL_BELOW: Final = 20.0  # full votes; from here on a category stands on its own
LEND: Final = 0.5  # the share of the team's general leaning a category without votes takes over
MATTERS: Final = 0.15  # the weight from which a vote is named among a category's votes
SURE: Final = 1.645  # standard deviations: 95 % one way, 90 % both ways
AUDIBLE: Final = 0.005  # less would not change the second digit
# A strength of 1.0 is a 92 % belief, not certainty: five votes do not turn a step of the table,
# thirty can.
EDGE: Final = 0.08
KINDS: Final = (GENERAL, *QUALITIES)

Strengths = Mapping[str, Mapping[str, Strength]]  # model id -> category -> what is believed


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """One person's answer to one question of one comparison."""

    comparison_id: str
    question: str  # OVERALL or a category
    user_id: int
    shown: tuple[str, ...]  # the models that could be chosen
    choice: str  # one of them, TIE or NONE
    weights: Mapping[str, float]  # category -> how much this answer says about it


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One model in one category; beliefs are 0..1, as the catalogue's strengths."""

    model: str
    name: str
    category: str
    prior: float  # the catalogue's strength
    value: float  # what prior and votes say together
    sd: float
    low: float  # the 90 % interval around `value`, as against the others voted on
    high: float
    votes: int  # answers that showed it, "all bad" not counted
    wins: int
    ties: int
    separated: bool  # votes enough to tell it from the leader (the leader from the second)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranking:
    """Every model anyone voted on, in every category."""

    rows: tuple[Row, ...] = ()  # overall first, then the categories in their order; best first
    sentences: Mapping[str, str] = field(default_factory=dict[str, str])  # category -> the news
    votes: int = 0
    voters: int = 0
    all_bad: int = 0

    def of(self, category: str) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.category == category)


def ranking(
    votes: Iterable[Vote],
    strengths: Strengths,
    names: Mapping[str, str] | None = None,
    *,
    cap: float = CAP,
    pool_below: float = POOL_BELOW,
) -> Ranking:
    """Count the votes of one team. Models that are not in `strengths` any more are left out."""
    given = list(votes)
    usable = [cut for vote in given if (cut := _known(vote, strengths))]
    players = sorted({model for vote in usable for model in vote.shown})
    table = {model: _prior(strengths[model]) for model in players}
    posteriors = _posteriors(_marks(usable, cap), players, table, pool_below)
    rows: list[Row] = []
    sentences: dict[str, str] = {}
    for category in KINDS:
        tallies = _tallies(usable, category)
        standing = _Standing(players, posteriors[category], tallies)
        found = _rows(standing, category, table, names or {})
        rows += found
        if tallies:
            sentences[category] = _sentence(found)
    return Ranking(
        rows=tuple(rows),
        sentences=sentences,
        votes=len(usable),
        voters=len({vote.user_id for vote in usable}),
        all_bad=sum(vote.choice == NONE for vote in given),
    )


def preferences(ranked: Ranking) -> Mapping[str, Mapping[str, Preference]]:
    """By model and category, whatever the votes have changed: what the router takes as facts."""
    taught: dict[str, dict[str, Preference]] = defaultdict(dict)
    leaders: dict[str, Row] = {}
    for row in ranked.rows:
        if row.votes:
            leaders.setdefault(row.category, row)
        if row.votes or abs(row.value - row.prior) >= AUDIBLE:
            said = ranked.sentences.get(row.category, "")
            favourite = row.separated and leaders.get(row.category) is row
            if not row.votes:
                said = (
                    f"no votes {_for(row.category)} yet, judged by {ranked.votes} on other things"
                )
            elif not row.separated:
                said = f"not enough votes yet {_for(row.category)}: {_score(row)}"
            taught[row.model][row.category] = Preference(
                value=row.value,
                sentence=said,
                voted=bool(row.votes),
                wins=row.wins if favourite else 0,
                votes=row.votes if favourite else 0,
            )
    return taught


def questions_of(weights: Mapping[str, float], limit: int = 2) -> Mapping[str, Mapping[str, float]]:
    """The questions of a comparison, and what an answer to each says about which category.

    Best overall, then the categories the brief asks for most. What is asked by itself is not
    counted a second time through the overall answer.
    """
    demand = {name: weights.get(name, 0.0) for name in (*QUALITIES, GENERAL)}
    total = math.fsum(demand.values()) or 1.0
    demand = {name: weight / total for name, weight in demand.items() if weight > 0}
    order = sorted(demand, key=lambda name: (-demand[name], name))
    asked = [name for name in order if name != GENERAL and demand[name] >= MATTERS][:limit]
    overall = {name: weight for name, weight in demand.items() if name not in asked}
    rest = 1.0 - math.fsum(weight for name, weight in overall.items() if name != GENERAL)
    return {OVERALL: {**overall, GENERAL: rest}} | {name: {name: 1.0} for name in asked}


@dataclass(frozen=True, slots=True)
class _Mark:
    """What one vote says about one category, with two weights."""

    category: str
    counts_for: frozenset[str]  # its category; what was asked overall counts overall too
    shown: tuple[str, ...]
    choice: str
    mass: float  # where it counts
    common: float  # in what others borrow: all answers of a person to a comparison are one


@dataclass(frozen=True, slots=True)
class _Placed:
    """One category's fit: where each model started (logits), and how far it was moved."""

    start: Sequence[float]
    moved: Posterior


@dataclass(slots=True)
class _Tally:
    votes: int = 0
    wins: int = 0
    ties: int = 0


def _known(vote: Vote, strengths: Strengths) -> Vote | None:
    """The vote among the models we have; None when it says nothing about them."""
    shown = tuple(sorted({model for model in vote.shown if model in strengths}))
    if len(shown) < 2 or (vote.choice != TIE and vote.choice not in shown):
        return None
    return replace(vote, shown=shown)


def _marks(votes: Sequence[Vote], cap: float) -> list[_Mark]:
    """Votes by category; who voted more often on a pair than the cap is weighed down to it."""
    answers = Counter((vote.user_id, vote.comparison_id) for vote in votes)
    masses: dict[tuple[int, str, tuple[str, str]], list[float]] = defaultdict(list)
    for vote in votes:
        for category, weight in _weights(vote):
            for pair in combinations(vote.shown, 2):
                masses[vote.user_id, category, pair].append(weight)
    full = {key: math.fsum(weights) for key, weights in masses.items()}
    marks: list[_Mark] = []
    for vote in votes:
        for category, weight in _weights(vote):
            pairs = combinations(vote.shown, 2)
            most = max(full[vote.user_id, category, pair] for pair in pairs)
            mass = weight * min(1.0, cap / most)
            common = mass / answers[vote.user_id, vote.comparison_id]
            where = frozenset({category, GENERAL} if vote.question == OVERALL else {category})
            marks.append(_Mark(category, where, vote.shown, vote.choice, mass, common))
    return marks


def _weights(vote: Vote) -> list[tuple[str, float]]:
    return [(name, weight) for name in KINDS if (weight := vote.weights.get(name, 0.0)) > 0]


def _posteriors(
    marks: Sequence[_Mark],
    players: Sequence[str],
    table: Mapping[str, Mapping[str, float]],
    pool_below: float,
) -> Mapping[str, _Placed]:
    """A fit of each category, which borrows from the votes on everything else while it is thin."""
    prior = {name: [_logit(table[model][name]) for model in players] for name in KINDS}
    number = len(players)

    def leaning(own: Sequence[_Mark]) -> Sequence[float]:
        """How the team judges models elsewhere, beyond what the catalogue expected there."""
        mine = {id(mark) for mark in own}
        others = ((mark, mark.common) for mark in marks if id(mark) not in mine)
        return fit(number, _Heats(players, prior).of(others), TAU).shift

    general = leaning(())
    placed: dict[str, _Placed] = {}
    for category in KINDS:
        own = [mark for mark in marks if category in mark.counts_for]
        share = math.fsum(mark.mass for mark in own) / pool_below if pool_below else 1.0
        lent, by = LEND * max(0.0, 1.0 - share), general
        if own and lent:
            by = leaning(own)
        starts = {
            name: [at + lent * shift for at, shift in zip(prior[name], by, strict=True)]
            for name in KINDS
        }
        heats = _Heats(players, starts).of((mark, mark.mass) for mark in own)
        placed[category] = _Placed(starts[category], fit(number, heats, TAU))
    return placed


class _Heats:
    """Equal marks put together, whatever order they came in."""

    def __init__(self, players: Sequence[str], starts: Mapping[str, Sequence[float]]) -> None:
        self._number = {model: number for number, model in enumerate(players)}
        self._starts = starts

    def of(self, marks: Iterable[tuple[_Mark, float]]) -> list[Heat]:
        groups: dict[tuple[str, tuple[str, ...]], dict[str, list[float]]] = {}
        for mark, mass in marks:
            won = groups.setdefault((mark.category, mark.shown), defaultdict(list))
            for model in mark.shown if mark.choice == TIE else (mark.choice,):
                won[model].append(mass / len(mark.shown) if mark.choice == TIE else mass)
        return [self._heat(*key, groups[key]) for key in sorted(groups)]

    def _heat(
        self, category: str, shown: tuple[str, ...], won: Mapping[str, Sequence[float]]
    ) -> Heat:
        numbers = tuple(self._number[model] for model in shown)
        return Heat(
            shown=numbers,
            start=tuple(self._starts[category][number] for number in numbers),
            won=tuple(math.fsum(won.get(model, ())) for model in shown),
        )


def _tallies(votes: Iterable[Vote], category: str) -> Mapping[str, _Tally]:
    """Plain counts for people: answers to this question, or that say enough about it."""
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    for vote in votes:
        here = vote.weights.get(category, 0.0) >= MATTERS
        if vote.question == OVERALL if category == GENERAL else here:
            for model in vote.shown:
                tally = tallies[model]
                tally.votes += 1
                tally.wins += vote.choice == model
                tally.ties += vote.choice == TIE
    return tallies


class _Standing:
    """The models in one category: how they stand to each other, and how surely."""

    def __init__(
        self, players: Sequence[str], placed: _Placed, tallies: Mapping[str, _Tally]
    ) -> None:
        self.players = players
        self.tallies = tallies
        self.logits = [
            start + shift for start, shift in zip(placed.start, placed.moved.shift, strict=True)
        ]
        self._covariance = placed.moved.covariance
        self._voted = [number for number, model in enumerate(players) if model in tallies]
        self.order = sorted(range(len(players)), key=lambda n: (-self.logits[n], players[n]))
        self._contest = [number for number in self.order if number in self._voted]

    def sd(self, number: int) -> float:
        """Of the distance to the mean of those voted on: votes say nothing about a common level."""
        c, group = self._covariance, self._voted
        if number not in group:
            return math.sqrt(c[number][number])
        mean = math.fsum(c[number][other] for other in group) / len(group)
        level = math.fsum(c[a][b] for a in group for b in group) / len(group) ** 2
        return math.sqrt(max(0.0, c[number][number] - 2 * mean + level))

    def separated(self, number: int) -> bool:
        """Told from the leader, by votes that say at least as much as the catalogue does."""
        if number not in self._voted:
            return False
        leader, second = self._contest[:2]
        rival = second if number == leader else leader
        c = self._covariance
        variance = c[number][number] + c[rival][rival] - 2 * c[number][rival]
        gap = abs(self.logits[number] - self.logits[rival])
        return variance <= 1.0 / TAU and gap >= SURE * math.sqrt(variance)


def _rows(
    standing: _Standing,
    category: str,
    table: Mapping[str, Mapping[str, float]],
    names: Mapping[str, str],
) -> list[Row]:
    rows: list[Row] = []
    for number in standing.order:
        model, logit, sd = standing.players[number], standing.logits[number], standing.sd(number)
        tally = standing.tallies.get(model, _Tally())
        chance = 1.0 / (1.0 + math.exp(-logit))
        rows.append(
            Row(
                model=model,
                name=names.get(model, model),
                category=category,
                prior=table[model][category],
                value=_belief(logit),
                sd=sd * chance * (1.0 - chance) / (1.0 - 2 * EDGE),
                low=_belief(logit - SURE * sd),
                high=_belief(logit + SURE * sd),
                votes=tally.votes,
                wins=tally.wins,
                ties=tally.ties,
                separated=standing.separated(number),
            )
        )
    return rows


def _prior(strengths: Mapping[str, Strength]) -> Mapping[str, float]:
    values = {name: strengths[name].value for name in QUALITIES}
    return values | {GENERAL: mean_of(values)}


def _logit(belief: float) -> float:
    chance = EDGE + (1.0 - 2 * EDGE) * belief
    return math.log(chance / (1.0 - chance))


def _belief(logit: float) -> float:
    """The inverse of `_logit`: without votes exactly the catalogue's strength comes back."""
    chance = 1.0 / (1.0 + math.exp(-logit))
    return min(1.0, max(0.0, (chance - EDGE) / (1.0 - 2 * EDGE)))


def _sentence(rows: Sequence[Row]) -> str:
    """The news of a category that has votes."""
    leader = _leader(rows)
    others = [row for row in rows if row.votes and row is not leader]
    if leader.separated:
        return f"your team prefers {leader.name} {_for(leader.category)}: {_score(leader)}"
    scores = ", ".join(f"{row.name} {_score(row)}" for row in (leader, *others))
    return f"not enough votes yet {_for(leader.category)}: {scores}"


def _leader(rows: Sequence[Row]) -> Row:
    return next(row for row in rows if row.votes)


def _score(row: Row) -> str:
    ties = "" if not row.ties else f" ({row.ties} tie{'s' * (row.ties > 1)})"
    return f"{row.wins} of {row.votes}{ties}"


def _for(category: str) -> str:
    return "overall" if category == GENERAL else f"for {CATEGORY_NAMES[category]}"

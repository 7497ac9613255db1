"""The team's ranking: what votes may change, what they may not, and whether it finds the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from random import Random
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.brief import GENERAL, Brief
from bot.catalogue import builtin_text, load
from bot.classifier import classify
from bot.models import Availability, Strength
from bot.ranking import (
    CAP,
    EDGE,
    NONE,
    OVERALL,
    POOL_BELOW,
    TAU,
    TIE,
    Ranking,
    Vote,
    preferences,
    questions_of,
    ranking,
)
from bot.router import Facts, decide
from bot.router.verdicts import QUALITIES
from tests.bot.make import NOW
from tests.bot.teams import FACES, Team, ballot, belief, kendall, strengths, team

CATALOGUE = load(builtin_text(), None)
TABLE: Mapping[str, Mapping[str, Strength]] = {
    model.id: model.strengths for model in CATALOGUE.models.values()
}
NAMES = {model.id: model.name for model in CATALOGUE.models.values()}
SORA, KLING = "sora-2-pro", "kling-v3"
PAIR = (SORA, KLING)
EVEN = strengths({name: dict.fromkeys(QUALITIES, 0.5) for name in ("a", "b", "c", "d")})
TEAMS = 300


def duel(
    winner: str, wins: int, count: int, category: str = FACES, pair: Sequence[str] = PAIR
) -> list[Vote]:
    """`count` votes of six people, `wins` of them for `winner`."""
    (loser,) = set(pair) - {winner}
    return [
        ballot(winner if n < wins else loser, pair, n, category=category, user_id=n % 6)
        for n in range(count)
    ]


def value(ranked: Ranking, model: str, category: str = FACES) -> float:
    return next(row.value for row in ranked.of(category) if row.model == model)


def first(ranked: Ranking, category: str = FACES) -> str:
    return ranked.of(category)[0].model


def test_without_votes_there_is_no_ranking_and_nothing_changes() -> None:
    ranked = ranking([], TABLE)

    assert ranked == Ranking()
    assert preferences(ranked) == {}


def test_what_nobody_voted_on_keeps_the_built_in_strength_exactly() -> None:
    ranked = ranking([ballot(TIE, ("a", "b"))], EVEN)

    assert [row.value for row in ranked.rows] == pytest.approx([row.prior for row in ranked.rows])
    assert {row.model for row in ranked.rows} == {"a", "b"}


@pytest.mark.parametrize("strength", [0.0, 0.4, 0.7, 1.0])
def test_a_strength_comes_back_as_it_went_in(strength: float) -> None:
    table = strengths({name: dict.fromkeys(QUALITIES, strength) for name in ("a", "b")})

    assert value(ranking([ballot(TIE, ("a", "b"))], table), "a") == pytest.approx(strength)


def test_a_tie_is_half_a_win_each() -> None:
    ties = ranking([ballot(TIE, ("a", "b"), n) for n in range(4)], EVEN)
    halves = ranking(duel("a", 2, 4, pair=("a", "b")), EVEN)

    assert value(ties, "a") == pytest.approx(value(halves, "a"))
    assert [row.sd for row in ties.of(FACES)] == pytest.approx([row.sd for row in halves.of(FACES)])


def test_all_bad_is_kept_and_says_nothing_about_who_is_better() -> None:
    votes = duel(KLING, 3, 4)
    more = ranking([*votes, ballot(NONE, PAIR, 9, user_id=9)], TABLE)

    assert more.all_bad == 1
    assert replace(more, all_bad=0) == ranking(votes, TABLE)


def test_a_choice_among_three_is_one_choice() -> None:
    """Counted as two duels it would move the losers further from each other's prior than it may."""
    ranked = ranking([ballot("a", ("a", "b", "c"))], EVEN)

    assert value(ranked, "a") > 0.5
    assert value(ranked, "b") == pytest.approx(value(ranked, "c"))
    assert ranked.of(FACES)[0].votes == 1


def test_the_best_values_are_where_the_slope_is_flat() -> None:
    """One pair by hand: 14 and 5 wins, both at 0 before; the slope of the sum we maximise."""
    ranked = ranking(duel("a", 14, 19, pair=("a", "b")), EVEN, cap=99)
    chance = EDGE + (1 - 2 * EDGE) * value(ranked, "a")
    logit = math.log(chance / (1 - chance))  # of one, the other has the opposite

    expected = 1 / (1 + math.exp(-2 * logit))
    assert 14 * (1 - expected) - 5 * expected - TAU * logit == pytest.approx(0.0, abs=1e-9)
    assert value(ranked, "a") + value(ranked, "b") == pytest.approx(1.0)


def test_the_deviation_is_what_the_curve_at_the_top_leaves_open() -> None:
    """Even votes: the gap has precision n / 4 + tau / 2, each stands half of it from the mean."""
    ranked = ranking(duel("a", 8, 16, pair=("a", "b")), EVEN, cap=99)
    gap_sd = 1 / math.sqrt(16 / 4 + TAU / 2)

    assert ranked.of(FACES)[0].sd == pytest.approx(gap_sd / 2 * 0.25 / (1 - 2 * EDGE))


def test_a_vote_counts_into_its_categories_by_weight() -> None:
    whole = ranking([ballot("a", ("a", "b"))], EVEN, pool_below=0)
    parts = [ballot("a", ("a", "b"), n, user_id=n, weight=0.25) for n in range(4)]

    assert value(ranking(parts, EVEN, pool_below=0), "a") == pytest.approx(value(whole, "a"))


def test_a_model_that_is_gone_takes_no_one_elses_votes_along() -> None:
    old = [ballot("gone", ("gone", "a")), ballot("a", ("a", "b", "gone"), 1)]

    assert ranking(old, EVEN).votes == 1
    assert value(ranking(old, EVEN), "a") == value(ranking([ballot("a", ("a", "b"))], EVEN), "a")


@pytest.mark.parametrize(
    ("category", "favourite"),
    [
        ("human_motion", KLING),
        ("fluid_physics", SORA),
        ("environment", SORA),
        ("multi_character", KLING),
        ("image_to_video", KLING),
        ("camera_motion", SORA),
    ],
)
def test_thirty_votes_at_70_to_30_turn_the_table_and_five_do_not(
    category: str, favourite: str
) -> None:
    other = SORA if favourite == KLING else KLING
    assert TABLE[favourite][category].value > TABLE[other][category].value

    assert first(ranking(duel(other, 21, 30, category), TABLE), category) == other
    for wins in (3, 4):  # 3.5 of 5 is 70:30
        assert first(ranking(duel(other, wins, 5, category), TABLE), category) == favourite


def test_the_whole_router_turns_with_the_team() -> None:
    def chosen(votes: Sequence[Vote]) -> str:
        facts = Facts(preferences=preferences(ranking(votes, TABLE, NAMES)))
        prompt = "a close-up of a dancer mid-performance, spinning and jumping"
        brief = Brief(prompt=prompt)
        now = Availability(today=NOW.date(), missing={})
        decision = decide(brief, classify(prompt), CATALOGUE, now, facts=facts)
        order = [one.model for one in decision.candidates if one.model in PAIR]
        return order[0]

    votes = duel(SORA, 28, 30, "human_motion")
    assert chosen([]) == KLING
    assert chosen(votes[:3]) == KLING
    assert chosen(votes) == SORA


def test_the_news_is_said_once_the_votes_tell_them_apart() -> None:
    soon = ranking(duel(KLING, 3, 5), TABLE, NAMES)
    later = ranking(duel(KLING, 14, 19), TABLE, NAMES)

    assert soon.sentences[FACES] == (
        "not enough votes yet for facial expression: Kling v3 Video 3 of 5, Sora 2 Pro 2 of 5"
    )
    assert later.sentences[FACES] == (
        "your team prefers Kling v3 Video for facial expression: 14 of 19"
    )
    assert [row.separated for row in later.of(FACES)] == [True, True]


def test_what_only_the_catalogue_says_is_no_news() -> None:
    """A wide gap in the table and one vote along with it: the team has not spoken."""
    ranked = ranking(duel(SORA, 1, 1, "fluid_physics"), TABLE, NAMES)

    assert not any(row.separated for row in ranked.rows)
    assert ranked.sentences["fluid_physics"].startswith("not enough votes yet")


def test_an_even_vote_never_tells_them_apart() -> None:
    ranked = ranking(duel("a", 30, 60, pair=("a", "b")), EVEN)

    assert not any(row.separated for row in ranked.rows)


def test_ties_and_the_overall_question_are_said_in_words() -> None:
    votes = [ballot(TIE if n < 2 else "a", ("a", "b"), n, user_id=n) for n in range(20)]
    overall = [replace(vote, question=OVERALL, weights={GENERAL: 1.0}) for vote in votes]

    assert ranking(overall, EVEN).sentences[GENERAL] == (
        "your team prefers a overall: 18 of 20 (2 ties)"
    )


def test_preferences_say_for_each_model_whence_they_come() -> None:
    likes = preferences(ranking(duel(KLING, 17, 19), TABLE, NAMES))
    kling, sora = likes[KLING], likes[SORA]

    assert kling[FACES].sentence == sora[FACES].sentence
    assert kling[FACES].value > TABLE[KLING][FACES].value
    assert sora[FACES].value < TABLE[SORA][FACES].value
    assert kling["style"].sentence == "no votes for style yet, judged by 19 on other things"
    assert set(likes) == set(PAIR)


def test_few_votes_are_preferences_that_say_so() -> None:
    likes = preferences(ranking(duel(KLING, 2, 3), TABLE, NAMES))

    assert likes[SORA][FACES].sentence == "not enough votes yet for facial expression: 1 of 3"


def test_a_thin_category_borrows_and_one_with_twenty_votes_stands_on_its_own() -> None:
    elsewhere = duel("a", 40, 40, "style", ("a", "b"))
    own = duel("a", 10, 20, FACES, ("a", "b"))
    own = [replace(vote, comparison_id=f"own{n}") for n, vote in enumerate(own)]

    assert value(ranking(elsewhere, EVEN), "a") > 0.55
    assert value(ranking([*elsewhere, *own], EVEN), "a") == pytest.approx(0.5)
    assert value(ranking([*elsewhere, *own[:4]], EVEN, pool_below=0), "a") == value(
        ranking(own[:4], EVEN, pool_below=0), "a"
    )


def test_the_nineteenth_and_the_twentieth_vote_do_not_make_it_jump() -> None:
    elsewhere = duel("a", 40, 40, "style", ("a", "b"))
    ties = [ballot(TIE, ("a", "b"), 100 + n, user_id=n) for n in range(22)]
    values = [value(ranking([*elsewhere, *ties[:n]], EVEN), "a") for n in range(23)]

    assert values == sorted(values, reverse=True)
    assert max(before - after for before, after in pairwise(values[18:])) < 0.005


def test_being_right_about_the_table_elsewhere_is_no_general_merit() -> None:
    """Sora wins water as the table says it will: that is no reason to think more of its faces."""
    share = 1 - EDGE
    expected = share / (1 - share) * 0.584 / 0.416  # odds of 1.0 against .4
    votes = [
        ballot(model, PAIR, n, category="fluid_physics", user_id=n, weight=weight)
        for n in range(10)
        for model, weight in ((SORA, expected / (1 + expected)), (KLING, 1 / (1 + expected)))
    ]
    moved = ranking(votes, TABLE)

    assert value(moved, SORA) == pytest.approx(TABLE[SORA][FACES].value)


def test_answers_to_several_questions_are_one_opinion_elsewhere() -> None:
    """Three answers of a person to one comparison are lent as one answer is."""
    one = [ballot("a", ("a", "b"), 0)]
    three = [ballot("a", ("a", "b"), 0, category=name) for name in (GENERAL, FACES, "style")]

    lent = value(ranking(one, EVEN), "a", "human_motion")
    assert value(ranking(three, EVEN), "a", "human_motion") == pytest.approx(lent)
    assert lent > 0.5


def test_what_was_asked_overall_decides_overall() -> None:
    """On a brief about faces too, and whatever was answered to other questions."""
    asked = duel("a", 30, 40, FACES, ("a", "b"))
    overall = [replace(vote, question=OVERALL) for vote in asked]
    others = [
        replace(vote, comparison_id=f"o{n}")
        for n, vote in enumerate(duel("b", 40, 40, "style", ("a", "b")))
    ]

    assert value(ranking([*overall, *others], EVEN), "a", GENERAL) == pytest.approx(
        value(ranking(asked, EVEN), "a", FACES)
    )


def test_one_person_weighs_no_more_than_the_cap() -> None:
    many = [ballot("a", ("a", "b"), n) for n in range(200)]
    allowed = many[: int(CAP)]

    assert value(ranking(many, EVEN), "a") == pytest.approx(value(ranking(allowed, EVEN), "a"))
    assert ranking(many, EVEN).of(FACES)[0].votes == 200


def test_the_cap_is_per_pair_so_that_other_votes_of_a_person_count() -> None:
    many = [ballot("a", ("a", "b"), n) for n in range(50)]
    others = [ballot("c", ("c", "d"), 100 + n) for n in range(5)]

    assert value(ranking([*many, *others], EVEN, pool_below=0), "c") == pytest.approx(
        value(ranking(others, EVEN, pool_below=0), "c")
    )


MODELS = ("a", "b", "c", "d")
VOTES = st.lists(
    st.builds(
        lambda shown, at, user_id, category, weight, number: ballot(
            (*shown, TIE, NONE)[at % (len(shown) + 2)],
            shown,
            number,
            category=category,
            user_id=user_id,
            weight=weight,
        ),
        st.permutations(MODELS).flatmap(
            lambda order: st.integers(2, 4).map(lambda size: tuple(order[:size]))
        ),
        st.integers(0, 5),
        st.integers(1, 4),
        st.sampled_from((FACES, "style", "human_motion", GENERAL)),
        st.sampled_from((0.2, 0.5, 1.0)),
        st.integers(0, 6),
    ),
    max_size=40,
)


@settings(max_examples=60)
@given(VOTES, st.randoms(use_true_random=False))
def test_the_order_of_votes_does_not_matter(votes: list[Vote], random: Random) -> None:
    shuffled = list(votes)
    random.shuffle(shuffled)

    assert ranking(shuffled, EVEN, cap=2) == ranking(votes, EVEN, cap=2)


@settings(max_examples=60)
@given(VOTES)
def test_beliefs_stay_beliefs_and_intervals_hold_them(votes: list[Vote]) -> None:
    ranked = ranking(votes, EVEN)

    assert len(ranked.rows) == len({row.model for row in ranked.rows}) * (len(QUALITIES) + 1)
    for row in ranked.rows:
        assert 0.0 <= row.low <= row.value <= row.high <= 1.0
        assert 0.0 < row.sd < 0.5
        assert row.wins + row.ties <= row.votes


@settings(max_examples=30)
@given(VOTES, st.sampled_from(MODELS))
def test_one_more_win_never_lowers_the_winner(votes: list[Vote], winner: str) -> None:
    (loser, *_) = (model for model in MODELS if model != winner)
    base = [*votes, ballot(TIE, (winner, loser), 90, user_id=90)]
    more = [*base, ballot(winner, (winner, loser), 91, user_id=91)]

    before = value(ranking(base, EVEN, pool_below=0), winner)
    assert value(ranking(more, EVEN, pool_below=0), winner) >= before - 1e-9


@pytest.mark.parametrize(
    ("weights", "questions"),
    [
        ({"general": 1.0}, {OVERALL: {GENERAL: 1.0}}),
        ({}, {OVERALL: {GENERAL: 1.0}}),
        (
            {FACES: 0.45, "speed": 0.1, "style": 0.36, "human_motion": 0.09},
            {
                OVERALL: {GENERAL: 0.9, "human_motion": 0.1},
                FACES: {FACES: 1.0},
                "style": {"style": 1.0},
            },
        ),
    ],
)
def test_what_is_asked_by_itself_is_not_counted_twice(
    weights: Mapping[str, float], questions: Mapping[str, Mapping[str, float]]
) -> None:
    asked = questions_of(weights)

    assert asked.keys() == questions.keys()
    for name, share in questions.items():
        assert asked[name] == pytest.approx(share)


@pytest.fixture(scope="module")
def teams() -> list[Team]:
    return [team(seed) for seed in range(TEAMS)]


def test_the_prior_alone_is_as_good_as_in_the_measurement(teams: list[Team]) -> None:
    alone = [
        kendall(one.truth[FACES], sorted(one.table[FACES], key=lambda m: -one.table[FACES][m]))
        for one in teams
    ]

    assert mean(alone) == pytest.approx(0.59, abs=0.03)


@pytest.mark.parametrize(("count", "reached"), [(30, 0.68), (120, 0.78)])
def test_votes_find_the_true_order(teams: list[Team], count: int, reached: float) -> None:
    found = [one.tau(_after(one, count)) for one in teams]

    assert mean(found) >= reached + 0.02


@cache
def _after(one: Team, count: int) -> Ranking:
    return ranking(one.votes(count), one.strengths)


def test_choices_among_four_find_it_too(teams: list[Team]) -> None:
    found = [one.tau(ranking(one.votes(30, size=4), one.strengths)) for one in teams]

    assert mean(found) >= 0.70


def test_borrowing_helps_where_taste_is_partly_the_same_everywhere() -> None:
    seen, unseen = QUALITIES[:5], QUALITIES[6]
    alike = [team(seed, shared=0.5) for seed in range(80)]

    def found(pool_below: float) -> tuple[float, float]:
        ranked = [
            (one, ranking(one.votes(40, seen), one.strengths, pool_below=pool_below))
            for one in alike
        ]
        return (
            mean(one.tau(rank, name) for one, rank in ranked for name in seen),
            mean(one.tau(rank, unseen) for one, rank in ranked),
        )

    alone, together = found(0), found(POOL_BELOW)
    assert together[0] >= alone[0] + 0.005
    assert together[1] >= alone[1] + 0.03


def test_what_is_said_to_be_preferred_is_preferred(teams: list[Team]) -> None:
    said: list[bool] = []
    for one in teams:
        truth = one.truth[FACES]
        leader, second, *_ = _after(one, 120).of(FACES)
        if leader.separated:
            said.append(truth[leader.model] > truth[second.model])

    assert len(said) >= TEAMS / 5
    assert mean(said) >= 0.93


def test_a_simulated_teams_logits_and_the_rankings_mean_the_same() -> None:
    table = {"a": belief(1.0), "b": belief(0.0)}
    share = 1 / (1 + math.exp(-1.0))  # votes just as that table expects them
    votes = [
        ballot("a", tuple(table), 0, weight=share),
        ballot("b", tuple(table), 1, weight=1 - share),
    ]
    ranked = ranking(votes, strengths({m: dict.fromkeys(QUALITIES, v) for m, v in table.items()}))

    assert value(ranked, "a") == pytest.approx(belief(1.0))

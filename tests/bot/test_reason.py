"""Why a model is chosen, for people: one short line, true to the sum, without its numbers."""

from __future__ import annotations

import re

import pytest

from bot.brief import CATEGORIES, Brief, Stage
from bot.catalogue import builtin_text, load
from bot.classifier import classify
from bot.models import Strength
from bot.router import Decision, Facts, Preference, decide
from bot.texts import Text, Tongue
from tests.bot.test_router import (
    EVEN,
    PAIR,
    RAIN,
    STORYBOARD,
    asking,
    available,
    catalogue,
    choose,
    model,
    route,
)


def rivals(dear: float, cheap: float, *, usd: tuple[float, float] = (0.4, 0.2)) -> Decision:
    """Two models at style: one dear and one cheap."""
    models = catalogue(
        model("dear", route("a", usd[0]), beliefs=EVEN | {"style": dear}),
        model("cheap", route("b", usd[1]), beliefs=EVEN | {"style": cheap}),
    )
    return choose(asking(style=1.0, words={"style": ("ink", "anime", "noir")}), models)


def test_the_best_is_named_by_what_it_is_best_at_with_two_words_at_most() -> None:
    assert rivals(1.0, 0.1).reason == "best here for style (ink, anime)"
    assert choose(RAIN).reason == "best here for fluids and particles (rain)"


@pytest.mark.parametrize(
    ("usd", "said"),
    [
        ((0.4, 0.2), "nearly as good as Dear and about half the price"),
        ((0.4, 0.1), "nearly as good as Dear and a third of the price or less"),
        ((0.4, 0.3), "nearly as good as Dear and cheaper ($1.50 against $2.00)"),
    ],
)
def test_who_is_nearly_as_good_is_chosen_for_its_price(usd: tuple[float, float], said: str) -> None:
    assert rivals(0.52, 0.5, usd=usd).reason == said


def test_a_large_gap_is_not_called_nearly() -> None:
    found = rivals(0.7, 0.5, usd=(0.8, 0.05))
    assert found.reason == "better value; Dear would be stronger for style, at $4.00"


def test_who_asks_for_a_model_reads_what_another_would_be_better_at() -> None:
    dancer = asking(human_motion=1.0, words={"human_motion": ("dancer",)})
    asked = choose(dancer, model="sora-2-pro")
    fine = choose(dancer, model="kling-v3")
    free = choose(dancer, model="kling-v3", stage=Stage.ANIMATIC)
    assert asked.reason == ("as you asked; Kling V3 would be stronger for human movement, at $0.50")
    assert fine.reason == "as you asked, and best here for human movement (dancer)"
    assert free.reason == "as you asked; the storyboard would be free"


def test_who_asks_for_a_dear_model_reads_of_the_better_buy() -> None:
    models = catalogue(model("dear", route("a", 0.4)), model("cheap", route("b", 0.1)))
    found = choose(asking(style=1.0), models, model="dear")
    assert found.reason == "as you asked; Cheap would be the better buy, at $0.50"


def test_a_teams_votes_speak_for_its_favourite_alone() -> None:
    liked = Preference(value=1.0, sentence="s", wins=14, votes=19)
    open_yet = Preference(value=1.0, sentence="s")
    likes = Facts(preferences={"kling-v3": {"fluid_physics": liked}})
    unsure = Facts(preferences={"kling-v3": {"fluid_physics": open_yet}})
    water = asking(fluid_physics=1.0)
    assert choose(water, facts=likes, missing={"openai": "no key"}).reason == (
        "your team prefers Kling V3 for fluids and particles: 14 of 19"
    )
    assert "team" not in choose(water, facts=unsure, missing={"openai": "no key"}).reason


def test_what_nobody_has_tried_is_worth_a_compare() -> None:
    unknown = {name: Strength(value=0.5, source="none") for name in CATEGORIES}
    models = catalogue(
        model("a", route("x"), strengths=unknown), model("b", route("y"), strengths=unknown)
    )
    assert choose(asking(style=1.0), models).reason == (
        "no model has evidence for style yet, worth a compare"
    )


def test_one_model_alone_and_a_storyboard_say_so() -> None:
    alone = catalogue(PAIR.models["kling-v3"], STORYBOARD)
    none = {"openai": "no key", "kling": "no key"}
    assert choose(RAIN, alone).reason == "the only model that can make this here now"
    assert choose(RAIN, stage=Stage.ANIMATIC).reason == (
        "a free storyboard, no AI model; stage concept makes a clip"
    )
    assert choose(RAIN, missing=none).reason.startswith("a free storyboard: no vendor")


def test_a_refusal_has_no_reason_of_a_choice() -> None:
    assert choose(RAIN, model="nobody").reason == ""


PROMPTS = (
    "a dancer spins in the rain, slow dolly",
    "a paper boat crossing a puddle, low angle",
    "close-up of a woman crying",
    "anime city at night, neon",
    "two friends argue while they cook",
    "a car",
)


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("asked", [None, "sora-2", "kling-v3"])
@pytest.mark.parametrize("stage", [Stage.CONCEPT, Stage.FINAL])
def test_a_reason_of_the_real_catalogue_is_short_and_without_scores(
    prompt: str, asked: str | None, stage: Stage
) -> None:
    brief = Brief(prompt=prompt, model=asked, stage=stage)
    found = decide(brief, classify(prompt), load(builtin_text(), None), available()).reason
    german = Tongue("de").of(found)
    assert isinstance(found, Text)
    assert 0 < len(found) <= 110
    assert len(german) <= 140
    assert german != found
    assert not re.search(r"[+-]?0\.\d\d(?!\d)", found.replace("$0", "")), found

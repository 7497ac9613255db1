"""Prompt craft per family: what is missing, why, and never more than three hints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.advice import MAX_HINTS, advise
from bot.brief import CATEGORIES, GENERAL

FLUID = {"fluid_physics": 1.0}
HUMAN = {"human_motion": 1.0}


def sora(prompt: str, *, duration_s: int = 10, weights: dict[str, float] | None = None) -> str:
    hints = advise(
        prompt, family="sora", duration_s=duration_s, has_image=False, weights=weights or {}
    )
    return "\n".join(hints)


def kling(
    prompt: str, *, duration_s: int = 5, has_image: bool = True, has_motion: bool = True
) -> str:
    hints = advise(
        prompt,
        family="kling",
        duration_s=duration_s,
        has_image=has_image,
        has_motion=has_motion,
        weights=HUMAN,
    )
    return "\n".join(hints)


@pytest.mark.parametrize(
    ("prompt", "hint"),
    [
        ("the dog running very fast, slow push in", "No setting or light is named"),
        ("a kitchen in low afternoon sun where the dog sleeps", "No camera is named"),
        ("sunlight from the left, the tide slowly turning", "No setting is named"),
        ("in the kitchen the kettle is whistling", "No light is named"),
        (
            "water pouring into a glass on a table in afternoon sun",
            'The action ("pouring") comes first',
        ),
        (
            "on a hill at dusk the camera pushes: push, tilt, orbit and zoom on the tower",
            "4 camera moves are named (push, tilt, zoom, orbit)",
        ),
    ],
)
def test_sora_hint_names_what_is_missing_when_the_prompt_is_english(prompt: str, hint: str) -> None:
    assert hint in sora(prompt)


def test_sora_prompt_gets_no_hint_when_it_follows_the_craft() -> None:
    prompt = (
        "on a wooden bar in low golden light from the left, heavy translucent amber whisky in a"
        " thick glass, then ice dropping with a slow splash, slow push in"
    )
    assert sora(prompt, weights=FLUID) == ""


def test_camera_is_not_missed_when_the_words_already_ask_for_camera_motion() -> None:
    prompt = "in the market at dusk, walk through from the left"
    assert "No camera" in sora(prompt)
    assert "No camera" not in sora(prompt, weights={"camera_motion": 0.3})


@pytest.mark.parametrize(("duration_s", "asked"), [(5, True), (9, True), (10, False), (20, False)])
def test_sora_is_asked_for_ten_seconds_when_the_take_is_shorter(
    duration_s: int, asked: bool
) -> None:
    assert ("at least 10 s" in sora("in the dark", duration_s=duration_s)) is asked


def test_physical_descriptors_are_asked_for_when_physics_weighs_and_none_is_named() -> None:
    prompt = "in the harbour at dusk the waves under the pier, slow push in"
    assert "No force or direction" in sora(prompt, weights=FLUID)
    assert "No force or direction" not in sora(prompt, weights={"style": 1.0})
    assert "No force or direction" not in sora(f"{prompt}, wind from the left", weights=FLUID)


def test_product_hint_names_only_the_missing_qualities() -> None:
    hint = sora("on a shelf, the perfume bottle of frosted glass turning, slow push in")
    assert "For the perfume, also name its weight and light" in hint


def test_kling_asks_for_biomechanics_when_the_body_is_not_described() -> None:
    assert "how the body moves" in kling("a dancer spinning with the music")
    assert "how the body moves" not in kling("a dancer spinning, weight on the left heel")


def test_kling_offers_reference_still_and_short_tries_only_where_missing() -> None:
    full = kling("舞者在雨中旋转", duration_s=10, has_image=False, has_motion=False)
    assert [word in full for word in ("Iterate short", "reference video", "still")] == [True] * 3
    assert kling("舞者在雨中旋转") == ""


@pytest.mark.parametrize(
    "prompt",
    [
        "水倒入木桌上的玻璃杯,缓慢推近,午后阳光",
        "El agua cae en un vaso sobre la mesa de madera, la cámara se acerca",
        "Wasser fließt in ein Glas auf dem Tisch und die Kamera fährt heran",
        "nước rót vào ly trên bàn gỗ, máy quay tiến chậm",
        "вода льётся в стакан на столе, камера медленно приближается",
    ],
)
def test_no_english_words_are_missed_when_the_prompt_is_not_english(prompt: str) -> None:
    assert sora(prompt, weights=FLUID) == ""
    assert "at least 10 s" in sora(prompt, duration_s=5, weights=FLUID)


def test_short_prompt_in_any_script_is_told_what_this_family_needs() -> None:
    assert "very short" in sora("舞者在雨中旋转")


def test_unknown_family_gets_no_advice() -> None:
    assert advise("x", family="", duration_s=5, has_image=False, weights=HUMAN) == ()


@given(
    prompt=st.text(max_size=300),
    family=st.sampled_from(["sora", "kling", "", "veo"]),
    duration_s=st.integers(1, 60),
    has_image=st.booleans(),
    weights=st.dictionaries(st.sampled_from([*CATEGORIES, GENERAL]), st.floats(0, 1)),
)
def test_advice_is_always_at_most_three_sentences(
    prompt: str, family: str, duration_s: int, has_image: bool, weights: dict[str, float]
) -> None:
    hints = advise(
        prompt, family=family, duration_s=duration_s, has_image=has_image, weights=weights
    )
    assert len(hints) <= MAX_HINTS
    assert all(hint.endswith(".") and "\n" not in hint for hint in hints)

"""Words about a take: options where they name options, the rest honestly into the prompt."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.brief import Brief, Stage
from bot.refine import Made, Refinement, refine, refined

MADE = Made(
    prompt="a woman in rain",
    model="sora-2",
    duration_s=8,
    offered_s=(4, 8, 12),
    models={
        "kling-v3": ("Kling v3 Video", "Kling"),
        "veo-3.1": ("Veo 3.1", "Veo"),
        "sora-2": ("Sora 2", "Sora"),
    },
)


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("longer", {"duration_s": 12.0}),
        ("Make it a bit longer, please!", {"duration_s": 12.0}),
        ("shorter", {"duration_s": 4.0}),
        ("10 seconds", {"duration_s": 10.0}),
        ("make it 12s long", {"duration_s": 12.0}),
        ("vertical", {"aspect": "9:16"}),
        ("make it square", {"aspect": "1:1"}),
        ("in 21:9", {"aspect": "21:9"}),
        ("full HD", {"resolution": "1080p"}),
        ("4K", {"resolution": "4k"}),
        ("no audio", {"audio": False}),
        ("with sound", {"audio": True}),
        ("final", {"stage": Stage.FINAL}),
        ("just a draft", {"stage": Stage.CONCEPT}),
        ("same but on veo", {"model": "veo-3.1"}),
        ("use Kling-V3", {"model": "kling-v3"}),
        ("another model", {"model": "kling-v3"}),
        (
            "make it 9:16, no audio, 10 seconds, other model, kling",
            {"aspect": "9:16", "audio": False, "duration_s": 10.0, "model": "kling-v3"},
        ),
        ("Mach es länger, hochkant und ohne Ton", {
            "duration_s": 12.0, "aspect": "9:16", "audio": False,
        }),
        ("bitte quadratisch, 10 Sekunden, anderes Modell", {
            "aspect": "1:1", "duration_s": 10.0, "model": "kling-v3",
        }),
        ("hazlo más largo, en vertical y sin sonido", {
            "duration_s": 12.0, "aspect": "9:16", "audio": False,
        }),
        ("otro modelo, 10 segundos, versión final", {
            "model": "kling-v3", "duration_s": 10.0, "stage": Stage.FINAL,
        }),
        ("plus court, carré et sans son, s'il te plaît", {
            "duration_s": 4.0, "aspect": "1:1", "audio": False,
        }),
        ("un autre modèle, 10 secondes, avec le son", {
            "model": "kling-v3", "duration_s": 10.0, "audio": True,
        }),
    ],
)  # fmt: skip
def test_words_that_name_options_become_options(words: str, options: dict[str, Any]) -> None:
    found = refine(words, MADE)

    assert (found.options, found.appended, found.prompt) == (options, "", MADE.prompt)


@pytest.mark.parametrize(
    "words",
    [
        "slower, and hold on her face",
        "make her hair longer",
        "a longer dress",
        "vertical stripes on her dress",
        "hold on her for 10 seconds",
        "a door closes with sound of thunder",
        "not 9:16",
        "no kling-v3",
        "she looks at a landscape painting",
        "no music",
        "the final lap",
        "langsamer, und bleib auf ihrem Gesicht",
        "más lento y quédate en su cara",
        "plus lent, reste sur son visage",
        "犬を追加して",
        "🌊🌊",
    ],
)
def test_words_about_the_picture_go_into_the_prompt_as_typed(words: str) -> None:
    found = refine(words, MADE)

    assert (found.options, found.appended) == ({}, words)
    assert found.prompt == f"a woman in rain, {words}"


@pytest.mark.parametrize(
    ("words", "options", "appended"),
    [
        ("make it 9:16 and slower", {"aspect": "9:16"}, "slower"),
        ("9:16 slower no audio", {"aspect": "9:16", "audio": False}, "slower"),
        ("slower, no audio, more rain", {"audio": False}, "slower, more rain"),
        ("Mach es hochkant, und langsamer", {"aspect": "9:16"}, "langsamer"),
        ("hi, longer. Hold on her face.", {"duration_s": 12.0}, "Hold on her face."),
        ("9:16、猫を追加", {"aspect": "9:16"}, "猫を追加"),
        ("slower in veo 3.1", {"model": "veo-3.1"}, "slower in"),
    ],
)
def test_a_mixed_text_is_parted(words: str, options: dict[str, Any], appended: str) -> None:
    found = refine(words, MADE)

    assert (found.options, found.appended) == (options, appended)


@pytest.mark.parametrize(
    "words", ["", "  ", "hi", "Hello, thanks!", "danke", "¡gracias!", "…", "ok?"]
)
def test_a_greeting_is_nothing_to_do(words: str) -> None:
    found = refine(words, MADE)

    assert found.empty
    assert (found.understood, found.prompt) == ((), MADE.prompt)


def test_the_last_word_counts_and_the_card_says_which_gave_way() -> None:
    found = refine("5 seconds, 10 seconds, thanks", MADE)

    assert found.options == {"duration_s": 10.0}
    assert found.understood == (
        "“10 seconds”: 10 s long.",
        "“5 seconds” gave way to another word.",
        "Left out of the prompt: “thanks”.",
    )


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (replace(MADE, duration_s=12), "12 s is the longest sora-2 makes."),
        (replace(MADE, duration_s=None), "not known"),
    ],
)
def test_a_length_that_cannot_grow_is_said_and_changes_nothing(made: Made, said: str) -> None:
    found = refine("longer", made)

    assert found.empty
    assert said in found.understood[0]


def test_another_model_without_another_lets_the_router_choose() -> None:
    found = refine("other model", replace(MADE, models={"sora-2": ()}))

    assert found.options == {"model": None}


@pytest.mark.parametrize(
    ("prompt", "whole"),
    [
        ("a boat.", "a boat. slower"),
        ("a boat,  ", "a boat, slower"),
        ("", "slower"),
        ("ボート。", "ボート。 slower"),
    ],
)
def test_what_is_added_joins_the_prompt_as_a_sentence_would(prompt: str, whole: str) -> None:
    assert refine("slower", replace(MADE, prompt=prompt)).prompt == whole


def test_a_refined_brief_changes_in_nothing_else() -> None:
    brief = Brief(prompt=MADE.prompt, model="sora-2", seed=7, duration_s=8, audio=True)
    changed = refined(brief, refine("slower, no audio", MADE))

    assert changed == replace(brief, prompt="a woman in rain, slower", audio=False)


PHRASES = st.sampled_from(
    [
        *("longer", "no audio", "9:16", "1080p", "10 seconds", "kling", "veo 3.1", "other model"),
        *("make it", "please", "hi", "not", "slower", "hold on her face", "und", "länger"),
        *("sin sonido", "plus lent", "carré", "猫を追加", "final", "it's", "don't", "2.5", "🌊"),
    ]
)
JOINTS = st.sampled_from([" ", ", ", " and ", ". ", "; ", "\n", " y ", ", und ", "! ", " , ", "、"])


@st.composite
def texts(draw: st.DrawFn) -> str:
    parts = draw(st.lists(st.tuples(PHRASES, JOINTS), max_size=9))
    return "".join(phrase + joint for phrase, joint in parts)


def _whole(found: Refinement) -> str:
    return " ".join((*found.consumed, found.appended))


@given(texts())
def test_no_word_is_dropped_and_none_is_invented(words: str) -> None:
    found = refine(words, MADE)

    assert Counter(re.findall(r"\w+", words)) == Counter(re.findall(r"\w+", _whole(found)))


@given(st.text(max_size=120))
def test_no_letter_of_any_text_is_dropped(words: str) -> None:
    found = refine(words, MADE)

    def letters(text: str) -> Counter[str]:
        return Counter(char for char in text if char.isalnum())

    assert letters(words) == letters(_whole(found))
    assert found.prompt.startswith(MADE.prompt)
    assert bool(found.understood) or found.empty


def test_what_a_word_taken_out_had_hidden_is_read_too() -> None:
    found = refine("slower no audio 10 seconds, make it", MADE)

    assert found.options == {"audio": False, "duration_s": 10.0}
    assert found.appended == "slower, make it"
    assert found.prompt.endswith("slower, make it")


@given(texts())
def test_what_is_added_names_no_sure_option_and_reads_the_same_again(words: str) -> None:
    assume("longer" not in words.lower())  # "no audio longer" is no wish for a longer clip
    once = refine(words, MADE)
    again = refine(once.appended, MADE)

    assert again.appended in once.appended
    if "not" not in words and "don't" not in words:
        assert "9:16" not in once.appended

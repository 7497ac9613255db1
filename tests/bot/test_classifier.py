import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.classifier import both, score
from bot import learned as learned_module
from bot._letters import ASCII_TOKEN, TOKEN
from bot.brief import CATEGORIES, GENERAL
from bot.classifier import Classification, classify
from bot.learned import REMEMBERED, ArtefactError, Piece, grams, learned, load, pieces
from bot.lexicon import lexicon
from bot.reading import Token, mask, read
from training.corpus import corpus_rows, parts
from training.record import record

ARTEFACT = Path(learned_module.__file__).with_name("classifier.bin")
_, TEST = parts(corpus_rows())  # no weight was fitted to these
FIRST_AUTHORS = {"first", "ours", "screen", "typed", "world"}


def top(prompt: str) -> str:
    weights = classify(prompt).weights
    return max(weights, key=lambda label: weights[label])


def test_all_eleven_labels_are_weighed() -> None:
    found = classify("a dancer mid-performance, slow push in")
    assert isinstance(found, Classification)
    assert set(found.weights) == {*CATEGORIES, GENERAL}
    assert set(found.evidence) <= set(found.weights)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=10_000) | st.text(st.characters(), max_size=300))
def test_any_text_gets_weights_that_sum_to_one(text: str) -> None:
    found = classify(text)
    assert math.isclose(sum(found.weights.values()), 1, abs_tol=1e-9)
    assert all(0 <= weight <= 1 for weight in found.weights.values())
    assert 0 <= found.confidence <= 1
    assert all(word in text for words in found.evidence.values() for word in words)
    assert found == classify(text)


@pytest.mark.parametrize(
    ("prompt", "label"),
    [
        ("water poured into a glass", "fluid_physics"),
        ("a person climbing stairs with a bag on the shoulder", "human_motion"),
        ("a crowd idling naturally", "multi_character"),
        (
            "a glass of iced water tipping over on a wooden table in afternoon sun",
            "fluid_physics",
        ),
        ("a 20-second walk through a market at dusk", "temporal_coherence"),
        ("a dancer mid-performance", "human_motion"),
        ("a martial artist executing a technique", "human_motion"),
    ],
)
def test_prompts_that_tell_models_apart_are_told_apart(prompt: str, label: str) -> None:
    assert top(prompt) == label


@pytest.mark.parametrize(
    ("prompt", "label"),
    [
        ("an empty ballroom, no people", "environment"),
        ("no cuts, one take from the kitchen to the garden", "temporal_coherence"),
        ("her face is a storm of feelings, close", "facial_expression"),
        ("a river of commuters pours out of the station", "multi_character"),
        ("不要人物,只要瀑布落下", "fluid_physics"),
    ],
)
def test_negations_and_figures_of_speech_are_not_taken_by_the_letter(
    prompt: str, label: str
) -> None:
    assert top(prompt) == label


def concepts(prompt: str) -> set[str]:
    return {item.concept for item in read(prompt, lexicon()).findings}


@pytest.mark.parametrize(
    ("prompt", "concept"),
    [
        ("a heron by the weir, slow zoom in", "alone_camera"),
        ("a market in the rain, pov shot", "alone_camera"),
        ("a fox asleep in the snow, watercolor style", "alone_style"),
        ("gothic style: two sisters at a well", "alone_style"),
        ("una volpe nella neve, stile acquerello", "alone_style"),
        ("a bridge is built, time-lapse", "alone_sequence"),
        ("the baker shuts up shop. no cuts", "alone_sequence"),
        ("一只狐狸在雪地里,镜头推近", "alone_camera"),
    ],
)
def test_an_instruction_in_a_clause_of_its_own_is_found(prompt: str, concept: str) -> None:
    assert concept in concepts(prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        "a heron by the weir, no zoom",
        "an empty hall, static shot",
        "a heron by the weir, she zooms past on her bike",
        "she paints the wall, an oil painting of her mother drying behind her",
        "zoom in",
        "a heron by the weir and then we zoom in",
        "rain, tin roof, oil painting, cat, lamp, chair, door",
    ],
)
def test_what_is_denied_or_part_of_the_picture_is_no_instruction(prompt: str) -> None:
    assert not {name for name in concepts(prompt) if name.startswith("alone_")}


@pytest.mark.parametrize("prompt", ["", " ", "?", "🫥", "hi", "make something cool", "test", "..."])
def test_thin_prompts_are_general_with_little_confidence(prompt: str) -> None:
    assert top(prompt) == GENERAL
    assert classify(prompt).confidence < 0.3


@pytest.mark.parametrize("prompt", ["same but slower", "continue", "again please", "otra vez"])
def test_words_about_a_take_alone_demand_nothing(prompt: str) -> None:
    assert classify(prompt).confidence < 0.4


@given(st.text(max_size=3_000) | st.text("水 a.\n<@1>", min_size=500, max_size=3_000))
def test_masking_keeps_every_word_in_its_place(text: str) -> None:
    clean = mask(text)
    assert len(clean) == len(text)
    kept = [(ch, old) for ch, old in zip(clean, text, strict=True) if ch not in " \n\u200b"]
    assert all(ch == old for ch, old in kept)


@given(st.text(st.characters(max_codepoint=127), max_size=200))
def test_plain_letters_are_cut_the_same_by_the_quicker_rule(text: str) -> None:
    cuts = [
        [(match.lastgroup, match.span()) for match in rule.finditer(text)]
        for rule in (TOKEN, ASCII_TOKEN)
    ]
    assert cuts[0] == cuts[1]


def test_of_an_essay_the_beginning_and_the_end_are_read() -> None:
    filler = "The report lists what was agreed and who agreed to it on that day. " * 40
    text = f"A glass of water tips over. {filler} Slow dolly in, please."
    found = read(text, lexicon())
    assert [token.norm for token in found.tokens[:4]] == ["a", "glass", "of", "water"]
    assert [token.norm for token in found.tokens[-4:]] == ["slow", "dolly", "in", "please"]
    assert len(found.tokens) < 250


@pytest.mark.parametrize("prompt", ["qxz vbnmk", "zzzz", "ghjk ghjk", "aaaaaaa"])
def test_nonsense_is_not_believed(prompt: str) -> None:
    assert classify(prompt).confidence < 0.4


def test_evidence_names_the_words_that_decided() -> None:
    evidence = classify("A glass of iced WATER tipping over on a table").evidence
    assert "WATER" in evidence["fluid_physics"]


def test_evidence_names_words_no_cue_file_knows() -> None:
    prompt = "nan's gravy finds the gap in the mash"
    assert any(word in prompt for word in classify(prompt).evidence["fluid_physics"])


def test_words_that_hardly_count_beside_the_strongest_are_not_told() -> None:
    told = classify("a corgi in the park, oil painting").evidence["style"]
    assert told == ("oil painting",)


def test_function_words_are_no_evidence() -> None:
    told = classify("he is walking up to the house with a bag on his shoulder").evidence
    assert not {"the", "to", "is", "with", "a", "his"} & {w for ws in told.values() for w in ws}


def test_artefact_is_small_and_made_from_this_corpus() -> None:
    assert ARTEFACT.stat().st_size <= 3_000_000
    header, now = learned().header, record()
    assert {name: header[name] for name in now} == now, "run `python -m training.train`"


@pytest.mark.parametrize("cut", [0, 3, 200, 5_000])
def test_damaged_artefact_is_refused(cut: int) -> None:
    with pytest.raises(ArtefactError):
        load(ARTEFACT.read_bytes()[:cut])


def test_artefact_of_another_format_is_refused() -> None:
    changed = ARTEFACT.read_bytes().replace(b'"format": 1', b'"format": 2')
    with pytest.raises(ArtefactError, match="format"):
        load(changed)


def test_sums_of_many_n_grams_are_the_sums_of_each() -> None:
    weights = load(ARTEFACT.read_bytes())
    tokens = read("the harbour at dawn " + "waves " * 3 + "浪" * 100, lexicon()).tokens
    said = [gram for piece in pieces(tokens) for gram in grams(piece)]
    whole = weights.sum_of(said)
    single = [weights.sum_of([gram]) for gram in said]
    assert len(said) > 256
    assert list(whole) == list(map(sum, zip(*single, strict=True)))


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=60), st.booleans())
def test_every_character_of_a_piece_is_in_an_n_gram(text: str, joined: bool) -> None:
    assert set(text) <= set("".join(grams(Piece(text, 0, len(text), joined))))


def test_words_are_remembered_only_so_far() -> None:
    weights = load(ARTEFACT.read_bytes())
    words = [Token(f"w{i}", 0, 1, "word", 0, f"w{i}") for i in range(REMEMBERED + 1)]
    weights.meant(words)
    assert 0 < len(weights.seen) <= REMEMBERED


def test_prompts_never_trained_on_are_understood() -> None:
    every, english = score(TEST, both(TEST)), [row for row in TEST if row.lang == "en"]
    assert len(TEST) >= 4_500
    assert every.accuracy >= 0.785
    assert every.decision >= 0.89
    assert every.ece <= 0.03
    assert score(english, both(english)).accuracy >= 0.815


def test_prompts_of_the_first_authors_are_understood() -> None:
    test = [row for row in TEST if row.author in FIRST_AUTHORS]
    found = score(test, both(test))
    assert len(test) >= 1_100
    assert found.accuracy >= 0.84
    assert found.decision >= 0.915


@pytest.mark.parametrize("tag", ["negation", "figurative", "lazy", "question"])
def test_prompts_hard_to_read_are_understood(tag: str) -> None:
    test = [row for row in TEST if tag in row.tags]
    assert score(test, both(test)).accuracy >= 0.78


@pytest.mark.parametrize(
    "lang", ["ar", "de", "es", "fr", "hi", "it", "ja", "ko", "pl", "pt", "ru", "tr", "vi", "zh"]
)
def test_large_languages_are_understood(lang: str) -> None:
    test = [row for row in TEST if row.lang == lang]
    assert score(test, both(test)).accuracy >= 0.7

"""One catalogue of sentences: complete in every language, and never in two at once."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping

import pytest

from bot.texts import (
    ENGLISH,
    Tongue,
    catalogue,
    in_section,
    join,
    languages,
    plain,
    recognised,
    restored,
    say,
    stored,
)

OTHERS = [name for name in languages() if name != ENGLISH]


def _fields(sentence: str | Mapping[str, str]) -> set[str]:
    forms = [sentence] if isinstance(sentence, str) else list(sentence.values())
    return {field for form in forms for _, field, _, _ in string.Formatter().parse(form) if field}


def test_there_is_english_and_one_more() -> None:
    assert ENGLISH in languages()
    assert "de" in OTHERS


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_every_sentence_and_none_of_its_own(language: str) -> None:
    assert catalogue(language).keys() == catalogue(ENGLISH).keys()


@pytest.mark.parametrize("language", OTHERS)
def test_a_sentence_has_the_same_blanks_in_every_language(language: str) -> None:
    for key, english in catalogue(ENGLISH).items():
        assert _fields(catalogue(language)[key]) == _fields(english), key


@pytest.mark.parametrize("language", OTHERS)
def test_what_counts_has_a_form_for_one_and_for_many(language: str) -> None:
    for key, english in catalogue(ENGLISH).items():
        own = catalogue(language)[key]
        if isinstance(english, str):
            assert isinstance(own, str), key
        else:
            assert set(own) == {"one", "other"} == set(english), key


@pytest.mark.parametrize("language", OTHERS)
def test_hardly_a_sentence_is_left_in_english(language: str) -> None:
    """Names, units and bare markup may be the same; a whole sentence may not."""
    for key, english in catalogue(ENGLISH).items():
        own = catalogue(language)[key]
        if own == english and isinstance(english, str):
            words = re.findall(r"[A-Za-z]{2,}", re.sub(r"[{`].*?[}`]", "", english))
            assert len(words) <= 1, key


@pytest.mark.parametrize("language", languages())
def test_command_texts_fit_where_discord_shows_them(language: str) -> None:
    for key, words in catalogue(language).items():
        if key.startswith("commands."):
            assert 1 <= len(str(words)) <= 100, key
        if key.startswith("button."):
            assert len(str(words)) <= 70, key
        if key.startswith("modal."):
            assert len(str(words).format(number=10)) <= 45, key


def test_a_sentence_is_said_again_in_the_readers_language_with_what_is_in_it() -> None:
    why = say("off.paused", why="no credit")
    told = say("off.switched_off", why=why)

    assert told == "switched off: paused: no credit"
    assert Tongue("de-AT").of(told) == "abgeschaltet: pausiert: no credit"
    assert Tongue("de").of(join(" / ", [why, "x"])) == "pausiert: no credit / x"


def test_a_language_nobody_wrote_is_english() -> None:
    assert Tongue("pt-BR").language == ENGLISH
    assert Tongue("pt-BR")("common.free") == "free"


def test_counting_says_one_and_many() -> None:
    assert [Tongue("de")("clips", count=n) for n in (0, 1, 2)] == ["0 Clips", "1 Clip", "2 Clips"]


def test_what_is_stored_is_plain_words() -> None:
    assert plain(say("common.free")).__class__ is str


def test_english_words_of_a_section_have_a_key() -> None:
    assert in_section("by model", "commands") == "commands.usage_model"
    assert in_section("no such words", "commands") is None


def test_what_a_job_says_comes_back_from_the_database_in_any_language() -> None:
    why = say("refusal.of", model="Veo 3", why=say("fit.no_ratio"))
    told = join("; ", [why, say("fit.many_references", given=5, most=3), "x"])
    again = restored(stored(told))

    assert stored(told) != told
    assert again == told
    assert Tongue("de").of(again) == Tongue("de").of(told)
    assert "Seitenverhältnis" in Tongue("de").of(again)


@pytest.mark.parametrize("words", ["", "plain words", '{"key": "x"}', stored(say("common.free"))])
def test_plain_words_are_kept_as_they_are_whatever_they_look_like(words: str) -> None:
    kept = restored(stored(words))

    assert kept == words
    assert Tongue("de").of(kept) == words


def test_a_sentence_the_catalogue_no_longer_has_is_read_as_it_was_said() -> None:
    kept = stored(say("refusal.of", model="Veo 3", why="busy"))
    renamed = restored(kept.replace("refusal.of", "refusal.no_more"))
    reworded = restored(kept.replace('"model"', '"vendor"'))

    assert Tongue("de").of(renamed) == Tongue("de").of(reworded) == "Veo 3: busy"


def test_english_words_are_recognised_with_what_a_vendor_said_behind_them() -> None:
    known = recognised("does not answer (HTTP 503)", "lane")

    assert known == "does not answer (HTTP 503)"
    assert Tongue("de").of(known) == "antwortet nicht (HTTP 503)"
    assert Tongue("de").of(recognised("sleeps (HTTP 503)", "lane")) == "sleeps (HTTP 503)"

"""The words the classifier knows: one cue file a language, one file for what they mean.

Loads and checks `cues/*.toml`; finding a cue is left to `_shelves.py`, masking, negation and who
does what to `reading.py`, the decision to `classifier.py`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Final, cast

from bot._letters import ONLY_JOINED, alphabet, fold
from bot._shelves import Page, Shelf, parts, shelf_of
from bot.brief import CATEGORIES, GENERAL

__all__ = ["ENGLISH", "LABELS", "Concept", "CueError", "Lexicon", "lexicon", "load"]

LABELS: Final = (*CATEGORIES, GENERAL)
ENGLISH: Final = "en"

ROLES: Final = frozenset(
    ("person", "pronoun", "group", "pair", "count", "animal", "machine", "camera")
) | frozenset(("place", "weather", "matter", "deed", "dealing", "mutual", "glide", "step"))
# A cue file's lists that are not concepts; in a meaning their name is led by a "#".
GRAMMAR: Final = frozenset(
    ("negation", "negation_after", "not_negation", "ends", "ignored", "named", "first_names")
)
SPELLING: Final = frozenset(("stop", "letters", "prefixes", "suffixes", "particles", "same"))
HINTS: Final = frozenset(
    (
        "draft",
        "not_draft",
        "final",
        "not_final",
        "animatic",
        "vertical",
        "not_vertical",
        "sound_on",
        "sound_off",
        "seconds",
        "minutes",
        "half_minute",
        "one_minute",
        "moment_before",
        "moment_after",
    )
)
MEANINGS: Final = "_concepts.toml"
EMOJI: Final = "_emoji.toml"


class CueError(ValueError):
    """A cue file says something we do not understand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Concept:
    name: str
    role: str
    denied: str  # the concept that stands in when this one is denied: no cut is one take
    scores: Mapping[str, float]


@dataclass(kw_only=True, slots=True)
class Lexicon:
    """All cue files, checked; the cues of a language are put in order when first asked for."""

    concepts: dict[str, Concept] = field(default_factory=dict[str, Concept])
    emoji: Shelf = field(default_factory=lambda: Shelf(page=Page()))
    function_words: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    numbers: dict[str, int] = field(default_factory=dict[str, int])
    units: dict[str, str] = field(default_factory=dict[str, str])  # of time, as written after "10"
    pages: dict[str, Page] = field(default_factory=dict[str, Page])  # by language
    shelves: dict[str, Shelf] = field(default_factory=dict[str, Shelf])  # those asked for

    def shelf(self, language: str) -> Shelf:
        shelf = self.shelves.get(language)
        if shelf is None:
            shelf = self.shelves[language] = shelf_of(self.pages[language])
        return shelf


@cache
def lexicon() -> Lexicon:
    folder = resources.files("bot") / "cues"
    files = sorted((path.name, path) for path in folder.iterdir() if path.name.endswith(".toml"))
    return load({name: path.read_text("utf-8") for name, path in files})


def load(files: Mapping[str, str]) -> Lexicon:
    """Cue files by name -> a lexicon; whatever is not understood is refused by file and key."""
    book = Lexicon()
    for name, concept in _parse(MEANINGS, files[MEANINGS]).items():
        book.concepts[name] = _concept(name, concept)
    for concept in book.concepts.values():
        if concept.denied and concept.denied not in book.concepts:
            raise CueError(f"{MEANINGS}: {concept.name}.denied: no concept {concept.denied!r}")
    for file, text in files.items():
        if file == MEANINGS:
            continue
        table, page = _parse(file, text), Page()
        if file == EMOJI:
            _read_words(book, page, file, table)
            book.emoji = shelf_of(page)
        else:
            language = file.removesuffix(".toml")
            book.pages[language] = page
            _read_page(book, page, file, table)
            for word in page.stop | page.letters:
                book.function_words.setdefault(word, []).append(language)
    return book


def _parse(file: str, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CueError(f"{file}: {error}") from error


def _concept(name: str, value: object) -> Concept:
    table = dict(_table(MEANINGS, name, value))
    role, denied = table.pop("role", ""), table.pop("denied", "")
    if role and role not in ROLES:
        raise CueError(f"{MEANINGS}: {name}.role: {role!r} is not one of {sorted(ROLES)}")
    scores = dict[str, float]()
    for key, score in table.items():
        if key not in LABELS or not isinstance(score, int | float):
            raise CueError(f"{MEANINGS}: {name}.{key} is not a category with a number")
        scores[key] = float(score)
    return Concept(name=name, role=str(role), denied=str(denied), scores=scores)


def _read_page(book: Lexicon, page: Page, file: str, table: Mapping[str, object]) -> None:
    page.accents = table.get("accents") is True
    for key, value in table.items():
        if key in GRAMMAR:
            page.lines.setdefault(f"#{key}", []).append(_text(file, key, value))
        elif key == "words":
            _read_words(book, page, file, _table(file, key, value))
        elif key == "hints":
            _read_hints(book, page, file, _table(file, key, value))
        elif key in SPELLING:
            _read_spelling(page, key, _text(file, key, value), file)
        elif key not in ("language", "accents"):
            raise CueError(f"{file}: {key} is not a key of a cue file")


def _read_spelling(page: Page, key: str, text: str, file: str) -> None:
    words = [fold(word, accents=page.accents) for word in parts(text)]
    match key:
        case "stop":
            page.stop = frozenset(words)
            page.alphabets = frozenset(map(alphabet, words))
            page.joined = any(map(ONLY_JOINED.match, words))
        case "prefixes":
            page.prefixes = tuple(sorted(words, key=len, reverse=True))
        case "suffixes":
            page.suffixes = tuple(sorted(words, key=len, reverse=True))
        case "particles":
            page.particles = frozenset(words)
        case "letters":
            page.letters = frozenset("".join(text.casefold().split()))
        case _:
            page.same = _pairs(file, text)


def _read_words(book: Lexicon, page: Page, file: str, table: Mapping[str, object]) -> None:
    for name, value in table.items():
        if name not in book.concepts:
            raise CueError(f"{file}: {name} is not a concept of {MEANINGS}")
        page.lines.setdefault(name, []).append(_text(file, name, value))


def _read_hints(book: Lexicon, page: Page, file: str, table: Mapping[str, object]) -> None:
    for key, value in table.items():
        text = _text(file, key, value)
        if key in HINTS:
            page.lines.setdefault(f"#{key}", []).append(text)
            if key in ("seconds", "minutes"):
                book.units.update((fold(word), f"#{key}") for word in parts(text))
        elif key != "numbers":
            raise CueError(f"{file}: hints.{key} is not a hint")
        else:
            for pair in parts(text):
                number, _, amount = pair.rpartition("=")
                if not amount.isdecimal():
                    raise CueError(f"{file}: numbers: {pair!r} is not a word and a number")
                book.numbers[fold(number)] = int(amount)
                page.lines.setdefault("#number", []).append(number)


def _pairs(file: str, text: str) -> dict[int, str]:
    """ "動动 車车" -> the first letter of each pair counts as the second."""
    pairs = text.split()
    if wrong := next((pair for pair in pairs if len(pair) != 2), None):
        raise CueError(f"{file}: same: {wrong!r} is not a pair of letters")
    return {ord(pair[0]): pair[1] for pair in pairs}


def _table(file: str, key: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise CueError(f"{file}: {key} is not a table")
    return cast("dict[str, object]", value)


def _text(file: str, key: str, value: object) -> str:
    if not isinstance(value, str):
        raise CueError(f"{file}: {key} is not a line of words")
    return value

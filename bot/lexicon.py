"""The words the classifier knows: one cue file a language, one file for what they mean.

Loads and checks `cues/*.toml` and finds the longest known phrase at a place in a text.
Masking, negation and who does what are left to `reading.py`, the decision to `classifier.py`.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Final, cast

from bot.brief import CATEGORIES, GENERAL

__all__ = [
    "LABELS",
    "TOKEN",
    "Concept",
    "CueError",
    "Entry",
    "Lexicon",
    "fold",
    "lexicon",
    "load",
]

LABELS: Final = (*CATEGORIES, GENERAL)

ROLES: Final = frozenset(
    ("person", "group", "pair", "count", "animal", "machine", "weather", "deed")
)
# A cue file's lists that are not concepts; in an entry their name is led by a "#".
GRAMMAR: Final = frozenset(("negation", "negation_after", "not_negation", "ends"))
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
MIN_STEM: Final = 2
MAX_STEM: Final = 16

# Letters with the marks Python's \w leaves out (Devanagari vowel signs, Arabic harakat) and the
# invisible characters people paste along; scripts written without spaces; emoji; clause ends.
_HIDDEN: Final = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufe0e\ufe0f"
_JOINED: Final = (
    "\u0e01-\u0e7f\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u3131-\u318e\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9d\U00020000-\U0002ffff"
)
_LETTER: Final = (
    "0-9A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u037d\u037f-\u0589\u0591-\u05ff"
    "\u0610-\u061a\u0620-\u0669\u066e-\u06d3\u06d5-\u0963\u0966-\u0e00\u0e80-\u10ff"
    "\u1200-\u1fff\u2c00-\u2dff\ua640-\uabff\ufb1d-\ufdfc\ufe70-\ufefc\uff10-\uff5a"
)
_EMOJI: Final = (
    "\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
)
TOKEN: Final = re.compile(
    rf"(?P<joined>[{_JOINED}][{_JOINED}{_HIDDEN}]*)"
    rf"|(?P<word>(?:[{_LETTER}]{{1,2}}|qu|un|[ADNS]?all|[adns]?all|dell|nell|sull|quell|jusqu)['’ʼ](?=[{_LETTER}]{{3}})"
    rf"|[{_LETTER}][{_LETTER}{_HIDDEN}]*(?:['’ʼ][{_LETTER}]+)*)"
    rf"|(?P<emoji>[{_EMOJI}])"
    '|(?P<stop>[.!?…;:,。！？；：，、·|()\\[\\]{}\n\r—–/؟،؛।«»“”"]|(?<= )- )'
)
_HIDDEN_OR_VOWEL: Final = re.compile(f"[{_HIDDEN}\u0640\u064b-\u065f\u0670]")
_SAME: Final = str.maketrans(
    {"ł": "l", "ı": "i", "ø": "o", "đ": "d", "ð": "d", "œ": "oe", "æ": "ae", "’": "'", "ʼ": "'"}
    | {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ؤ": "و", "ئ": "ي"}
    | {"ё": "е", "ґ": "г"}
)


class CueError(ValueError):
    """A cue file says something we do not understand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Concept:
    name: str
    role: str
    scores: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One cue: the words after its first, whose language it is and what it means."""

    rest: tuple[str, ...]
    language: str
    means: str
    size: int  # letters spelled out: of two cues as long in words the fuller one wins


@dataclass(kw_only=True, slots=True)
class Lexicon:
    concepts: dict[str, Concept] = field(default_factory=dict[str, Concept])
    exact: dict[str, list[Entry]] = field(default_factory=dict[str, list[Entry]])
    stems: dict[str, list[Entry]] = field(default_factory=dict[str, list[Entry]])
    joined: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    lengths: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    function_words: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    numbers: dict[str, int] = field(default_factory=dict[str, int])

    def at(self, words: Sequence[str], i: int, spoken: frozenset[str]) -> tuple[int, list[str]]:
        """How many words from the i-th on are one cue, and everything that cue means."""
        best, found = (0, 0), list[str]()
        for entry in self._candidates(words[i]):
            rank = (1 + len(entry.rest), entry.size)
            if rank < best or (spoken and entry.language not in spoken):
                continue
            if entry.rest and not _follows(words, i + 1, entry.rest):
                continue
            if rank > best:
                best, found = rank, []
            if entry.means not in found:
                found.append(entry.means)
        return best[0], found

    def _candidates(self, word: str) -> Iterator[Entry]:
        yield from self.exact.get(word, ())
        for cut in range(MIN_STEM, min(len(word), MAX_STEM) + 1):
            yield from self.stems.get(word[:cut], ())


def _follows(words: Sequence[str], i: int, rest: tuple[str, ...]) -> bool:
    if i + len(rest) > len(words):
        return False
    for k, part in enumerate(rest):
        word = words[i + k]
        if word != part and not (part[-1] == "*" and word.startswith(part[:-1])):
            return False
    return True


def fold(word: str) -> str:
    """Lower case, no accents, one spelling for look-alikes: how cues and texts are compared."""
    word = word.casefold().rstrip("'’ʼ")
    if word.isascii():
        return word
    word = unicodedata.normalize("NFKD", _HIDDEN_OR_VOWEL.sub("", word).translate(_SAME))
    kept = "".join(ch for ch in word if not "\u0300" <= ch <= "\u036f")
    return unicodedata.normalize("NFC", kept).translate(_SAME)


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
    for file, text in files.items():
        if file == MEANINGS:
            continue
        table = _parse(file, text)
        if file == EMOJI:
            _add_all(book, file, "", {name: _words(file, name, table[name]) for name in table})
        else:
            _add_language(book, file, table)
    for sizes in book.lengths.values():
        sizes.sort(reverse=True)
    return book


def _parse(file: str, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CueError(f"{file}: {error}") from error


def _concept(name: str, value: object) -> Concept:
    if not isinstance(value, dict):
        raise CueError(f"{MEANINGS}: {name} is not a table")
    table = cast("dict[str, object]", value)
    role = table.get("role", "")
    if role and role not in ROLES:
        raise CueError(f"{MEANINGS}: {name}.role: {role!r} is not one of {sorted(ROLES)}")
    scores = dict[str, float]()
    for key, score in table.items():
        if key == "role":
            continue
        if key not in LABELS or not isinstance(score, int | float):
            raise CueError(f"{MEANINGS}: {name}.{key} is not a category with a number")
        scores[key] = float(score)
    return Concept(name=name, role=str(role), scores=scores)


def _add_language(book: Lexicon, file: str, table: Mapping[str, object]) -> None:
    language = file.removesuffix(".toml")
    for key, value in table.items():
        if key == "language":
            continue
        if key == "stop":
            for word in _words(file, key, value):
                book.function_words.setdefault(fold(word), []).append(language)
        elif key in GRAMMAR:
            _add_all(book, file, language, {f"#{key}": _words(file, key, value)})
        elif key == "hints":
            _add_hints(book, file, language, _table(file, key, value))
        elif key == "words":
            words = _table(file, key, value)
            _add_all(
                book, file, language, {name: _words(file, name, words[name]) for name in words}
            )
        else:
            raise CueError(f"{file}: {key} is not a key of a cue file")


def _add_hints(book: Lexicon, file: str, language: str, table: Mapping[str, object]) -> None:
    for key, value in table.items():
        words = _words(file, key, value)
        if key == "numbers":
            for pair in words:
                number, _, amount = pair.rpartition("=")
                if not amount.isdecimal():
                    raise CueError(f"{file}: numbers: {pair!r} is not a word and a number")
                book.numbers[fold(number)] = int(amount)
                _add(book, language, number, "#number")
        elif key in HINTS:
            _add_all(book, file, language, {f"#{key}": words})
        else:
            raise CueError(f"{file}: hints.{key} is not a hint")


def _table(file: str, key: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise CueError(f"{file}: {key} is not a table")
    return cast("dict[str, object]", value)


def _words(file: str, key: str, value: object) -> list[str]:
    if not isinstance(value, str):
        raise CueError(f"{file}: {key} is not a line of words")
    return [part.strip() for part in value.replace("\n", " ").split(",") if part.strip()]


def _add_all(
    book: Lexicon, file: str, language: str, meanings: Mapping[str, Iterable[str]]
) -> None:
    for means, phrases in meanings.items():
        if not means.startswith("#") and means not in book.concepts:
            raise CueError(f"{file}: {means} is not a concept of {MEANINGS}")
        for phrase in phrases:
            _add(book, language, phrase, means)


def _add(book: Lexicon, language: str, phrase: str, means: str) -> None:
    found = [match for match in TOKEN.finditer(phrase) if match.lastgroup != "stop"]
    if any(match.lastgroup == "joined" for match in found):
        _add_joined(book, "".join(fold(match.group()) for match in found), means)
        return
    words = [fold(match.group()) for match in found]
    stemmed = [phrase[match.end() : match.end() + 1] == "*" for match in found]
    if not words:
        return
    rest = tuple(word + "*" * stem for word, stem in zip(words[1:], stemmed[1:], strict=True))
    size = sum(map(len, words)) * 2 - sum(stemmed)
    entry = Entry(rest=rest, language=language, means=means, size=size)
    shelf = book.stems if stemmed[0] else book.exact
    shelf.setdefault(words[0], []).append(entry)


def _add_joined(book: Lexicon, phrase: str, means: str) -> None:
    meanings = book.joined.setdefault(phrase, [])
    if means not in meanings:
        meanings.append(means)
    sizes = book.lengths.setdefault(phrase[0], [])
    if len(phrase) not in sizes:
        sizes.append(len(phrase))

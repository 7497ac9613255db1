"""The words the classifier knows: one cue file a language, one file for what they mean.

Loads and checks `cues/*.toml` and finds the longest known cue at a place in a text. Masking,
negation and who does what are left to `reading.py`, the decision to `classifier.py`.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from itertools import accumulate
from typing import Final, NamedTuple, TypeAlias, cast

from bot.brief import CATEGORIES, GENERAL

__all__ = [
    "ENGLISH",
    "LABELS",
    "NOTHING",
    "TOKEN",
    "Concept",
    "CueError",
    "Lexicon",
    "Match",
    "Page",
    "Shelf",
    "alphabet",
    "fold",
    "lexicon",
    "load",
]

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
MIN_STEM: Final = 2
MAX_STEM: Final = 16

# Letters with the marks Python's \w leaves out (Devanagari vowel signs, Arabic harakat) and the
# invisible characters people paste along; scripts written without spaces; emoji; clause ends.
_HIDDEN: Final = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufe0e\ufe0f"
_JOINED: Final = (
    "\u0e01-\u0e7f\u1100-\u11ff\u3005-\u3007\u3040-\u30fa\u30fc-\u30ff\u3131-\u318e\u31f0-\u31ff"
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
    '|(?P<stop>[.!?…;:,。！？；：，、·|()\\[\\]{}\n\r—–/؟،؛।«»“”"「」『』《》]|(?<= )- )'
)
_ONLY_JOINED: Final = re.compile(f"[{_JOINED}]+")
_HIDDEN_OR_VOWEL: Final = re.compile(f"[{_HIDDEN}\u0640\u064b-\u065f\u0670]")
_MARKS: Final = re.compile("[\u0300-\u036f]+")
# A phrase that has to be cut up like a text: with signs in it, or in a script without spaces.
_INTRICATE: Final = re.compile(f"[!-)+./:-@\\[-`{{-~’ʼ{_JOINED}-]")
_SAME: Final = str.maketrans(
    {"ł": "l", "ı": "i", "ø": "o", "đ": "d", "ð": "d", "œ": "oe", "æ": "ae", "’": "'", "ʼ": "'"}
    | {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ؤ": "و", "ئ": "ي"}
    | {"ё": "е", "ґ": "г"}
)

# A tree of words: what stands under "" is meant when a cue ends here, under "*" are the stems
# a next word may begin with. A leaf is its meaning, several set apart by spaces.
Node: TypeAlias = "dict[str, str | Node]"


class CueError(ValueError):
    """A cue file says something we do not understand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Concept:
    name: str
    role: str
    denied: str  # the concept that stands in when this one is denied: no cut is one take
    scores: Mapping[str, float]


class Match(NamedTuple):
    """The longest cue at a place: its size in words and letters, and all that it means."""

    words: int
    letters: int
    means: str  # set apart by spaces

    def or_better(self, other: Match) -> Match:
        """Of two cues the one of more words wins, then the fuller one; as good, both count."""
        if not other.words or self.words > other.words:
            return self
        if self[:2] == other[:2]:
            return Match(self.words, self.letters, _both(self.means, other.means))
        return max(self, other)


NOTHING: Final = Match(0, 0, "")


@dataclass(kw_only=True, slots=True)
class Page:
    """What the cue file of one language says."""

    lines: dict[str, list[str]] = field(default_factory=dict[str, list[str]])  # by meaning
    stop: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()  # written onto a word, and no part of it
    suffixes: tuple[str, ...] = ()  # likewise
    particles: frozenset[str] = frozenset()  # what may follow a cue of one Hangul syllable
    same: dict[int, str] = field(default_factory=dict[int, str])
    letters: frozenset[str] = frozenset()  # that few other languages have
    alphabets: frozenset[int] = frozenset()  # of its function words
    accents: bool = False  # tell words apart
    joined: bool = False  # written without spaces


@dataclass(kw_only=True, slots=True)
class Shelf:
    """The cues of one language, in order."""

    page: Page
    tree: Node = field(default_factory=dict[str, "str | Node"])
    stem_sizes: dict[str, list[int]] = field(
        default_factory=dict[str, list[int]]
    )  # by first letters
    joined: dict[str, str] = field(default_factory=dict[str, str])  # scripts without spaces
    joined_sizes: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    gaps: dict[str, frozenset[int]] = field(default_factory=dict[str, frozenset[int]])
    open: set[str] = field(default_factory=set[str])  # stems of a script without spaces

    def at(self, words: Sequence[str], i: int) -> Match:
        """The longest cue whose first word is the i-th."""
        found = self._at(words, i)
        if not found.words and (self.page.prefixes or self.page.suffixes):
            rest = words[i + 1 : i + 8]
            for bare in self._bare(words[i]):
                found = self._at([bare, *rest], 0)
                if found.words:
                    break
        return found

    def _bare(self, word: str) -> Iterator[str]:
        """The word without what is written onto words in this language."""
        for prefix in self.page.prefixes:
            if word.startswith(prefix) and len(word) - len(prefix) > MIN_STEM:
                yield word[len(prefix) :]
        for suffix in self.page.suffixes:
            if word.endswith(suffix) and len(word) - len(suffix) > MIN_STEM:
                yield word[: -len(suffix)]

    def _at(self, words: Sequence[str], i: int) -> Match:
        word, best = words[i], NOTHING
        if child := self.tree.get(word):
            best = _follow(best, child, words, i + 1, Match(1, 2 * len(word), ""))
        if sizes := self.stem_sizes.get(word[:MIN_STEM]):
            stems, size = cast("Node", self.tree["*"]), len(word)
            for cut in sizes:
                if cut <= size and (child := stems.get(word[:cut])):
                    best = _follow(best, child, words, i + 1, Match(1, 2 * cut - 1, ""))
        return best

    def joined_at(self, pieces: Sequence[str], i: int) -> Match:
        """The longest cue that begins with the i-th piece of a text without spaces."""
        sizes = self.joined_sizes.get(pieces[i][0])
        if not sizes:
            return NOTHING
        run, ends = "", list[int]()
        for piece in pieces[i : i + sizes[0]]:
            run += piece
            ends.append(len(run))
        for size in sizes:
            if size in ends and (means := self.joined.get(run[:size])):
                return Match(ends.index(size) + 1, 2 * size, means)
        return NOTHING


def _follow(best: Match, child: str | Node, words: Sequence[str], i: int, so_far: Match) -> Match:
    """The best cue among those that go on from here."""
    depth, letters, _ = so_far
    if isinstance(child, str):
        return best.or_better(Match(depth, letters, child))
    if means := child.get(""):
        best = best.or_better(Match(depth, letters, cast("str", means)))
    if i == len(words):
        return best
    word = words[i]
    if word and (further := child.get(word)):
        so_far = Match(depth + 1, letters + 2 * len(word), "")
        best = _follow(best, further, words, i + 1, so_far)
    if stems := child.get("*"):
        for cut in range(MIN_STEM, min(len(word), MAX_STEM) + 1):
            if further := cast("Node", stems).get(word[:cut]):
                so_far = Match(depth + 1, letters + 2 * cut - 1, "")
                best = _follow(best, further, words, i + 1, so_far)
    return best


def _both(means: str, more: str) -> str:
    known = means.split()
    return " ".join(known + [other for other in more.split() if other not in known])


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
            shelf = self.shelves[language] = _shelf(self.pages[language])
        return shelf


def alphabet(word: str) -> int:
    """Which alphabet a folded word begins in: Unicode keeps each in blocks of its own."""
    return ord(word[0]) >> 7


def fold(word: str, *, accents: bool = False) -> str:
    """Lower case, no accents, one spelling for look-alikes: how cues and texts are compared."""
    word = word.casefold()
    if not word.isascii():
        word = _fold_letters(word, accents=accents)
    return word.rstrip("'")


def _fold_letters(text: str, *, accents: bool) -> str:
    text = _HIDDEN_OR_VOWEL.sub("", text)
    if accents:
        return unicodedata.normalize("NFC", text)
    text = _MARKS.sub("", unicodedata.normalize("NFKD", text.translate(_SAME)))
    return unicodedata.normalize("NFC", text).translate(_SAME)


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
            book.emoji = _shelf(page)
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
    parts = [fold(part, accents=page.accents) for part in _parts(text)]
    match key:
        case "stop":
            page.stop = frozenset(parts)
            page.alphabets = frozenset(map(alphabet, parts))
            page.joined = any(map(_ONLY_JOINED.match, parts))
        case "prefixes":
            page.prefixes = tuple(sorted(parts, key=len, reverse=True))
        case "suffixes":
            page.suffixes = tuple(sorted(parts, key=len, reverse=True))
        case "particles":
            page.particles = frozenset(parts)
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
                book.units.update((fold(word), f"#{key}") for word in _parts(text))
        elif key != "numbers":
            raise CueError(f"{file}: hints.{key} is not a hint")
        else:
            for pair in _parts(text):
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


def _parts(text: str) -> Iterator[str]:
    return filter(None, map(str.strip, text.replace("\n", " ").split(",")))


def _shelf(page: Page) -> Shelf:
    shelf = Shelf(page=page)
    for means, lines in page.lines.items():
        for text in lines:
            _add_all(shelf, means, text)
    return shelf


def _add_all(shelf: Shelf, means: str, text: str) -> None:
    accents = shelf.page.accents
    text = text.casefold()
    if not text.isascii():
        if accents:  # people leave them out, and two words together are clear without
            bare = (phrase for phrase in _parts(fold(text)) if " " in phrase)
            _add_phrases(shelf, means, bare, plain=False)
        text = _fold_letters(text, accents=accents)
    _add_phrases(shelf, means, _parts(text), plain=not _INTRICATE.search(text))


def _add_phrases(shelf: Shelf, means: str, phrases: Iterable[str], *, plain: bool) -> None:
    for phrase in phrases:
        if shelf.page.joined and _ONLY_JOINED.fullmatch(phrase):
            _add_joined(shelf, (phrase.translate(shelf.page.same),), means)
        elif plain and " " not in phrase and "*" not in phrase and phrase not in shelf.tree:
            shelf.tree[phrase] = means  # most cues are one plain word, and many are loaded
        elif plain or not _INTRICATE.search(phrase):
            _add_words(shelf, phrase.split(), means)
        else:
            _add_intricate(shelf, phrase, means)


def _add_intricate(shelf: Shelf, phrase: str, means: str) -> None:
    found = [match for match in TOKEN.finditer(phrase) if match.lastgroup != "stop"]
    words = [fold(match.group(), accents=shelf.page.accents) for match in found]
    if any(match.lastgroup == "joined" for match in found):
        _add_joined(shelf, [word.translate(shelf.page.same) for word in words], means)
        if phrase.endswith("*"):
            shelf.open.add("".join(words))
    elif words:
        stems = ("*" * phrase.startswith("*", match.end()) for match in found)
        glued = "-" * phrase.startswith("-")
        first, *rest = map(str.__add__, words, stems)
        _add_words(shelf, [glued + first, *rest], means)


def _add_words(shelf: Shelf, words: Sequence[str], means: str) -> None:
    first, last, node = words[0], words[-1], shelf.tree
    if first[-1] == "*":
        sizes, size = shelf.stem_sizes.setdefault(first[:MIN_STEM], []), len(first) - 1
        if size not in sizes:
            sizes.append(size)
    for word in words[:-1]:
        node, word = _branch(node, word)
        child = node.get(word)
        if not isinstance(child, dict):
            child = node[word] = {"": child} if child else {}
        node = child
    node, last = _branch(node, last)
    child = node.get(last)
    if isinstance(child, dict):
        node, last, child = child, "", child.get("")
    node[last] = _both(cast("str", child), means) if child else means


def _branch(node: Node, word: str) -> tuple[Node, str]:
    """Where a word hangs: stems hang together under "*"."""
    if word[-1] != "*":
        return node, word
    return cast("Node", node.setdefault("*", {})), word[:-1]


def _add_joined(shelf: Shelf, words: Sequence[str], means: str) -> None:
    phrase = "".join(words)
    known = shelf.joined.get(phrase)
    shelf.joined[phrase] = _both(known, means) if known else means
    sizes = shelf.joined_sizes.get(phrase[0], ())
    if len(phrase) not in sizes:
        shelf.joined_sizes[phrase[0]] = sorted((*sizes, len(phrase)), reverse=True)
    if len(words) > 1:
        shelf.gaps[phrase] = frozenset(accumulate(map(len, words)))

"""The cues of one language in order, and the longest of them at a place in a text.

What the cue files say is left to `lexicon.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, NamedTuple, TypeAlias, cast

from bot._letters import INTRICATE, ONLY_JOINED, TOKEN, fold, fold_letters

__all__ = ["NOTHING", "Match", "Page", "Shelf", "parts", "shelf_of"]

MIN_STEM: Final = 2
MAX_STEM: Final = 16
REMEMBERED: Final = 6_000  # first words met before, of a language

# A tree of words: what stands under "" is meant when a cue ends here, under "*" are the stems
# a next word may begin with. A leaf is its meaning, several set apart by spaces.
Node: TypeAlias = "dict[str, str | Node]"


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
Starts: TypeAlias = "Sequence[tuple[str | Node, Match]]"  # cues that begin with a word


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
    known: dict[str, Sequence[Starts]] = field(default_factory=dict[str, "Sequence[Starts]"])

    def at(self, words: Sequence[str], i: int) -> Match:
        """The longest cue whose first word is the i-th."""
        known = self.known.get(words[i])
        if known is None:
            known = self.remember(words[i])
        return self.longest(known, words, i) if known else NOTHING

    def longest(self, known: Sequence[Starts], words: Sequence[str], i: int) -> Match:
        best = NOTHING
        for starts in known:
            for child, so_far in starts:
                best = _follow(best, child, words, i + 1, so_far)
            if best.words:
                break
        return best

    def remember(self, word: str) -> Sequence[Starts]:
        """Where cues begin that begin with the word: as it is, then without its affixes."""
        bare = self._bare(word) if self.page.prefixes or self.page.suffixes else ()
        found = tuple([starts for form in (word, *bare) if (starts := self._starts(form))])
        if len(self.known) >= REMEMBERED:
            self.known.clear()
        self.known[word] = found
        return found

    def _bare(self, word: str) -> Iterator[str]:
        """The word without what is written onto words in this language."""
        for prefix in self.page.prefixes:
            if word.startswith(prefix) and len(word) - len(prefix) > MIN_STEM:
                yield word[len(prefix) :]
        for suffix in self.page.suffixes:
            if word.endswith(suffix) and len(word) - len(suffix) > MIN_STEM:
                yield word[: -len(suffix)]

    def _starts(self, word: str) -> Starts:
        found: list[tuple[str | Node, Match]] = []
        if child := self.tree.get(word):
            found.append((child, Match(1, 2 * len(word), "")))
        if sizes := self.stem_sizes.get(word[:MIN_STEM]):
            stems, size = cast("Node", self.tree["*"]), len(word)
            for cut in sizes:
                if cut <= size and (child := stems.get(word[:cut])):
                    found.append((child, Match(1, 2 * cut - 1, "")))
        return found

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


def parts(text: str) -> Iterator[str]:
    return filter(None, map(str.strip, text.replace("\n", " ").split(",")))


def shelf_of(page: Page) -> Shelf:
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
            bare = (phrase for phrase in parts(fold(text)) if " " in phrase)
            _add_phrases(shelf, means, bare, plain=False)
        text = fold_letters(text, accents=accents)
    _add_phrases(shelf, means, parts(text), plain=not INTRICATE.search(text))


def _add_phrases(shelf: Shelf, means: str, phrases: Iterable[str], *, plain: bool) -> None:
    for phrase in phrases:
        if shelf.page.joined and ONLY_JOINED.fullmatch(phrase):
            _add_joined(shelf, (phrase.translate(shelf.page.same),), means)
        elif plain and " " not in phrase and "*" not in phrase and phrase not in shelf.tree:
            shelf.tree[phrase] = means  # most cues are one plain word, and many are loaded
        elif plain or not INTRICATE.search(phrase):
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

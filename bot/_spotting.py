"""Finds the cues of a text in the languages it is written in; names are not cues.

What a cue counts for, and whether it is denied, is left to `reading.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from bot._letters import alphabet
from bot._shelves import NOTHING, Match, Page, Shelf
from bot._tokens import CLAUSES, Token
from bot.lexicon import ENGLISH, Lexicon

__all__ = ["Finding", "spot"]

IN_EMOJI: Final = 0.5  # an emoji says less than a word
SHORT_HANGUL: Final = 2  # syllables that say something only where a word begins
TITLE: Final = 4  # where so many words have a capital, and hardly one has none, it tells nothing
NAME: Final = 3  # words a name has at most
GIVEN_NAME: Final = "#first_names"


class Finding(NamedTuple):
    """What a cue means, and where it stands."""

    concept: str
    start: int
    end: int
    clause: int
    first: int  # the token it begins with
    after: int  # the token behind it
    force: float = 1.0  # how much of the concept counts here
    denied: bool = False

    @property
    def sentence(self) -> int:
        return self.clause // CLAUSES


def spot(
    text: str, tokens: Sequence[Token], book: Lexicon, spoken: frozenset[str]
) -> Iterator[Finding]:
    """Everything a cue of the text means, the longest cue first at each place."""
    look, i = _Look(text, tokens, book, spoken), 0
    while i < len(tokens):
        match = look.at(i)
        if not match.words:
            i += 1
            continue
        token, after = tokens[i], i + match.words
        force = IN_EMOJI if token.kind == "emoji" else 1.0
        end = tokens[after - 1].end
        for means in match.means.split():
            yield Finding(means, token.start, end, token.clause, i, after, force)
        i = look.name_end(after) if match.means == "#named" else after


# Shelves with the words as they are spelt there, and the function words of their languages.
Rank = tuple[list[tuple[Shelf, list[str]]], frozenset[str]]


class _Look:
    """One text and the languages to look its words up in."""

    def __init__(
        self, text: str, tokens: Sequence[Token], book: Lexicon, spoken: frozenset[str]
    ) -> None:
        self.text, self.tokens, self.book, self.spoken = text, tokens, book, spoken
        self.norms = [token.norm for token in tokens]
        self.spelt = [token.spelt for token in tokens]
        self._ranks = dict[int, list[Rank]]()
        joined = any(token.kind == "joined" for token in tokens)
        self._joined = self._joined_shelves() if joined else []
        capitals = [text[t.start].isupper() for t in tokens if t.kind == "word"]
        self._titled = sum(capitals) >= TITLE and sum(capitals) * 3 > len(capitals) * 2

    def at(self, i: int) -> Match:
        kind = self.tokens[i].kind
        if kind == "word":
            match = self._word_at(i)
            if not match.words:
                return self._joined_at(i) if self._joined else NOTHING
            return self._name_or(match, i) if GIVEN_NAME in match.means else match
        if kind == "emoji":
            return self.book.emoji.at(self.norms, i)
        return self._joined_at(i)

    def name_end(self, i: int) -> int:
        """The token after a name that begins with the i-th."""
        end = i
        while end < min(i + NAME, len(self.tokens)) and self._goes_on(end):
            end += 1
        return end

    def _goes_on(self, i: int) -> bool:
        """Whether the i-th word has a capital and stands right after the one before."""
        before, token = self.tokens[i - 1], self.tokens[i]
        near = token.clause == before.clause and token.start <= before.end + 1
        return near and token.kind == "word" and self.text[token.start].isupper()

    def _name_or(self, match: Match, i: int) -> Match:
        """A given name with a family name behind it; or what its word means else."""
        means = match.means.replace(GIVEN_NAME, "").strip()
        capital = not self._titled and self.text[self.tokens[i].start].isupper()
        family = capital and i + 1 < len(self.tokens) and self._goes_on(i + 1)
        if family and not (means and self._word_at(i + 1).words):
            return Match(2, 0, "#ignored")
        return match._replace(means=means) if means else NOTHING

    def _word_at(self, i: int) -> Match:
        """The longest cue of the languages spoken; only where they have none, of another."""
        norm, start = self.norms[i], self.tokens[i].start
        letters = alphabet(norm)
        ranks = self._ranks.get(letters)
        if ranks is None:
            ranks = self._ranks[letters] = self._ranked(letters)
        glued = start > 0 and self.text[start - 1] == "-"
        for shelves, stop in ranks:
            best = NOTHING
            for shelf, words in shelves:
                known = shelf.known.get(words[i])
                if known is None:
                    known = shelf.remember(words[i])
                if known:  # few words begin a cue
                    match = shelf.longest(known, words, i)
                    best = best.or_better(match) if best.words else match
                if glued:
                    best = best.or_better(shelf.at([f"-{norm}"], 0))
            if best.words:
                return best
            if norm in stop:
                break
        return NOTHING

    def _ranked(self, letters: int) -> list[Rank]:
        """The languages of an alphabet: those spoken, then English; without it, all of them.

        A function word of a language is looked up in no other after it.
        """
        pages = self.book.pages
        here = [name for name, page in pages.items() if letters in page.alphabets]
        spoken = [name for name in here if name in self.spoken]
        if ENGLISH in here:
            others = [name for name in spoken if name != ENGLISH]
            ranks = [[ENGLISH], others] if ENGLISH in spoken else [others, [ENGLISH]]
        else:
            ranks = [spoken or here]
        return [
            (
                [(self.book.shelf(name), self._words(pages[name])) for name in row],
                frozenset[str]().union(*(pages[name].stop for name in row)),
            )
            for row in ranks
            if row
        ]

    def _words(self, page: Page) -> list[str]:
        return self.spelt if page.accents else self.norms

    def _joined_at(self, i: int) -> Match:
        """The longest cue in a script without spaces, in the languages its characters tell."""
        best = NOTHING
        for shelf, norms in self._joined:
            match = shelf.joined_at(norms, i)
            if match.words > best.words and self._stands(i, match, shelf):
                best = match
        return best

    def _joined_shelves(self) -> list[tuple[Shelf, list[str]]]:
        names = [name for name, page in self.book.pages.items() if page.joined]
        told = [name for name in names if name in self.spoken]
        shelves = list[tuple[Shelf, list[str]]]()
        for name in sorted(told or names, reverse=True):  # where nothing tells, Chinese first
            shelf = self.book.shelf(name)
            same = shelf.page.same
            norms = [norm.translate(same) for norm in self.norms] if same else self.norms
            shelves.append((shelf, norms))
        return shelves

    def _stands(self, i: int, match: Match, shelf: Shelf) -> bool:
        """Whether a cue is whole: in one clause, without a wide gap, and no part of a word."""
        tokens = self.tokens[i : i + match.words]
        for before, after in pairwise(tokens):
            if after.clause != before.clause or after.start > before.end + 1:
                return False
        if not _hangul(tokens[0]):
            return True
        if match.words <= SHORT_HANGUL and i and _goes_on(self.tokens[i - 1], tokens[0]):
            return False
        cue = "".join(token.norm for token in tokens)
        gaps = shelf.gaps.get(cue, frozenset())
        for k, (before, after) in enumerate(pairwise(tokens), 1):
            if after.start > before.end and k not in gaps:
                return False
        if match.words > 1 or cue in shelf.open or i + 1 == len(self.tokens):
            return True
        behind = self.tokens[i + 1]
        return not _goes_on(tokens[0], behind) or behind.norm in shelf.page.particles


def _hangul(token: Token) -> bool:
    return "\uac00" <= token.norm <= "\ud7a3"


def _goes_on(before: Token, after: Token) -> bool:
    return after.start == before.end and _hangul(before) and _hangul(after)

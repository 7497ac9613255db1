"""Tells the languages a prompt is written in, by its function words or by the cues it uses."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from bot._letters import alphabet
from bot._tokens import Token
from bot.lexicon import ENGLISH, Lexicon

__all__ = ["languages_of"]

TELLING: Final = 2  # function words or cues that tell a language


def languages_of(tokens: Sequence[Token], book: Lexicon) -> frozenset[str]:
    """The languages whose function words the text uses; where that is too little, whose cues."""
    words = [token for token in tokens if token.kind == "word"]
    spoken, votes = _most_used(words, book)
    if words and (len(spoken) != 1 or votes < TELLING):
        spoken = _most_known(words, book, spoken if votes >= TELLING else book.pages.keys())
    return spoken | _most_used([token for token in tokens if token.kind == "joined"], book)[0]


def _most_used(tokens: Sequence[Token], book: Lexicon) -> tuple[frozenset[str], int]:
    count, function_words = dict[str, int](), book.function_words
    for token in tokens:
        if token.spelt != token.norm:
            languages = _spoken_with(token, function_words)
        else:
            languages = function_words.get(token.norm, ())
        for language in languages:
            count[language] = count.get(language, 0) + 1
    most = max(count.values(), default=0)
    return frozenset(language for language in count if count[language] == most), most


def _spoken_with(token: Token, function_words: Mapping[str, Sequence[str]]) -> Collection[str]:
    """The languages a word is a function word of, or the only ones with letters like its."""
    telling = {name for letter in token.spelt for name in function_words.get(letter, ())}
    telling.update(function_words.get(token.norm, ()))
    return telling.union(function_words.get(token.spelt, ()))


def _most_known(words: Sequence[Token], book: Lexicon, among: Collection[str]) -> frozenset[str]:
    """English, unless another language knows more of the words; and one that knows others."""
    known = {name: _known(words, book, name) for name in sorted({*among, ENGLISH} & {*book.pages})}
    english = known.pop(ENGLISH, set[int]())
    best = max(map(len, known.values()), default=0)
    others = frozenset(name for name in known if len(known[name]) == best)
    enough = 2 if english or len(words) > 2 else 1
    if best > len(english) and best >= enough:
        return others
    more = frozenset(name for name in others if len(known[name] - english) >= TELLING)
    return (more | {ENGLISH}) if english else more


def _known(words: Sequence[Token], book: Lexicon, language: str) -> set[int]:
    """Which of the words the language has a cue for or uses as function words."""
    page, shelf = book.pages[language], book.shelf(language)
    norms = [word.spelt if page.accents else word.norm for word in words]
    found = set[int]()
    for i, norm in enumerate(norms):
        if alphabet(words[i].norm) in page.alphabets:
            if known := shelf.at(norms, i).words:
                found.update(range(i, i + known))
            elif norm in page.stop:
                found.add(i)
    return found

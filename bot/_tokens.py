"""Cuts a prompt into words, emoji and single characters, and blanks out what is not the idea.

Which of them say something is left to `reading.py`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from bot._letters import ASCII_TOKEN, ONLY_JOINED, TOKEN, fold

__all__ = ["CLAUSES", "Token", "mask", "tokenise"]

# Of an essay only the beginning and the end are read, where the wish is said: about the first
# 110 words and the last 35, or as much of a script that needs fewer characters for them.
REACH: Final = (640, 200)
FEWER: Final = (190, 64)
REMEMBERED: Final = 8_000  # words with accents: people say the same words again
CLAUSES: Final = 1000  # a clause's number is its sentence's number times this, plus its place
SENTENCE_ENDS: Final = ".!?…;。！？；|\n؟؛।"

# Every branch begins with a letter of its own, so that a search can leap from one to the next.
NOISE: Final = re.compile(
    r"<a?:\w+:\d+>|<(?:@[!&]?|#)\w+>|<@&?\w+>|<t:[^>\s]*>|</[^>\n]{1,60}:\d+>"  # Discord's marks
    r"|https?://\S+|www\.\S+"
    r"|@(?<![\w.]@)[\w.]+|:(?<!\w:)\w{2,32}:(?!\w)|#(?<!\w#)\w{2,}"  # names, :codes:, #tags
    r"|--no\b(?:(?!--)[^\n])*"  # a flag that lists what must not be there
    r"|--\w[\w-]*(?:[ =]\s*(?:[\d.]+(?:[:x/]\d+)?\w*|raw|low|high|auto|on|off|true|false)\b)?"
    r"|~~.*?~~|/(?<!\S/)[A-Za-z]{2,}(?:\s+prompt:)?|!(?<!\S!)[A-Za-z]{2,}(?:\s+prompt:)?"
    r"|seed(?<!\wseed):?\s*\d+|cfg(?<!\wcfg) \d+"
)
FILE: Final = re.compile(
    r"(?<![^\s\[\](])[^\s\[\](]+\.(?:jpe?g|png|gif|webp|mp4|mov|webm|psd|pdf|zip)\b"
)
FILE_END: Final = re.compile(r"\.[jpgwmz]\w\w")
FORMATTING: Final = str.maketrans(dict.fromkeys("`*_~|>", " "))
SPACED: Final = re.compile(r"(?<!\S)[^\W\d_](?: [^\W\d_]){2,}(?!\S)")


class Token(NamedTuple):
    """A word, an emoji or one character of a script without spaces, and where it stands."""

    norm: str
    start: int
    end: int
    kind: str  # word, joined or emoji
    clause: int
    spelt: str  # like `norm`, with its accents


def mask(text: str) -> str:
    """The text with everything that is not the idea blanked out, place by place."""
    first, last = _reach(text[: REACH[0]], FEWER[0]), _reach(text[-REACH[1] :], FEWER[1])
    gap = len(text) - first - last
    if gap <= 0:
        return _masked(text)
    return _masked(text[:first]) + "\n" + " " * (gap - 1) + _masked(text[-last:])


def _reach(text: str, fewer: int) -> int:
    """How many characters are read here, between all and fewer, as the script needs."""
    if text.isascii():
        return len(text)
    share = sum(map(len, ONLY_JOINED.findall(text))) / len(text)
    return round(len(text) - (len(text) - fewer) * share)


def _masked(text: str) -> str:
    clean = NOISE.sub(_blank, text)
    if FILE_END.search(clean):
        clean = FILE.sub(_blank, clean)
    clean = clean.translate(FORMATTING)
    # Letters set apart ("p i x e l") are one word; an invisible mark closes the gaps.
    return SPACED.sub(lambda found: found.group().replace(" ", "\u200b"), clean)


def _blank(found: re.Match[str]) -> str:
    return " " * (found.end() - found.start())


def tokenise(text: str) -> list[Token]:
    tokens, clause, sentence = list[Token](), 0, 0
    for match in (ASCII_TOKEN if text.isascii() else TOKEN).finditer(text):
        kind, (start, end) = match.lastgroup, match.span()
        if kind == "stop":
            ended = match.group() in SENTENCE_ENDS
            sentence, clause = (sentence + 1, 0) if ended else (sentence, clause + 1)
            continue
        place = sentence * CLAUSES + min(clause, CLAUSES - 1)
        word = match.group()
        if word.isascii():
            norm = spelt = word.lower().rstrip("'")
        else:
            norm, spelt = _spellings(word)
        if kind == "joined":
            chars = norm if len(norm) == end - start else map(fold, word)
            tokens += [
                Token(ch, i, i + 1, "joined", place, ch) for i, ch in enumerate(chars, start) if ch
            ]
        elif norm:
            tokens.append(Token(norm, start, end, kind or "", place, spelt))
    return tokens


@lru_cache(maxsize=REMEMBERED)
def _spellings(word: str) -> tuple[str, str]:
    return fold(word), fold(word, accents=True)

"""Reads a prompt as people type it: what is noise, what is named, what is denied, who does it.

The result is a list of findings, the concept each one names and how much of it counts. What
the findings say about a model is left to `classifier.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.lexicon import TOKEN, Lexicon, fold

__all__ = ["Finding", "Length", "Reading", "Token", "mask", "read"]

# Of an essay only the beginning and the end are read, where the wish is said: about the first
# 200 words and the last 50, or as much of a script that needs fewer characters for them.
REACH: Final = (1300, 350)
REACH_JOINED: Final = (400, 100)
CLAUSES: Final = 1000  # a clause's number is its sentence's number times this, plus its place
SENTENCE_ENDS: Final = ".!?…;。！？；|\n؟؛।"
LONG_TAKE_S: Final = 12
SEVERAL: Final = "several"

NOISE: Final = re.compile(
    r"<a?:\w+:\d+>|<(?:@[!&]?|#)\w+>|<@&?\w+>|<t:[^>\s]*>|</[^>\n]{1,60}:\d+>"  # Discord's marks
    r"|https?://\S+|www\.\S+"
    r"|(?<![\w.])@[\w.]+|(?<!\w):\w{2,32}:(?!\w)|(?<!\w)#\w{2,}"  # names, :shortcodes:, #tags
    r"|--no\b(?:(?!--)[^\n])*"  # a flag that lists what must not be there
    r"|--\w[\w-]*(?:[ =]\s*(?:[\d.]+(?:[:x/]\d+)?\w*|raw|low|high|auto|on|off|true|false)\b)?"
    r"|~~.*?~~|[^\s\[\](]+\.(?:jpe?g|png|gif|webp|mp4|mov|webm|psd|pdf|zip)\b"
    r"|(?:\A|(?<=\s))[/!][A-Za-z]{2,}(?:\s+prompt:)?|\bseed:?\s*\d+|\bcfg \d+"
    r"|[`*_~|>]+"
)
SPACED: Final = re.compile(r"(?<!\S)[^\W\d_](?: [^\W\d_]){2,}(?!\S)")
AMOUNT: Final = re.compile(r"(\d{1,3})([^\W\d_]*)\Z")
ELDER: Final = 50  # "50s" and up, written as one word, is a decade rather than a length


@dataclass(frozen=True, slots=True)
class Token:
    """A word, an emoji or one character of a script without spaces, and where it stands."""

    norm: str
    start: int
    end: int
    kind: str  # word, joined or emoji
    clause: int


@dataclass(frozen=True, slots=True)
class Finding:
    concept: str
    start: int
    end: int
    clause: int
    first: int  # the token it begins with
    force: float = 1.0  # how much of the concept counts here
    denied: bool = False

    @property
    def sentence(self) -> int:
        return self.clause // CLAUSES


@dataclass(frozen=True, slots=True)
class Length:
    """A duration the words name."""

    seconds: int
    finding: Finding


@dataclass(frozen=True, slots=True)
class Reading:
    tokens: tuple[Token, ...]
    findings: tuple[Finding, ...]
    marks: tuple[Finding, ...]  # grammar and hint words; their concept is led by "#"
    lengths: tuple[Length, ...]
    languages: frozenset[str]


def read(text: str, book: Lexicon) -> Reading:
    tokens = _tokens(mask(text))
    languages = _languages(tokens, book)
    found = _find(tokens, book, languages | {"en", ""} if languages else languages)
    marks = [item for item in found if item.concept[0] == "#"]
    lengths = _lengths(tokens, marks, book)
    named = _deny(found)
    named += [_long_take(item) for item in lengths if item.seconds >= LONG_TAKE_S]
    named += _several(named, tokens, book)
    return Reading(
        tokens=tuple(tokens),
        findings=tuple(_bind(named, book)),
        marks=tuple(marks),
        lengths=tuple(lengths),
        languages=languages,
    )


def mask(text: str) -> str:
    """The text with everything that is not the idea blanked out, place by place."""
    clean = NOISE.sub(_blank, text)
    # Letters set apart ("p i x e l") are one word; an invisible mark closes the gaps.
    return SPACED.sub(lambda found: found.group().replace(" ", "\u200b"), clean)


def _blank(found: re.Match[str]) -> str:
    return " " * (found.end() - found.start())


def _tokens(text: str) -> list[Token]:
    tokens, clause, sentence = list[Token](), 0, 0
    for match in _within_reach(text):
        kind, (start, end) = match.lastgroup, match.span()
        if kind == "stop":
            ended = match.group() in SENTENCE_ENDS
            sentence, clause = (sentence + 1, 0) if ended else (sentence, clause + 1)
            continue
        place = sentence * CLAUSES + min(clause, CLAUSES - 1)
        norm = fold(match.group())
        if kind != "joined":
            if norm:
                tokens.append(Token(norm, start, end, kind or "", place))
        elif len(norm) == end - start:
            tokens += [
                Token(ch, start + i, start + i + 1, "joined", place) for i, ch in enumerate(norm)
            ]
        else:
            marked = ((fold(ch), start + i) for i, ch in enumerate(match.group()))
            tokens += [Token(ch, i, i + 1, "joined", place) for ch, i in marked if ch]
    return tokens


def _within_reach(text: str) -> Iterator[re.Match[str]]:
    sample = text[:200]
    first, last = REACH_JOINED if sum(ch > "\u2fff" for ch in sample) * 2 > len(sample) else REACH
    if len(text) <= first + last:
        yield from TOKEN.finditer(text)
    else:
        yield from TOKEN.finditer(text, 0, first)
        yield from TOKEN.finditer(text, len(text) - last)


def _languages(tokens: Sequence[Token], book: Lexicon) -> frozenset[str]:
    """The languages whose function words the text uses; empty when it is too short to tell."""
    votes = dict[str, int]()
    for token in tokens:
        for language in book.function_words.get(token.norm, ()):
            votes[language] = votes.get(language, 0) + 1
    most = max(votes.values(), default=0)
    return frozenset(language for language, count in votes.items() if count == most)


def _find(tokens: Sequence[Token], book: Lexicon, spoken: frozenset[str]) -> list[Finding]:
    norms = [token.norm for token in tokens]
    found, i = list[Finding](), 0
    while i < len(tokens):
        token = tokens[i]
        if token.kind == "joined":
            count, meanings = _joined_at(tokens, i, book)
        else:
            count, meanings = book.at(norms, i, spoken)
        if meanings:
            end = tokens[i + count - 1].end
            force = 0.5 if token.kind == "emoji" else 1.0
            found += [Finding(m, token.start, end, token.clause, i, force) for m in meanings]
        i += count or 1
    return found


def _joined_at(tokens: Sequence[Token], i: int, book: Lexicon) -> tuple[int, Sequence[str]]:
    sizes = book.lengths.get(tokens[i].norm)
    if not sizes:
        return 0, ()
    run = _run(tokens, i, sizes[0])
    for size in sizes:
        meanings = book.joined.get(run[:size]) if size <= len(run) else None
        if meanings and not (size == 1 and _within_word(tokens, i)):
            return size, meanings
    return 0, ()


def _run(tokens: Sequence[Token], i: int, size: int) -> str:
    """Up to so many characters from here on, over at most one gap at a time."""
    run = tokens[i].norm
    for before, after in zip(tokens[i : i + size - 1], tokens[i + 1 : i + size], strict=False):
        if after.kind != "joined" or after.clause != before.clause or after.start > before.end + 1:
            break
        run += after.norm
    return run


def _within_word(tokens: Sequence[Token], i: int) -> bool:
    """A single Hangul syllable says something only where a word begins."""
    hangul = "\uac00" <= tokens[i].norm <= "\ud7a3"
    return hangul and i > 0 and tokens[i - 1].end == tokens[i].start


def _lengths(tokens: Sequence[Token], marks: Sequence[Finding], book: Lexicon) -> list[Length]:
    units = {mark.first: mark for mark in marks if mark.concept in ("#seconds", "#minutes")}
    found = list[Length]()
    for mark in marks:
        if mark.concept in ("#half_minute", "#one_minute"):
            found.append(Length(30 if mark.concept == "#half_minute" else 60, mark))
    for i, token in enumerate(tokens):
        amount, after, unit = _amount(tokens, i, marks, book)
        if unit == "" and (mark := units.get(after)):
            unit = mark.concept
        if amount and unit:
            last = tokens[min(after, len(tokens) - 1)] if after in units else token
            whole = Finding("long_time", token.start, last.end, token.clause, i)
            found.append(Length(amount * (60 if unit == "#minutes" else 1), whole))
    return found


def _amount(
    tokens: Sequence[Token], i: int, marks: Sequence[Finding], book: Lexicon
) -> tuple[int, int, str]:
    """A number that begins here, the token after it, and its unit if it is glued on."""
    token = tokens[i]
    if token.kind == "word" and token.norm[0].isdecimal():
        match = AMOUNT.match(token.norm)
        if not match:
            return 0, 0, ""
        amount, glued = int(match[1]), match[2]
        if not glued:
            return amount, i + 1, ""
        if glued == "s" and amount >= ELDER:
            return 0, 0, ""
        _, meanings = book.at([glued], 0, frozenset())
        unit = next((m for m in meanings if m in ("#seconds", "#minutes")), None)
        return (amount, i, unit) if unit else (0, 0, "")
    for mark in marks:
        if mark.first == i and mark.concept == "#number":
            size = sum(1 for t in tokens[i:] if t.end <= mark.end)
            norm = "".join(t.norm for t in tokens[i : i + size])
            spaced = " ".join(t.norm for t in tokens[i : i + size])
            return book.numbers.get(spaced, book.numbers.get(norm, 0)), i + size, ""
    return 0, 0, ""


def _long_take(length: Length) -> Finding:
    return replace(length.finding, concept="long_time")


def _deny(found: Sequence[Finding]) -> list[Finding]:
    """Findings without the grammar; what a negation reaches is marked as denied."""
    named, denying = list[Finding](), -1
    for item in found:
        if item.concept == "#negation":
            denying = item.clause
        elif item.concept == "#ends":
            denying = -1
        elif item.concept == "#negation_after":
            for i in range(len(named) - 1, max(len(named) - 4, -1), -1):
                if named[i].clause == item.clause:
                    named[i] = replace(named[i], denied=True)
        elif item.concept[0] != "#":
            named.append(replace(item, denied=True) if denying == item.clause else item)
    return named


def _several(named: Sequence[Finding], tokens: Sequence[Token], book: Lexicon) -> list[Finding]:
    """Two people named apart, or a number of anything that acts, are several characters."""
    extra, seen = list[Finding](), dict[str, Finding]()
    for item in named:
        role = book.concepts[item.concept].role
        if item.denied:
            continue
        if role == "person":
            seen.setdefault(tokens[item.first].norm, item)
        if role in ("person", "group", "animal") and _counted(item, named, book):
            extra.append(replace(item, concept=SEVERAL))
    if len(seen) > 1 and not extra:
        second = list(seen.values())[1]
        extra.append(replace(second, concept=SEVERAL, force=0.5))
    return extra[:1]


def _counted(item: Finding, named: Sequence[Finding], book: Lexicon) -> bool:
    return any(
        book.concepts[other.concept].role == "count"
        and other.clause == item.clause
        and 0 < item.first - other.first <= 3
        for other in named
    )


def _bind(named: Sequence[Finding], book: Lexicon) -> Iterator[Finding]:
    """A deed is human motion when a person does it; weather behind a person is background."""
    roles = [(item, book.concepts[item.concept].role) for item in named if not item.denied]
    anyone = any(role in ("person", "group", "pair") for _, role in roles)
    active = any(role == "deed" for _, role in roles)
    for item in named:
        role = book.concepts[item.concept].role
        if item.denied:
            yield item
        elif role == "deed":
            yield replace(item, force=item.force * _doer(item, roles, anyone=anyone))
        elif role == "weather" and anyone and active:
            yield replace(item, force=item.force * 0.4)
        else:
            yield item


def _doer(deed: Finding, roles: Sequence[tuple[Finding, str]], *, anyone: bool) -> float:
    """How human the doer of a deed is: the nearest one named before it, else after it."""
    before, after = "", ""
    for item, role in roles:
        if role not in ("person", "group", "pair", "animal", "machine"):
            continue
        if item.sentence == deed.sentence:
            if item.first < deed.first:
                before = role
            elif not after and item.first > deed.first:
                after = role
    doer = before or after
    if doer in ("animal", "machine"):
        return 0.15
    return 1.0 if anyone else 0.8

"""Reads a prompt as people type it: what is named, what is denied, how long it shall last.

The result is a list of findings, the concept each one names and how much of it counts. Who does
what is left to `_binding.py`, what the findings say about a model to `classifier.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot._asides import asides, short
from bot._binding import HUMAN, bind
from bot._languages import languages_of
from bot._spotting import Finding, spot
from bot._tokens import Token, mask, tokenise
from bot.lexicon import Concept, Lexicon

__all__ = ["Finding", "Length", "Reading", "Token", "mask", "read"]

LONG_TAKE_S: Final = 12
UNITS_S: Final = {"#seconds": 1, "#minutes": 60}
WHOLE_LENGTHS: Final = {"#half_minute": 30, "#one_minute": 60}
NEAR: Final = 4  # words between something and the negation that follows it
AMOUNT: Final = re.compile(r"(\d{1,3})([^\W\d_]*)\Z")
ELDER: Final = 50  # "50s" and up, written as one word, is a decade rather than a length


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
    clean = mask(text)
    tokens = tokenise(clean)
    languages = languages_of(tokens, book)
    found = list(spot(clean, tokens, book, languages))
    marks = [item for item in found if item.concept[0] == "#"]
    lengths = _lengths(tokens, marks, book)
    named = _stand_in(_deny(_once(found)), book.concepts)
    named += [x.finding._replace(concept="long_time") for x in lengths if x.seconds >= LONG_TAKE_S]
    return Reading(
        tokens=tuple(tokens),
        findings=(*bind(named, tokens, book.concepts), *_asides(found, tokens, book)),
        marks=tuple(marks),
        lengths=tuple(lengths),
        languages=languages,
    )


def _asides(found: Sequence[Finding], tokens: Sequence[Token], book: Lexicon) -> Iterable[Finding]:
    """What is said to the machine; in a long tale nothing is looked for."""
    if not short(tokens):
        return ()
    said = _stand_in(_deny(found), book.concepts)
    return asides(said, tokens, book.concepts, book.function_words)


def _once(found: Sequence[Finding]) -> list[Finding]:
    """Words next to each other that name the same thing name it once: "a pair of twins"."""
    ends = {(item.concept, item.clause, item.after) for item in found if item.concept[0] != "#"}
    return [item for item in found if (item.concept, item.clause, item.first) not in ends]


def _lengths(tokens: Sequence[Token], marks: Sequence[Finding], book: Lexicon) -> list[Length]:
    units = {mark.first: mark for mark in marks if mark.concept in UNITS_S}
    numbers = {mark.first: mark for mark in marks if mark.concept == "#number"}
    found = list[Length]()
    for mark in marks:
        if mark.concept in WHOLE_LENGTHS:
            found.append(Length(WHOLE_LENGTHS[mark.concept], mark))
    for i, token in enumerate(tokens):
        amount, after, unit_s, last = 0, i + 1, 0, token
        if token.norm[0].isdecimal():
            amount, unit_s = _digits(token.norm, book)
        elif i in numbers:
            after = numbers[i].after
            amount = _spelled(tokens[i:after], book)
        if not unit_s and after in units:
            unit_s, last = UNITS_S[units[after].concept], tokens[units[after].after - 1]
        if amount and unit_s:
            whole = Finding("long_time", token.start, last.end, token.clause, i, after)
            found.append(Length(amount * unit_s, whole))
    return found


def _digits(norm: str, book: Lexicon) -> tuple[int, int]:
    """The amount a word in digits names, and how many seconds its unit has if it is glued on."""
    match = AMOUNT.match(norm)
    if not match:
        return 0, 0
    amount, glued = int(match[1]), match[2]
    unit_s = UNITS_S.get(book.units.get(glued, ""), 0)
    if glued and (not unit_s or (glued == "s" and amount >= ELDER)):
        return 0, 0
    return amount, unit_s


def _spelled(tokens: Sequence[Token], book: Lexicon) -> int:
    norms = [token.norm for token in tokens]
    return book.numbers.get(" ".join(norms), book.numbers.get("".join(norms), 0))


def _deny(found: Sequence[Finding]) -> list[Finding]:
    """Findings without the grammar; what a negation reaches is marked as denied."""
    named, denying = list[Finding](), -1
    for item in found:
        if item.concept == "#negation":
            denying = item.clause
        elif item.concept == "#ends":
            denying = -1
        elif item.concept == "#negation_after":
            _deny_back(named, item)
        elif item.concept[0] != "#":
            named.append(item._replace(denied=True) if denying == item.clause else item)
    return named


def _deny_back(named: list[Finding], negation: Finding) -> None:
    """Deny what stands right before a negation, and what is listed together with it."""
    first, near = negation.first, NEAR
    for i in reversed(range(len(named))):
        item = named[i]
        if item.clause != negation.clause or item.after + near < first:
            break
        named[i] = item._replace(denied=True)
        first, near = item.first, 1


def _stand_in(named: Sequence[Finding], concepts: Mapping[str, Concept]) -> list[Finding]:
    """What some concepts mean when they are denied: no cuts is one take, no people is empty."""
    roles = {concepts[item.concept].role for item in named if not item.denied}
    anyone = not HUMAN.isdisjoint(roles)
    found = list[Finding]()
    for item in named:
        concept = concepts[item.concept]
        if item.denied and concept.denied and not (anyone and concept.role in HUMAN):
            found.append(item._replace(concept=concept.denied, denied=False))
        else:
            found.append(item)
    return found

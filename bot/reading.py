"""Reads a prompt as people type it: what is named, what is denied, and who does it.

The result is a list of findings, the concept each one names and how much of it counts. What
the findings say about a model is left to `classifier.py`.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot._spotting import languages_of, spot
from bot._tokens import CLAUSES, Token, mask, tokenise
from bot.lexicon import Concept, Lexicon

__all__ = ["Finding", "Length", "Reading", "Token", "mask", "read"]

LONG_TAKE_S: Final = 12
SEVERAL: Final = "several"
HUMAN: Final = frozenset(("person", "pronoun", "group", "pair"))
ACTORS: Final = HUMAN | {"animal", "machine"}
# How much of a deed is human motion, by who does it.
BY_ANYTHING_ELSE: Final = 0.15
BY_NOBODY_NAMED: Final = 0.8
WEATHER_BEHIND: Final = 0.4  # what counts of the weather around a person who acts
WITH_AN_ANIMAL: Final = 0.6
EMOJI: Final = 0.5
PERHAPS: Final = 0.5
SAME_STEM: Final = 4  # letters: words that begin alike are forms of one word
COUNTABLE: Final = frozenset(("person", "group", "animal"))
UNITS_S: Final = {"#seconds": 1, "#minutes": 60}
WHOLE_LENGTHS: Final = {"#half_minute": 30, "#one_minute": 60}
NEAR: Final = 4  # words between something and the negation that follows it
COUNTED: Final = 3  # words from a number to what it counts
AMOUNT: Final = re.compile(r"(\d{1,3})([^\W\d_]*)\Z")
ELDER: Final = 50  # "50s" and up, written as one word, is a decade rather than a length


@dataclass(frozen=True, slots=True)
class Finding:
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
    found = list(_findings(clean, tokens, book, languages))
    marks = [item for item in found if item.concept[0] == "#"]
    lengths = _lengths(tokens, marks, book)
    named = _stand_in(_deny(found), book.concepts)
    named += [replace(x.finding, concept="long_time") for x in lengths if x.seconds >= LONG_TAKE_S]
    named += _several(named, tokens, book.concepts)
    return Reading(
        tokens=tuple(tokens),
        findings=tuple(_bind(named, book.concepts)),
        marks=tuple(marks),
        lengths=tuple(lengths),
        languages=languages,
    )


def _findings(
    text: str, tokens: Sequence[Token], book: Lexicon, spoken: frozenset[str]
) -> Iterator[Finding]:
    for i, match in spot(text, tokens, book, spoken):
        token, after = tokens[i], i + match.words
        force = EMOJI if token.kind == "emoji" else 1.0
        for means in match.means.split():
            yield Finding(means, token.start, tokens[after - 1].end, token.clause, i, after, force)


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
            named.append(replace(item, denied=True) if denying == item.clause else item)
    return named


def _deny_back(named: list[Finding], negation: Finding) -> None:
    """Deny what stands right before a negation, and what is listed together with it."""
    first, near = negation.first, NEAR
    for i in reversed(range(len(named))):
        item = named[i]
        if item.clause != negation.clause or item.after + near < first:
            break
        named[i] = replace(item, denied=True)
        first, near = item.first, 1


def _stand_in(named: Sequence[Finding], concepts: Mapping[str, Concept]) -> list[Finding]:
    """What some concepts mean when they are denied: no cuts is one take, no people is empty."""
    roles = {concepts[item.concept].role for item in named if not item.denied}
    anyone = not HUMAN.isdisjoint(roles)
    found = list[Finding]()
    for item in named:
        concept = concepts[item.concept]
        if item.denied and concept.denied and not (anyone and concept.role in HUMAN):
            found.append(replace(item, concept=concept.denied, denied=False))
        else:
            found.append(item)
    return found


def _several(
    named: Sequence[Finding], tokens: Sequence[Token], concepts: Mapping[str, Concept]
) -> list[Finding]:
    """Two people named apart, or a number of anything that acts, are several characters."""
    people, count = list[Finding](), None
    for item in named:
        role = concepts[item.concept].role
        if item.denied:
            continue
        if role == "count":
            count = item
        elif count and role in COUNTABLE and _counts(count, item):
            return [replace(item, concept=SEVERAL)]
        if role in ("person", "pronoun"):
            people.append(item)
    return _second(people, named, tokens, concepts)


def _counts(count: Finding, item: Finding) -> bool:
    return count.clause == item.clause and 0 < item.first - count.first <= COUNTED


def _second(
    people: Sequence[Finding],
    named: Sequence[Finding],
    tokens: Sequence[Token],
    concepts: Mapping[str, Concept],
) -> list[Finding]:
    """The second of two people: certain when each of them does something."""
    if not people:
        return []
    first = people[0]
    second = next((p for p in people if _apart(first, p, tokens, concepts)), None)
    if second is None:
        return []
    doings = [item.first for item in named if not item.denied and _doing(concepts[item.concept])]
    each = any(first.first < i < second.first for i in doings) and doings[-1] > second.first
    return [replace(second, concept=SEVERAL, force=1.0 if each else PERHAPS)]


def _apart(
    one: Finding, other: Finding, tokens: Sequence[Token], concepts: Mapping[str, Concept]
) -> bool:
    """Whether two words can hardly name the same person."""
    pronouns = [concepts[item.concept].role == "pronoun" for item in (one, other)]
    if any(pronouns):
        return all(pronouns) and one.concept != other.concept
    words = ["".join(t.norm for t in tokens[x.first : x.after]) for x in (one, other)]
    return words[0][:SAME_STEM] != words[1][:SAME_STEM]


def _doing(concept: Concept) -> bool:
    return concept.role == "deed" or (not concept.role and "facial_expression" in concept.scores)


def _bind(named: Sequence[Finding], concepts: Mapping[str, Concept]) -> Iterator[Finding]:
    """A deed is human motion when a person does it; weather behind a person is background."""
    stated = [(item, concepts[item.concept].role) for item in named if not item.denied]
    actors = sorted((item.first, item.sentence, role) for item, role in stated if role in ACTORS)
    anyone = any(role in HUMAN for _, _, role in actors)
    behind = anyone and any(_doing(concepts[item.concept]) for item, _ in stated)
    for item in named:
        role = concepts[item.concept].role
        if role == "deed" and not item.denied:
            yield replace(item, force=item.force * _humanity(item, actors, anyone=anyone))
        elif role == "weather" and behind and not item.denied:
            yield replace(item, force=item.force * WEATHER_BEHIND)
        else:
            yield item


def _humanity(deed: Finding, actors: Sequence[tuple[int, int, str]], *, anyone: bool) -> float:
    """How human the doer of a deed is: the nearest one named before it, else right after it."""
    k = bisect(actors, (deed.first,))
    before = [role for _, sentence, role in actors[:k] if sentence == deed.sentence]
    after = [role for _, sentence, role in actors[k : k + 1] if sentence == deed.sentence]
    doers = before[::-1] or after
    if not doers:
        return 1.0 if anyone else BY_ANYTHING_ELSE if actors else BY_NOBODY_NAMED
    if doers[0] in HUMAN:
        return 1.0
    led = not HUMAN.isdisjoint(doers)  # "a man on a horse jumps", "a woman by her car stretches"
    return (1.0 if doers[0] == "machine" else WITH_AN_ANIMAL) if led else BY_ANYTHING_ELSE

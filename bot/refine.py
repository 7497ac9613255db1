"""What words about a take mean: options where they name options, and the rest for the prompt.

Pure and conservative: a word becomes an option only where it can hardly be part of a picture
("longer" alone, not "longer hair"). Every word of the text ends up in `consumed` or `appended`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from bot._refine_words import (
    ANOTHER,
    COURTESY,
    FILLERS,
    NEGATIONS,
    OPTIONS,
    SECONDS,
    SURE,
)
from bot.brief import Brief, Stage
from bot.texts import Text, say

__all__ = ["Made", "Refinement", "refine", "refined"]

LONGEST_S: Final = 180


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What the words are about: the take as it is, and what could be instead.

    `models` are those on offer, best first: id -> the names people use for it.
    """

    prompt: str
    model: str = ""
    duration_s: float | None = None
    offered_s: Sequence[int] = ()
    models: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])


@dataclass(frozen=True, kw_only=True, slots=True)
class Refinement:
    """`options` are fields of a `Brief`; `understood` says every decision in a sentence."""

    options: Mapping[str, Any]
    appended: str  # what goes on to the prompt, as typed
    prompt: str  # the whole new prompt
    understood: tuple[str, ...]
    consumed: tuple[str, ...]  # what was taken out of the text, as typed

    @property
    def empty(self) -> bool:
        """Nothing to do: no option, no words for the prompt."""
        return not self.options and not self.appended


@dataclass(frozen=True, kw_only=True, slots=True)
class _Option:
    start: int
    end: int
    name: str  # a field of the brief, or "length" and "other" that are relative to the take
    value: Any
    sure: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Clause:
    """`gap` is what stands between it and the clause before."""

    start: int
    end: int
    gap: int


_CLAUSE: Final = re.compile(
    r"(?:[^\S\n]*(?:[,;](?!\d)|(?<!\d)[,;]|[.!?]+(?=\s|$)|[。、，！？]|\n"
    r"|(?<!\w)(?:and|und|y|et)(?!\w)))+\s*"
)
_WORD: Final = re.compile(r"[^\W_](?:[\w'’]|-(?=\w))*")
_RATIO: Final = re.compile(
    r"(?<![a-z\d:.])(?:21:9|16:9|9:16|9:21|4:3|3:4|4:5|5:4|3:2|2:3|1:1)(?![a-z\d:])"
)
_LINES: Final = re.compile(r"(?<!\w)(480|720|1080|1440)p(?!\w)")
_LENGTH: Final = re.compile(rf"(?<![\w.,:])(\d{{1,3}})(?:\s*|-)(?:{SECONDS})(?!\w)")
_ENDS_A_SENTENCE: Final = (".", "!", "?", "…", "。", "！", "？")


def refine(words: str, made: Made) -> Refinement:
    """Read words about a take. Pure; `refined` applies what came out to a brief.

    What is left is read once more, because a word taken out may have hidden what stood beside it.
    """
    found = _read(words, made)
    while found.consumed and found.appended:
        rest = _read(found.appended, made)
        if not rest.consumed:
            break
        found = _both(found, rest)
    return found


def _both(once: Refinement, rest: Refinement) -> Refinement:
    """What was read, and what was read in the rest of it; the first word on an option counts."""
    before = [line for line in once.understood if once.appended not in line]
    return Refinement(
        options={**rest.options, **once.options},
        appended=rest.appended,
        prompt=rest.prompt,
        understood=(*before, *rest.understood),
        consumed=(*once.consumed, *rest.consumed),
    )


def _read(words: str, made: Made) -> Refinement:
    folded = _folded(words)
    found = _options(folded, made.models)
    chosen: list[_Option] = []
    taken = bytearray(len(words))  # 1 where a character is used up
    for clause in _clauses(folded):
        chosen += _used(folded, clause, found, taken)
    _use_courtesy(folded, taken)
    appended = _appended(words, folded, taken)
    consumed = _consumed(words, taken)
    options, sentences = _resolved(words, chosen, made)
    courtesy = _left_out(words, taken, chosen)
    if courtesy:
        sentences.append(say("refine.left_out", words=", ".join(courtesy)))
    if appended:
        sentences.append(say("refine.added", words=appended))
    nothing = not options and not appended and not chosen
    return Refinement(
        options=options,
        appended=appended,
        prompt=_joined(made.prompt, appended),
        understood=() if nothing else tuple(sentences),
        consumed=consumed,
    )


def refined(brief: Brief, refinement: Refinement) -> Brief:
    """The brief with the options and the new prompt."""
    return replace(brief, prompt=refinement.prompt, **refinement.options)


def _folded(text: str) -> str:
    """Small letters without accents, character for character."""
    return "".join(
        "'" if char == "’" else (unicodedata.normalize("NFD", char)[0].lower() or char)[0]
        for char in text
    )


def _clauses(folded: str) -> Iterator[_Clause]:
    start = gap = 0
    for cut in _CLAUSE.finditer(folded):
        yield _Clause(start=start, end=cut.start(), gap=gap)
        start, gap = cut.end(), cut.start()
    yield _Clause(start=start, end=len(folded), gap=gap)


def _options(folded: str, models: Mapping[str, Sequence[str]]) -> list[_Option]:
    """Everything that could be an option, longest first where two begin together."""
    found = [
        _Option(start=hit.start(), end=hit.end(), name=name, value=value, sure=sure)
        for pattern, name, value, sure in _patterns()
        for hit in pattern.finditer(folded)
    ]
    found += _numbers(folded)
    found += _models(folded, models)
    return sorted(found, key=lambda option: (option.start, -option.end))


def _numbers(folded: str) -> Iterator[_Option]:
    for hit in _RATIO.finditer(folded):
        yield _Option(start=hit.start(), end=hit.end(), name="aspect", value=hit[0], sure=True)
    for hit in _LINES.finditer(folded):
        yield _Option(start=hit.start(), end=hit.end(), name="resolution", value=hit[0], sure=True)
    for hit in _LENGTH.finditer(folded):
        if 0 < int(hit[1]) <= LONGEST_S:
            yield _Option(
                start=hit.start(),
                end=hit.end(),
                name="duration_s",
                value=float(hit[1]),
                sure=False,
            )


def _models(folded: str, models: Mapping[str, Sequence[str]]) -> Iterator[_Option]:
    """The best model of a name; a name with a number in it can mean nothing else."""
    best: dict[str, str] = {}
    for model, names in models.items():
        for name in (model, *names):
            best.setdefault(" ".join(_folded(name).replace("-", " ").split()), model)
    for name, model in best.items():
        if not name:
            continue
        pattern = re.compile(rf"(?<!\w){re.escape(name).replace(chr(92) + ' ', '[ -]?')}(?![\w.])")
        for hit in pattern.finditer(folded):
            sure = any(char.isdigit() for char in name)
            yield _Option(start=hit.start(), end=hit.end(), name="model", value=model, sure=sure)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str, Any, bool], ...]:
    """(pattern, field, value, sure) of every phrase."""
    rows = [(SURE, True), (OPTIONS, False)]
    made = [
        (_pattern(phrases), name, Stage(str(value)) if name == "stage" else value, sure)
        for table, sure in rows
        for (name, value), phrases in table.items()
    ]
    return (*made, (_pattern(ANOTHER), "other", True, True))


@cache
def _pattern(phrases: str) -> re.Pattern[str]:
    ordered = sorted(_listed(phrases), key=len, reverse=True)
    any_of = "|".join(r"\s+".join(map(re.escape, phrase.split())) for phrase in ordered)
    return re.compile(rf"(?<![\w-])(?:{any_of})(?![\w-])")


@cache
def _listed(phrases: str) -> frozenset[str]:
    return frozenset(" ".join(phrase.split()) for phrase in phrases.split(","))


def _used(
    folded: str, clause: _Clause, found: Iterable[_Option], taken: bytearray
) -> list[_Option]:
    """The options of one clause, their characters marked; none where something is denied."""
    inside = _apart(
        option for option in found if clause.start <= option.start and option.end <= clause.end
    )
    if not inside:
        return []
    rest = _words_outside(folded, clause, inside)
    if rest <= _listed(FILLERS):
        _mark(taken, clause.gap, clause.end)
        return inside
    if rest & _listed(NEGATIONS):
        return []
    sure = [option for option in inside if option.sure]
    for option in sure:
        _mark(taken, option.start, option.end)
    if sure and _words_outside(folded, clause, sure) <= _listed(FILLERS):
        _mark(taken, clause.gap, clause.end)
    return sure


def _apart(options: Iterable[_Option]) -> list[_Option]:
    """Without those that overlap an earlier or longer one."""
    kept: list[_Option] = []
    for option in options:
        if not kept or option.start >= kept[-1].end:
            kept.append(option)
    return kept


def _words_outside(folded: str, clause: _Clause, options: Sequence[_Option]) -> set[str]:
    text = list(folded[clause.start : clause.end])
    for option in options:
        for at in range(option.start, option.end):
            text[at - clause.start] = " "
    rest = "".join(text)
    words = set(_WORD.findall(rest))
    odd = _WORD.sub(" ", rest).strip(" \t\r\n-–—:;,.!?'\"“”«»()…_/¿¡")
    return words | ({odd} if odd else set())


def _use_courtesy(folded: str, taken: bytearray) -> None:
    """Clauses that only greet or thank say nothing about a picture."""
    for clause in _clauses(folded):
        text = folded[clause.start : clause.end]
        rest = _pattern(COURTESY).sub(" ", text)
        if text.strip() and not _WORD.search(rest) and not rest.strip(" -–—:;,.!?'\"()…¿¡"):
            _mark(taken, clause.gap, clause.end)


def _mark(taken: bytearray, start: int, end: int) -> None:
    taken[start:end] = b"\1" * (end - start)


def _appended(words: str, folded: str, taken: bytearray) -> str:
    """What is left, piece by piece, without the signs and joints at the cuts; those are used up."""
    pieces: list[str] = []
    for start, end in _runs(taken, 0):
        cut = _CLAUSE.match(folded, start, end)
        begin = cut.end() if cut and start else start
        joint = _joint_at_end(folded, begin, end)
        _mark(taken, start, begin)
        _mark(taken, joint, end)
        piece = words[begin:joint].strip()
        if piece and not _WORD.search(piece) and not _has_meaning(piece):
            _mark(taken, begin, joint)
        elif piece:
            pieces.append(piece)
    return ", ".join(pieces)


def _joint_at_end(folded: str, start: int, end: int) -> int:
    for cut in _CLAUSE.finditer(folded, start, end):
        if cut.end() == end and (end < len(folded) or "." not in cut[0]):
            return cut.start()
    return end


def _has_meaning(piece: str) -> bool:
    """Pictures and scripts of their own; signs between words have none."""
    return any(ord(char) > 0x2190 for char in piece)


def _runs(taken: bytearray, value: int) -> list[tuple[int, int]]:
    found = re.finditer(b"\0+" if value == 0 else b"\1+", bytes(taken))
    return [(run.start(), run.end()) for run in found]


def _consumed(words: str, taken: bytearray) -> tuple[str, ...]:
    pieces = (words[start:end].strip() for start, end in _runs(taken, 1))
    return tuple(piece for piece in pieces if piece)


def _left_out(words: str, taken: bytearray, chosen: Sequence[_Option]) -> list[str]:
    """Used-up clauses that no option is in: greetings and thanks."""
    left: list[str] = []
    for clause in _clauses(_folded(words)):
        used = any(clause.start <= option.start < clause.end for option in chosen)
        text = words[clause.start : clause.end].strip()
        if not used and _WORD.search(text) and all(taken[clause.start : clause.end]):
            left.append(f"“{text}”")
    return left


def _resolved(
    words: str, chosen: Sequence[_Option], made: Made
) -> tuple[dict[str, Any], list[str]]:
    """Options as fields of a brief, the last of a kind, and the sentences that say so."""
    last: dict[str, _Option] = {}
    for option in chosen:
        name = {"length": "duration_s", "other": "model"}.get(option.name, option.name)
        if option.name == "other" and name in last:
            continue  # "kling, another model": the name says which
        last[name] = option
    options: dict[str, Any] = {}
    sentences: list[str] = []
    for option in last.values():
        quote = words[option.start : option.end]
        change, sentence = _meant(option, made)
        sentences.append(say("refine.meant", words=quote, meaning=sentence))
        options |= change
    dropped = [option for option in chosen if option not in last.values()]
    sentences += [
        say("refine.gave_way", words=words[option.start : option.end]) for option in dropped
    ]
    return options, sentences


def _meant(option: _Option, made: Made) -> tuple[dict[str, Any], Text]:
    """(what changes in the brief, what is said about it)."""
    value = option.value
    match option.name:
        case "length":
            return _relative_length(value, made)
        case "other":
            return _other_model(made)
        case "audio":
            return {"audio": value}, say("refine.sound" if value else "refine.silent")
        case "duration_s":
            return {"duration_s": value}, say("refine.long", seconds=value)
        case "model":
            return {"model": value}, say("refine.model", model=value)
        case name:
            return {name: value}, say(f"refine.{name}", value=value)


def _other_model(made: Made) -> tuple[dict[str, Any], Text]:
    other = next((model for model in made.models if model != made.model), None)
    if other is None:
        return {"model": None}, say("refine.no_other")
    if not made.model:
        return {"model": other}, say("refine.model", model=other)
    return {"model": other}, say("refine.model_instead", model=other, before=made.model)


def _relative_length(way: int, made: Made) -> tuple[dict[str, Any], Text]:
    now = made.duration_s
    if now is None:
        return {}, say("refine.length_unknown")
    beyond = [s for s in made.offered_s if (s > now if way > 0 else s < now)]
    if not beyond:
        model = made.model or say("refine.the_model")
        key = "refine.longest" if way > 0 else "refine.shortest"
        return {}, say(key, seconds=now, model=model)
    value = float(min(beyond) if way > 0 else max(beyond))
    return {"duration_s": value}, say("refine.length_instead", seconds=value, before=now)


def _joined(prompt: str, appended: str) -> str:
    before = prompt.rstrip()
    if not appended or not before:
        return before or appended
    if before.endswith(_ENDS_A_SENTENCE):
        return f"{before} {appended}"
    return f"{before.rstrip(',;')}, {appended}"

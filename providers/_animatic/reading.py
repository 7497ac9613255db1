"""Text as its readers see it: what can be drawn, reading order, letters, where a line may break.

Pure functions on strings. The order is Unicode's (UAX 9, by python-bidi); the breaks are the part
of UAX 14 that prompts need.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

__all__ = [
    "BOX",
    "JOINERS",
    "breakable",
    "clean",
    "is_rtl",
    "is_selector",
    "letters",
    "visual_runs",
]

# Carries no types; one name for it, so that nothing else has to know.
BIDI: Final[Any] = import_module("bidi.algorithm")

BOX: Final = "\u25a2"
JOINERS: Final = "\u200c\u200d"  # ZWNJ and ZWJ: they change shapes, so they stay
NO_START: Final = frozenset(
    "、。，．・：；？！ー々〉》」』】〕）］｝ぁぃぅぇぉっゃゅょァィゥェォッャュョ”’…%"
)
SYLLABLE_STARTS: Final = frozenset("เแโใไເແໂໃໄ")  # Thai and Lao write no spaces between words
NO_END: Final = frozenset("〈《「『【〔（［｛“‘")


def clean(text: str) -> str:
    """What can be drawn of somebody's text: no controls, one space, at most one line break."""
    lines = (" ".join(line.split()) for line in "".join(map(_drawable, text)).split("\n"))
    return "\n".join(line for line in lines if line)


def _drawable(char: str) -> str:
    if char == "\n" or char in JOINERS:
        return char
    if "\U0001f3fb" <= char <= "\U0001f3ff":  # skin tones: our pictographs have no colour
        return ""
    match unicodedata.category(char):
        case "Cc" | "Cf" | "Cs" | "Zl" | "Zp":
            return " " if char.isspace() else ""
        case "Cn" | "Co":  # nobody's character: no font has it, no reading order either
            return BOX
        case _:
            return char


def is_rtl(text: str) -> bool:
    """The direction of the first letter that has one."""
    kinds = (unicodedata.bidirectional(char) for char in text)
    return next((kind != "L" for kind in kinds if kind in {"L", "R", "AL"}), False)


def visual_runs(text: str, *, rtl: bool) -> list[tuple[str, int]]:
    """Runs of one direction from left to right, each in logical order with its level."""
    levels = _levels(text, rtl)
    runs: list[tuple[str, int]] = []
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or levels[at] != levels[start]:
            runs.append((text[start:at], levels[start]))
            start = at
    for level in range(max(levels, default=0), 0, -1):  # UAX 9, rule L2
        runs = _turned(runs, level)
    return runs


def _turned(runs: list[tuple[str, int]], level: int) -> list[tuple[str, int]]:
    result: list[tuple[str, int]] = []
    held: list[tuple[str, int]] = []
    for run in runs:
        if run[1] >= level:
            held.insert(0, run)
        else:
            result += [*held, run]
            held = []
    return result + held


def _levels(text: str, rtl: bool) -> list[int]:
    if not rtl and not any(unicodedata.bidirectional(char) in {"R", "AL", "AN"} for char in text):
        return [0] * len(text)
    storage = BIDI.get_empty_storage()
    storage["base_level"], storage["base_dir"] = (1, "R") if rtl else (0, "L")
    BIDI.get_embedding_levels("".join(char for char in text if char not in JOINERS), storage)
    BIDI.explicit_embed_and_overrides(storage)
    BIDI.resolve_weak_types(storage)
    BIDI.resolve_neutral_types(storage, False)
    BIDI.resolve_implicit_levels(storage, False)
    given = iter([int(char["level"]) for char in storage["chars"]])
    levels: list[int] = []
    for char in text:  # joiners have no direction of their own
        levels.append((levels or [int(rtl)])[-1] if char in JOINERS else next(given))
    return levels


def breakable(text: str) -> Iterator[str]:
    """Pieces between which a line may break; a space stays at the end of its piece."""
    start = 0
    for at in range(1, len(text)):
        if _may_break(text[at - 1], text[at]):
            yield text[start:at]
            start = at
    if start < len(text):
        yield text[start:]


def _may_break(before: str, after: str) -> bool:
    if before == " " or after == " ":
        return before == " " and after != " "
    if before in NO_END or after in NO_START or _sticks(after):
        return False
    if after in SYLLABLE_STARTS:
        return True
    return _is_ideograph(before) or _is_ideograph(after) or (before in "/-–—_" and after.isalpha())


def _is_ideograph(char: str) -> bool:
    wide = unicodedata.east_asian_width(char) in {"W", "F"}
    return wide and not "\uac00" <= char <= "\ud7a3"  # Korean breaks at its spaces


def letters(text: str) -> Iterator[str]:
    """Pieces a reader sees as one letter: a base with its marks, an Indic conjunct."""
    held = ""
    for char in text:
        if held and not _sticks(char) and not _binds(held[-1]):
            yield held
            held = ""
        held += char
    if held:
        yield held


def _sticks(char: str) -> bool:
    return unicodedata.category(char)[0] == "M" or char in JOINERS or is_selector(char)


def _binds(char: str) -> bool:
    return char == "\u200d" or unicodedata.combining(char) == 9  # joiner, virama


def is_selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f"

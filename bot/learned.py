"""What a brief means beyond the words it names: concepts and hashed n-grams -> linear weights.

`classifier.bin` holds the weights; `python -m training.train` makes it with the very feature
functions below. Reading the text is left to `reading.py`, the decision to `classifier.py`.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any, Final, NamedTuple

from bot.lexicon import LABELS
from bot.reading import Reading, Token

__all__ = ["ArtefactError", "Judgement", "Piece", "Weights", "dump", "learned", "load"]
__all__ += ["BITS", "REMEMBERED", "Row", "ZERO", "grams", "named", "pairs", "pieces", "slot"]

FORMAT: Final = 1
BITS: Final = 18  # n-grams are hashed into this many slots, each a row of small weights
GRAMS: Final = (3, 4, 5)  # letters of a word, its two ends marked
JOINED_GRAMS: Final = (1, 2, 3, 4)  # characters of a script without spaces
LONGEST_WORD: Final = 40  # letters read of one word
LONGEST_RUN: Final = 40  # characters of such a script taken as one piece
REMEMBERED: Final = 20_000  # pieces whose sums are kept: people say the same words again

# Rows are added as one wide integer, a lane of 16 bits a label, each weight stored as 0..255:
# so many of them fit into a lane.
ZERO: Final = 128
MOST_ROWS: Final = 256
LANES: Final = struct.Struct(f"<{len(LABELS)}H")
WIDE: Final = struct.Struct(f"<{len(LABELS)}I")
NUMBERS: Final = struct.Struct(f"<{len(LABELS)}f")
LENGTH: Final = struct.Struct("<I")

Row = tuple[float, ...]


class ArtefactError(ValueError):
    """The classifier's artefact is damaged or of another format."""


class Piece(NamedTuple):
    """A word, an emoji or a run of a script without spaces: its n-grams count together."""

    text: str
    start: int
    end: int
    joined: bool = False


class Said(NamedTuple):
    """What the n-grams of a piece say: how many they are, a sum for each label, their mean.

    `packed` are the sums in wide lanes, `ZERO` for each n-gram above what they are.
    """

    grams: int
    sums: Sequence[int]
    mean: float
    packed: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """A sum for each label, and what each piece says; a unit of that makes the sum."""

    sums: Row
    unit: float
    pieces: Sequence[tuple[Piece, Said]]


@dataclass(kw_only=True, slots=True)
class Weights:
    """The artefact in memory; the sums of pieces met before are remembered in it."""

    header: Mapping[str, Any]
    names: Mapping[str, Row]
    lanes: bytes
    seen: dict[str, Said] = field(default_factory=dict[str, Said])

    @property
    def heat(self) -> float:
        return float(self.header["heat"])

    @property
    def scale(self) -> float:
        return float(self.header["scale"])

    def named(self, reading: Reading) -> Row:
        """What the concepts say that are named, denied or merely hinted at."""
        names = self.names
        rows = [names[name] for name in named(reading) if name in names]
        return tuple(map(sum, zip(names[""], *rows, strict=True)))

    def meant(self, tokens: Iterable[Token]) -> Judgement:
        """What the n-grams say, damped by the root of their number."""
        found = pieces(tokens)
        if not found:
            return Judgement((0.0,) * len(LABELS), 0.0, ())
        each = [self.seen.get(piece.text) or self._of(piece) for piece in found]
        between = pairs(found)
        count, packed = len(between), 0
        for said in each:
            count += said.grams
            packed += said.packed
        zero, unit = ZERO * (count - len(between)), self.scale / count**0.5
        whole = zip(
            WIDE.unpack(packed.to_bytes(WIDE.size, "little")), self.sum_of(between), strict=True
        )
        sums = tuple([unit * (lane - zero + more) for lane, more in whole])
        return Judgement(sums, unit, list(zip(found, each, strict=True)))

    def _of(self, piece: Piece) -> Said:
        said = grams(piece)
        sums, zero = self.sum_of(said), ZERO * len(said)
        if len(self.seen) >= REMEMBERED:
            self.seen.clear()
        packed = int.from_bytes(WIDE.pack(*(value + zero for value in sums)), "little")
        known = self.seen[piece.text] = Said(len(said), sums, sum(sums) / len(sums), packed)
        return known

    def sum_of(self, said: Sequence[str]) -> Sequence[int]:
        lanes, size, some = self.lanes, LANES.size, said[:MOST_ROWS]
        total = 0
        for gram in some:
            at = slot(gram) * size
            total += int.from_bytes(lanes[at : at + size], "little")
        zero = ZERO * len(some)
        sums = [lane - zero for lane in LANES.unpack(total.to_bytes(size, "little"))]
        if len(said) <= MOST_ROWS:
            return sums
        return list(map(sum, zip(sums, self.sum_of(said[MOST_ROWS:]), strict=True)))


def slot(gram: str) -> int:
    return zlib.crc32(gram.encode("utf-8", "surrogatepass")) & ((1 << BITS) - 1)


def named(reading: Reading) -> set[str]:
    """Concepts and grammar found, and about how long the text is."""
    said = {("!" if item.denied else "") + item.concept for item in reading.findings}
    said.update(mark.concept for mark in reading.marks)
    said.add(f"length {len(reading.tokens).bit_length()}")
    return said


def pieces(tokens: Iterable[Token]) -> list[Piece]:
    """Every different piece once, in order."""
    found = dict[str, Piece]()
    text, start, end = "", 0, -1  # a run of a script without spaces
    for token in tokens:
        joined = token.kind == "joined"
        if text and not (joined and token.start == end and len(text) < LONGEST_RUN):
            found.setdefault(text, Piece(text, start, end, joined=True))
            text = ""
        if joined:
            text, start, end = text + token.norm, start if text else token.start, token.end
        elif (word := token.norm[:LONGEST_WORD]) not in found:
            found[word] = Piece(word, token.start, token.end)
    if text:
        found.setdefault(text, Piece(text, start, end, joined=True))
    return list(found.values())


def grams(piece: Piece) -> list[str]:
    """The n-grams of one piece; a whole word is led by "=", so that it is like no other."""
    text = piece.text
    if piece.joined:
        return [text[i : i + n] for n in JOINED_GRAMS for i in range(len(text) - n + 1)]
    marked = f"<{text}>"
    found = [marked[i : i + n] for n in GRAMS for i in range(len(marked) - n + 1)]
    found.append("=" + text)
    return found


def pairs(found: Sequence[Piece]) -> list[str]:
    return [f"{first.text} {second.text}" for first, second in pairwise(found)]


@cache
def learned() -> Weights:
    return load((resources.files("bot") / "classifier.bin").read_bytes())


def dump(header: Mapping[str, Any], names: Mapping[str, Row], rows: bytes) -> bytes:
    """Weights as a file: a header in JSON, the named weights, then the n-grams' rows, packed."""
    text = json.dumps({**header, "format": FORMAT, "bits": BITS, "names": list(names)}).encode()
    packed = b"".join(NUMBERS.pack(*row) for row in names.values())
    return LENGTH.pack(len(text)) + text + packed + zlib.compress(rows, 9)


def load(data: bytes) -> Weights:
    try:
        (size,) = LENGTH.unpack_from(data)
        header = json.loads(data[LENGTH.size : LENGTH.size + size])
        known = (header["format"], header["bits"]) == (FORMAT, BITS)
        first = LENGTH.size + size
        rest = first + len(header["names"]) * NUMBERS.size
        names = dict(zip(header["names"], NUMBERS.iter_unpack(data[first:rest]), strict=True))
        rows = zlib.decompress(data[rest:])
    except (struct.error, zlib.error, ValueError, KeyError, TypeError) as error:
        raise ArtefactError("the classifier's artefact cannot be read") from error
    if not known or len(rows) != len(LABELS) << BITS:
        raise ArtefactError("the classifier's artefact is of another format")
    lanes = bytearray(len(rows) * 2)
    lanes[::2] = rows
    return Weights(header=header, names=names, lanes=bytes(lanes))

"""Text of any script as shapes: fallback fonts, reading order, joining, line breaks, masks.

HarfBuzz shapes and rasterises, python-bidi gives the reading order; no font engine of the system
is asked. Everything is measured in ems, so one shaping serves every size.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from PIL import Image

from .film import Size

__all__ = ["FONTS", "Block", "Glyph", "Letterer", "Line", "Spot", "clean", "ink"]

FONTS: Final = Path(__file__).resolve().parent.parent / "fonts"

# Neither library carries types; one name each, so that nothing else has to know.
HB: Final[Any] = import_module("uharfbuzz")
BIDI: Final[Any] = import_module("bidi.algorithm")

# After the chosen Latin face, in this order; the first that has the character draws it.
FALLBACKS: Final = (
    "NotoSansCJKsc-Regular.otf",
    "NotoSansArabic-SemiBold.ttf",
    "NotoSansDevanagari-SemiBold.ttf",
    "NotoSansHebrew-SemiBold.ttf",
    "NotoSansThai-SemiBold.ttf",
    "NotoSansBengali-SemiBold.ttf",
    "NotoSansTamil-SemiBold.ttf",
    "NotoSansTelugu-SemiBold.ttf",
    "NotoSansGujarati-SemiBold.ttf",
    "NotoSansGurmukhi-SemiBold.ttf",
    "NotoSansKannada-SemiBold.ttf",
    "NotoSansMalayalam-SemiBold.ttf",
    "NotoSansSinhala-SemiBold.ttf",
    "NotoSansLao-SemiBold.ttf",
    "NotoSansKhmer-SemiBold.ttf",
    "NotoSansMyanmar-SemiBold.ttf",
    "NotoSansGeorgian-SemiBold.ttf",
    "NotoSansArmenian-SemiBold.ttf",
    "NotoSansEthiopic-SemiBold.ttf",
    "NotoSansSymbols2-Regular.ttf",
)
LOW_SCRIPTS: Final = ("Inter", "NotoSansGeorgian", "NotoSansArmenian", "NotoSansHebrew")

BOX: Final = "\u25a2"
JOINERS: Final = "\u200c\u200d"  # ZWNJ and ZWJ: they change shapes, so they stay
NO_START: Final = frozenset(
    "、。，．・：；？！ー々〉》」』】〕）］｝ぁぃぅぇぉっゃゅょァィゥェォッャュョ”’…%"
)
SYLLABLE_STARTS: Final = frozenset("เแโใไເແໂໃໄ")  # Thai and Lao write no spaces between words
NO_END: Final = frozenset("〈《「『【〔（［｛“‘")


@dataclass(frozen=True, slots=True)
class Glyph:
    face: str  # file name of the font
    number: int  # the font's own glyph id; 0 is its box for "no such character"
    x: float  # ems from the start of the line
    y: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One shaped line in visual order, in ems."""

    glyphs: tuple[Glyph, ...]
    width: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Lines that fit a box: one size in pixels for all of them."""

    lines: tuple[Line, ...]
    size: float
    leading: float  # pixels from baseline to baseline
    rtl: bool
    cut: bool  # the end did not fit and is an ellipsis

    @property
    def height(self) -> float:
        return self.leading * len(self.lines)

    @property
    def width(self) -> float:
        return max((line.width for line in self.lines), default=0.0) * self.size


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a line is drawn: pen start and baseline in pixels, turned by (cos, sin)."""

    line: Line
    x: float
    y: float
    size: float
    turn: tuple[float, float] = (1.0, 0.0)


def clean(text: str) -> str:
    """What can be drawn of somebody's text: no controls, one space, at most one line break."""
    kept = (char if _drawable(char) else " " if char.isspace() else "" for char in text)
    lines = (" ".join(line.split()) for line in "".join(kept).split("\n"))
    return "\n".join(line for line in lines if line)


def _drawable(char: str) -> bool:
    if char == "\n" or char in JOINERS:
        return True
    return unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


class Letterer:
    """Shapes text in one Latin face and its fallbacks; opens a font when a text first needs it."""

    def __init__(self, face: str, folder: Path = FONTS) -> None:
        self._names = (face, *FALLBACKS)
        self._folder = folder
        self._fonts: dict[str, Any] = {}
        self._widths: dict[str, float] = {}

    def font(self, name: str) -> Any:
        if name not in self._fonts:
            blob = HB.Blob.from_file_path(str(self._folder / name))
            font = HB.Font(HB.Face(blob))
            if "CJK" in name:  # the regular weight, brought near to the others
                font.synthetic_bold = (0.024, 0.012, True)
            self._fonts[name] = font
        return self._fonts[name]

    def line(self, text: str, *, rtl: bool | None = None, tracking: float = 0.0) -> Line:
        """Shape one line; `tracking` in ems is added after each glyph: for capitals only."""
        glyphs: list[Glyph] = []
        pen = 0.0
        text = self._covered(text)
        rtl = is_rtl(text) if rtl is None else rtl
        for part, level in visual_runs(text, rtl=rtl):
            pieces = list(self._by_face(part))
            for name, piece in reversed(pieces) if level % 2 else pieces:
                pen = self._shape(glyphs, name, piece, bool(level % 2), pen, tracking)
        return Line(glyphs=tuple(glyphs), width=max(0.0, pen - tracking))

    def fit(self, text: str, box: tuple[float, float], largest: float, smallest: float) -> Block:
        """The largest setting of the text that fits the box; below `smallest` the end is cut."""
        paragraphs = text.split("\n")
        size = largest
        while True:
            lines = [line for part in paragraphs for line in self._wrap(part, box[0] / size)]
            leading = self._leading(text, size, smallest)
            room = max(1, int(box[1] / leading))
            if len(lines) <= room or size <= smallest:
                break
            size = max(smallest, size * 0.94)
        cut = len(lines) > room
        if cut:
            lines = lines[:room]
            lines[-1] = self._ellipsis(lines[-1], box[0] / size)
        elif len(paragraphs) == 1:
            lines = self._balanced(text, lines, box[0] / size)
        rtl = is_rtl(text)
        set_lines = tuple(self.line(line, rtl=rtl) for line in lines)
        return Block(lines=set_lines, size=size, leading=leading, rtl=rtl, cut=cut)

    def one(self, text: str, width: float) -> Line:
        """The beginning of the text on one line of that many ems."""
        text = text.replace("\n", " ")
        lines = list(self._wrap(text, width))
        if len(lines) <= 1:
            return self.line(text)
        return self.line(self._ellipsis(lines[0], width), rtl=is_rtl(text))

    def _shape(
        self, glyphs: list[Glyph], name: str, text: str, rtl: bool, pen: float, tracking: float
    ) -> float:
        font = self.font(name)
        buffer = HB.Buffer()
        buffer.add_str(text)
        buffer.direction = "rtl" if rtl else "ltr"
        buffer.guess_segment_properties()
        buffer.language = _language(text) if "CJK" in name else "und"
        HB.shape(font, buffer, {"tnum": True})
        em = font.face.upem
        for info, at in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            glyphs.append(Glyph(name, info.codepoint, pen + at.x_offset / em, at.y_offset / em))
            pen += at.x_advance / em + tracking
        return pen

    def _covered(self, text: str) -> str:
        """A plain box for each letter no font of ours has, most of all emoji."""
        if all(self._face_for(char, "") for char in set(text)):
            return text
        known = (all(self._face_for(char, "") for char in letter) for letter in letters(text))
        return "".join(a if b else BOX for a, b in zip(letters(text), known, strict=True))

    def _by_face(self, text: str) -> Iterator[tuple[str, str]]:
        """Split a run where the font changes; spaces and punctuation stay with their neighbours."""
        name, start = "", 0
        for at, char in enumerate(text):
            new = self._face_for(char, name)
            if new != name:
                if at > start:
                    yield name, text[start:at]
                name, start = new, at
        if start < len(text):
            yield name, text[start:]

    def _face_for(self, char: str, now: str) -> str:
        if char in JOINERS or _is_selector(char):
            return now or self._names[0]
        if now and not char.isalpha() and self._has(now, char):
            return now
        return next((name for name in self._names if self._has(name, char)), "")

    def _has(self, name: str, char: str) -> bool:
        return bool(self.font(name).get_nominal_glyph(ord(char)))

    def _width(self, text: str) -> float:
        if text not in self._widths:
            self._widths[text] = self.line(text).width
        return self._widths[text]

    def _wrap(self, text: str, width: float) -> Iterator[str]:
        """Break greedily at spaces and between ideographs; a longer word breaks between letters."""
        line, used = "", 0.0
        for piece in self._pieces(text, width):
            bare = piece.rstrip(" ")
            if line and used + self._width(bare) > width:
                yield line.rstrip(" ")
                line, used = "", 0.0
            line += piece
            used += self._width(bare) + (self._width("n n") - self._width("nn")) * (piece != bare)
        if line:
            yield line.rstrip(" ")

    def _pieces(self, text: str, width: float) -> Iterator[str]:
        for piece in breakable(text):
            if self._width(piece.rstrip(" ")) <= width:
                yield piece
            else:
                yield from letters(piece)

    def _balanced(self, text: str, lines: list[str], width: float) -> list[str]:
        """The narrowest setting with as many lines: no single word left over at the end."""
        low, high = width * 0.55, width
        for _ in range(6):
            middle = (low + high) / 2
            tried = list(self._wrap(text, middle))
            if len(tried) > len(lines):
                low = middle
            else:
                high, lines = middle, tried
        return lines

    def _ellipsis(self, line: str, width: float) -> str:
        kept = list(breakable(line)) if " " in line else list(letters(line))
        while len(kept) > 1 and self._width("".join(kept).rstrip(" ,.;") + "…") > width:
            kept.pop()
        return "".join(kept).rstrip(" ,.;") + "…"

    def _leading(self, text: str, size: float, smallest: float) -> float:
        faces = {self._face_for(char, "") for char in set(text)}
        if all(name.startswith(LOW_SCRIPTS) for name in faces):
            factor = 1.16
        elif all(
            name.startswith((*LOW_SCRIPTS, "NotoSansCJK", "NotoSansSymbols")) for name in faces
        ):
            factor = 1.36
        else:
            factor = 1.5
        return size * (factor + 0.14 * min(1.0, (smallest / size) ** 2))


def ink(size: Size, spots: Iterable[Spot], letterer: Letterer) -> Image.Image:
    """How much of each pixel the letters cover."""
    width, height = size
    raster = HB.RasterDraw()
    for spot in spots:
        cos, sin = spot.turn
        for glyph in spot.line.glyphs:
            font = letterer.font(glyph.face)
            scale = spot.size / font.face.upem
            x = spot.x + spot.size * (glyph.x * cos - glyph.y * sin)
            y = height - spot.y + spot.size * (glyph.x * sin + glyph.y * cos)
            raster.transform = (scale * cos, scale * sin, -scale * sin, scale * cos, x, y)
            raster.draw_glyph(font, glyph.number)
    raster.extents = HB.RasterExtents(0, 0, width, height, 0)
    image = raster.render()
    rows = image.extents.stride
    return Image.frombytes("L", size, bytes(image.buffer), "raw", "L", rows, -1)


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
    return unicodedata.category(char)[0] == "M" or char in JOINERS or _is_selector(char)


def _binds(char: str) -> bool:
    return char == "\u200d" or unicodedata.combining(char) == 9  # joiner, virama


def _is_selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U0001f3fb" <= char <= "\U0001f3ff"


def _language(text: str) -> str:
    """Which national forms of the shared ideographs: Japanese where there is kana."""
    return "ja" if any("\u3040" <= char <= "\u30ff" for char in text) else "zh-Hans"

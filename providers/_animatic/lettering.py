"""Text of any script as shapes: fallback fonts, joining, fitting into a box, coverage masks.

HarfBuzz shapes and rasterises; no font engine of the system is asked. Everything is measured in
ems, so one shaping serves every size. What a text means to a reader is `reading`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from PIL import Image

from .film import Size
from .reading import BOX, JOINERS, breakable, is_rtl, is_selector, letters, visual_runs

__all__ = ["FONTS", "Block", "Glyph", "Letterer", "Line", "Spot", "ink"]

FONTS: Final = Path(__file__).resolve().parent.parent / "fonts"

# Carries no types; one name for it, so that nothing else has to know.
HB: Final[Any] = import_module("uharfbuzz")

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
        """The largest setting of the text that fits the box; at `smallest` the end is cut."""
        size = largest
        lines, room = self._tried(text, box, size, smallest)
        while len(lines) > room and size > smallest:
            size = max(smallest, size * 0.94)
            lines, room = self._tried(text, box, size, smallest)
        cut = len(lines) > room
        if cut:
            lines = [*lines[: room - 1], self._ellipsis(lines[room - 1], box[0] / size)]
        elif "\n" not in text:
            lines = self._balanced(text, lines, box[0] / size)
        rtl = is_rtl(text)
        shaped = tuple(self.line(line, rtl=rtl) for line in lines)
        leading = self._leading(text, size, smallest)
        widest = max((line.width for line in shaped), default=0.0)
        if widest * size > box[0]:  # a line in one piece can be a little wider than its pieces
            size = max(smallest / 2, box[0] / widest)
        return Block(lines=shaped, size=size, leading=leading, rtl=rtl, cut=cut)

    def _tried(
        self, text: str, box: tuple[float, float], size: float, smallest: float
    ) -> tuple[list[str], int]:
        """The lines at that size, and for how many there is room."""
        lines = [line for part in text.split("\n") for line in self._wrap(part, box[0] / size)]
        return lines, max(1, int(box[1] / self._leading(text, size, smallest)))

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
        if char in JOINERS or is_selector(char):
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
        while len(kept) > 1 and self._width("".join(kept).rstrip(" ,.;-–—") + "…") > width:
            kept.pop()
        return "".join(kept).rstrip(" ,.;-–—") + "…"

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


def _language(text: str) -> str:
    """Which national forms of the shared ideographs: Japanese where there is kana."""
    return "ja" if any("\u3040" <= char <= "\u30ff" for char in text) else "zh-Hans"

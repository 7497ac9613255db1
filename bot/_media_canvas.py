"""A canvas for the pictures we draw ourselves, in the worker process: dark, large letters, smooth.

Coordinates are pixels of the finished picture.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

__all__ = ["INK", "LINE", "PAPER", "QUIET", "Canvas", "Colour"]

FONT: Final = Path(__file__).resolve().parent.parent / "providers" / "fonts" / "Inter-SemiBold.otf"
FINE: Final = 2  # drawn larger, then made smaller: smooth edges

Colour = tuple[int, int, int]

PAPER: Final[Colour] = (30, 31, 34)
INK: Final[Colour] = (242, 243, 245)
QUIET: Final[Colour] = (165, 171, 180)
LINE: Final[Colour] = (64, 66, 73)


class Canvas:
    """Draws lines, dots and words; `picture()` is what came of it."""

    def __init__(self, width: int, height: int, paper: Colour) -> None:
        self._image = Image.new("RGB", (width * FINE, height * FINE), paper)
        self._draw = ImageDraw.Draw(self._image)
        self._fonts: dict[int, ImageFont.FreeTypeFont] = {}

    def picture(self) -> Image.Image:
        return self._image.reduce(FINE)

    def width(self, text: str, size: int) -> int:
        return round(self._font(size).getlength(text) / FINE)

    def text(
        self,
        x: int,
        y: int,
        text: str,
        size: int,
        colour: Colour,
        room: int,
        *,
        right: bool = False,
    ) -> None:
        """One line, cut with an ellipsis where it does not fit."""
        text = " ".join(text.split())
        if self.width(text, size) > room:
            while text and self.width(text + "…", size) > room:
                text = text[:-1]
            text = text.rstrip() + "…"
        anchor = "ra" if right else "la"
        self._draw.text((x * FINE, y * FINE), text, colour, self._font(size), anchor=anchor)

    def box(self, x: int, y: int, width: int, height: int, colour: Colour) -> None:
        ends = (x * FINE, y * FINE, (x + width) * FINE - 1, (y + height) * FINE - 1)
        self._draw.rectangle(ends, colour)

    def frame(self, x: int, y: int, width: int, height: int, colour: Colour, line: int) -> None:
        ends = (x * FINE, y * FINE, (x + width) * FINE - 1, (y + height) * FINE - 1)
        self._draw.rectangle(ends, None, colour, line * FINE)

    def still(self, path: str, x: int, y: int, width: int, height: int) -> None:
        """A picture of ours, whole, in the middle of its box."""
        with Image.open(path) as source:
            picture = source.convert("RGB")
        scale = min(width * FINE / picture.width, height * FINE / picture.height)
        size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        left = x * FINE + (width * FINE - size[0]) // 2
        top = y * FINE + (height * FINE - size[1]) // 2
        self._image.paste(picture.resize(size, Image.Resampling.LANCZOS), (left, top))

    def line(self, x: int, y: int, to_x: int, to_y: int, colour: Colour, width: int) -> None:
        ends = (x * FINE, y * FINE, to_x * FINE, to_y * FINE)
        self._draw.line(ends, colour, width * FINE)

    def dot(self, x: int, y: int, radius: int, colour: Colour) -> None:
        self._draw.circle((x * FINE, y * FINE), radius * FINE, colour)

    def ring(self, x: int, y: int, radius: int, colour: Colour) -> None:
        centre = (x * FINE, y * FINE)
        self._draw.circle(centre, radius * FINE, None, colour, 4 * FINE)

    def _font(self, size: int) -> ImageFont.FreeTypeFont:
        if size not in self._fonts:
            # The other layout engine fails on texts it finds no glyphs for.
            basic = ImageFont.Layout.BASIC
            self._fonts[size] = ImageFont.truetype(str(FONT), size * FINE, layout_engine=basic)
        return self._fonts[size]

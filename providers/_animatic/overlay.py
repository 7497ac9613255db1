"""What lies on every frame: title, DRAFT stamp, viewfinder corners, running timecode."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from .film import FPS, Box, Patch, Planes, Size, solid
from .lettering import Block, Letterer, Line, Spot, ink

__all__ = ["DISPLAY", "INK", "LABEL", "Clock", "Sheet", "stamp", "title"]

DISPLAY: Final = "InterDisplay-SemiBold.otf"  # the prompt
LABEL: Final = "Inter-SemiBold.otf"  # everything small
INK: Final = "#fff7ea"
DARK: Final = "#15120f"
TITLE: Final = "STORYBOARD"
HONEST: Final = "— no AI model"
STAMP: Final = "DRAFT"


class Sheet:
    """A transparent picture the size of the frame, to draw on once."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.unit = min(size) / 720
        self.image = Image.new("RGBA", size)
        self.label = Letterer(LABEL)
        self.display = Letterer(DISPLAY)

    def lay(self, mask: Image.Image, colour: str, opacity: float = 1.0) -> None:
        """Cover with a colour where the mask says so."""
        tint = Image.new("RGBA", self.size, colour)
        tint.putalpha(mask.point([round(value * opacity) for value in range(256)]))
        self.image.alpha_composite(tint)

    def write(
        self, spots: Iterable[Spot], letterer: Letterer, colour: str = INK, opacity: float = 1.0
    ) -> Image.Image:
        mask = ink(self.size, spots, letterer)
        self.lay(mask, colour, opacity)
        return mask

    def shapes(self, boxes: Iterable[Box | tuple[float, ...]], radius: float = 0) -> Image.Image:
        """A mask of rectangles, round at the corners, smooth at the edges."""
        fine = 2
        mask = Image.new("L", (self.size[0] * fine, self.size[1] * fine))
        draw = ImageDraw.Draw(mask)
        for left, top, right, bottom in boxes:
            corners = (left * fine, top * fine, right * fine - 1, bottom * fine - 1)
            draw.rounded_rectangle(corners, radius * fine, fill=255)
        return mask.reduce(fine)

    def shadow(self, mask: Image.Image, reach: float, opacity: float) -> None:
        self.lay(mask.filter(ImageFilter.GaussianBlur(reach)), "#000000", opacity)

    def veil(self, top: float, bottom: float, opacity: float) -> None:
        """Darkness between two rows, under everything drawn so far."""
        edge = 46 * self.unit
        band = self.shapes([(0, top, self.size[0], bottom)])
        dark = Image.new("RGBA", self.size, "#000000")
        fade = [round(value * opacity) for value in range(256)]
        dark.putalpha(band.filter(ImageFilter.GaussianBlur(edge)).point(fade))
        dark.alpha_composite(self.image)
        self.image = dark

    def scrim(self, top: float, bottom: float, opacity: float) -> None:
        """Darkness that grows from one row to another and stays below it."""
        column = Image.new("L", (1, self.size[1]))
        share = ((row - top) / (bottom - top) for row in range(self.size[1]))
        column.putdata([round(255 * min(1.0, max(0.0, at)) ** 1.5) for at in share])
        self.lay(column.resize(self.size), "#000000", opacity)

    def patches(self, boxes: Iterable[Box]) -> list[Patch]:
        width, height = self.size
        inside = (
            (max(0, left), max(0, top), min(width, right), min(height, bottom))
            for left, top, right, bottom in boxes
        )
        return [Patch.cut(self.image, box) for box in inside if box[0] < box[2] and box[1] < box[3]]


def title(sheet: Sheet, facts: str, backing: float = 0.0) -> float:
    """The honest label and the shot's data at the top; returns the row below them.

    `backing` darkens what is behind the data: a picture may be as white as the letters.
    """
    unit, width = sheet.unit, sheet.size[0]
    margin, size = 48 * unit, 24 * unit
    name = sheet.label.line(TITLE, tracking=0.07)
    rest = sheet.label.line(HONEST)
    gap, pad, high = 10 * unit, 18 * unit, 46 * unit
    wide = (name.width + rest.width) * size + gap + 2 * pad
    sheet.lay(sheet.shapes([(margin, margin, margin + wide, margin + high)], 8 * unit), INK)
    base = margin + high / 2 + size * 0.36
    spots = [
        Spot(name, margin + pad, base, size),
        Spot(rest, margin + pad + name.width * size + gap, base, size),
    ]
    sheet.write(spots, sheet.label, DARK)
    data = sheet.label.line(facts)
    x = width - margin - data.width * size
    if x < margin + wide + 2 * gap:  # a narrow frame: under the label
        x, base = margin, base + high + 6 * unit
    if backing:
        x += pad if x == margin else -pad
        plate = (x - pad, base - high * 0.66, x + data.width * size + pad, base + high * 0.34)
        sheet.lay(sheet.shapes([plate], 8 * unit), "#000000", backing)
    mask = ink(sheet.size, [Spot(data, x, base, size)], sheet.label)
    sheet.shadow(mask, 4 * unit, 0.8)
    sheet.lay(mask, INK, 0.92)
    return base + 26 * unit


def stamp(sheet: Sheet, right: float, bottom: float, colour: str, backing: float = 0.0) -> Box:
    """DRAFT in a frame, turned like a rubber stamp; returns the box it takes."""
    unit = sheet.unit
    size, pad, thick = 74 * unit, 22 * unit, 6 * unit
    word = sheet.display.line(STAMP, tracking=0.06)
    wide, high = word.width * size + 2 * pad, size * 0.73 + 2 * pad
    angle = math.radians(7)
    cos, sin = math.cos(angle), math.sin(angle)
    span, rise = wide * cos + high * sin, wide * sin + high * cos
    middle = (right - span / 2, bottom - rise / 2)
    across, down = -wide / 2 + pad, high / 2 - pad
    spot = Spot(
        word,
        middle[0] + across * cos + down * sin,
        middle[1] - across * sin + down * cos,
        size,
        (cos, sin),
    )
    whole = _plate(sheet.size, middle, (wide, high), angle)
    inner = _plate(sheet.size, middle, (wide - 2 * thick, high - 2 * thick), angle)
    mask = ImageChops.lighter(
        ink(sheet.size, [spot], sheet.display), ImageChops.subtract(whole, inner)
    )
    sheet.lay(whole, "#000000", backing)
    sheet.shadow(mask, 5 * unit, 0.85)
    sheet.lay(mask, colour)
    reach = 24 * unit
    return (
        int(right - span - reach), int(bottom - rise - reach), int(right + reach),
        int(bottom + reach),
    )  # fmt: skip


def corners(sheet: Sheet) -> None:
    """The corners of a viewfinder."""
    (width, height), unit = sheet.size, sheet.unit
    edge, arm, thick = 22 * unit, 36 * unit, 3 * unit
    boxes: list[tuple[float, float, float, float]] = []
    for x, way_x in ((edge, 1), (width - edge, -1)):
        for y, way_y in ((edge, 1), (height - edge, -1)):
            boxes.append(_box(x, y, x + way_x * arm, y + way_y * thick))
            boxes.append(_box(x, y, x + way_x * thick, y + way_y * arm))
    sheet.lay(sheet.shapes(boxes), INK, 0.85)


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """The timecode and the playhead: all that changes on the sheet from frame to frame."""

    count: int
    track: tuple[int, int, int]  # left, right, row
    digits: dict[str, Image.Image]
    places: tuple[int, ...]  # left edge of each character of the timecode
    top: int  # of the timecode
    dot: Image.Image
    accent: Planes
    light: Planes

    @classmethod
    def draw(cls, sheet: Sheet, count: int, accent: str) -> Clock:
        """Draw the still parts on the sheet; the rest is pasted by `on`."""
        (width, height), unit = sheet.size, sheet.unit
        margin, row = round(48 * unit), round(height - 52 * unit)
        left, right = margin, width - margin
        marks: list[tuple[float, ...]] = [(left, row - unit * 1.5, right, row + unit * 1.5)]
        for second in range(count // FPS + 1):
            x = left + (right - left) * second * FPS / count
            marks.append((x - unit, row - 7 * unit, x + unit, row + 7 * unit))
        sheet.lay(sheet.shapes(marks), INK, 0.5)
        size = 30 * unit
        digits = {char: _digit(sheet, char, size) for char in "0123456789:"}
        steps = [digits[char].width for char in timecode(0)]
        side = 2 * math.ceil(9 * unit)
        return cls(
            count=count,
            track=(left, right, row),
            digits=digits,
            places=tuple(right - sum(steps[at:]) for at in range(len(steps))),
            top=round(row - 26 * unit - size) // 2 * 2,
            dot=_dot(side),
            accent=solid(accent, (width // 2 * 2, side)),
            light=solid(INK, digits["0"].size),
        )

    def on(self, frame: Planes, number: int) -> None:
        left, right, row = self.track
        now = round(left + (right - left) * number / max(1, self.count - 1))
        thick = self.dot.width // 6 * 2
        bar = Image.new("L", (max(2, (now - left) // 2 * 2), thick), 255)
        frame.paste(self.accent.crop((0, 0, *bar.size)), (left, row - thick // 2), bar)
        side = self.dot.width
        at = ((now - side // 2) // 2 * 2, (row - side // 2) // 2 * 2)
        frame.paste(self.accent.crop((0, 0, side, side)), at, self.dot)
        for place, char in zip(self.places, timecode(number), strict=True):
            mask = self.digits[char]
            frame.paste(self.light.crop((0, 0, *mask.size)), (place // 2 * 2, self.top), mask)


def timecode(number: int) -> str:
    """Hours, minutes, seconds and frames, as on a slate."""
    seconds, frame = divmod(number, FPS)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frame:02}"


def paragraph(sheet: Sheet, block: Block, left: float, right: float, top: float) -> Image.Image:
    """The mask of a block of lines, set to the side its script starts from."""
    spots: list[Spot] = []
    for number, line in enumerate(block.lines):
        x = right - line.width * block.size if block.rtl else left
        base = top + block.leading * number + block.size * 0.80
        spots.append(Spot(line, x, base + (block.leading - block.size * 1.16) / 2, block.size))
    return ink(sheet.size, spots, sheet.display)


def _digit(sheet: Sheet, char: str, size: float) -> Image.Image:
    line: Line = sheet.label.line(char)
    pace = math.ceil(line.width * size / 2) * 2
    high = math.ceil(size / 2) * 2
    spot = Spot(line, (pace - line.width * size) / 2, size * 0.86, size)
    return ink((pace, high), [spot], sheet.label)


def _dot(side: int) -> Image.Image:
    image = Image.new("L", (side * 4, side * 4))
    ImageDraw.Draw(image).ellipse((2, 2, side * 4 - 3, side * 4 - 3), fill=255)
    return image.reduce(4)


def _plate(
    size: Size, middle: tuple[float, float], span: tuple[float, float], angle: float
) -> Image.Image:
    """A turned rectangle, smooth at the edges."""
    fine = 3
    left, top = round(middle[0] - span[0] * 0.6), round(middle[1] - span[0] * 0.6)
    side = math.ceil(span[0] * 1.2)
    image = Image.new("L", (side * fine, side * fine))
    cos, sin = math.cos(angle), math.sin(angle)
    wide, high = span[0] / 2, span[1] / 2
    outline = [
        (
            (middle[0] - left + x * cos + y * sin) * fine,
            (middle[1] - top - x * sin + y * cos) * fine,
        )
        for x, y in ((-wide, -high), (wide, -high), (wide, high), (-wide, high))
    ]
    ImageDraw.Draw(image).polygon(outline, fill=255)
    mask = Image.new("L", size)
    mask.paste(image.reduce(fine), (left, top))
    return mask


def _box(x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
    return (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))

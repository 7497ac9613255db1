"""The storyboard card: the prompt in large type over a scene that makes the camera move."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from PIL import Image, ImageDraw

from .camera import NEAR, Move, move_for, pose
from .film import FPS, Box, Patch, Planes, Size, solid
from .lettering import Spot, ink
from .overlay import INK, Clock, Sheet, corners, paragraph, stamp, title
from .reading import clean
from .scene import Palette, Scene, palette_for

__all__ = ["card"]


def card(prompt: str, facts: str, size: Size, count: int, chance: Random) -> Iterator[Planes]:
    """The frames of a card; `facts` is the shot's data as one short line."""
    text = clean(prompt)
    move, named = move_for(text, chance)
    palette = palette_for(chance)
    sheet = Sheet(size)
    top = title(sheet, facts) + 26 * sheet.unit
    end = _prompt(sheet, text, top)
    _camera_label(sheet, move, named)
    marked = stamp(sheet, *_stamp_corner(sheet), palette.accent, 0.4)
    clock = Clock.draw(sheet, count, palette.accent)
    patches = _cut(sheet, top, end, marked)
    scene = Scene(size, palette, move, (marked[0], end), chance)
    inset = _Inset(sheet, move, palette)
    for number in range(count):
        time = number / max(1, count - 1)
        frame = scene.at(time, number / FPS)
        for patch in patches:
            patch.on(frame)
        inset.on(frame, time)
        clock.on(frame, number)
        yield frame


def _stamp_corner(sheet: Sheet) -> tuple[float, float]:
    return sheet.size[0] - 48 * sheet.unit, sheet.size[1] - 128 * sheet.unit


def _prompt(sheet: Sheet, text: str, top: float) -> float:
    """The words, as large as there is room above the stamp; returns the row where they end."""
    (width, height), unit = sheet.size, sheet.unit
    left, right = 48 * unit, width - 48 * unit
    bottom = _stamp_corner(sheet)[1] - 142 * unit
    block = sheet.display.fit(text, (right - left, bottom - top), 68 * unit, 23 * unit)
    letters = paragraph(sheet, block, left, right, top)
    end = top + block.height
    sheet.shadow(letters, 7 * unit, 0.6)
    sheet.lay(letters, INK)
    if end > height * 0.5:  # the words reach the bright horizon
        sheet.veil(top - 40 * unit, end + 30 * unit, 0.4)
    sheet.scrim(height - 230 * unit, height, 0.72)
    corners(sheet)
    return end


def _cut(sheet: Sheet, top: float, end: float, marked: Box) -> list[Patch]:
    """The sheet in the pieces that have something on them."""
    (width, height), reach = sheet.size, 130 * sheet.unit
    low = int(height - 230 * sheet.unit) // 2 * 2
    upper, lower = max(0, int(top - reach)) // 2 * 2, min(low, int(end + reach)) // 2 * 2
    return sheet.patches(
        [
            (0, 0, width, upper),
            (0, upper, width, lower),
            (marked[0], max(lower, marked[1]), marked[2], low),
            (0, low, width, height),
        ]
    )


def _camera_label(sheet: Sheet, move: Move, named: bool) -> None:
    unit = sheet.unit
    left, base = 48 * unit + _inset_size(sheet)[0] + 18 * unit, sheet.size[1] - 102 * unit
    name = sheet.label.line(move.value.upper(), tracking=0.07)
    source = sheet.label.line("camera, as in the prompt" if named else "camera, our suggestion")
    spots = [Spot(name, left, base, 23 * unit), Spot(source, left, base + 25 * unit, 17 * unit)]
    mask = ink(sheet.size, spots, sheet.label)
    sheet.shadow(mask, 4 * unit, 0.7)
    sheet.lay(mask, INK, 0.95)


def _inset_size(sheet: Sheet) -> Size:
    """The shape of the frame, small."""
    (width, height), half = sheet.size, 24 * sheet.unit
    return round(half * min(2.4, max(0.5, width / height))) * 2, round(half) * 2


class _Inset:
    """The camera move as storyboards draw it: a frame travelling inside the frame."""

    def __init__(self, sheet: Sheet, move: Move, palette: Palette) -> None:
        unit = sheet.unit
        self.move = move
        self.wide, self.high = _inset_size(sheet)
        self.at = (round(24 * unit) * 2, round((sheet.size[1] - 126 * unit) / 2) * 2)
        self.thick = 3 * unit
        self.outer = solid(INK, (self.wide, self.high))
        self.inner = solid(palette.accent, (self.wide, self.high))
        self.border = self._outline((0, 0, 1, 1)).point(lambda value: value * 0.6)

    def on(self, frame: Planes, time: float) -> None:
        camera = pose(self.move, time)
        travels = self.move in {Move.PUSH_IN, Move.PULL_BACK}
        share = 0.86 - (camera.zoom - 1) / (NEAR - 1) * 0.42 if travels else 0.56
        x, y = 0.5 - camera.x * 1.5, 0.5 - camera.y * 1.5
        half = share / 2
        frame.paste(self.outer, self.at, self.border)
        frame.paste(self.inner, self.at, self._outline((x - half, y - half, x + half, y + half)))

    def _outline(self, box: tuple[float, float, float, float]) -> Image.Image:
        fine = 3
        image = Image.new("L", (self.wide * fine, self.high * fine))
        wide, high = image.size
        corners = (box[0] * wide, box[1] * high, box[2] * wide - 1, box[3] * high - 1)
        thick = max(2, round(self.thick * fine))
        ImageDraw.Draw(image).rounded_rectangle(corners, 4 * thick / 3, outline=255, width=thick)
        return image.reduce(fine)

"""A camera move over a supplied still, or from one still to another."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

from PIL import Image, ImageOps

from .camera import Move, ease, move_for
from .film import Patch, Planes, Size, yuv
from .lettering import Spot, ink
from .overlay import DARK, INK, Clock, Sheet, stamp, title
from .reading import clean

__all__ = ["BrokenPicture", "still"]

ACCENT: Final = "#ffb454"
BACKING: Final = 0.55  # darkness behind lettering, on a picture of any brightness
FORMATS: Final = ("JPEG", "PNG", "WEBP", "AVIF")
MAX_PIXELS: Final = 40_000_000
MAX_SIDE: Final = 8192
CLOSE: Final = 1.2  # how far a move goes into the picture
SHARP: Final = 1.3  # pixels kept per pixel shown, so that going close stays sharp

Lens = tuple[float, float, float]  # middle of the view in picture sizes, and enlargement


class BrokenPicture(Exception):
    """The file is no picture we can open; the message says why, in plain words."""


def still(
    first: Path | None,
    last: Path | None,
    words: tuple[str, str],
    size: Size,
    count: int,
    chance: Random,
) -> Iterator[Planes]:
    """The frames; `words` are the prompt and the shot's data. One of the two stills is there."""
    text = clean(words[0])
    move, _ = move_for(text, chance)
    aim = (chance.uniform(0.4, 0.6), chance.uniform(0.36, 0.54))
    pictures = [_picture(path, size) for path in (first, last) if path is not None]
    sheet = Sheet(size)
    patches, clock = _draw(sheet, text, words[1], count)
    for number in range(count):
        time = number / max(1, count - 1)
        frame = _seen(pictures[0], (move, aim), time, size)
        fade = ease(min(1.0, max(0.0, (time - 0.36) / 0.28)))
        if len(pictures) > 1 and fade > 0:
            # ends on the whole of the second still, as the vendors do
            arriving = _seen(pictures[1], (Move.PUSH_IN, aim), 1 - time, size)
            frame = frame.blend(arriving, fade)
        for patch in patches:
            patch.on(frame)
        clock.on(frame, number)
        yield frame


def _picture(path: Path, size: Size) -> Planes:
    """The still, cut to the clip's shape and made as small as sharpness allows."""
    picture = _opened(path)
    width, height = size
    scale = max(width / picture.width, height / picture.height)
    keep = max(1.0, min(SHARP, 1 / scale))
    target = (math.ceil(width * keep / 2) * 2, math.ceil(height * keep / 2) * 2)
    return yuv(ImageOps.fit(picture, target, Image.Resampling.LANCZOS))


def _opened(path: Path) -> Image.Image:
    """Somebody's file as plain RGB, upright; limits are checked before a pixel is decoded."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with Image.open(path, formats=FORMATS) as picture:
            if max(picture.size) > MAX_SIDE or picture.width * picture.height > MAX_PIXELS:
                raise BrokenPicture(f"the still is too large: {picture.width}x{picture.height}")
            if getattr(picture, "n_frames", 1) > 1:
                raise BrokenPicture("the still is an animation")
            upright = ImageOps.exif_transpose(picture)
            if upright.mode in {"I", "F", "I;16", "I;16B"}:
                upright = upright.convert("F").point(lambda value: value / 257).convert("L")
            solid = Image.new("RGBA", upright.size, DARK)
            solid.alpha_composite(upright.convert("RGBA"))
            return solid.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BrokenPicture("the still cannot be read: not a JPEG, PNG, WebP or AVIF") from error
    except Image.DecompressionBombWarning as error:
        raise BrokenPicture("the still is too large") from error


def _seen(
    picture: Planes, path: tuple[Move, tuple[float, float]], time: float, size: Size
) -> Planes:
    x, y, zoom = _lens(*path, time)
    width, height = picture.y.size
    wide, high = width / zoom, height / zoom
    left = min(max(0.0, x * width - wide / 2), width - wide)
    top = min(max(0.0, y * height - high / 2), height - high)
    return picture.view((left, top, left + wide, top + high), size)


def _lens(move: Move, aim: tuple[float, float], time: float) -> Lens:
    """Where the view stands in the picture; a move in begins on the whole still."""
    eased = ease(time)
    room = 0.5 / CLOSE  # the middle of a close view lies between this and one minus this
    swing = (1 - 2 * room) * (eased - 0.5)
    match move:
        case Move.PUSH_IN:
            return _between(aim, eased)
        case Move.PULL_BACK:
            return _between(aim, 1 - eased)
        case Move.PAN_LEFT:
            return (0.5 - swing, aim[1], CLOSE)
        case Move.PAN_RIGHT | Move.ORBIT:
            return (0.5 + swing, aim[1], CLOSE)
        case Move.TILT_UP | Move.CRANE_UP:
            return (aim[0], 0.5 - swing, CLOSE)
        case Move.TILT_DOWN:
            return (aim[0], 0.5 + swing, CLOSE)
        case Move.HANDHELD:
            x = 0.5 + 0.008 * math.sin(9.1 * time) + 0.004 * math.sin(23 * time + 1)
            return (x, 0.5 + 0.007 * math.sin(11.7 * time + 2), 1.06)
        case Move.LOCKED:
            return (0.5, 0.5, 1.0)


def _between(aim: tuple[float, float], share: float) -> Lens:
    zoom = CLOSE**share  # even growth: the eye sees ratios
    return (0.5 + (aim[0] - 0.5) * share, 0.5 + (aim[1] - 0.5) * share, zoom)


def _draw(sheet: Sheet, text: str, facts: str, count: int) -> tuple[list[Patch], Clock]:
    (width, height), unit = sheet.size, sheet.unit
    margin, high = 48 * unit, 132 * unit
    band = sheet.shapes([(0, height - high, width, height)])
    sheet.lay(band, "#000000", BACKING)
    below = title(sheet, facts, BACKING)
    box = stamp(sheet, width - margin, height - high - 24 * unit, ACCENT, BACKING)
    clock = Clock.draw(sheet, count, ACCENT)
    if text:
        size = 28 * unit
        line = sheet.display.one(text, (clock.places[0] - 28 * unit - margin) / size)
        spot = Spot(line, margin, clock.top + size * 0.92, size)
        sheet.lay(ink(sheet.size, [spot], sheet.display), INK)
    low = int(height - high)
    return sheet.patches([(0, 0, width, int(below)), box, (0, low, width, height)]), clock

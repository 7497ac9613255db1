"""The moving picture behind a storyboard card: sky, sun and paper-cut ridges at five depths.

It depicts no prompt and does not pretend to. It shows a camera move: near things slide faster than
far ones. Colours and shapes come from the random numbers handed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Final

from PIL import Image, ImageColor, ImageDraw, ImageMath

from .camera import Move, Pose, pose
from .film import Planes, Size, solid, yuv

__all__ = ["Palette", "Scene", "palette_for"]

Outline = list[tuple[float, float]]  # x in short sides, height 0..1
Clear = tuple[float, float]  # the sun keeps left of this column and, if it can, below this row
Profile = Callable[[Random, float, float], Outline]


@dataclass(frozen=True, kw_only=True, slots=True)
class Palette:
    sky: tuple[str, str, str]  # zenith, middle, horizon
    sun: str
    far: str
    near: str
    accent: str


PALETTES: Final = (
    Palette(  # dusk over water
        sky=("#161a3f", "#5a3a78", "#f0896b"),
        sun="#ffd9a0", far="#9a5479", near="#130f2c", accent="#ff8f6b",
    ),
    Palette(  # deep sea morning
        sky=("#04202c", "#0e5563", "#7fc4a9"),
        sun="#fdf0c8", far="#2f8580", near="#03161d", accent="#ffb454",
    ),
    Palette(  # ember
        sky=("#220b16", "#84232f", "#f08c4c"),
        sun="#ffe1a3", far="#a83c35", near="#1b070d", accent="#ffc247",
    ),
    Palette(  # pine forest
        sky=("#0a211d", "#245545", "#c3c878"),
        sun="#fbf3c4", far="#4d8460", near="#05130f", accent="#ffd166",
    ),
    Palette(  # winter light
        sky=("#0b1834", "#2d5f95", "#b9d8e4"),
        sun="#ffffff", far="#5c8fb8", near="#081529", accent="#ffb86b",
    ),
    Palette(  # orchid
        sky=("#1c0f33", "#682d78", "#f29ab0"),
        sun="#ffe6dc", far="#a14f93", near="#150a26", accent="#7ee0d0",
    ),
    Palette(  # desert
        sky=("#2c1712", "#96502a", "#f4c178"),
        sun="#fff1cf", far="#bb7040", near="#1d0d09", accent="#6fd3e3",
    ),
    Palette(  # silver screen
        sky=("#0f1216", "#3d464f", "#b4bdc2"),
        sun="#f6f4ee", far="#76818a", near="#0b0d10", accent="#ff6b4a",
    ),
)  # fmt: skip

DEPTH_OF_SKY: Final = 0.12
DEPTHS: Final = (0.16, 0.3, 0.48, 0.72, 1.0)  # how much of the camera each ridge feels
SLACK: Final = 0.22  # of the width, drawn beyond each edge
FINE: Final = 3  # supersampling of outlines


def palette_for(chance: Random) -> Palette:
    return chance.choice(PALETTES)


class Scene:
    """A picture in layers; `at` takes it at a moment, seen by a moving camera."""

    def __init__(
        self, size: Size, palette: Palette, move: Move, clear: Clear, chance: Random
    ) -> None:
        self.size = size
        self.unit = min(size)
        self.move = move
        self._sky = _sky(size, palette, clear, chance)
        profile = chance.choice((_swell, _ridge, _dunes))
        mixed = [_mix(palette.far, palette.near, (i / 4) ** 0.75) for i in range(5)]
        self._ridges = [
            _Ridge(size, i, (mixed[i], palette.sky[2] if i < 3 else palette.far), profile, chance)
            for i in range(5)
        ]
        self._dust = [_Mote.any(self.unit, chance) for _ in range(16)]
        self._light = solid(palette.sun, (64, 64))

    def at(self, time: float, seconds: float) -> Planes:
        """The frame at `time` 0..1 of the clip, `seconds` after its start."""
        camera = pose(self.move, time)
        frame = self._background(camera)
        bottoms = [ridge.crest(camera, self.move)[1] for ridge in self._ridges[1:]] + [self.size[1]]
        for ridge, bottom in zip(self._ridges, bottoms, strict=True):
            ridge.on(frame, camera, self.move, seconds, bottom)
        for mote in self._dust:
            mote.on(frame, camera, self.size, seconds, self._light)
        return frame

    def _background(self, camera: Pose) -> Planes:
        width, height = self.size
        wide, high = self._sky.y.size
        zoom = 1 + (camera.zoom - 1) * DEPTH_OF_SKY
        w, h = width / zoom, height / zoom
        x = (wide - w) / 2 - camera.x * DEPTH_OF_SKY * width
        y = (high - h) / 2 - camera.y * DEPTH_OF_SKY * height
        return self._sky.view((x, y, x + w, y + h), self.size)


class _Ridge:
    """One paper-cut layer: a crest with a soft edge, solid below it."""

    def __init__(
        self, size: Size, index: int, colours: tuple[str, str], profile: Profile, chance: Random
    ) -> None:
        width, height = size
        unit = min(size)
        self.depth = DEPTHS[index]
        self.size = size
        self.focus = (width / 2, height * 0.6)
        self.wind = chance.choice((-1, 1)) * unit * (0.004 + 0.008 * self.depth)
        rise = unit * (0.12 + 0.05 * chance.random()) * (1 - 0.28 * self.depth)
        middle = height * (0.665 + 0.075 * index) + rise / 2
        self.top, self.bottom = middle - rise, middle
        self.slack = width * SLACK
        self.mask = self._outline(profile, chance)
        self.fill = _wash(
            (width, height),
            ((0, colours[0]), (self.top / height, colours[0]),
             (min(1.0, self.bottom / height + 0.16), _mix(colours[0], colours[1], 0.34)),
             (1, colours[0])),
        )  # fmt: skip

    def _outline(self, profile: Profile, chance: Random) -> Image.Image:
        width, unit = self.size[0], min(self.size)
        wide, high = round(width + 2 * self.slack), round(self.bottom - self.top) + 8
        outline = profile(chance, math.ceil(wide / unit * 10) / 10, 1.5 - 0.55 * self.depth)
        image = Image.new("L", (wide * FINE, high * FINE))
        crest = [
            (x * unit * FINE, (4 + (1 - y) * (self.bottom - self.top)) * FINE) for x, y in outline
        ]
        ends = [(wide * FINE, high * FINE), (0, high * FINE)]
        ImageDraw.Draw(image).polygon([*crest, *ends], fill=255)
        return image.reduce(FINE)

    def _felt(self, camera: Pose, move: Move) -> Pose:
        depth = self.depth - 0.5 if move is Move.ORBIT else self.depth
        return Pose(camera.x * depth, camera.y * self.depth, 1 + (camera.zoom - 1) * self.depth)

    def crest(self, camera: Pose, move: Move) -> tuple[int, int]:
        """Where the crest begins and where the ridge is solid, in even rows of the frame."""
        felt, height = self._felt(camera, move), self.size[1]
        rows = (
            (y - self.focus[1]) * felt.zoom + self.focus[1] + felt.y * height
            for y in (self.top - 2, self.bottom + 2)
        )
        first, last = rows
        return _even(first, height), _even(last + 2, height)

    def on(self, frame: Planes, camera: Pose, move: Move, seconds: float, below: int) -> None:
        width, height = self.size
        felt = self._felt(camera, move)
        first, last = self.crest(camera, move)
        shift_x, shift_y = felt.x * width + self.wind * seconds, felt.y * height
        left = (0 - self.focus[0] - shift_x) / felt.zoom + self.focus[0] + self.slack
        upper = (first - self.focus[1] - shift_y) / felt.zoom + self.focus[1] - self.top + 4
        box = (left, upper, left + width / felt.zoom, upper + (last - first) / felt.zoom)
        if last > first:
            mask = self.mask.resize(
                (width, last - first), Image.Resampling.BILINEAR, _inside(box, self.mask.size)
            )
            frame.paste(self.fill.crop((0, first, width, last)), (0, first), mask)
        if below > last:
            solid_part = self.fill.crop((0, last, width, below))
            frame.y.paste(solid_part.y, (0, last))
            frame.u.paste(solid_part.u, (0, last // 2))
            frame.v.paste(solid_part.v, (0, last // 2))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mote:
    """A speck of dust in the light, out of focus when near."""

    x: float
    y: float
    depth: float
    phase: float
    mask: Image.Image

    @classmethod
    def any(cls, unit: int, chance: Random) -> _Mote:
        depth = chance.random() ** 2 * 1.2 + 0.2
        radius = unit * (0.0022 + 0.006 * depth)
        side = 2 * math.ceil(radius + 2)
        share = 150 * (0.55 - 0.3 * depth)
        disc = _disc(side, radius, soft=depth > 0.7).point(lambda value: value * share / 255)
        x, y, phase = chance.random(), chance.random(), chance.random() * 6.3
        return cls(x=x, y=y, depth=depth, phase=phase, mask=disc)

    def on(self, frame: Planes, camera: Pose, size: Size, seconds: float, light: Planes) -> None:
        width, height = size
        zoom = 1 + (camera.zoom - 1) * self.depth
        x = self.x + 0.012 * math.sin(self.phase + seconds * 0.7) + camera.x * self.depth
        y = self.y - 0.016 * seconds * self.depth + camera.y * self.depth
        x, y = ((x - 0.5) * zoom + 0.5) % 1.1 - 0.05, ((y - 0.6) * zoom + 0.6) % 1.1 - 0.05
        side = self.mask.width
        at = (round(x * width) // 2 * 2, round(y * height) // 2 * 2)
        if 0 <= at[0] <= width - side and 0 <= at[1] <= height - side:
            frame.paste(light.crop((0, 0, side, side)), at, self.mask)


def _sky(size: Size, palette: Palette, clear: Clear, chance: Random) -> Planes:
    wide, high = (round(side * 1.06) // 2 * 2 for side in size)
    a, b, c = palette.sky
    sky = _wash((wide, high), ((0, a), (0.46, b), (0.8, c), (1, c)))
    radius = min(size) * chance.uniform(0.085, 0.12)
    x = clear[0] - radius * 1.2 - wide * chance.uniform(0.0, 0.2)
    y = min(high * 0.66, max(high * chance.uniform(0.50, 0.58), clear[1] + radius * 1.5))
    for reach, share in ((5.2, 0.34), (2.1, 0.42)):
        sky = _glow(sky, (x, y), radius * reach, palette.sun, share)
    side = 2 * math.ceil(radius + 2)
    at = (round(x - side / 2) // 2 * 2, round(y - side / 2) // 2 * 2)
    sky.paste(solid(palette.sun, (side, side)), at, _disc(side, radius, soft=False))
    return sky


def _wash(size: Size, stops: tuple[tuple[float, str], ...]) -> Planes:
    """A vertical gradient, with noise below one level in its luma so that it shows no bands.

    The noise has its own numbers: a seed draws the same shapes at every size.
    """
    width, height = size
    column = Image.new("RGB", (1, height))
    fine = [_between(stops, (row + 0.5) / height) for row in range(height)]
    column.putdata([(round(r), round(g), round(b)) for r, g, b in fine])
    tint = yuv(column.resize((width, height)))
    luma = Image.new("F", (1, height))
    luma.putdata([16 + 0.18259 * r + 0.61423 * g + 0.06201 * b for r, g, b in fine])
    noise = Image.frombytes("L", size, Random(24).randbytes(width * height)).convert("F")
    y = ImageMath.lambda_eval(
        lambda args: args["convert"](args["luma"] + args["noise"] / 160 - 0.3, "L"),
        luma=luma.resize(size), noise=noise,
    )  # fmt: skip
    return Planes(y, tint.u, tint.v)


def _glow(
    sky: Planes, centre: tuple[float, float], radius: float, colour: str, share: float
) -> Planes:
    side = math.ceil(radius) * 2
    fall = Image.radial_gradient("L").point(
        [round(255 * max(0.0, 1 - d / 180) ** 2 * share) for d in range(256)]
    )
    mask = Image.new("L", sky.y.size)
    at = (round(centre[0] - side / 2), round(centre[1] - side / 2))
    mask.paste(fall.resize((side, side), Image.Resampling.BICUBIC), at)
    lit = sky.copy()
    lit.paste(solid(colour, sky.y.size), (0, 0), mask)
    return lit


def _disc(side: int, radius: float, *, soft: bool) -> Image.Image:
    image = Image.new("L", (side * 4, side * 4))
    middle = side * 2
    edge = radius * 4
    ring = (middle - edge, middle - edge, middle + edge, middle + edge)
    ImageDraw.Draw(image).ellipse(ring, fill=255)
    if soft:
        return image.resize((side // 3, side // 3), Image.Resampling.BOX).resize(
            (side, side), Image.Resampling.BICUBIC
        )
    return image.reduce(4)


def _swell(chance: Random, width: float, scale: float) -> Outline:
    waves = [(f * scale, chance.random() * 6.3, a) for f, a in ((1.6, 0.5), (3.1, 0.3), (5.3, 0.2))]
    return [
        (x, 0.5 + 0.5 * sum(a * math.sin(f * x * 2 + p) for f, p, a in waves))
        for x in _steps(width, 0.008)
    ]


def _dunes(chance: Random, width: float, scale: float) -> Outline:
    phase, lean = chance.random() * 6.3, chance.choice((-0.35, 0.35))

    def height(x: float) -> float:
        angle = x * 2.3 * scale + phase
        long = 1 - abs(math.sin(angle + lean * math.sin(angle * 2))) ** 0.85
        return 0.8 * long + 0.2 * (0.5 + 0.5 * math.sin(x * 1.3 * scale + phase * 2))

    return [(x, height(x)) for x in _steps(width, 0.006)]


def _ridge(chance: Random, width: float, scale: float) -> Outline:
    """Mountains: a line broken in the middle again and again, less each time."""
    points = [(x, chance.uniform(0.15, 0.75)) for x in _steps(width, 0.62 / scale)]
    rough = 0.36
    while points[1][0] - points[0][0] > 0.012:
        broken: Outline = [points[0]]
        for (x0, y0), (x1, y1) in pairwise(points):
            middle = (y0 + y1) / 2 + chance.uniform(-rough, rough)
            broken += [((x0 + x1) / 2, middle), (x1, y1)]
        points, rough = broken, rough * 0.54
    low, high = min(y for _, y in points), max(y for _, y in points)
    return [(x, (y - low) / (high - low)) for x, y in points]


def _steps(width: float, step: float) -> list[float]:
    return [index * step for index in range(math.ceil(width / step) + 2)]


def _mix(a: str, b: str, share: float) -> str:
    one, other = ImageColor.getrgb(a), ImageColor.getrgb(b)
    r, g, b_ = (round(p + (q - p) * share) for p, q in zip(one[:3], other[:3], strict=True))
    return f"#{r:02x}{g:02x}{b_:02x}"


def _between(stops: tuple[tuple[float, str], ...], at: float) -> tuple[float, float, float]:
    for (p0, a), (p1, b) in pairwise(stops):
        if at <= p1:
            share = (at - p0) / (p1 - p0) if p1 > p0 else 1.0
            share = share * share * (3 - 2 * share)
            one, other = ImageColor.getrgb(a), ImageColor.getrgb(b)
            r, g, blue = (p + (q - p) * share for p, q in zip(one[:3], other[:3], strict=True))
            return r, g, blue
    r, g, blue = ImageColor.getrgb(stops[-1][1])[:3]
    return r, g, blue


def _even(row: float, height: int) -> int:
    return min(height, max(0, math.floor(row / 2) * 2))


def _inside(
    box: tuple[float, float, float, float], size: Size
) -> tuple[float, float, float, float]:
    return (
        max(0.0, box[0]), max(0.0, box[1]), min(float(size[0]), box[2]), min(float(size[1]), box[3])
    )  # fmt: skip

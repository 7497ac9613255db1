"""Decides what a clip must become to be seen in a channel; pure, the encoding is elsewhere.

The numbers come from measurements on 2-core machines: constant quality under a rate cap gives the
same picture as two passes for two thirds of the work, and the cap below never overshot a limit
on pure noise, because it pays for the buffer that the encoder may empty on top of its rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

__all__ = [
    "ClipInfo",
    "Grid",
    "Shape",
    "Sound",
    "canvases_for",
    "fit_sound",
    "grid_for",
    "pick_shape",
    "plays_inline",
    "rate_cap",
    "rate_for",
    "repacking_fits",
    "shapes_for",
]

Shape = tuple[int, int]  # width, height

SHORT_SIDES = (1080, 720, 540)
ENOUGH_BITS = 0.03  # per pixel and frame; below it a smaller picture looks better
CONTAINER_BYTES = 64 * 1024
INDEX_BYTES_PER_FRAME = 32
AUDIO_BPS = 96_000
FILM_RATES = (Fraction(24), Fraction(25), Fraction(30), Fraction(48), Fraction(50), Fraction(60))
MEETING_RATE = Fraction(60)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipInfo:
    """What is known of a clip. `frames` were decoded only if `examine` made this."""

    path: Path
    size_bytes: int
    duration_s: float
    width: int
    height: int
    fps: float
    frames: int
    codec: str
    pix_fmt: str
    audio_codec: str | None
    payload_bytes: int  # picture and sound alone
    audio_bytes: int
    brand: str
    faststart: bool
    content_credentials: bool  # carries them; nobody has checked the signature
    poster: Path | None = None
    last_frame: Path | None = None

    @property
    def has_audio(self) -> bool:
        return self.audio_codec is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sound:
    """What becomes of the sound; `mode` None leaves it out."""

    mode: Literal["copy", "aac"] | None
    bps: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """Cells of equal size, row by row."""

    columns: int
    rows: int
    cell: Shape

    def canvas(self, scale: float = 1.0) -> Shape:
        width, height = self.cell_at(scale)
        return width * self.columns, height * self.rows

    def cell_at(self, scale: float) -> Shape:
        return _even(self.cell[0] * scale), _even(self.cell[1] * scale)


def plays_inline(info: ClipInfo) -> bool:
    """H.264 with AAC in a plain mp4 is what every Discord client plays in the channel."""
    return _plain_streams(info) and info.brand != "qt  "


def repacking_fits(info: ClipInfo, limit_bytes: int) -> bool:
    """The streams are fine and small enough; only what is around them is not."""
    around = CONTAINER_BYTES + INDEX_BYTES_PER_FRAME * info.frames
    return _plain_streams(info) and info.payload_bytes + around <= limit_bytes


def fit_sound(info: ClipInfo, limit_bytes: int) -> Sound:
    """Copied if it is AAC and takes at most a quarter of the room, else made small enough."""
    if info.audio_codec is None or info.audio_codec == "unknown":
        return Sound(mode=None, bps=0)
    copied_bps = int(info.audio_bytes * 8 / info.duration_s)
    quarter_bps = int(limit_bytes * 8 / 4 / info.duration_s)
    if info.audio_codec == "aac" and copied_bps <= quarter_bps:
        return Sound(mode="copy", bps=copied_bps)
    return Sound(mode="aac", bps=max(32_000, min(AUDIO_BPS, quarter_bps)))


def rate_cap(limit_bytes: int, duration_s: float, audio_bps: int) -> int:
    """The video's bits per second that stay under the limit with a buffer of half a second."""
    room = 0.985 * limit_bytes * 8 - audio_bps * duration_s - 96_000
    return int(room / (duration_s + 0.45))


def shapes_for(width: int, height: int) -> list[Shape]:
    """This picture at falling heights (widths if it is upright), never enlarged."""
    short = min(width, height)
    sides = [min(short, SHORT_SIDES[0]), *(side for side in SHORT_SIDES[1:] if side < short)]
    return [(_even(width * side / short), _even(height * side / short)) for side in sides]


def pick_shape(shapes: Sequence[Shape], cap_bps: int, fps: float) -> Shape:
    """The largest that gets enough bits a pixel, else the smallest."""
    enough = (s for s in shapes if cap_bps / (s[0] * s[1] * fps) >= ENOUGH_BITS)
    return next(enough, shapes[-1])


def grid_for(shapes: Sequence[Shape]) -> Grid:
    """About 1280 x 720 pixels in all, shared so that the pictures are as large as they can be.

    Two wide clips stand on top of each other, upright ones side by side: in both cases larger on
    a phone than in one wide canvas.
    """
    upright = sum(height > width for width, height in shapes)
    count = len(shapes)
    if count == 2:
        cells: dict[int, tuple[int, Shape]] = {
            0: (1, (960, 540)),
            1: (2, (640, 720)),
            2: (2, (540, 960)),
        }
        columns, cell = cells[upright]
    elif upright * 2 > count:
        columns, cell = count, (408, 720) if count == 3 else (360, 640)
    else:
        columns, cell = 2, (640, 360)
    return Grid(columns=columns, rows=-(-count // columns), cell=cell)


def rate_for(rates: Sequence[float]) -> Fraction:
    """One rate for clips that must not be told apart by it: their own where they share one.

    Where they differ, none loses a picture at 60, and each is at most 8 ms off its moment.
    """
    near = {
        next((known for known in FILM_RATES if abs(known - rate) < 0.5), None) for rate in rates
    }
    return (near.pop() if len(near) == 1 else None) or MEETING_RATE


def canvases_for(shapes: Sequence[Shape]) -> list[Shape]:
    """A canvas, and smaller ones, on which each of these is whole: as large as the largest."""
    width, height = max(shapes, key=lambda shape: (shape[0] * shape[1], shape))
    return shapes_for(width, height)


def _plain_streams(info: ClipInfo) -> bool:
    return (
        info.codec == "h264"
        and info.pix_fmt in ("yuv420p", "yuvj420p")
        and info.audio_codec in ("aac", None)
    )


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)

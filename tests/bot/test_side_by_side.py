"""Clips of different ratio, rate and length in one picture: each whole, under its own label."""

from __future__ import annotations

from pathlib import Path

import av
import httpx
import pytest
from PIL import Image

from bot._media_grid import LABEL_HEIGHT
from bot._media_plan import Grid, grid_for
from bot.media import Media
from tests.bot.media_samples import make_clip

COLOURS = ((255, 0, 0), (0, 255, 0), (255, 165, 0), (255, 255, 255))
NAMES = ("red", "lime", "orange", "white")
SHAPES = ((640, 360), (360, 640), (400, 400), (640, 272))
RATES = (24, 30, 16, 24)
SECONDS = (1.0, 2.0, 0.5, 1.5)


@pytest.fixture
def media(tmp_path: Path) -> Media:
    return Media(httpx.AsyncClient(), tmp_path, loopback_ok=lambda _: False)


def clips_of(folder: Path, count: int) -> list[Path]:
    return [
        make_clip(
            folder / f"source-{at}.mp4",
            seconds=SECONDS[at],
            fps=RATES[at],
            size=SHAPES[at],
            colour=NAMES[at],
        )
        for at in range(count)
    ]


def pictures(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as clip:
        return [frame.to_image() for frame in clip.decode(video=0)]


def cell(picture: Image.Image, grid: Grid, at: int) -> Image.Image:
    left, top = at % grid.columns * grid.cell[0], at // grid.columns * grid.cell[1]
    return picture.crop((left, top, left + grid.cell[0], top + grid.cell[1]))


def square_in(picture: Image.Image, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Where this colour is, below the label."""
    pixels = picture.convert("RGB").tobytes()
    found = [
        (x, y)
        for y in range(LABEL_HEIGHT + 2, picture.height, 2)
        for x in range(0, picture.width, 2)
        for at in (3 * (y * picture.width + x),)
        if all(abs(pixels[at + part] - colour[part]) < 50 for part in range(3))
    ]
    assert found
    xs, ys = [x for x, _ in found], [y for _, y in found]
    return min(xs), min(ys), max(xs), max(ys)


@pytest.mark.parametrize("count", [2, 3, 4])
async def test_each_clip_stands_in_its_own_place_and_none_is_cut(
    media: Media, tmp_path: Path, count: int
) -> None:
    """The square of a sample ends flush right: were the clip cut at a side, it would be gone."""
    clips = clips_of(tmp_path, count)
    labels = ["A", "B", "C", "D"][:count]
    made = await media.side_by_side(clips, labels, tmp_path / "grid.mp4", limit_bytes=4 << 20)
    shown = pictures(made.path)
    grid = grid_for(SHAPES[:count])

    assert len(shown) == max(SECONDS[:count]) * 24
    for at in range(count):
        width, height = SHAPES[at]
        scale = min(grid.cell[0] / width, grid.cell[1] / height)
        right = (grid.cell[0] + width * scale) / 2
        side = 40 * scale
        x0, y0, x1, y1 = square_in(cell(shown[-1], grid, at), COLOURS[at])
        assert x1 == pytest.approx(right, abs=6)
        assert x1 - x0 == pytest.approx(side, abs=6)
        assert y1 - y0 == pytest.approx(side, abs=6)


@pytest.mark.parametrize("count", [2, 3, 4])
async def test_each_label_stands_over_its_own_clip(
    media: Media, tmp_path: Path, count: int
) -> None:
    """The same clip everywhere, labels once forwards and once backwards."""
    clip = clips_of(tmp_path, 1)[0]
    grid = grid_for([SHAPES[0]] * count)
    strips: list[list[Image.Image]] = []
    for labels in ("ABCD"[:count], "ABCD"[:count][::-1]):
        made = await media.side_by_side(
            [clip] * count, list(labels), tmp_path / f"{labels}.mp4", limit_bytes=4 << 20
        )
        first = pictures(made.path)[0].convert("L")
        strips.append([cell(first, grid, at).crop((0, 0, 60, LABEL_HEIGHT)) for at in range(count)])

    def unlike(one: Image.Image, other: Image.Image) -> int:
        pairs = zip(one.tobytes(), other.tobytes(), strict=True)
        return sum((a > 128) != (b > 128) for a, b in pairs)

    for at, strip in enumerate(strips[0]):
        differences = [unlike(strip, other) for other in reversed(strips[1])]
        assert differences.index(min(differences)) == at
        assert min(differences) < 20 < sorted(differences)[1]

"""The ranking's picture through the real worker: drawn from the figures, whatever the names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from PIL import Image

from bot._media_panels import panels_of
from bot._media_ranking import OPEN, SURE
from bot.brief import CATEGORIES
from bot.media import CannotDraw, Media
from bot.ranking import Ranking, ranking
from bot.router.verdicts import QUALITIES
from tests.bot.teams import ballot, strengths

EVEN = strengths({name: dict.fromkeys(QUALITIES, 0.5) for name in ("a", "b")})


@pytest.fixture
async def media(tmp_path: Path) -> AsyncIterator[Media]:
    async with httpx.AsyncClient() as http:
        yield Media(http, tmp_path, loopback_ok=lambda _: False)


def voted(wins: int, count: int, category: str = "style", **names: str) -> Ranking:
    votes = [
        ballot("a" if n < wins else "b", ("a", "b"), n, category=category, user_id=n)
        for n in range(count)
    ]
    return ranking(votes, EVEN, names)


def marks(path: Path, colour: tuple[int, int, int]) -> list[tuple[int, int]]:
    """The middle of each horizontal stroke of this colour, top to bottom: (x, y)."""
    with Image.open(path) as picture:
        pixels = picture.convert("RGB")
    found: dict[int, list[int]] = {}
    for y in range(pixels.height - 140):  # the key stands below
        xs = [x for x in range(0, pixels.width, 2) if pixels.getpixel((x, y)) == colour]
        if len(xs) > 20:
            found[y] = xs
    rows = [y for y in found if y - 1 not in found]
    return [(sum(found[y]) // len(found[y]), y) for y in rows]


async def test_the_winner_stands_to_the_right_of_the_other(media: Media, tmp_path: Path) -> None:
    picture = await media.render_ranking(voted(14, 16), tmp_path / "r.png")
    (better, above), (worse, below) = marks(picture.path, SURE)

    assert above < below
    assert better > picture.width / 2 > worse
    assert picture.mime == "image/png"
    assert picture.size_bytes == (tmp_path / "r.png").stat().st_size < 500_000


async def test_what_is_not_told_apart_has_another_colour(media: Media, tmp_path: Path) -> None:
    picture = await media.render_ranking(voted(2, 3), tmp_path / "r.png")

    assert len(marks(picture.path, OPEN)) == 2
    assert marks(picture.path, SURE) == []


async def test_it_is_as_wide_as_a_phone_shows_and_not_endless(media: Media, tmp_path: Path) -> None:
    names = [name for name in CATEGORIES if name != "speed"]
    votes = [
        replace(ballot("a", ("a", "b"), n, user_id=n), weights=dict.fromkeys(names, 0.2))
        for n in range(9)
    ]
    picture = await media.render_ranking(ranking(votes, EVEN), tmp_path / "r.jpg")

    assert picture.width == 1080
    assert picture.height < 2 * picture.width
    assert picture.mime == "image/jpeg"


async def test_no_votes_and_endless_names_are_drawn_too(media: Media, tmp_path: Path) -> None:
    empty = await media.render_ranking(Ranking(), tmp_path / "none.png")
    long = voted(2, 3, a="Модель " * 40, b="\n🙂%s{}<@1>")

    assert empty.height < 400
    assert (await media.render_ranking(long, tmp_path / "long.png")).width == 1080


async def test_a_folder_that_is_gone_is_said_and_leaves_nothing(
    media: Media, tmp_path: Path
) -> None:
    with pytest.raises(CannotDraw, match="The picture cannot be worked on now"):
        await media.render_ranking(voted(2, 3), tmp_path / "gone" / "r.png")

    assert list(tmp_path.iterdir()) == []


def test_what_a_kept_second_cost_stands_beside_the_votes() -> None:
    (overall, *_) = panels_of(voted(14, 16), lambda model, _: 420_000 if model == "a" else None)

    assert [row["score"] for row in overall["rows"]] == [
        "14 of 16, $0.42 a kept second",
        "2 of 16",
    ]

"""A still is cut, scaled or re-encoded to what a vendor takes; that is said before the price."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from bot.brief import Brief, Stage
from bot.catalogue import builtin_text, load
from bot.classifier import classify
from bot.cli import main
from bot.media import BadImage, Media
from bot.models import Availability, Unfit
from bot.router import Decision, decide
from bot.stills import fit_still, plan_still, rules_for, suited
from providers import PROVIDERS
from providers._openai_dialects import create
from providers.base import ImageRules, MediaInput, MediaRole, Options, Provider
from providers.errors import InvalidRequest
from tests.bot.make import NOW, plan
from tests.clips import still_bytes
from tests.providers import hosts

BOOK = load(builtin_text(), None)
KLING = ImageRules(min_side=300, max_bytes=10_000_000, ratios=(0.4, 2.5))


@pytest.mark.parametrize(
    ("size", "rules", "becomes", "words"),
    [
        ((900, 700), ImageRules(), (900, 700), ""),
        ((900, 700), KLING, (900, 700), ""),
        ((3000, 500), KLING, (1250, 500), "cut from 3000 x 500 to 1250 x 500"),
        ((500, 3000), KLING, (500, 1250), "cut from 500 x 3000 to 500 x 1250"),
        ((900, 700), ImageRules(exact=(1280, 720)), (1280, 720), "cut and scaled"),
        ((1280, 720), ImageRules(exact=(1280, 720)), (1280, 720), ""),
        ((3840, 1920), ImageRules(max_side=1920), (1920, 960), "scaled to 1920 x 960"),
        ((1000, 1000), ImageRules(ratios=(16 / 9, 16 / 9)), (1000, 562), "cut from"),
    ],
)
def test_a_still_becomes_what_the_rules_say(
    size: tuple[int, int], rules: ImageRules, becomes: tuple[int, int], words: str
) -> None:
    found = plan_still(size, 1_000_000, rules)
    assert not isinstance(found, Unfit)
    assert found.size == becomes
    assert words in " ".join(found.changes)
    assert bool(found.changes) is bool(words)


@pytest.mark.parametrize(
    ("size", "rules", "words"),
    [
        ((299, 600), KLING, "has 299 x 600 pixels; at least 300 on each side"),
        ((4000, 200), KLING, "500 x 200 once it is cut"),
        ((3840, 600), ImageRules(max_side=1000, min_side=300), "at least 300"),
    ],
)
def test_a_still_that_is_too_small_is_told_the_size_needed(
    size: tuple[int, int], rules: ImageRules, words: str
) -> None:
    found = plan_still(size, 1, rules)
    assert isinstance(found, Unfit)
    assert words in found.reason


@pytest.mark.parametrize("rules", [ImageRules(max_bytes=1000), ImageRules(max_encoded_bytes=1333)])
def test_a_still_with_too_many_bytes_is_sent_as_jpeg(rules: ImageRules) -> None:
    small, large = plan_still((9, 9), 999, rules), plan_still((9, 9), 1001, rules)
    assert not isinstance(small, Unfit)
    assert not isinstance(large, Unfit)
    assert (small.jpeg, large.jpeg) == (False, True)
    assert "JPEG" in large.changes[0]


sides = st.integers(1, 8192)


@example(size=(3948, 2221), size_bytes=1, rules=ImageRules(max_side=3850, ratios=(16 / 9, 16 / 9)))
@given(
    size=st.tuples(sides, sides),
    size_bytes=st.integers(1, 60_000_000),
    rules=st.builds(
        ImageRules,
        min_side=st.sampled_from((0, 300, 340)),
        max_side=st.sampled_from((0, 3850)),
        max_bytes=st.sampled_from((0, 10_000_000)),
        ratios=st.sampled_from((None, (0.4, 2.5), (0.5, 2.0), (16 / 9, 16 / 9))),
    ),
)
def test_no_plan_breaks_the_rules_or_goes_unsaid(
    size: tuple[int, int], size_bytes: int, rules: ImageRules
) -> None:
    found = plan_still(size, size_bytes, rules)
    if isinstance(found, Unfit):
        assert str(rules.min_side) in found.reason
        return
    assert min(found.size) >= rules.min_side
    assert not rules.max_side or max(found.size) <= rules.max_side
    if rules.ratios:
        (width, height), (least, most) = found.size, rules.ratios
        assert least * (height - 1) <= width <= most * (height + 1)  # to the pixel
    assert bool(found.changes) is (found.size != size or found.jpeg)


@pytest.fixture
async def media(tmp_path: Path) -> AsyncIterator[Media]:
    async with httpx.AsyncClient() as http:
        yield Media(http, tmp_path, loopback_ok=lambda _: False)


def a_still(folder: Path, width: int, height: int, *, noisy: bool = False) -> MediaInput:
    path = folder / "still.png"
    if noisy:
        chance = random.Random(7)
        Image.frombytes("RGB", (width, height), chance.randbytes(3 * width * height)).save(path)
    else:
        path.write_bytes(still_bytes(width, height))
    return MediaInput(role=MediaRole.FIRST_FRAME, mime="image/png", path=path)


async def test_a_still_that_fits_goes_as_it_is(media: Media, tmp_path: Path) -> None:
    still = a_still(tmp_path, 900, 700)
    assert await fit_still(media, KLING, still, tmp_path) == (still, "")


async def test_a_still_is_cut_as_was_said(media: Media, tmp_path: Path) -> None:
    made, note = await fit_still(media, KLING, a_still(tmp_path, 3000, 500), tmp_path)
    assert made.path is not None
    assert note == "cut from 3000 x 500 to 1250 x 500"
    with Image.open(made.path) as picture:
        assert (picture.size, picture.format) == ((1250, 500), "PNG")


async def test_further_takes_use_what_was_made_and_a_new_still_is_made_anew(
    media: Media, tmp_path: Path
) -> None:
    still = a_still(tmp_path, 3000, 500)
    assert still.path is not None
    os.utime(still.path, (1, 1))
    first, _ = await fit_still(media, KLING, still, tmp_path)
    assert first.path is not None
    before = first.path.stat().st_ino
    again, note = await fit_still(media, KLING, still, tmp_path)

    assert (again, bool(note), first.path.stat().st_ino) == (first, True, before)
    os.utime(first.path, (0, 0))
    await fit_still(media, KLING, still, tmp_path)
    assert first.path.stat().st_ino != before


async def test_a_heavy_still_gets_smaller_until_it_fits(media: Media, tmp_path: Path) -> None:
    still = a_still(tmp_path, 700, 700, noisy=True)
    rules = ImageRules(max_bytes=300_000, min_side=100)
    made, note = await fit_still(media, rules, still, tmp_path)
    assert made.path is not None
    assert (made.mime, made.path.stat().st_size <= 300_000) == ("image/jpeg", True)
    assert "JPEG" in note
    with pytest.raises(BadImage, match=r"under 0\.3 MB"):
        await fit_still(media, replace(rules, min_side=699), still, tmp_path)


async def test_a_still_that_is_too_small_is_refused(media: Media, tmp_path: Path) -> None:
    with pytest.raises(BadImage, match="at least 300"):
        await fit_still(media, KLING, a_still(tmp_path, 200, 200), tmp_path)


@pytest.mark.parametrize("name", [name for name in PROVIDERS if name != "local"])
def test_every_limit_of_a_vendor_has_its_source(name: str) -> None:
    client = a_client(name)
    for model in BOOK.models.values():
        for route in model.routes:
            rules = client.image_rules(route.dialect, "16:9")
            assert rules == ImageRules() or rules.source


def a_client(name: str) -> Provider:
    kind = PROVIDERS[name]
    secrets = dict.fromkeys(kind.facts.keys, "k")
    return kind(hosts.a_client(), Options(base_url="http://127.0.0.1", secrets=secrets))


@pytest.mark.parametrize(
    ("provider", "dialect", "exact"), [("gateway", "videos", (1280, 720)), ("kling", "omni", None)]
)
def test_exact_pixels_are_for_frames_only(
    provider: str, dialect: str, exact: tuple[int, int] | None
) -> None:
    route = plan(provider, dialect=dialect)
    client = a_client(provider)
    assert rules_for(client, route, MediaRole.FIRST_FRAME).exact == exact
    assert rules_for(client, route, MediaRole.REFERENCE).exact is None


def test_a_size_the_dialect_lacks_demands_no_pixels_and_is_not_sent() -> None:
    client = a_client("gateway")
    assert client.frame_size("480p", "16:9") is None
    with pytest.raises(InvalidRequest):
        create(hosts.a_request(resolution="480p"))


async def _decided(still: MediaInput, model: str | None, *vendors: str) -> Decision:
    brief = Brief(prompt="a dancer turns", model=model, stage=Stage.FINAL, inputs=(still,))
    missing = {name: "no key" for name in PROVIDERS if name not in vendors}
    available = Availability(today=NOW.date(), missing=missing)
    decision = decide(brief, classify(brief.prompt), BOOK, available)
    return await suited(decision, brief, {name: a_client(name) for name in vendors}.get)


async def test_the_card_says_what_each_route_will_do_to_it(tmp_path: Path) -> None:
    decision = await _decided(a_still(tmp_path, 3000, 500), "kling-v3", "kling", "replicate")
    assert decision.choice is not None
    notes = {route.provider: route.fit.adapted for route in decision.choice.routes}
    assert notes["kling"] == ("first frame cut from 3000 x 500 to 1250 x 500 for kling",)
    assert decision.choice.fit.adapted == decision.choice.routes[0].fit.adapted


async def test_the_model_asked_for_refuses_a_tiny_still_and_says_who_can(tmp_path: Path) -> None:
    decision = await _decided(a_still(tmp_path, 200, 200), "kling-v3", "kling", "ltx")
    assert decision.choice is None
    assert decision.refusal is not None
    assert "first frame has 200 x 200 pixels; at least 300" in decision.refusal.message
    assert "LTX" in decision.refusal.message


async def test_without_a_wish_the_next_model_is_chosen_and_says_why(tmp_path: Path) -> None:
    usual = await _decided(a_still(tmp_path, 900, 700), None, "kling", "ltx")
    tiny = await _decided(a_still(tmp_path, 200, 200), None, "kling", "ltx")
    assert usual.choice is not None
    assert tiny.choice is not None
    assert (usual.choice.provider, tiny.choice.provider) == ("kling", "ltx")
    assert "at least 300" in tiny.headline
    assert "kling-v3" in [one.model for one in tiny.dropped]


async def test_a_vendor_that_cuts_by_itself_is_said_to(tmp_path: Path) -> None:
    decision = await _decided(a_still(tmp_path, 700, 900), "gen-4.5", "runway")
    assert decision.choice is not None
    assert "runway cuts the first frame to 16:9" in decision.choice.fit.adapted


async def test_a_tiny_still_is_refused_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "still.png").write_bytes(still_bytes(200, 200))
    monkeypatch.setenv("KLING_API_KEY", "k")
    monkeypatch.setenv("KLING_BASE_URL", "http://127.0.0.1:1")
    args: Any = ("generate", "a boat", "--model", "kling-v3", "--image", "still.png", "--yes")
    code = await asyncio.to_thread(main, args)
    assert code == 3
    assert "at least 300 on each side" in capsys.readouterr().err

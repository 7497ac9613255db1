"""A still on its way to a vendor: the card says what is done to it, and the vendor gets just that.

The whole application against each vendor's stand-in on loopback: what arrived there is opened and
held against the limits the vendor documents, and what cannot be sent is refused before it is paid.
"""

from __future__ import annotations

import base64
import io
import random
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.brief import Brief
from bot.errors import Refused
from bot.jobs import Job, Place, State
from providers.base import MediaInput, MediaRole
from tests.bot.faulty import Studio, studio
from tests.bot.test_catalogue import guide_examples
from tests.clips import clip_bytes, still_bytes
from tests.standin.fal import Fal


@dataclass(frozen=True, kw_only=True)
class Row:
    """A still of `size` pixels for a model, and what becomes of it on the way."""

    vendor: str
    model: str
    size: tuple[int, int]
    card: str  # among what the card says; "" for nothing said
    pixels: tuple[int, int]  # of the picture that arrives
    kind: str = "PNG"
    noisy: bool = False  # so that its file is as large as can be
    role: MediaRole = MediaRole.FIRST_FRAME
    at_most: int = 0  # bytes of the file, by the vendor's documents
    brief: dict[str, Any] = field(default_factory=dict[str, Any])


UNTOUCHED: dict[str, Any] = {"size": (900, 700), "card": "", "pixels": (900, 700)}
WIDE: dict[str, Any] = {
    "size": (3000, 500),
    "card": "first frame cut from 3000 x 500 to 1250 x 500",
}
HEAVY: dict[str, Any] = {
    "size": (1840, 1840),
    "noisy": True,
    "pixels": (1840, 1840),
    "kind": "JPEG",
}
SHRUNK: dict[str, Any] = {**HEAVY, "pixels": (1472, 1472)}

ROWS = [
    Row(vendor="kling", model="kling-v3", **UNTOUCHED),
    Row(vendor="kling", model="kling-v3", **WIDE, pixels=(1250, 500)),
    Row(
        vendor="kling",
        model="kling-v3-omni",
        size=(500, 3000),
        card="reference still cut from 500 x 3000 to 500 x 1250 for kling",
        pixels=(500, 1250),
        role=MediaRole.REFERENCE,
    ),
    Row(
        vendor="kling-legacy",
        model="kling-v3",
        **HEAVY,
        card="sent as JPEG, smaller if it must be: 10 MB are taken for kling",
        at_most=10_000_000,
    ),
    Row(
        vendor="runway",
        model="gen-4.5",
        size=(3000, 500),
        card="first frame cut from 3000 x 500 to 1000 x 500 for runway",
        pixels=(1000, 500),
    ),
    Row(
        vendor="runway",
        model="gen-4.5",
        size=(900, 700),
        card="runway cuts the first frame to 16:9",
        pixels=(900, 700),
    ),
    Row(
        vendor="google",
        model="gemini-omni-1.1",
        **SHRUNK,
        card="sent as JPEG, smaller if it must be: 7.125 MB are taken for google",
        at_most=7_125_000,
    ),
    Row(vendor="ltx", model="ltx-2.3-fast", **UNTOUCHED),
    Row(vendor="replicate", model="kling-v3", **WIDE, pixels=(1250, 500)),
    Row(
        vendor="replicate",
        model="kling-v3",
        **HEAVY,
        card="sent as JPEG, smaller if it must be: 10 MB are taken for replicate",
        at_most=10_000_000,
    ),
    Row(vendor="fal", model="kling-v3", **WIDE, pixels=(1250, 500)),
    Row(
        vendor="fal",
        model="kling-v3",
        **HEAVY,
        card="sent as JPEG, smaller if it must be: 10 MB are taken for fal",
        at_most=10_000_000,
    ),
    Row(
        vendor="gateway",
        model="sora-2",
        size=(900, 700),
        card="first frame cut and scaled from 900 x 700 to 1280 x 720 for gateway",
        pixels=(1280, 720),
    ),
    Row(
        vendor="gateway",
        model="sora-2",
        size=(300, 300),
        card="first frame cut and scaled from 300 x 300 to 720 x 1280 for gateway",
        pixels=(720, 1280),
        brief={"aspect": "9:16"},
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.vendor} {row.model} {row.size}")
async def test_what_arrives_is_what_the_card_said_and_within_the_limits(
    row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio(row.vendor, tmp_path, monkeypatch) as scene:
        still = await _still(scene, tmp_path, row)
        quote = await scene.app.producer.quote(_brief(row, still), Place())
        said = "; ".join(quote.choice.fit.adapted)
        (job,) = await scene.app.producer.generate(quote, origin="test")
        await scene.until(lambda job: job.ended, job)
        job = await scene.app.store.job(job.id)
        arrived = _arrived(scene, job)

        assert job.state is State.DONE, job
        assert row.card in said
        assert bool(row.card) is (" frame " in said or " still " in said), said
        with Image.open(io.BytesIO(arrived)) as picture:
            assert (picture.size, picture.format) == (row.pixels, row.kind)
        assert not row.at_most or len(arrived) <= row.at_most
        assert still.path is not None
        assert bool(row.card) is (arrived != still.path.read_bytes()) or "cuts" in row.card


@pytest.mark.parametrize(
    ("vendor", "model"),
    [("kling", "kling-v3"), ("replicate", "kling-v3"), ("fal", "kling-v3"), ("kling", "kling-2.6")],
)
async def test_what_cannot_be_adapted_is_refused_with_the_size_needed_and_nothing_is_sent(
    vendor: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Row(vendor=vendor, model=model, size=(299, 400), card="", pixels=(0, 0))
    async with studio(vendor, tmp_path, monkeypatch) as scene:
        still = await _still(scene, tmp_path, row)
        with pytest.raises(Refused, match="has 299 x 400 pixels; at least 300 on each side"):
            await scene.app.producer.quote(_brief(row, still), Place())

        assert scene.vendor.exchanges == []
        assert await scene.app.store.unfinished() == []


async def test_a_still_that_turns_out_too_heavy_ends_the_job_before_the_paid_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Row(vendor="kling", model="kling-v3", size=(3000, 500), card="", pixels=(0, 0))
    async with studio("kling", tmp_path, monkeypatch) as scene:
        still = await _still(scene, tmp_path, row)
        quote = await scene.app.producer.quote(_brief(row, still), Place())
        assert still.path is not None
        still.path.write_bytes(still_bytes(200, 200))  # the file changed since it was looked at
        (job,) = await scene.app.producer.generate(quote, origin="test")
        await scene.until(lambda job: job.ended, job)
        job = await scene.app.store.job(job.id)
        lines = {line[0]: line[3] for line in await scene.app.store.lines(job.id)}

        assert job.message == (
            "The picture has 200 x 200 pixels; at least 300 on each side are needed. "
            "Nothing was sent to kling."
        )
        assert scene.vendor.calls["submit"] == 0
        assert (lines["settle"], lines["release"]) == (0, lines["hold"])


@pytest.mark.parametrize(
    ("kind", "size", "card", "pixels"),
    [
        ("WEBP", (900, 700), "first frame WEBP sent as PNG", (900, 700)),
        ("AVIF", (900, 700), "first frame AVIF sent as PNG", (900, 700)),
        ("JPEG", (900, 700), "", (900, 700)),
        (
            "JPEG",
            (7680, 4320),
            "first frame scaled from 7680 x 4320 to 3840 x 2160",
            (3840, 2160),
        ),
    ],
)
async def test_another_format_and_a_huge_size_are_said_too(
    kind: str,
    size: tuple[int, int],
    card: str,
    pixels: tuple[int, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = Row(vendor="ltx", model="ltx-2.3-fast", size=size, card=card, pixels=pixels)
    given = tmp_path / "given"
    Image.new("RGB", size, "teal").save(given, kind)
    async with studio("ltx", tmp_path, monkeypatch) as scene:
        still = await scene.app.producer.add_input(row.role, given)
        quote = await scene.app.producer.quote(_brief(row, still), Place())
        (job,) = await scene.app.producer.generate(quote, origin="test")
        await scene.until(lambda job: job.ended, job)
        arrived = _arrived(scene, job)

    said = "; ".join(quote.choice.fit.adapted)
    assert card in said if card else "first frame" not in said
    with Image.open(io.BytesIO(arrived)) as picture:
        assert (picture.size, picture.format) == (pixels, "PNG")


async def test_the_next_route_gets_the_still_by_its_own_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Row(vendor="runway", model="veo-3.1", size=(3000, 500), card="", pixels=(0, 0))
    async with Fal(clip=clip_bytes(), key="planted-fal-key") as fal:
        monkeypatch.setenv("FAL_KEY", fal.key)
        monkeypatch.setenv("FAL_BASE_URL", fal.base_url)
        async with studio("runway", tmp_path, monkeypatch) as scene:
            still = await _still(scene, tmp_path, row)
            scene.vendor.fail_next(401)
            quote = await scene.app.producer.quote(_brief(row, still), Place())
            (job,) = await scene.app.producer.generate(quote, origin="test")
            await scene.until(lambda job: job.ended, job)
        said = {route.provider: "; ".join(route.fit.adapted) for route in quote.choice.routes}
        (booked,) = fal.jobs.values()
        arrived = _placed(booked.body["image_url"], fal.files)

    refused = scene.vendor.asked("submit")[0].sent["promptImage"][0]["uri"]
    assert "first frame cut from 3000 x 500 to 1000 x 500 for runway" in said["runway"]
    assert "cut" not in said["fal"]
    assert still.path is not None
    assert arrived == still.path.read_bytes()
    with Image.open(io.BytesIO(_decoded(refused))) as picture:
        assert picture.size == (1000, 500)


async def _still(scene: Studio, folder: Path, row: Row) -> MediaInput:
    source = folder / "given.png"
    source.write_bytes(_noise(*row.size) if row.noisy else still_bytes(*row.size))
    return await scene.app.producer.add_input(row.role, source)


@cache
def _noise(width: int, height: int) -> bytes:
    target = io.BytesIO()
    chance = random.Random(7)
    Image.frombytes("RGB", (width, height), chance.randbytes(3 * width * height)).save(
        target, "PNG", compress_level=0
    )
    return target.getvalue()


def _brief(row: Row, still: MediaInput) -> Brief:
    usual = Brief(
        prompt="a boat",
        model=row.model,
        duration_s=5 if row.model.startswith("kling-") else 4,
        aspect="16:9",
        inputs=(still,),
    )
    return replace(usual, **row.brief)


def _arrived(scene: Studio, job: Job) -> bytes:
    """The picture's bytes as the vendor has them, wherever its body says they are."""
    (booked,) = scene.vendor.jobs.values()
    body: Any = booked.body
    match scene.name:
        case "kling":
            return _decoded(body["contents"][1]["url"])
        case "kling-legacy":
            return _decoded(body["image"])
        case "runway":
            return _placed(body["promptImage"][0]["uri"], scene.vendor.uploads)
        case "google":
            return _decoded(body["input"][0]["data"])
        case "ltx":
            return _placed(body["image_uri"], scene.vendor.stored)
        case "replicate":
            return _placed(body["input"]["start_image"], scene.vendor.files)
        case "fal":
            return _placed(body["start_image_url"], scene.vendor.files)
        case _:
            picture: bytes = booked.notes["input_reference"]
            return picture


def _placed(address: str, uploads: dict[str, bytes]) -> bytes:
    return uploads[address] if address in uploads else _decoded(address)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text.rpartition(",")[2], validate=True)


@pytest.mark.parametrize(
    ("vendor", "model", "role", "body"),
    [
        ("runway", "aleph-2", MediaRole.SOURCE, "videoUri"),
        ("fal", "kling-v3-motion-control", MediaRole.MOTION, "video_url"),
    ],
)
async def test_a_video_file_arrives_whole(
    vendor: str,
    model: str,
    role: MediaRole,
    body: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with studio(vendor, tmp_path, monkeypatch) as scene:
        quote = await scene.app.producer.quote(await _of_a_video(scene, model, role), Place())
        (job,) = await scene.app.producer.generate(quote, origin="test")
        await scene.until(lambda job: job.ended, job)
        job = await scene.app.store.job(job.id)
        (booked,) = scene.vendor.jobs.values()

        assert job.state is State.DONE, job
        files = scene.vendor.uploads if vendor == "runway" else scene.vendor.files
        assert _placed(booked.body[body], files) == clip_bytes(seconds=4)
        assert booked.body.get("promptText", booked.body.get("prompt")) == "a boat"


async def test_a_gateway_extends_a_video_where_the_operators_file_says_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = (text for text in guide_examples() if "options.source" in text)
    (tmp_path / "mine.toml").write_text(example)
    monkeypatch.setenv("CATALOGUE", str(tmp_path / "mine.toml"))
    async with studio("gateway", tmp_path, monkeypatch) as scene:
        brief = await _of_a_video(scene, "sora-2", MediaRole.SOURCE)
        quote = await scene.app.producer.quote(brief, Place())
        (job,) = await scene.app.producer.generate(quote, origin="test")
        await scene.until(lambda job: job.ended, job)
        (booked,) = scene.vendor.jobs.values()

        assert (await scene.app.store.job(job.id)).state is State.DONE
        assert booked.notes["upload"] == clip_bytes(seconds=4)
        assert scene.vendor.asked("submit")[0].path == "/v1/videos/extensions"


@pytest.mark.parametrize("model", ["kling-v3-motion-control", "kling-v3-omni"])
async def test_a_video_file_is_refused_where_only_addresses_are_taken(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio("kling", tmp_path, monkeypatch) as scene:
        brief = await _of_a_video(scene, model, MediaRole.MOTION)
        with pytest.raises(Refused, match="kling takes no video as a file; give the https address"):
            await scene.app.producer.quote(brief, Place())

        assert scene.vendor.exchanges == []


async def _of_a_video(scene: Studio, model: str, role: MediaRole) -> Brief:
    folder = scene.app.settings.data_dir
    (folder / "given.mp4").write_bytes(clip_bytes(seconds=4))
    video = await scene.app.producer.add_input(role, folder / "given.mp4")
    inputs = [video]
    if role is MediaRole.MOTION:
        (folder / "given.png").write_bytes(still_bytes(900, 700))
        role = MediaRole.REFERENCE if model == "kling-v3-omni" else MediaRole.FIRST_FRAME
        inputs.append(await scene.app.producer.add_input(role, folder / "given.png"))
    return Brief(prompt="a boat", model=model, inputs=tuple(inputs))

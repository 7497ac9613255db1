"""The local provider, rendering for real: its clips, its refusals and its processes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import httpx
import pytest
from PIL import Image

from providers._animatic.overlay import Sheet, stamp
from providers._animatic.still import ACCENT
from providers.base import MediaInput, MediaRole, Options, Phase, VideoRequest
from providers.errors import InvalidRequest, Unavailable
from providers.local import FPS, Local, frame_size

RGB = tuple[int, int, int]

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="counts processes in /proc"
)

PLAIN = VideoRequest(
    wire_id="animatic",
    dialect="animatic",
    prompt="water pouring into a glass, slow push in",
    duration_s=1,
    aspect="16:9",
    resolution="480p",
    audio=False,
    correlation_id="job-1",
    seed=7,
)


async def no_download(url: str, headers: object = None, /) -> None:
    raise AssertionError(f"the local provider asked for {url}")


async def render(
    request: VideoRequest, to: Path, progress: Callable[[float], None] = lambda share: None
) -> Path:
    async with httpx.AsyncClient() as http:
        local = Local(http, Options(base_url="", secrets={}))
        remote = await local.submit(request)
        status = await local.poll(remote, request)
        await local.fetch(remote, request, status, to, no_download, progress)
    return to


def frames(clip: Path) -> list[Image.Image]:
    with av.open(str(clip)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def picture(path: Path, colours: list[str], size: tuple[int, int] = (640, 360)) -> Path:
    """Vertical stripes of these colours."""
    image = Image.new("RGB", (len(colours), 1))
    for x, colour in enumerate(colours):
        image.paste(colour, (x, 0, x + 1, 1))
    image.resize(size, Image.Resampling.NEAREST).save(path)
    return path


def still(path: Path, role: MediaRole = MediaRole.FIRST_FRAME) -> MediaInput:
    return MediaInput(role=role, mime="image/png", path=path)


def pixel(image: Image.Image, x: float, y: float) -> RGB:
    value = image.getpixel((round(x * image.width), round(y * image.height)))
    assert isinstance(value, tuple)
    return value[0], value[1], value[2]


def is_near(colour: RGB, expected: RGB, within: int = 24) -> bool:
    return all(abs(a - b) <= within for a, b in zip(colour, expected, strict=True))


def children() -> set[int]:
    """Processes this one has started and not buried."""
    found: set[int] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        if fields[1] == str(os.getpid()):
            found.add(int(stat.parent.name))
    return found


@pytest.mark.parametrize(
    ("aspect", "resolution", "size"),
    [
        ("16:9", "480p", (854, 480)),
        ("16:9", "720p", (1280, 720)),
        ("16:9", "1080p", (1920, 1080)),
        ("9:16", "480p", (480, 854)),
        ("9:16", "1080p", (1080, 1920)),
        ("1:1", "720p", (720, 720)),
        ("4:3", "720p", (960, 720)),
        ("21:9", "1080p", (2520, 1080)),
        ("2.39:1", "720p", (1720, 720)),
    ],
)
def test_frame_size_names_the_short_side(
    aspect: str, resolution: str, size: tuple[int, int]
) -> None:
    assert frame_size(aspect, resolution) == size


@pytest.mark.parametrize(
    "wrong",
    [
        {"aspect": "wide"},
        {"aspect": "0:9"},
        {"aspect": "9:1"},
        {"resolution": "4k"},
        {"duration_s": 0},
        {"duration_s": 61},
        {"inputs": (MediaInput(role=MediaRole.FIRST_FRAME, mime="image/png", url="https://x/y"),)},
    ],
)
async def test_submit_refuses_what_it_cannot_draw(wrong: dict[str, object]) -> None:
    async with httpx.AsyncClient() as http:
        local = Local(http, Options(base_url="", secrets={}))
        with pytest.raises(InvalidRequest):
            await local.submit(replace(PLAIN, **wrong))  # pyright: ignore[reportArgumentType] - a table of wrong fields


async def test_submit_twice_is_the_same_job_and_free() -> None:
    async with httpx.AsyncClient() as http:
        local = Local(http, Options(base_url="", secrets={}))
        first, second = await local.submit(PLAIN), await local.submit(PLAIN)
        status = await local.poll(first, PLAIN)
        assert first.remote_id == second.remote_id == "local-job-1"
        assert (status.phase, status.cost_micros, status.result_url) == (Phase.SUCCEEDED, 0, None)
        assert "without key" in await local.check()


@pytest.mark.parametrize(
    ("aspect", "resolution", "seconds"),
    [("16:9", "480p", 2), ("9:16", "720p", 1), ("1:1", "1080p", 1)],
)
async def test_clip_is_as_ordered(
    tmp_path: Path, aspect: str, resolution: str, seconds: int
) -> None:
    request = replace(PLAIN, aspect=aspect, resolution=resolution, duration_s=seconds)
    clip = await render(request, tmp_path / "clip.mp4")
    with av.open(str(clip)) as container:
        video = container.streams.video[0]
        decoded = list(container.decode(video=0))
        assert not container.streams.audio
        assert container.metadata["comment"] == "local animatic draft"
        assert (video.codec_context.name, video.codec_context.profile) == ("h264", "High")
        assert (video.codec_context.pix_fmt, video.average_rate) == ("yuv420p", FPS)
    assert len(decoded) == seconds * FPS
    assert {(frame.width, frame.height) for frame in decoded} == {frame_size(aspect, resolution)}


async def test_clip_begins_with_its_index(tmp_path: Path) -> None:
    head = (await render(PLAIN, tmp_path / "clip.mp4")).read_bytes()
    assert 0 < head.find(b"moov") < head.find(b"mdat")


async def test_same_request_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    once = (await render(PLAIN, tmp_path / "a.mp4")).read_bytes()
    again = (await render(PLAIN, tmp_path / "b.mp4")).read_bytes()
    other = (await render(replace(PLAIN, seed=8), tmp_path / "c.mp4")).read_bytes()
    unseeded = (await render(replace(PLAIN, seed=None), tmp_path / "d.mp4")).read_bytes()
    assert once == again
    assert len({once, other, unseeded}) == 3


def changed(one: Image.Image, other: Image.Image) -> float:
    """The share of the lower left of a 480p frame that differs, away from all lettering."""
    parts = [image.crop((20, 250, 560, 380)).tobytes() for image in (one, other)]
    return sum(abs(a - b) > 12 for a, b in zip(*parts, strict=True)) / len(parts[0])


async def test_seed_and_prompt_draw_another_picture(tmp_path: Path) -> None:
    requests = [PLAIN, replace(PLAIN, seed=8), replace(PLAIN, prompt="a cat, slow push in")]
    drawn = [
        frames(await render(request, tmp_path / f"{number}.mp4"))[0]
        for number, request in enumerate(requests)
    ]
    assert changed(drawn[0], drawn[1]) > 0.3
    assert changed(drawn[0], drawn[2]) > 0.3


async def test_something_moves_on_the_card(tmp_path: Path) -> None:
    shown = frames(await render(PLAIN, tmp_path / "clip.mp4"))
    assert changed(shown[0], shown[-1]) > 0.05


async def test_draft_is_burnt_into_every_frame_of_a_still(tmp_path: Path) -> None:
    white = picture(tmp_path / "in.png", ["#ffffff"])
    clip = await render(replace(PLAIN, inputs=(still(white),)), tmp_path / "clip.mp4")
    sheet = Sheet((854, 480))
    stamp(sheet, 854 - 32, 480 - 104, ACCENT)
    word = sheet.image.getchannel("R")
    letters = [
        (x, y)
        for x in range(600, 830, 3)
        for y in range(300, 380, 3)
        if word.getpixel((x, y)) == 255
    ]
    assert len(letters) > 150
    for frame in frames(clip):
        hits = sum(is_near(pixel(frame, x / 854, y / 480), (255, 180, 84), 60) for x, y in letters)
        assert hits > 0.95 * len(letters)


async def test_still_fills_the_frame_and_keeps_its_colours(tmp_path: Path) -> None:
    path = picture(tmp_path / "in.png", ["#c02020", "#109040", "#2030c0"])
    request = replace(PLAIN, prompt="locked off", inputs=(still(path),))
    for frame in frames(await render(request, tmp_path / "clip.mp4")):
        assert is_near(pixel(frame, 0.04, 0.5), (192, 32, 32))
        assert is_near(pixel(frame, 0.5, 0.5), (16, 144, 64))
        assert is_near(pixel(frame, 0.97, 0.3), (32, 48, 192))


async def test_two_stills_lead_from_one_to_the_other(tmp_path: Path) -> None:
    first = still(picture(tmp_path / "a.png", ["#c02020"]))
    last = still(picture(tmp_path / "b.png", ["#2030c0"]), MediaRole.LAST_FRAME)
    shown = frames(await render(replace(PLAIN, inputs=(first, last)), tmp_path / "clip.mp4"))
    assert is_near(pixel(shown[0], 0.5, 0.5), (192, 32, 32))
    assert is_near(pixel(shown[-1], 0.5, 0.5), (32, 48, 192))


@pytest.mark.parametrize("role", [MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME])
async def test_prompt_names_the_camera_move_over_a_still(tmp_path: Path, role: MediaRole) -> None:
    path = picture(tmp_path / "in.png", ["#101010"] * 9 + ["#e0e0e0"])
    request = replace(PLAIN, prompt="the camera pans slowly right", inputs=(still(path, role),))
    shown = frames(await render(request, tmp_path / "clip.mp4"))
    assert pixel(shown[0], 0.97, 0.3)[0] < 60
    assert pixel(shown[-1], 0.97, 0.3)[0] > 180


def animated(path: Path) -> None:
    images = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    images[0].save(path, save_all=True, append_images=images[1:])


def cut_short(path: Path) -> None:
    Image.effect_mandelbrot((400, 400), (-2, -1, 1, 1), 50).convert("RGB").save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:2000])


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("page.png", lambda path: path.write_text("<html>403</html>")),
        ("empty.png", lambda path: path.touch()),
        ("moving.webp", animated),
        ("old.gif", lambda path: Image.new("RGB", (64, 64)).save(path)),
        ("cut.jpg", cut_short),
        ("huge.png", lambda path: Image.new("1", (8200, 40)).save(path)),
        ("missing.png", lambda path: None),
    ],
)
async def test_broken_still_is_refused_and_leaves_nothing(
    tmp_path: Path, name: str, make: Callable[[Path], object]
) -> None:
    make(tmp_path / name)
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidRequest) as refusal:
        await render(
            replace(PLAIN, inputs=(still(tmp_path / name),)), tmp_path / "out" / "clip.mp4"
        )
    assert "the still" in refusal.value.detail
    assert list((tmp_path / "out").iterdir()) == []


async def test_sideways_photo_with_transparency_is_shown_upright(tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    image = Image.new("RGBA", (360, 640), "#109040ff")
    image.paste("#c02020ff", (0, 0, 180, 640))
    exif = image.getexif()
    exif[0x0112] = 6  # turned a quarter: left becomes top
    image.save(path, exif=exif)
    request = replace(PLAIN, prompt="on a tripod", inputs=(still(path),))
    shown = frames(await render(request, tmp_path / "clip.mp4"))
    assert is_near(pixel(shown[0], 0.5, 0.3), (192, 32, 32))
    assert is_near(pixel(shown[0], 0.5, 0.65), (16, 144, 64))


async def test_renderer_that_breaks_is_unavailable_with_a_plain_reason(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"the renderer broke: .*Error"):
        await render(PLAIN, tmp_path / "no such folder" / "clip.mp4")
    assert children() == set()


async def test_progress_grows_to_one(tmp_path: Path) -> None:
    heard: list[float] = []
    await render(PLAIN, tmp_path / "clip.mp4", heard.append)
    assert heard == sorted(heard)
    assert 0 < heard[0] < heard[-1] == 1


@needs_proc
async def test_cancelled_rendering_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    writing = asyncio.Event()
    part = tmp_path / "clip.mp4.part"
    task = asyncio.create_task(
        render(
            replace(PLAIN, duration_s=60),
            tmp_path / "clip.mp4",
            lambda share: writing.set() if part.exists() else None,
        )
    )
    await writing.wait()
    assert len(children()) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() == set()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "x" * 4000,
        "صورة" * 1000,
        "\x00\x1b[31m\u202e\ud800 %s {} <b> \U0001f468\u200d\U0001f469\u200d\U0001f467\r\n" * 60,
        "A" + "\u0489" * 3999,
    ],
    ids=["empty", "no-spaces", "arabic", "hostile", "marks"],
)
async def test_any_prompt_becomes_a_clip(tmp_path: Path, prompt: str) -> None:
    clip = await render(replace(PLAIN, prompt=prompt), tmp_path / "clip.mp4")
    assert len(frames(clip)) == FPS

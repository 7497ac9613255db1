"""Clips and pictures through the real worker process: whole, damaged, hostile, too large."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import av
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot._media_files import Boxes, Unusable, sniff, walk_boxes
from bot._media_plan import grid_for, pick_shape, rate_cap, shapes_for
from bot._media_process import run_worker
from bot.media import BadClip, CannotFit, Media
from tests.bot.media_samples import make_clip

MIB = 1 << 20
Sample = Callable[..., Path]
needs_proc = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="finds processes as Linux tells them"
)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """A clip by its parameters, made once."""
    folder, made = tmp_path_factory.mktemp("clips"), dict[str, Path]()

    def get(name: str = "plain.mp4", **how) -> Path:
        key = f"{len(made)}-{name}"
        known = repr((name, sorted(how.items())))
        if known not in made:
            made[known] = make_clip(folder / key, **how)
        return made[known]

    return get


@pytest.fixture
async def media(tmp_path: Path) -> AsyncIterator[Media]:
    (tmp_path / "tmp").mkdir()
    async with httpx.AsyncClient() as http:
        yield Media(http, tmp_path / "tmp", loopback_ok=lambda _: False)
    assert list((tmp_path / "tmp").iterdir()) == []


def frames_of(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as clip:
        return [frame.to_image() for frame in clip.decode(video=0)]


def workers(bot: int | str = "self") -> list[int]:
    """The media workers among a process's children, as Linux tells them."""
    tasks = Path(f"/proc/{bot}/task").glob("*/children")
    children = [int(pid) for task in tasks for pid in task.read_text().split()]
    return [pid for pid in children if b"_media_worker" in command_of(pid)]


def command_of(pid: int) -> bytes:
    """Empty where the process is gone, or dead and not yet buried."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


async def worker_at_work(folder: Path) -> int:
    """The worker's id, once its output has begun to grow."""
    for _ in range(2000):
        if workers() and any(path.stat().st_size for path in folder.rglob("*.mp4")):
            return workers()[0]
        await asyncio.sleep(0.005)
    raise AssertionError("no worker came to its work")


async def test_examine_when_whole_tells_the_facts(media, sample):
    info = await media.examine(sample(seconds=2, audio="aac"))
    assert (info.width, info.height, info.fps, info.frames) == (320, 180, 24, 48)
    assert (info.codec, info.pix_fmt, info.audio_codec) == ("h264", "yuv420p", "aac")
    assert info.duration_s == pytest.approx(2)
    assert info.has_audio
    assert info.faststart
    assert not info.content_credentials


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"codec": "libx265"}, ("hevc", "yuv420p")),
        ({"pix_fmt": "yuv420p10le"}, ("h264", "yuv420p10le")),
        ({"pix_fmt": "yuv444p"}, ("h264", "yuv444p")),
        ({"codec": "libsvtav1"}, ("av1", "yuv420p")),
    ],
)
async def test_examine_when_the_codec_is_unusual_still_reads_it(media, sample, how, expected):
    info = await media.examine(sample(**how))
    assert (info.codec, info.pix_fmt) == expected


async def test_examine_when_index_is_at_the_end_says_so(media, sample):
    assert not (await media.examine(sample(faststart=False))).faststart


async def test_examine_when_signed_sees_the_credentials(media, sample):
    assert (await media.examine(sample(credentials=True))).content_credentials


async def test_stills_when_asked_show_the_right_frames(media, sample, tmp_path):
    clip = sample(seconds=2, size=(1280, 720))
    poster, last = tmp_path / "poster.jpg", tmp_path / "last.png"
    await media.examine(clip, poster=poster, last_frame=last)
    frames = frames_of(clip)
    with Image.open(poster) as small, Image.open(last) as full:
        assert small.size == (640, 360)
        assert small.getpixel((273, 130)) == pytest.approx((255, 165, 0), abs=25)
        assert full.tobytes() == frames[-1].tobytes()


async def test_still_shortcuts_when_called_make_one_file_each(media, sample, tmp_path):
    assert (await media.poster(sample(), tmp_path / "p.png")).exists()
    assert (await media.last_frame(sample(), tmp_path / "l.png")).exists()


def cut_to(share: float) -> Callable[[bytes], bytes]:
    return lambda data: data[: int(len(data) * share)]


def flipped(data: bytes) -> bytes:
    dice, damaged = random.Random(1), bytearray(data)
    start = data.index(b"mdat") + 4
    for _ in range(400):
        damaged[dice.randrange(start, len(data))] ^= dice.randrange(1, 256)
    return bytes(damaged)


def lying(data: bytes) -> bytes:
    """Half the clip, with boxes that pretend to be whole."""
    at = data.index(b"mdat") - 4
    kept = data[: at + (len(data) - at) // 2]
    return kept[:at] + (len(kept) - at).to_bytes(4, "big") + kept[at + 4 :]


@pytest.mark.parametrize(
    ("damage", "faststart"),
    [
        (cut_to(0.5), True),
        (cut_to(0.5), False),
        (cut_to(0.999), True),
        (cut_to(0.999), False),
        (flipped, True),
    ],
)
async def test_examine_when_damaged_refuses(media, sample, tmp_path, faststart, damage):
    whole = sample(seconds=2, noise=True, faststart=faststart).read_bytes()
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(damage(whole))
    with pytest.raises(BadClip):
        await media.examine(bad)


async def test_examine_when_the_boxes_lie_finds_the_end(media, sample, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(lying(sample(seconds=2, noise=True).read_bytes()))
    walk_boxes(bad)
    with pytest.raises(BadClip):
        await media.examine(bad)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<html><body>403 Forbidden</body></html>" * 99, "not an mp4"),
        (random.Random(3).randbytes(5000), "not an mp4"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "not an mp4"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not an mp4"),
        (b"\x00\x00\x00\x14ftypavif\x00\x00\x00\x00avif", "not an mp4"),
        (b"\x00\x00\x00\x10ftypisom\x00\x00\x00\x00", "cut short"),
    ],
)
async def test_examine_when_it_is_no_clip_says_what_is_wrong(media, tmp_path, data, reason):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(data)
    with pytest.raises(BadClip, match=reason) as caught:
        await media.examine(bad)
    assert caught.value.user_message.startswith("The clip ")
    assert caught.value.conclusive


async def test_examine_when_the_file_is_missing_refuses(media, tmp_path):
    with pytest.raises(BadClip, match="cannot be opened"):
        await media.examine(tmp_path / "nothing.mp4")


@pytest.mark.parametrize(
    ("name", "how", "reason"),
    [
        ("sound.mp4", {"audio": "aac", "video": False}, "only sound"),
        ("web.mp4", {"codec": "libvpx-vp9", "container": "webm"}, "not an mp4"),
        ("long.mp4", {"seconds": 601, "fps": 1, "size": (64, 36)}, "601 s long"),
        ("huge.mp4", {"seconds": 0.05, "size": (8192, 4400), "blank": True}, "too large"),
    ],
)
async def test_examine_when_out_of_bounds_refuses(media, sample, name, how, reason):
    with pytest.raises(BadClip, match=reason):
        await media.examine(sample(name, **how))


def box(kind: bytes, body: bytes) -> bytes:
    return (8 + len(body)).to_bytes(4, "big") + kind + body


BOXES = st.lists(
    st.builds(box, st.sampled_from([b"free", b"uuid", b"moof"]), st.binary(max_size=40)), max_size=4
)


@given(before=BOXES, after=BOXES, index_first=st.booleans())
def test_box_walk_when_whole_finds_the_order(tmp_path_factory, before, after, index_first):
    path = tmp_path_factory.mktemp("b") / "a.mp4"
    core = [box(b"moov", b"x" * 9), box(b"mdat", b"y" * 9)]
    parts = [box(b"ftyp", b"isom0000"), *before, *core[:: 1 if index_first else -1], *after]
    path.write_bytes(b"".join(parts))
    expected = Boxes(
        brand="isom",
        size_bytes=path.stat().st_size,
        faststart=index_first,
        content_credentials=False,
    )
    assert walk_boxes(path) == expected


@given(tail=st.binary(max_size=200))
def test_box_walk_when_bytes_are_random_refuses_in_words(tmp_path_factory, tail):
    path = tmp_path_factory.mktemp("b") / "a.mp4"
    path.write_bytes(box(b"ftyp", b"isom0000") + tail)
    with contextlib.suppress(Unusable):
        walk_boxes(path)


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00", "image/avif"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00avifmiaf", "image/avif"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "image/heic"),
        (b"GIF89a", "image/gif"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00", "video/mp4"),
        (b"\x00\x00\x00\x18ftypqt  \x00\x00\x00\x00", "video/quicktime"),
        (b"\x1aE\xdf\xa3\x01", "video/webm"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_sniff_when_given_first_bytes_names_the_type(tmp_path, head, mime):
    (tmp_path / "file").write_bytes(head)
    assert sniff(tmp_path / "file") == mime


async def test_fit_when_it_plays_and_fits_keeps_the_original(media, sample, tmp_path):
    clip = sample(seconds=2, audio="aac", faststart=False)
    before = clip.read_bytes()
    fitted = await media.fit(clip, tmp_path / "out.mp4", len(before))
    assert (fitted.path, fitted.method, fitted.note) == (clip, "original", "")
    assert clip.read_bytes() == before
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize(
    "how",
    [
        {"codec": "libsvtav1"},
        {"pix_fmt": "yuv420p10le"},
        {"audio": "libopus"},
        {"codec": "libx265", "audio": "aac", "size": (180, 320)},
    ],
)
async def test_fit_when_it_would_not_play_makes_what_plays(media, sample, tmp_path, how):
    clip = sample(**how)
    fitted = await media.fit(clip, tmp_path / "out.mp4", 10 * MIB)
    info = await media.examine(fitted.path)
    assert (fitted.method, info.codec, info.pix_fmt) == ("encode", "h264", "yuv420p")
    assert info.audio_codec == ("aac" if "audio" in how else None)
    assert (info.width, info.height) == how.get("size", (320, 180))
    assert info.duration_s == pytest.approx(1, abs=0.05)
    assert info.faststart


@pytest.mark.parametrize("pix_fmt", ["yuvj420p", "yuv444p"])
async def test_fit_when_colours_are_stored_otherwise_keeps_the_look(
    media, sample, tmp_path, pix_fmt
):
    clip = sample(pix_fmt=pix_fmt, audio="libopus", size=(640, 360))
    fitted = await media.fit(clip, tmp_path / "out.mp4", 10 * MIB)
    before, after = frames_of(clip)[-1], frames_of(fitted.path)[-1]
    for spot in [(20, 20), (620, 140)]:
        assert after.getpixel(spot) == pytest.approx(before.getpixel(spot), abs=4)


@pytest.mark.parametrize(
    ("limit_bytes", "audio"), [(600_000, "aac"), (200_000, None), (60_000, "aac")]
)
async def test_fit_when_the_limit_is_tiny_gets_under_it(
    media, sample, tmp_path, limit_bytes, audio
):
    clip = sample(seconds=2, noise=True, audio=audio)
    assert clip.stat().st_size > 600_000
    fitted = await media.fit(clip, tmp_path / "out.mp4", limit_bytes)
    info = await media.examine(tmp_path / "out.mp4")
    assert fitted.size_bytes == info.size_bytes <= limit_bytes
    assert (info.frames, info.has_audio) == (48, audio is not None)


async def test_fit_when_bits_are_scarce_makes_the_picture_smaller(media, sample, tmp_path):
    clip = sample(seconds=1, size=(1280, 720), noise=True)
    fitted = await media.fit(clip, tmp_path / "out.mp4", 120_000)
    info = await media.examine(fitted.path)
    assert (info.width, info.height) == (960, 540)
    assert fitted.size_bytes <= 120_000


async def test_fit_when_nothing_fits_leaves_nothing(media, sample, tmp_path):
    with pytest.raises(CannotFit, match=r"does not fit into 0\.0 MiB"):
        await media.fit(sample(seconds=2, noise=True), tmp_path / "out.mp4", 4000)
    assert not (tmp_path / "out.mp4").exists()


async def test_fit_when_only_the_container_is_wrong_repacks(media, sample, tmp_path):
    clip = sample("camera.mov", audio="aac", container="mov")
    fitted = await media.fit(clip, tmp_path / "out.mp4", 10 * MIB)
    assert (fitted.method, (await media.examine(fitted.path)).brand) == ("remux", "isom")
    assert [f.tobytes() for f in frames_of(fitted.path)] == [f.tobytes() for f in frames_of(clip)]


async def test_fit_when_ballast_is_too_much_repacks_and_says_what_is_lost(media, sample, tmp_path):
    heavy = tmp_path / "heavy.mp4"
    heavy.write_bytes(sample(credentials=True).read_bytes() + box(b"free", bytes(300_000)))
    fitted = await media.fit(heavy, tmp_path / "out.mp4", 200_000)
    assert fitted.method == "remux"
    assert "content credentials removed" in fitted.note


async def test_fit_when_the_rate_varies_keeps_every_moment(media, sample, tmp_path):
    clip = sample(seconds=1, codec="libx265", uneven=True)
    await media.fit(clip, tmp_path / "out.mp4", 10 * MIB)

    def moments(path: Path) -> list[float]:
        with av.open(str(path)) as opened:
            return [float(frame.time) for frame in opened.decode(video=0)]

    assert moments(tmp_path / "out.mp4") == pytest.approx(moments(clip), abs=0.002)


def test_rate_cap_when_clips_are_short_pays_for_the_buffer():
    assert rate_cap(10 * MIB, 8.0, 128_000) == 9_645_892
    cap = rate_cap(MIB, 4.0, 0)
    assert cap * 4.0 + cap / 2 < 8 * MIB


@pytest.mark.parametrize(
    ("size", "shapes"),
    [
        ((1920, 1080), [(1920, 1080), (1280, 720), (960, 540)]),
        ((1080, 1920), [(1080, 1920), (720, 1280), (540, 960)]),
        ((3840, 2160), [(1920, 1080), (1280, 720), (960, 540)]),
        ((1280, 720), [(1280, 720), (960, 540)]),
        ((321, 181), [(320, 180)]),
    ],
)
def test_shapes_when_stepping_down_stay_even_and_never_grow(size, shapes):
    assert shapes_for(*size) == shapes


def test_shape_when_bits_fall_gets_smaller():
    ladder = shapes_for(1920, 1080)
    chosen = [pick_shape(ladder, cap, 24) for cap in (10_000_000, 1_000_000, 100_000)]
    assert chosen == [(1920, 1080), (1280, 720), (960, 540)]


WIDE, UPRIGHT, SQUARE = (1920, 1080), (1080, 1920), (720, 720)


@pytest.mark.parametrize(
    ("shapes", "columns", "canvas"),
    [
        ([WIDE, WIDE], 1, (960, 1080)),
        ([WIDE, SQUARE], 1, (960, 1080)),
        ([UPRIGHT, UPRIGHT], 2, (1080, 960)),
        ([WIDE, UPRIGHT], 2, (1280, 720)),
        ([WIDE] * 3, 2, (1280, 720)),
        ([WIDE] * 4, 2, (1280, 720)),
        ([UPRIGHT] * 3, 3, (1224, 720)),
        ([UPRIGHT] * 4, 4, (1440, 640)),
    ],
)
def test_grid_when_clips_share_a_shape_gives_them_room(shapes, columns, canvas):
    grid = grid_for(shapes)
    assert (grid.columns, grid.canvas()) == (columns, canvas)


@pytest.mark.parametrize("count", [2, 3, 4])
async def test_side_by_side_when_clips_differ_holds_the_short_ones(media, sample, tmp_path, count):
    clips = [
        sample(seconds=1, fps=30, colour="red"),
        sample(seconds=2, fps=24, size=(240, 240), colour="lime", audio="aac"),
        sample(seconds=0.5, fps=16, size=(180, 320), colour="blue", pix_fmt="yuv420p10le"),
        sample(seconds=1, codec="libx265", colour="white"),
    ][:count]
    labels = [f"Take {index}: it's 50%,[a]" for index in range(count)]
    made = await media.side_by_side(
        clips, labels, tmp_path / "grid.mp4", limit_bytes=10 * MIB, audio_from=1
    )
    info = await media.examine(made.path)
    assert (info.duration_s, info.frames, info.audio_codec) == (2.0, 48, "aac")
    grid = grid_for([(c.width, c.height) for c in await media.probe(*clips)])
    last = frames_of(made.path)[-1].convert("L")
    strips = []
    for index in range(count):
        left, top = index % grid.columns * grid.cell[0], index // grid.columns * grid.cell[1]
        strips.append(last.crop((left, top, left + 200, top + 36)))
    assert all(strip.getextrema()[0] < 60 < 200 < strip.getextrema()[1] for strip in strips)
    assert len({strip.tobytes() for strip in strips}) == count


async def test_side_by_side_when_made_keeps_colours(media, sample, tmp_path):
    clips = [sample(colour="orange", size=(640, 360)), sample(colour="teal", size=(640, 360))]
    await media.side_by_side(clips, ["a", "b"], tmp_path / "grid.mp4", limit_bytes=10 * MIB)
    last = frames_of(tmp_path / "grid.mp4")[-1]
    assert last.getpixel((930, 210)) == pytest.approx((255, 165, 0), abs=12)
    assert last.getpixel((930, 750)) == pytest.approx((0, 128, 128), abs=12)


async def test_side_by_side_when_the_limit_is_small_gets_under_it(media, sample, tmp_path):
    clips = [sample(seconds=2, noise=True), sample(seconds=1, noise=True, fps=12)]
    made = await media.side_by_side(clips, ["a", "b"], tmp_path / "g.mp4", limit_bytes=90_000)
    assert (await media.examine(made.path)).size_bytes <= 90_000


async def test_side_by_side_when_one_is_broken_says_so(media, sample, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"<html>")
    with pytest.raises(BadClip):
        await media.side_by_side([sample(), bad], ["a", "b"], tmp_path / "g.mp4", limit_bytes=MIB)


@pytest.mark.parametrize("op", ["encode", "remux"])
async def test_output_when_made_carries_no_metadata(media, sample, tmp_path, op):
    how = {"codec": "libx265"} if op == "encode" else {"container": "mov"}
    clip = sample(f"tagged-{op}.mov", metadata={"comment": "secret place"}, **how)
    fitted = await media.fit(clip, tmp_path / "out.mp4", 10 * MIB)
    assert b"secret place" in clip.read_bytes()
    assert b"secret place" not in fitted.path.read_bytes()


async def test_encode_when_repeated_gives_the_same_bytes(media, sample, tmp_path):
    clip = sample(codec="libx265", audio="libopus")
    made = [await media.fit(clip, tmp_path / name, 10 * MIB) for name in ("a.mp4", "b.mp4")]
    assert made[0].path.read_bytes() == made[1].path.read_bytes()


@needs_proc
async def test_worker_when_killed_gives_a_plain_error(media, sample, tmp_path):
    clip = sample(seconds=3, size=(640, 360), noise=True)
    fitting = asyncio.ensure_future(media.fit(clip, tmp_path / "out.mp4", 2 * MIB))
    os.kill(await worker_at_work(tmp_path / "tmp"), signal.SIGKILL)
    with pytest.raises(CannotFit, match=r"^The clip could not be re-encoded\.$") as caught:
        await fitting
    assert not caught.value.conclusive
    assert not (tmp_path / "out.mp4").exists()
    assert (await media.probe(clip))[0].path == clip  # the seat is free again


@needs_proc
async def test_worker_when_its_caller_is_cancelled_ends(media, sample, tmp_path):
    clip = sample(seconds=3, size=(640, 360), noise=True)
    fitting = asyncio.ensure_future(media.fit(clip, tmp_path / "out.mp4", 2 * MIB))
    pid = await worker_at_work(tmp_path / "tmp")
    fitting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fitting
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


ORPHANED = """
import asyncio, pathlib, sys
from bot.media import Media
clip, out = map(pathlib.Path, sys.argv[1:])
asyncio.run(Media(None, out.parent, loopback_ok=bool).fit(clip, out, 2 << 20))
"""


@needs_proc
async def test_worker_when_the_bot_dies_ends_too(sample, tmp_path):
    clip = sample(seconds=3, size=(640, 360), noise=True)
    script = ("-c", ORPHANED, str(clip), str(tmp_path / "out.mp4"))
    home = {"PYTHONPATH": str(Path(__file__).parents[2])}
    bot = await asyncio.create_subprocess_exec(sys.executable, *script, env=home)
    deadline = time.monotonic() + 30
    while not list(tmp_path.rglob("*.mp4")):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    (worker,) = workers(bot.pid)
    bot.kill()
    await bot.wait()
    while command_of(worker):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def order(clip: Path, to: Path, **changes: object) -> dict[str, object]:
    job = {"op": "encode", "source": str(clip), "to": str(to), "audio": None, "maxrate": 9_000_000}
    size = {"width": 640, "height": 360}
    return job | size | {"cpu_s": 60, "file_bytes": 200 * MIB} | changes


@pytest.mark.parametrize("limit", [{"cpu_s": 1}, {"file_bytes": 100_000}])
async def test_worker_when_over_a_limit_ends_with_a_reason(sample, tmp_path, limit):
    clip = sample(seconds=6, size=(640, 360), noise=True)
    job = order(clip, tmp_path / "out.mp4", **limit)
    with pytest.raises(Unusable, match=r"^no luck$"):
        await run_worker(job, deadline_s=60, failed="no luck")


async def test_examine_when_there_is_no_room_for_stills_does_not_blame_the_clip(sample, tmp_path):
    media = Media(httpx.AsyncClient(), tmp_path, loopback_ok=lambda _: False, max_bytes=2000)
    clip = sample(noise=True)
    with pytest.raises(BadClip) as caught:
        await media.examine(clip, last_frame=tmp_path / "last.png")
    assert not caught.value.conclusive


async def test_work_when_the_temp_folder_is_gone_does_not_blame_the_clip(sample, tmp_path):
    media = Media(httpx.AsyncClient(), tmp_path / "gone", loopback_ok=lambda _: False)
    with pytest.raises(BadClip, match="No such file") as caught:
        await media.examine(sample())
    assert not caught.value.conclusive


async def test_worker_when_past_its_deadline_is_ended(sample, tmp_path):
    clip = sample(seconds=6, size=(640, 360), noise=True)
    with pytest.raises(Unusable, match="too long") as caught:
        await run_worker(order(clip, tmp_path / "o.mp4"), deadline_s=0.3, failed="no luck")
    assert not caught.value.conclusive
    assert workers() == []


async def test_worker_when_its_own_code_fails_shows_no_traceback(sample, tmp_path):
    with pytest.raises(Unusable, match=r"^no luck$"):
        await run_worker({"op": "encode", "cpu_s": "?"}, deadline_s=30, failed="no luck")


async def test_worker_when_names_are_odd_finds_the_files(media, sample, tmp_path):
    odd = tmp_path / "prénom “日本” \n.mp4"
    odd.write_bytes(sample().read_bytes())
    await media.examine(odd, poster=tmp_path / "póster.png")
    assert (tmp_path / "póster.png").exists()

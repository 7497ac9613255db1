"""CPU seconds of the media worker beside the ffmpeg command line doing the same work.

Run with `python -m benchmarks.media`. Without ffmpeg on PATH only our own figures are shown.
CPU seconds of child processes are compared, so other load on the machine hardly matters.
"""

from __future__ import annotations

import asyncio
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import httpx
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from benchmarks.table import Row, show
from bot._media_plan import ClipInfo, rate_cap
from bot.media import Media

WIDTH, HEIGHT, FPS, SECONDS = 1280, 720, 24, 10
LIMIT_BYTES = 2 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    cpu_s: float
    wall_s: float
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One job both ways; `ffmpeg` holds the arguments after the program's name."""

    name: str
    ours: Callable[[], Awaitable[object]]
    ours_to: Path
    ffmpeg: list[str]
    ffmpeg_to: Path


def textured_clip(path: Path) -> Path:
    """A slow pan over film-like grain: neither trivial nor pure noise for an encoder."""
    plate = Image.effect_noise((WIDTH // 2, HEIGHT // 2), 60).resize((WIDTH * 2, HEIGHT * 2))
    grain = [Image.effect_noise((WIDTH, HEIGHT), 12) for _ in range(4)]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "16"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(FPS * SECONDS):
            view = plate.crop((index * 2, index, index * 2 + WIDTH, index + HEIGHT))
            picture = Image.blend(view, grain[index % 4], 0.3).convert("RGB")
            frame = VideoFrame.from_image(picture)
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def cases(media: Media, clip: Path, info: ClipInfo, folder: Path) -> list[Case]:
    cap = rate_cap(LIMIT_BYTES, SECONDS, 0)
    x264 = f"-c:v libx264 -preset veryfast -profile:v high -crf 20 -threads 2 -maxrate {cap}"
    coder = f"{x264} -bufsize {cap // 2} -pix_fmt yuv420p -movflags +faststart -an".split()
    grid_cap = rate_cap(8 << 20, SECONDS, 0)
    grid = f"{x264.replace(str(cap), str(grid_cap))} -bufsize {grid_cap // 2} -an".split()
    cell = (
        "fps=24,scale=960:540:force_original_aspect_ratio=decrease:flags=bicubic,"
        "pad=960:540:-1:-1,setsar=1,format=yuv420p"
    )
    stack = f"[0:v]{cell}[a];[1:v]{cell}[b];[a][b]xstack=inputs=2:layout=0_0|0_540"

    def ours(name: str) -> Path:
        return folder / f"ours-{name}"

    def theirs(name: str) -> Path:
        return folder / f"ffmpeg-{name}"

    return [
        Case(
            name="decode all, poster and last frame",
            ours=lambda: media.examine(clip, poster=ours("p.jpg"), last_frame=ours("l.png")),
            ours_to=ours("l.png"),
            ffmpeg=[
                *("-i", str(clip), "-sseof", "-0.2", "-i", str(clip)),
                *("-map", "0:v", "-f", "null", "-"),
                *("-map", "0:v", "-ss", "2", "-frames:v", "1", "-vf", "scale=640:-2"),
                *(str(theirs("p.jpg")), "-map", "1:v", "-update", "1", str(theirs("l.png"))),
            ],
            ffmpeg_to=theirs("l.png"),
        ),
        Case(
            name="fit 10 s of 720p into 2 MiB",
            ours=lambda: media.fit(clip, ours("fit.mp4"), LIMIT_BYTES, info=info),
            ours_to=ours("fit.mp4"),
            ffmpeg=["-i", str(clip), *coder, str(theirs("fit.mp4"))],
            ffmpeg_to=theirs("fit.mp4"),
        ),
        Case(
            name="two side by side, 960 x 1080",
            ours=lambda: media.side_by_side(
                [clip, clip], ["A", "B"], ours("grid.mp4"), limit_bytes=8 << 20
            ),
            ours_to=ours("grid.mp4"),
            ffmpeg=[
                *("-i", str(clip), "-i", str(clip), "-filter_complex", stack),
                *(*grid, str(theirs("grid.mp4"))),
            ],
            ffmpeg_to=theirs("grid.mp4"),
        ),
    ]


async def measure_ours(case: Case) -> Cost:
    before, start = _children_cpu_s(), time.perf_counter()
    await case.ours()
    wall_s = time.perf_counter() - start
    size_bytes = case.ours_to.stat().st_size
    return Cost(cpu_s=_children_cpu_s() - before, wall_s=wall_s, size_bytes=size_bytes)


async def measure_ffmpeg(program: str, case: Case) -> Cost:
    before, start = _children_cpu_s(), time.perf_counter()
    command = [program, "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *case.ffmpeg]
    await asyncio.to_thread(subprocess.run, command, check=True)
    wall_s = time.perf_counter() - start
    size_bytes = case.ffmpeg_to.stat().st_size
    return Cost(cpu_s=_children_cpu_s() - before, wall_s=wall_s, size_bytes=size_bytes)


def _children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def rows() -> list[Row]:
    return asyncio.run(_measure())


async def _measure() -> list[Row]:
    program = shutil.which("ffmpeg")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = textured_clip(folder / "clip.mp4")
        async with httpx.AsyncClient() as http:
            media = Media(http, folder, loopback_ok=lambda _: False)
            (info,) = await media.probe(clip)
            return [await _row(program, case) for case in cases(media, clip, info, folder)]


async def _row(program: str | None, case: Case) -> Row:
    ours = await measure_ours(case)
    note, budget = "ffmpeg is not on PATH: only our own figures", "-"
    if program:
        theirs = await measure_ffmpeg(program, case)
        budget = f"ffmpeg: {theirs.cpu_s:.2f} s CPU"
        note = f"{ours.cpu_s / theirs.cpu_s:.2f} of its CPU"
    return Row(
        what=f"{case.name}, of {WIDTH} x {HEIGHT}, {SECONDS} s",
        budget=budget,
        measured=f"{ours.cpu_s:.2f} s CPU",
        good=None,
        note=f"{note}; {ours.wall_s:.2f} s wall, {ours.size_bytes // 1024} KiB",
    )


if __name__ == "__main__":
    show(rows())

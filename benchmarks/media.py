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
from bot._media_plan import ClipInfo, grid_for, rate_cap
from bot.media import Media

WIDTH, HEIGHT, FPS, SECONDS = 1280, 720, 24, 10
LIMIT_BYTES = 2 << 20
GRID_BYTES = 8 << 20
BLIND_BYTES = 5 << 20
BT709 = "in_color_matrix=bt709:out_color_matrix=bt709:out_range=tv"


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
    coder = [*_x264(cap), "-an"]

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
        *[_grid_case(media, clip, folder, count) for count in (2, 3, 4)],
        _blind_case(media, clip, folder),
    ]


def _grid_case(media: Media, clip: Path, folder: Path, count: int) -> Case:
    """Ours draws a label into each cell besides."""
    grid = grid_for([(WIDTH, HEIGHT)] * count)
    width, height = grid.cell
    cell = (
        f"fps=24,scale={width}:{height}:force_original_aspect_ratio=decrease:flags=bicubic:{BT709},"
        f"pad={width}:{height}:-1:-1,setsar=1,format=yuv420p"
    )
    corners = [f"{at % grid.columns * width}_{at // grid.columns * height}" for at in range(count)]
    cells = "".join(f"[{at}:v]{cell}[c{at}];" for at in range(count))
    ends = "".join(f"[c{at}]" for at in range(count))
    stack = f"{cells}{ends}xstack=inputs={count}:layout={'|'.join(corners)}:fill=black"
    ours, theirs = folder / f"ours-grid{count}.mp4", folder / f"ffmpeg-grid{count}.mp4"
    return Case(
        name=f"{count} side by side, {grid.canvas()[0]} x {grid.canvas()[1]}",
        ours=lambda: media.side_by_side(
            [clip] * count, list("ABCD"[:count]), ours, limit_bytes=GRID_BYTES
        ),
        ours_to=ours,
        ffmpeg=[
            *(["-i", str(clip)] * count),
            *("-filter_complex", stack, *_x264(rate_cap(GRID_BYTES, SECONDS, 0)), "-an"),
            str(theirs),
        ],
        ffmpeg_to=theirs,
    )


def _blind_case(media: Media, clip: Path, folder: Path) -> Case:
    """Two copies for a blind vote; theirs in one command, with a track of silence each."""
    cap = rate_cap(BLIND_BYTES, SECONDS, 96_000)
    ours = [folder / f"ours-{letter}.mp4" for letter in "AB"]
    theirs = [folder / f"ffmpeg-{letter}.mp4" for letter in "AB"]
    steady = ["-g", "48", "-keyint_min", "48", "-sc_threshold", "0", "-bf", "0"]
    steady += ["-c:a", "aac", "-b:a", "96k", "-shortest"]
    picture = f"fps=24,scale={WIDTH}:{HEIGHT}:flags=bicubic:{BT709},setsar=1,format=yuv420p"
    command = ["-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo", *(["-i", str(clip)] * 2)]
    for at, target in enumerate(theirs, 1):
        command += ["-map", f"{at}:v", "-map", "0:a", "-vf", picture, *_x264(cap), *steady]
        command.append(str(target))
    return Case(
        name="two copies for a blind vote",
        ours=lambda: media.blind_copies([clip, clip], ours, limit_bytes=BLIND_BYTES),
        ours_to=ours[0],
        ffmpeg=command,
        ffmpeg_to=theirs[0],
    )


def _x264(cap: int) -> list[str]:
    coder = f"-c:v libx264 -preset veryfast -profile:v high -crf 20 -threads 2 -maxrate {cap}"
    return f"{coder} -bufsize {cap // 2} -pix_fmt yuv420p -movflags +faststart".split()


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

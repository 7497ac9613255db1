"""Small clips and pictures made at test time, so that no binary lives in the repository.

Every clip shows a bright square that walks across a dark field: frames differ, sizes stay tiny.
`noise` fills the frames with seeded random bytes instead, the worst case for an encoder.
"""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageDraw

__all__ = ["make_clip", "make_picture"]

SAMPLE_RATE = 48_000
C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


def make_clip(
    path: Path,
    *,
    seconds: float = 1.0,
    size: tuple[int, int] = (320, 180),
    fps: int = 24,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    audio: str | None = None,
    level: float = 0.25,
    faststart: bool = True,
    noise: bool = False,
    colour: str = "orange",
    credentials: bool = False,
    container: str | None = None,
    video: bool = True,
    uneven: bool = False,
    blank: bool = False,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write a clip and say where; the suffix picks the container unless `container` does."""
    options = {"movflags": "+faststart"} if faststart and path.suffix == ".mp4" else {}
    with av.open(str(path), "w", format=container, options=options) as out:
        out.metadata.update(metadata or {})
        sound = _audio_stream(out, audio) if audio else None
        if video:
            stream = _video_stream(out, codec, size, fps, pix_fmt)
            count = round(seconds * fps)
            if blank:
                out.mux(stream.encode(VideoFrame(*size, "yuv420p")))
                count = 0
            for frame in _frames(count, size, fps, noise=noise, colour=colour):
                if uneven:  # every third frame is shown twice as long
                    frame.pts = (frame.pts or 0) + (frame.pts or 0) // 3
                out.mux(stream.encode(frame.reformat(format=pix_fmt)))
            out.mux(stream.encode(None))
        if sound is not None:
            for tone in _tone(seconds, level):
                out.mux(sound.encode(tone))
            out.mux(sound.encode(None))
    if credentials:
        with path.open("ab") as file:
            file.write((24 + 40).to_bytes(4, "big") + b"uuid" + C2PA_BOX + bytes(40))
    return path


def make_picture(
    path: Path, size: tuple[int, int] = (96, 64), *, mode: str = "RGB", **save: object
) -> Path:
    """Write a picture: left half red, right half blue."""
    picture = Image.new("RGB", size, "red")
    picture.paste("blue", (size[0] // 2, 0, size[0], size[1]))
    picture.convert(mode).save(path, **save)  # type: ignore[arg-type] # Pillow's own options
    return path


def _video_stream(
    out: OutputContainer, codec: str, size: tuple[int, int], fps: int, pix_fmt: str
) -> VideoStream:
    options = {"preset": "ultrafast"} if codec in ("libx264", "libx265") else {}
    if codec == "libx265":
        options["x265-params"] = "log-level=none"
    stream = out.add_stream(codec, rate=fps, options=options)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = size
    stream.pix_fmt = pix_fmt
    return stream


def _audio_stream(out: OutputContainer, codec: str) -> AudioStream:
    stream = out.add_stream(codec, rate=SAMPLE_RATE)
    assert isinstance(stream, AudioStream)
    return stream


def _frames(
    count: int, size: tuple[int, int], fps: int, *, noise: bool, colour: str
) -> Iterator[VideoFrame]:
    width, height = size
    dice = random.Random(7)
    for index in range(count):
        if noise:
            picture = Image.frombytes("RGB", size, dice.randbytes(width * height * 3))
        else:
            picture = Image.new("RGB", size, (24, 28, 40))
            left = index * (width - 40) // max(count - 1, 1)
            ImageDraw.Draw(picture).rectangle(
                (left, height // 3, left + 40, height // 3 + 40), colour
            )
        frame = VideoFrame.from_image(picture)
        frame.pts, frame.time_base = index, Fraction(1, fps)
        yield frame


def _tone(seconds: float, loud: float) -> Iterator[AudioFrame]:
    for start in range(0, round(seconds * SAMPLE_RATE), 960):
        wave = (math.sin(2 * math.pi * 440 * i / SAMPLE_RATE) for i in range(start, start + 960))
        samples = array("f", (level * loud for level in wave))
        frame = AudioFrame(format="flt", layout="mono", samples=960)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate, frame.pts = SAMPLE_RATE, start
        frame.time_base = Fraction(1, SAMPLE_RATE)
        yield frame

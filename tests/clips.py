"""Small real clips for tests, made here and never committed."""

from __future__ import annotations

import io
import tempfile
from functools import cache
from pathlib import Path

import av
from av.video.stream import VideoStream
from PIL import Image

__all__ = ["clip_bytes", "noisy_clip_bytes", "still_bytes"]


@cache
def clip_bytes(
    seconds: float = 1.0, width: int = 320, height: int = 180, colour: str = "navy"
) -> bytes:
    """An H.264 MP4 of one colour with a moving bar."""
    with tempfile.TemporaryDirectory() as room:
        path = Path(room, "clip.mp4")
        _encode(path, seconds, width, height, colour)
        return path.read_bytes()


@cache
def noisy_clip_bytes(seconds: float = 1.0, width: int = 640, height: int = 360) -> bytes:
    """One that no encoder makes small without loss: every frame is noise."""
    with tempfile.TemporaryDirectory() as room:
        path = Path(room, "clip.mp4")
        _encode(path, seconds, width, height, "")
        return path.read_bytes()


def _encode(path: Path, seconds: float, width: int, height: int, colour: str) -> None:
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=12)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(int(seconds * 12)):
            picture = _frame(index, width, height, colour)
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())


def _frame(index: int, width: int, height: int, colour: str) -> Image.Image:
    if not colour:
        return Image.effect_noise((width, height), 60).convert("RGB")
    picture = Image.new("RGB", (width, height), colour)
    picture.paste("white", (index * 4 % width, 20, index * 4 % width + 24, 60))
    return picture


@cache
def still_bytes(width: int = 640, height: int = 360, colour: str = "teal") -> bytes:
    """A PNG of one colour."""
    target = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(target, "PNG")
    return target.getvalue()

"""Frames as three planes of grey (luma and half-size chroma), and the encoder that takes them.

Everything is mixed in the colour space of the clip: one and a half channels instead of four, and
no conversion per frame. That is where the speed comes from.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import av
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

__all__ = ["FPS", "Box", "Patch", "Planes", "Size", "encode", "solid", "yuv"]

FPS: Final = 24

# RGB to limited-range BT.709, as rows of an affine matrix for Image.convert.
BT709: Final = (
    *(0.18259, 0.61423, 0.06201, 16.5),
    *(-0.10064, -0.33857, 0.43922, 128.5),
    *(0.43922, -0.39894, -0.04027, 128.5),
)

Size = tuple[int, int]
Box = tuple[int, int, int, int]
View = tuple[float, float, float, float]  # a box between pixels


class Planes(NamedTuple):
    """A picture: luma at full size, the two chroma planes at half size."""

    y: Image.Image
    u: Image.Image
    v: Image.Image

    def copy(self) -> Planes:
        return Planes(self.y.copy(), self.u.copy(), self.v.copy())

    def crop(self, box: Box) -> Planes:
        half = _half(box)
        return Planes(self.y.crop(box), self.u.crop(half), self.v.crop(half))

    def view(self, box: View, size: Size) -> Planes:
        """That part of the picture at this size, smoothly between pixels."""
        half = (box[0] / 2, box[1] / 2, box[2] / 2, box[3] / 2)
        small = (size[0] // 2, size[1] // 2)
        return Planes(
            self.y.resize(size, Image.Resampling.BILINEAR, box),
            self.u.resize(small, Image.Resampling.BILINEAR, half),
            self.v.resize(small, Image.Resampling.BILINEAR, half),
        )

    def paste(self, source: Planes, at: tuple[int, int], mask: Image.Image) -> None:
        """Lay a picture on this one; place and size in even pixels."""
        x, y = at
        half = mask.reduce(2)
        self.y.paste(source.y, (x, y), mask)
        self.u.paste(source.u, (x // 2, y // 2), half)
        self.v.paste(source.v, (x // 2, y // 2), half)

    def blend(self, other: Planes, share: float) -> Planes:
        return Planes(*(Image.blend(a, b, share) for a, b in zip(self, other, strict=True)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Patch:
    """A piece of still lettering, ready to be laid on every frame."""

    at: tuple[int, int]
    planes: Planes
    mask: Image.Image
    half: Image.Image

    @classmethod
    def cut(cls, picture: Image.Image, box: Box) -> Patch:
        """Cut that box out of an RGBA picture, widened to even pixels."""
        box = (box[0] // 2 * 2, box[1] // 2 * 2, -(-box[2] // 2) * 2, -(-box[3] // 2) * 2)
        piece = picture.crop(box)
        mask = piece.getchannel("A")
        planes = yuv(piece.convert("RGB"))
        return cls(at=(box[0], box[1]), planes=planes, mask=mask, half=mask.reduce(2))

    def on(self, frame: Planes) -> None:
        x, y = self.at
        frame.y.paste(self.planes.y, (x, y), self.mask)
        frame.u.paste(self.planes.u, (x // 2, y // 2), self.half)
        frame.v.paste(self.planes.v, (x // 2, y // 2), self.half)


def yuv(picture: Image.Image) -> Planes:
    """An RGB picture of even size in the planes of the clip."""
    y, u, v = picture.convert("RGB", BT709).split()
    return Planes(y, u.reduce(2), v.reduce(2))


def solid(colour: str, size: Size) -> Planes:
    return yuv(Image.new("RGB", size, colour))


def encode(
    frames: Iterator[Planes], size: Size, count: int, to: Path, progress: Callable[[float], None]
) -> None:
    """Write the frames as H.264; one thread and no clock, so the same frames give the same bytes.

    https://code.videolan.org/videolan/x264 is only reproducible across machines with one thread.
    """
    options = {"preset": "veryfast", "crf": "19", "profile": "high", "x264-params": X264}
    flags = {"movflags": "+faststart", "fflags": "+bitexact"}
    clip: Any  # the stubs of PyAV leave packets half typed
    with av.open(str(to), "w", format="mp4", options=flags) as clip:
        clip.metadata["comment"] = "local animatic draft"
        stream = clip.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        stream.codec_context.colorspace = Colorspace.ITU709
        stream.codec_context.color_range = ColorRange.MPEG
        stream.codec_context.color_primaries = stream.codec_context.color_trc = 1  # BT.709
        for number, planes in enumerate(frames):
            clip.mux(stream.encode(_frame(planes, size, number)))
            progress((number + 1) / count)
        clip.mux(stream.encode())
    with to.open("rb+") as written:
        os.fsync(written.fileno())


# Flat dark gradients show bands unless the encoder spends bits where the eye looks.
X264: Final = "aq-mode=3:aq-strength=1.0:keyint=120"


def _frame(planes: Planes, size: Size, number: int) -> av.VideoFrame:
    frame = av.VideoFrame(*size, "yuv420p")
    for plane, picture in zip(frame.planes, planes, strict=True):
        if plane.line_size != picture.width:  # the codec wants padded rows
            picture = picture.crop((0, 0, plane.line_size, plane.height))
        plane.update(picture.tobytes())
    frame.pts = number
    return frame


def _half(box: Box) -> Box:
    return (box[0] // 2, box[1] // 2, box[2] // 2, box[3] // 2)

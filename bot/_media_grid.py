"""Two to four clips in one picture, in the worker process: same rate, labelled, in step."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# av's stubs leave the packet's type parameter and every keyword argument open

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.filter import Graph
from av.filter.context import FilterContext
from av.packet import Packet
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageDraw, ImageFont

from bot._media_clips import (
    HD,
    UNTOLD,
    Soundtrack,
    create_clip,
    h264,
    open_clip,
    sound_of,
    tag_bt709,
    video_of,
)
from bot._media_files import Unusable

__all__ = ["UNREADABLE", "compose", "drain", "fit_steps"]

UNREADABLE = (FFmpegError,)
FPS = 24
TICK = Fraction(1, FPS)
LABEL_HEIGHT = 56
LABEL_SIZE = 40  # on a phone the canvas is shown at a third of its size
LABEL_MARGIN = 14
SHADE = (0, 0, 0, 178)  # 70 % black
NOTHING_READY = (BlockingIOError, EOFError)  # a filter that wants more frames, or has given all


def compose(job: dict[str, Any]) -> dict[str, Any]:
    """A grid as long as the longest clip; shorter ones hold their last frame."""
    with contextlib.ExitStack() as stack:
        sources = [stack.enter_context(open_clip(path)) for path in job["sources"]]
        out = stack.enter_context(create_clip(job["to"]))
        coder = h264(out, job, Fraction(FPS))
        tag_bt709(coder)
        sound = _Sound(stack, out, job)
        cells = [_cell(s, text, job) for s, text in zip(sources, job["labels"], strict=True)]
        for index, frame in enumerate(_mosaic(cells, job)):
            frame.pts, frame.time_base, frame.pict_type = index, TICK, 0
            out.mux(coder.encode(frame))
            sound.feed_until(index / FPS)
        out.mux(coder.encode(None))
        sound.finish()
    return {"size_bytes": Path(job["to"]).stat().st_size}


class _Sound:
    """The chosen clip's sound, fed in step with the picture; silent where none was chosen."""

    def __init__(
        self, stack: contextlib.ExitStack, out: OutputContainer, job: dict[str, Any]
    ) -> None:
        self._track: Soundtrack | None = None
        self._packets: Iterator[Packet[Any]] = iter(())
        if job["audio_from"] is not None:
            source = stack.enter_context(open_clip(job["sources"][job["audio_from"]]))
            if stream := sound_of(source):
                self._track = Soundtrack(out, stream, job)
                self._packets = source.demux(stream)

    def feed_until(self, time_s: float) -> None:
        for packet in self._packets:
            if self._track:
                self._track.feed(packet)
            if packet.pts is not None and packet.pts * packet.time_base > time_s:
                return

    def finish(self) -> None:
        self.feed_until(float("inf"))
        if self._track:
            self._track.finish()


def _cell(source: InputContainer, label: str, job: dict[str, Any]) -> Iterator[VideoFrame]:
    """One clip at the common rate and size, under its label."""
    video = video_of(source)
    width, height = _cell_size(job)
    graph = Graph()
    entry, leave = graph.add_buffer(template=video), graph.add("buffersink")
    strip = graph.add_buffer(
        width=width, height=LABEL_HEIGHT, format=VideoFormat("rgba"), time_base=TICK
    )
    steps = [entry, *fit_steps(graph, video, (width, height), Fraction(FPS))]
    overlay = graph.add("overlay", "0:0:eof_action=repeat")
    graph.link_nodes(*steps)
    steps[-1].link_to(overlay, 0, 0)
    strip.link_to(overlay, 0, 1)
    overlay.link_to(leave)
    graph.configure()
    strip.push(_label(label, width))
    strip.push(None)
    for frame in source.decode(video):
        entry.push(frame)
        yield from drain(graph)
    entry.push(None)
    yield from drain(graph)


def fit_steps(
    graph: Graph, video: VideoStream, size: tuple[int, int], rate: Fraction
) -> list[FilterContext]:
    """Any picture whole on a canvas of this size, at this rate, in the colours all players know."""
    width, height = size
    colours = "out_range=tv:out_color_matrix=bt709"
    if video.codec_context.colorspace in UNTOLD and video.codec_context.height >= HD:
        colours += ":in_color_matrix=bt709"  # as players take it
    fit = f"{width}:{height}:force_original_aspect_ratio=decrease:flags=bicubic:{colours}"
    return [
        graph.add("setpts", "PTS-STARTPTS"),
        graph.add("fps", str(rate)),
        graph.add("scale", fit),
        graph.add("pad", f"{width}:{height}:-1:-1"),
        graph.add("setsar", "1"),
        graph.add("format", "yuv420p"),
    ]


def _cell_size(job: dict[str, Any]) -> tuple[int, int]:
    return job["width"] // job["columns"], job["height"] // job["rows"]


def _label(text: str, width: int) -> VideoFrame:
    """Drawn here and laid over the picture: no text ever enters a filter's own language.

    Its shade is no wider than the words, so that it hides little.
    """
    strip = Image.new("RGBA", (width, LABEL_HEIGHT))
    font, room = ImageFont.load_default(LABEL_SIZE), width - 2 * LABEL_MARGIN
    if font.getlength(text) > room:
        while text and font.getlength(text + "…") > room:
            text = text[:-1]
        text += "…"
    pen = ImageDraw.Draw(strip)
    right = round(font.getlength(text)) + 2 * LABEL_MARGIN
    pen.rectangle((0, 0, right, LABEL_HEIGHT), SHADE)
    pen.text((LABEL_MARGIN, LABEL_HEIGHT // 2), text, "white", font, anchor="lm")
    frame = VideoFrame.from_bytes(strip.tobytes(), width, LABEL_HEIGHT, format="rgba")
    frame.pts, frame.time_base = 0, TICK
    return frame


def _mosaic(cells: list[Iterator[VideoFrame]], job: dict[str, Any]) -> Iterator[VideoFrame]:
    width, height = _cell_size(job)
    graph = Graph()
    entries = [
        graph.add_buffer(width=width, height=height, format=VideoFormat("yuv420p"), time_base=TICK)
        for _ in cells
    ]
    corners = [
        (i % job["columns"] * width, i // job["columns"] * height) for i in range(len(cells))
    ]
    layout = "|".join(f"{x}_{y}" for x, y in corners)
    grid = graph.add("xstack", f"inputs={len(cells)}:layout={layout}:fill=black")
    leave = graph.add("buffersink")
    for index, entry in enumerate(entries):
        entry.link_to(grid, 0, index)
    grid.link_to(leave)
    graph.configure()
    for index, row in enumerate(_in_step(cells)):
        for entry, frame in zip(entries, row, strict=True):
            frame.pts, frame.time_base = index, TICK
            entry.push(frame)
        yield from drain(graph)
    for entry in entries:
        entry.push(None)
    yield from drain(graph)


def _in_step(cells: list[Iterator[VideoFrame]]) -> Iterator[list[VideoFrame]]:
    """One frame of each at a time until the longest ends: memory stays flat whatever the rates."""
    shown = [next(cell, None) for cell in cells]
    while True:
        row = [frame for frame in shown if frame]
        if len(row) < len(cells):
            raise Unusable("has no picture that can be decoded")
        yield row
        fresh = [next(cell, None) for cell in cells]
        if not any(fresh):
            return
        shown = [new or old for new, old in zip(fresh, shown, strict=True)]


def drain(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            frame = graph.vpull()
        except NOTHING_READY:
            return
        yield frame

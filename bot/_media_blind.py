"""Viewing copies for a blind vote, in the worker process: alike in all but picture and sound.

Every copy has the same frame size, rate, number of frames and of samples, the same encoder with the
same settings, a sound track (silence where one source has none), and in the end the same length in
bytes. Which values those are is the parent's choice (`bot.media`).
"""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# av's stubs leave every keyword argument open

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, Final

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from bot._media_clips import (
    SAMPLE_RATE,
    create_clip,
    h264,
    open_clip,
    sound_of,
    tag_bt709,
    video_of,
)
from bot._media_even import even_out
from bot._media_files import Unusable
from bot._media_grid import drain, fit_steps

__all__ = ["UNREADABLE", "blind", "loudness"]

UNREADABLE = (FFmpegError,)
BLOCK: Final = 1024  # samples of an AAC frame
SILENT_LUFS: Final = -50.0
AIM_LUFS: Final = -18.0
PEAK_DB: Final = -1.0
# Scenes and motion must not show in the structure: key frames by the clock, no reordering.
STEADY: Final = {"g": "48", "keyint_min": "48", "sc_threshold": "0", "bf": "0"}


def blind(job: dict[str, Any]) -> dict[str, Any]:
    """One copy of each source; how loud each was is matched, or all fall silent."""
    heard = [loudness(path) for path in job["sources"]]
    gains = _gains(heard)
    for index, source in enumerate(job["sources"]):
        gain_db = gains[index] if gains else None
        _copy(source, job[f"to_{index}"], job, gain_db)
    size_bytes = even_out([Path(job[f"to_{index}"]) for index in range(len(job["sources"]))])
    return {"size_bytes": size_bytes, "muted": not gains and any(heard)}


def _copy(source_path: str, to: str, job: dict[str, Any], gain_db: float | None) -> None:
    rate = Fraction(job["rate"])
    with open_clip(source_path) as source, create_clip(to) as out, contextlib.ExitStack() as stack:
        coder = h264(out, job, rate, STEADY)
        tag_bt709(coder)
        speaker = _Speaker(out, job["frames"] / rate, job["audio_bps"])
        if gain_db is None:
            blocks = _silence(speaker.samples)
        else:
            blocks = _sound(stack.enter_context(open_clip(source_path)), gain_db, speaker.samples)
        for index, frame in enumerate(_pictures(source, job, rate)):
            frame.pts, frame.time_base, frame.pict_type = index, 1 / rate, 0
            out.mux(coder.encode(frame))
            speaker.say_until(blocks, (index + 1) / rate)
        out.mux(coder.encode(None))
        speaker.finish(blocks)


def _pictures(source: InputContainer, job: dict[str, Any], rate: Fraction) -> Iterator[VideoFrame]:
    """Exactly `frames` of them; the last is held where the source has fewer."""
    shown = None
    made = 0
    for frame in _fitted(source, video_of(source), job, rate):
        shown = frame
        yield frame
        made += 1
        if made == job["frames"]:
            return
    if shown is None:
        raise Unusable("has no picture that can be decoded")
    for _ in range(made, job["frames"]):
        yield shown


def _fitted(
    source: InputContainer, video: VideoStream, job: dict[str, Any], rate: Fraction
) -> Iterator[VideoFrame]:
    graph = Graph()
    entry, leave = graph.add_buffer(template=video), graph.add("buffersink")
    graph.link_nodes(entry, *fit_steps(graph, video, (job["width"], job["height"]), rate), leave)
    graph.configure()
    for frame in chain(source.decode(video), [None]):
        entry.push(frame)
        yield from drain(graph)


class _Speaker:
    """The sound track of a copy, fed in step with the picture."""

    def __init__(self, out: OutputContainer, duration_s: Fraction, bit_rate: int) -> None:
        self.samples = int(duration_s * SAMPLE_RATE)
        self._out = out
        self._track: AudioStream = out.add_stream("aac", rate=SAMPLE_RATE)
        self._track.bit_rate = bit_rate
        self._track.codec_context.layout = "stereo"
        self._said = 0

    def say_until(self, blocks: Iterator[AudioFrame], time_s: Fraction | None) -> None:
        while time_s is None or self._said < time_s * SAMPLE_RATE:
            block = next(blocks, None)
            if block is None:
                return
            block.pts, block.time_base = self._said, Fraction(1, SAMPLE_RATE)
            self._said += block.samples
            self._out.mux(self._track.encode(block))

    def finish(self, blocks: Iterator[AudioFrame]) -> None:
        self.say_until(blocks, None)
        self._out.mux(self._track.encode(None))


def _silence(samples: int) -> Iterator[AudioFrame]:
    for at in range(0, samples, BLOCK):
        frame = AudioFrame(format="fltp", layout="stereo", samples=min(BLOCK, samples - at))
        frame.sample_rate = SAMPLE_RATE
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        yield frame


def _sound(source: InputContainer, gain_db: float, samples: int) -> Iterator[AudioFrame]:
    """The source's own sound at its new level, cut or filled up to `samples`."""
    stream = sound_of(source)
    if stream is None:
        raise Unusable("has no sound any more")
    chain_of = (
        ("aresample", f"{SAMPLE_RATE}:async=1:first_pts=0"),
        ("aformat", "sample_fmts=fltp:channel_layouts=stereo"),
        ("volume", f"{gain_db:.2f}dB"),
        ("apad", f"whole_len={samples}"),
        ("atrim", f"end_sample={samples}"),
        ("asetnsamples", f"n={BLOCK}:p=0"),
    )
    yield from _through(source, stream, chain_of)


def _through(
    source: InputContainer, stream: AudioStream, filters: tuple[tuple[str, str], ...]
) -> Iterator[AudioFrame]:
    graph = Graph()
    entry, leave = graph.add_abuffer(template=stream), graph.add("abuffersink")
    graph.link_nodes(entry, *(graph.add(name, how) for name, how in filters), leave)
    graph.configure()
    for frame in chain(source.decode(stream), [None]):
        try:
            entry.push(frame)
            while isinstance(piece := graph.pull(), AudioFrame):
                yield piece
        except BlockingIOError:  # it wants more
            continue
        except EOFError:  # it has all it takes
            return


def loudness(path: str) -> tuple[float, float] | None:
    """(LUFS, peak in dB) of a source that can be heard."""
    with open_clip(path) as source:
        stream = sound_of(source)
        if stream is None or getattr(stream, "codec_context", None) is None:
            return None
        lufs, peak = -99.0, 0.0
        for frame in _through(source, stream, (("ebur128", "metadata=1:peak=sample"),)):
            told = frame.metadata
            lufs = float(told.get("lavfi.r128.I", lufs))
            peak = max(peak, float(told.get("lavfi.r128.sample_peak", 0.0)))
    if lufs < SILENT_LUFS or peak <= 0:
        return None
    return lufs, 20 * math.log10(peak)


def _gains(heard: list[tuple[float, float] | None]) -> list[float]:
    """What brings all to one loudness that clips none of them; nothing where one is silent."""
    known = [level for level in heard if level is not None]
    if len(known) < len(heard):
        return []
    aim = min([AIM_LUFS, *(lufs + PEAK_DB - peak for lufs, peak in known)])
    return [aim - lufs for lufs, _ in known]

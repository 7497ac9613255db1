"""Reads, repacks and re-encodes clips, in the worker process.

Sizes, caps and choices are the parent's (`bot.media`); this knows how to talk to FFmpeg.
"""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# av's stubs leave the packet's type parameter and every keyword argument open

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from bot._media_files import Unusable
from bot._media_pictures import save

__all__ = [
    "HD",
    "SAMPLE_RATE",
    "UNREADABLE",
    "UNTOLD",
    "Soundtrack",
    "create_clip",
    "encode",
    "examine",
    "h264",
    "open_clip",
    "remux",
    "sound_of",
    "tag_bt709",
    "video_of",
]

UNREADABLE = (FFmpegError,)
PIXEL_LIMIT = 8192 * 4320
DURATION_LIMIT_S = 600
POSTER_SIDE = 640
POSTER_AT_S = 2.0
SAMPLE_RATE = 48_000
LIMITED_RANGE = 1  # AVCOL_RANGE_MPEG: what every player takes for granted
FULL_RANGE = 2  # AVCOL_RANGE_JPEG
BT709 = 1  # AVCOL_SPC_BT709, the same number for primaries and transfer
UNTOLD = (0, 2)  # RGB cannot be kept in yuv420p, and "unspecified"
HD = 720  # lines from which players take an untold picture for BT.709
THREADS = 2


def examine(job: dict[str, Any]) -> dict[str, Any]:
    """Facts of each clip; with `decode` every frame is decoded and stills are kept on the way."""
    return {"clips": [_examine_one(path, job) for path in job["sources"]]}


def remux(job: dict[str, Any]) -> dict[str, Any]:
    """The same picture and sound in a plain mp4 with its index in front."""
    with open_clip(job["source"]) as source, create_clip(job["to"]) as out:
        streams: list[Stream] = [video_of(source)]
        if sound := sound_of(source):
            streams.append(sound)
        copies = {stream.index: out.add_stream_from_template(stream) for stream in streams}
        for packet in source.demux(*streams):
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                out.mux(packet)
    return {"size_bytes": Path(job["to"]).stat().st_size}


def encode(job: dict[str, Any]) -> dict[str, Any]:
    """One pass of capped CRF; sound is copied or made AAC, metadata stays behind."""
    with open_clip(job["source"]) as source, create_clip(job["to"]) as out:
        video, sound = video_of(source), sound_of(source)
        coder = h264(out, job, video.average_rate or Fraction(24))
        _keep_clock_and_colour(video, coder)
        track = Soundtrack(out, sound, job) if sound and job["audio"] else None
        streams: list[Stream] = [video, sound] if sound and track else [video]
        for packet in source.demux(*streams):
            if packet.stream.index == video.index:
                for frame in video.decode(packet):
                    out.mux(coder.encode(_resized(frame, coder)))
            elif track:
                track.feed(packet)
        out.mux(coder.encode(None))
        if track:
            track.finish()
    return {"size_bytes": Path(job["to"]).stat().st_size}


def open_clip(path: str) -> InputContainer:
    """The demuxer is forced: a playlist that calls itself .mp4 must not lead to other files."""
    options = {"protocol_whitelist": "file", "enable_drefs": "0", "use_absolute_path": "0"}
    return av.open(path, "r", format="mov", options=options)


def create_clip(to: str) -> OutputContainer:
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    return av.open(to, "w", format="mp4", options=options)


def video_of(source: InputContainer) -> VideoStream:
    """The picture of a clip, checked before anything is decoded."""
    streams = [s for s in source.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise Unusable("has no picture, only sound" if source.streams.audio else "has no picture")
    stream = streams[0]
    if not _decodable(stream):
        raise Unusable("has a codec that is not known here")
    width, height = stream.codec_context.width, stream.codec_context.height
    if not width or not height:
        raise Unusable("has no picture size")
    if width * height > PIXEL_LIMIT:
        raise Unusable(f"has {width} x {height} pixels, which is too large")
    stream.codec_context.thread_count = THREADS
    stream.thread_type = "AUTO"
    return stream


def sound_of(source: InputContainer) -> AudioStream | None:
    return next(iter(source.streams.audio), None)


def h264(
    out: OutputContainer,
    job: dict[str, Any],
    rate: Fraction,
    more: Mapping[str, str] = MappingProxyType({}),
) -> VideoStream:
    """The encoder, capped: constant quality as long as `maxrate` allows it."""
    options = {
        "preset": "veryfast",
        "profile": "high",
        "crf": "20",
        "maxrate": str(job["maxrate"]),
        "bufsize": str(job["maxrate"] // 2),
        **more,
    }
    coder: VideoStream = out.add_stream("libx264", rate=rate, options=options)
    coder.width, coder.height = job["width"], job["height"]
    coder.pix_fmt = "yuv420p"
    coder.codec_context.thread_count = THREADS
    coder.codec_context.color_range = LIMITED_RANGE
    return coder


def tag_bt709(coder: VideoStream) -> None:
    coder.codec_context.colorspace = BT709
    coder.codec_context.color_primaries = BT709
    coder.codec_context.color_trc = BT709


class Soundtrack:
    """The sound of one source on its way into the new clip, copied or made AAC."""

    def __init__(self, out: OutputContainer, sound: AudioStream, job: dict[str, Any]) -> None:
        self._out = out
        self._sound = sound
        self._resampler: AudioResampler | None = None
        if job["audio"] == "copy":
            self._track = out.add_stream_from_template(sound)
        else:
            self._track = out.add_stream("aac", rate=SAMPLE_RATE)
            self._track.bit_rate = job["audio_bps"]
            self._track.codec_context.layout = "stereo"
            self._resampler = AudioResampler("fltp", "stereo", SAMPLE_RATE)

    def feed(self, packet: Packet[Any]) -> None:
        if self._resampler:
            for frame in self._sound.decode(packet):
                self._encode(self._resampler.resample(frame))
        elif packet.dts is not None:
            packet.stream = self._track
            self._out.mux(packet)

    def finish(self) -> None:
        if self._resampler:
            self._encode(self._resampler.resample(None))
            self._out.mux(self._track.encode(None))

    def _encode(self, pieces: list[AudioFrame]) -> None:
        for piece in pieces:
            self._out.mux(self._track.encode(piece))


def _decodable(stream: Stream) -> bool:
    """av gives None, against its stubs, where FFmpeg has no decoder; touching it then crashes."""
    return getattr(stream, "codec_context", None) is not None


def _examine_one(path: str, job: dict[str, Any]) -> dict[str, Any]:
    with open_clip(path) as source:
        video, sound = video_of(source), sound_of(source)
        facts = _facts(source, video, sound)
        reel = _Reel(facts["duration_s"])
        payload_bytes, audio_bytes, packets = 0, 0, 0
        streams: list[Stream] = [video, sound] if sound else [video]
        for packet in source.demux(*streams):
            payload_bytes += packet.size
            if packet.stream.index != video.index:
                audio_bytes += packet.size
                continue
            packets += packet.size > 0
            if job["decode"]:
                reel.see(video.decode(packet))
        if job["decode"]:
            reel.check(video.frames)
            reel.save(job["poster"], job["last_frame"])
    return facts | {"frames": packets, "payload_bytes": payload_bytes, "audio_bytes": audio_bytes}


def _facts(source: InputContainer, video: VideoStream, sound: AudioStream | None) -> dict[str, Any]:
    duration_s = _duration_s(source, video)
    if duration_s <= 0:
        raise Unusable("has no duration")
    if duration_s > DURATION_LIMIT_S:
        raise Unusable(f"is {duration_s:.0f} s long; the limit is {DURATION_LIMIT_S} s")
    rate = video.average_rate
    return {
        "duration_s": duration_s,
        "width": video.codec_context.width,
        "height": video.codec_context.height,
        "fps": float(rate) if rate else video.frames / duration_s,
        "codec": video.codec.canonical_name,
        "pix_fmt": video.codec_context.pix_fmt or "",
        "audio_codec": _audio_codec(sound) if sound else None,
    }


def _duration_s(source: InputContainer, video: VideoStream) -> float:
    if video.duration and video.time_base:
        return float(video.duration * video.time_base)
    return (source.duration or 0) / av.time_base


def _audio_codec(sound: AudioStream) -> str:
    return sound.codec.canonical_name if _decodable(sound) else "unknown"


class _Reel:
    """Judges every frame of one linear pass and keeps two: the poster's and the last."""

    def __init__(self, duration_s: float) -> None:
        self._duration_s = duration_s
        self._poster_at_s = min(POSTER_AT_S, 0.4 * duration_s)
        self._poster: VideoFrame | None = None
        self._last: VideoFrame | None = None
        self._frames = 0

    def see(self, frames: list[VideoFrame]) -> None:
        for frame in frames:
            if frame.is_corrupt:  # the decoder paints over damage and raises nothing
                raise Unusable(f"is damaged at {_time_s(frame):.1f} s")
            if self._poster is None or _time_s(self._poster) < self._poster_at_s:
                self._poster = frame
            self._last = frame
            self._frames += 1

    def check(self, declared: int) -> None:
        if self._last is None:
            raise Unusable("has no picture that can be decoded")
        if self._frames < 0.9 * declared - 2:
            raise Unusable(f"breaks off after {self._frames} of {declared} frames")
        if _time_s(self._last) < 0.5 * self._duration_s - 1:
            raise Unusable(f"breaks off at {_time_s(self._last):.1f} s")

    def save(self, poster: str | None, last_frame: str | None) -> None:
        if poster and self._poster:
            image = _image(self._poster)
            image.thumbnail((POSTER_SIDE, POSTER_SIDE))
            save(image, poster, jpeg_quality=85)
        if last_frame and self._last:
            save(_image(self._last), last_frame, jpeg_quality=95)


def _time_s(frame: VideoFrame) -> float:
    return frame.time or 0.0


def _image(frame: VideoFrame) -> Image.Image:
    return cast("Image.Image", frame.to_image())


def _keep_clock_and_colour(video: VideoStream, coder: VideoStream) -> None:
    """The source's own clock keeps every frame's moment even where the rate varies."""
    coder.codec_context.time_base = video.time_base or Fraction(1, 90_000)
    if video.codec_context.colorspace not in UNTOLD:
        coder.codec_context.colorspace = video.codec_context.colorspace
        coder.codec_context.color_primaries = video.codec_context.color_primaries
        coder.codec_context.color_trc = video.codec_context.color_trc
    elif video.codec_context.height >= HD:  # players guess by height, and we may lower it
        tag_bt709(coder)


def _resized(frame: VideoFrame, coder: VideoStream) -> VideoFrame:
    """Costs nothing where the frame is right already."""
    full_range = frame.color_range == FULL_RANGE
    frame = frame.reformat(
        width=coder.width,
        height=coder.height,
        format="yuv420p",
        interpolation="BICUBIC",
        dst_color_range=LIMITED_RANGE if full_range else None,
    )
    frame.pict_type = 0  # the encoder chooses its own key frames
    return frame

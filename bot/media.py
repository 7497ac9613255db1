"""Clips and pictures: fetched, verified, fitted to an upload limit, put side by side, made safe.

The bot's side. It moves bytes and decides, and never decodes: each job that looks inside a file
runs in a short-lived worker process (`_media_worker`) with limits of its own, one at a time. Where
a file comes from and who sees it is left to the callers. Originals are never changed, because
content credentials survive only in an untouched file.

MediaError
 ├── BadClip      not a whole, playable video; fetching it again may help
 ├── BadImage     the person: another picture
 ├── CannotDraw   this machine: say the same in text
 └── CannotFit    no version of the clip is small enough, or none could be made
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, Literal

import httpx

from bot._media_download import DEADLINE_S, Downloaded, LoopbackOk, download, in_thread, is_public
from bot._media_files import Boxes, Unusable, sniff, walk_boxes
from bot._media_panels import note_of, panels_of
from bot._media_plan import (
    ClipInfo,
    Shape,
    canvases_for,
    fit_sound,
    grid_for,
    pick_shape,
    plays_inline,
    rate_cap,
    rate_for,
    repacking_fits,
    shapes_for,
)
from bot._media_process import run_worker
from bot.errors import BotError
from bot.ranking import Ranking
from bot.texts import Text, join, recognised, say

__all__ = [
    "BadClip",
    "BadImage",
    "Blind",
    "CannotDraw",
    "CannotFit",
    "Cell",
    "ClipInfo",
    "Downloaded",
    "Fitted",
    "Media",
    "MediaError",
    "Picture",
    "is_public",
    "sniff",
]

MIB = 1 << 20
_LOOK_S = 5.0  # for an address of the operator's to answer
LOWEST_CAP_BPS = 24_000
GRID_SCALES = (1.0, 0.75, 0.5)
GRID_FPS = 24
GRID_AUDIO_BPS = 96_000
NOTICED_S = 0.2  # less at the end of a clip nobody misses


class MediaError(BotError):
    """A file that cannot be used; the text is a sentence for a person.

    Not `conclusive` means that nobody could look properly (the worker was killed, was too slow,
    could not start): the file itself may be good, so keep it.
    """

    subject: ClassVar[Text]
    failed: ClassVar[str] = "could not be read"

    def __init__(self, reason: str, *, conclusive: bool = True) -> None:
        told = isinstance(reason, Text)  # else English, and then all of it
        super().__init__(join("", [self.subject if told else str(self.subject), " ", reason, "."]))
        self.conclusive = conclusive


class BadClip(MediaError):
    """Not a whole, playable video."""

    subject = say("file.clip")


class BadImage(MediaError):
    """Not a still that can be sent to a vendor."""

    subject = say("file.picture")


class CannotDraw(MediaError):
    """A picture of ours could not be made."""

    subject = say("file.picture")
    failed = "could not be drawn"


class CannotFit(MediaError):
    """No smaller version of the clip could be made."""

    subject = say("file.clip")
    failed = "could not be re-encoded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """What to post. `note` says in words what was done to it, "" for the untouched original."""

    path: Path
    method: Literal["original", "remux", "encode"]
    size_bytes: int
    note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One take on a contact sheet; without a still its box stays dark."""

    number: int
    caption: str
    still: Path | None = None
    picked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A picture we made; `given` is what it came as, and its pixels then ("" for a drawing)."""

    path: Path
    mime: str
    width: int
    height: int
    size_bytes: int
    given: str = ""
    given_width: int = 0
    given_height: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Blind:
    """Viewing copies that nothing but picture and sound tells apart."""

    paths: tuple[Path, ...]
    size_bytes: int  # of each
    duration_s: float
    shape: Shape
    muted: bool  # one of them is silent, so all are
    cut: bool  # one of them is longer


class Media:
    """Holds the one seat of the worker process; lives as long as the HTTP client it was given.

    `loopback_ok` gets an origin ("http://127.0.0.1:8080") and answers whether the operator
    configured it. The client must connect directly: through an HTTP proxy the address that was
    checked is not the one connected to, and TLS refuses it.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        tmp: Path,
        *,
        loopback_ok: LoopbackOk,
        max_bytes: int = 200 * MIB,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._http = http
        self._tmp = tmp
        self._loopback_ok = loopback_ok
        self._max_bytes = max_bytes
        self._deadline_s = deadline_s  # of one download
        self._seat = asyncio.Semaphore(1)

    async def download(
        self,
        url: str,
        to: Path,
        headers: Mapping[str, str] | None = None,
        *,
        max_bytes: int | None = None,
        loopback_ok: LoopbackOk | None = None,
    ) -> Downloaded:
        """Bring an https or data URL to `to`, whole and on disk, or leave nothing behind.

        `headers` carry keys and go to that URL's own origin only. `loopback_ok` replaces the
        general rule for this one. Raises `Unavailable` where it may work later, `ProtocolError`
        where it will not.
        """
        return await download(
            self._http,
            url,
            to,
            headers or {},
            max_bytes=max_bytes or self._max_bytes,
            loopback_ok=loopback_ok or self._loopback_ok,
            deadline_s=self._deadline_s,
        )

    async def answers(self, url: str) -> bool:
        """Whether something can be fetched at an address of the operator's, now. Never raises."""
        try:
            return (await self._http.head(url, timeout=_LOOK_S)).is_success
        except (httpx.HTTPError, httpx.InvalidURL):
            return False

    async def examine(
        self, path: Path, *, poster: Path | None = None, last_frame: Path | None = None
    ) -> ClipInfo:
        """Decode every frame once: the clip is whole, and its stills are made. Raises `BadClip`.

        A still's suffix chooses PNG (pixels unchanged) or JPEG.
        """
        boxes = await _boxes(path)
        job = {"op": "examine", "sources": [str(path)], "decode": True}
        stills = {"poster": poster, "last_frame": last_frame}
        answer = await self._work(BadClip, job, stills, cpu_s=120 + 2 * boxes.size_bytes // MIB)
        return _info(path, boxes, answer["clips"][0] | stills)

    async def probe(self, *paths: Path) -> list[ClipInfo]:
        """The facts alone, nothing is decoded. Raises `BadClip`."""
        boxes = [await _boxes(path) for path in paths]
        job = {"op": "examine", "sources": [str(path) for path in paths], "decode": False}
        answer = await self._work(BadClip, job, {}, cpu_s=60)
        rows = zip(paths, boxes, answer["clips"], strict=True)
        return [_info(path, box, facts) for path, box, facts in rows]

    async def poster(self, path: Path, to: Path) -> Path:
        """A still from two seconds into the clip, at most 640 pixels wide or high."""
        await self.examine(path, poster=to)
        return to

    async def last_frame(self, path: Path, to: Path) -> Path:
        """The frame another clip can continue from."""
        await self.examine(path, last_frame=to)
        return to

    async def fit(
        self, path: Path, to: Path, limit_bytes: int, *, info: ClipInfo | None = None
    ) -> Fitted:
        """The best version for a channel: original, repacked, or re-encoded. Raises `CannotFit`.

        `info` saves a look into a clip that was examined before. `to` is written only where the
        original cannot be posted.
        """
        if info is None:
            (info,) = await self.probe(path)
        if plays_inline(info) and info.size_bytes <= limit_bytes:
            return Fitted(path=path, method="original", size_bytes=info.size_bytes, note="")
        if repacking_fits(info, limit_bytes):
            job = {"op": "remux", "source": str(path)}
            size_bytes = (await self._work(CannotFit, job, {"to": to}, cpu_s=60))["size_bytes"]
            if size_bytes <= limit_bytes:
                note = _note(say("file.repacked"), info)
                return Fitted(path=to, method="remux", size_bytes=size_bytes, note=note)
        sound = fit_sound(info, limit_bytes)
        shape, answer = await self._squeeze(
            {"op": "encode", "source": str(path), "audio": sound.mode, "audio_bps": sound.bps},
            {"to": to},
            shapes_for(info.width, info.height),
            cap_bps=rate_cap(limit_bytes, info.duration_s, sound.bps),
            fps=info.fps,
            limit_bytes=limit_bytes,
            cpu_s=60 + int(6 * info.duration_s),
        )
        note = _note(say("file.encoded", size=f"{shape[0]} x {shape[1]}"), info)
        return Fitted(path=to, method="encode", size_bytes=answer["size_bytes"], note=note)

    async def side_by_side(
        self,
        paths: Sequence[Path],
        labels: Sequence[str],
        to: Path,
        *,
        limit_bytes: int,
        audio_from: int | None = None,
    ) -> Fitted:
        """Two to four clips in one labelled picture, as long as the longest. Raises `CannotFit`.

        A half-size copy hides the very faults people compare: keep the clips themselves at hand.
        """
        if not 2 <= len(paths) <= 4 or len(labels) != len(paths):
            raise ValueError("side_by_side takes two to four clips and a label for each")
        infos = await self.probe(*paths)
        grid = grid_for([(info.width, info.height) for info in infos])
        chosen = audio_from if audio_from is not None and infos[audio_from].has_audio else None
        audio_bps = 0 if chosen is None else GRID_AUDIO_BPS
        job: dict[str, Any] = {
            "op": "compose",
            "sources": [str(path) for path in paths],
            "labels": list(labels),
            "columns": grid.columns,
            "rows": grid.rows,
            "audio": "aac",
            "audio_from": chosen,
            "audio_bps": audio_bps,
        }
        longest_s = max(info.duration_s for info in infos)
        shape, answer = await self._squeeze(
            job,
            {"to": to},
            [grid.canvas(scale) for scale in GRID_SCALES],
            cap_bps=rate_cap(limit_bytes, longest_s, audio_bps),
            fps=GRID_FPS,
            limit_bytes=limit_bytes,
            cpu_s=60 + int(5 * longest_s * len(paths)),
        )
        note = say("file.side_by_side", size=f"{shape[0]} x {shape[1]}")
        return Fitted(path=to, method="encode", size_bytes=answer["size_bytes"], note=note)

    async def blind_copies(
        self, paths: Sequence[Path], to: Sequence[Path], *, limit_bytes: int
    ) -> Blind:
        """Copies for a blind vote, each as long as the shortest and as loud as the others.

        Costs one re-encoding a clip; equal in size, rate, settings and bytes, so that no property
        of a file says whose it is. Raises `CannotFit`, `BadClip`.
        """
        infos = await self.probe(*paths)
        rate = rate_for([info.fps for info in infos])
        duration_s = min(info.duration_s for info in infos)
        frames = max(1, int(duration_s * rate + Fraction(1, 100)))
        job = {
            "op": "blind",
            "sources": [str(path) for path in paths],
            "rate": str(rate),
            "frames": frames,
            "audio_bps": GRID_AUDIO_BPS,
        }
        outputs = {f"to_{index}": path for index, path in enumerate(to)}
        shape, answer = await self._squeeze(
            job,
            outputs,
            canvases_for([(info.width, info.height) for info in infos]),
            cap_bps=rate_cap(limit_bytes, duration_s, GRID_AUDIO_BPS),
            fps=min(float(rate), 30.0),  # what is added above it repeats
            limit_bytes=limit_bytes,
            cpu_s=60 + int(10 * duration_s * len(paths)),
        )
        return Blind(
            paths=tuple(to),
            size_bytes=answer["size_bytes"],
            duration_s=float(frames / rate),
            shape=shape,
            muted=answer["muted"],
            cut=max(info.duration_s for info in infos) - duration_s > NOTICED_S,
        )

    async def prepare_image(
        self, source: Path, to: Path, *, max_side: int = 3840, exact: Shape | None = None
    ) -> Picture:
        """A person's still made safe for a vendor: upright, sRGB, no metadata. Raises `BadImage`.

        The suffix of `to` chooses PNG or JPEG. `exact` scales and cuts the edges to these pixels;
        without it the picture only ever shrinks, to `max_side`.
        """
        try:
            mime = await asyncio.to_thread(sniff, source)
        except OSError as error:
            raise BadImage(f"cannot be opened: {error.strerror}", conclusive=False) from error
        if mime == "image/heic":
            raise BadImage(say("file.heic"))
        job = {"op": "prepare", "source": str(source), "max_side": max_side, "exact": exact}
        answer = await self._work(BadImage, job, {"to": to}, cpu_s=60)
        return Picture(path=to, mime="image/png" if to.suffix == ".png" else "image/jpeg", **answer)

    async def render_ranking(
        self,
        ranked: Ranking,
        to: Path,
        *,
        title: str = "What this team prefers",
        price_of: Callable[[str, str], float | None] = lambda _model, _category: None,
    ) -> Picture:
        """A dot with its interval for each model, by category. Raises `CannotDraw`.

        `price_of` says what a kept second of a model cost in a category (`TasteView.per_s_micros`).
        The built-in belief is a hollow mark. The suffix of `to` chooses PNG or JPEG.
        """
        panels = panels_of(ranked, price_of)
        job = {"op": "chart", "title": title, "panels": panels, "note": note_of(ranked)}
        answer = await self._work(CannotDraw, job, {"to": to}, cpu_s=30)
        return Picture(path=to, mime="image/png" if to.suffix == ".png" else "image/jpeg", **answer)

    async def contact_sheet(self, cells: Sequence[Cell], to: Path, *, shape: float) -> Picture:
        """Stills side by side, numbered; `shape` is their usual width / height.

        Raises `CannotDraw`. The suffix of `to` chooses PNG or JPEG.
        """
        drawn = [
            {
                "still": str(cell.still) if cell.still else "",
                "number": cell.number,
                "caption": cell.caption,
                "picked": cell.picked,
            }
            for cell in cells
        ]
        job = {"op": "contact", "cells": drawn, "shape": shape}
        answer = await self._work(CannotDraw, job, {"to": to}, cpu_s=30)
        return Picture(path=to, mime="image/png" if to.suffix == ".png" else "image/jpeg", **answer)

    async def _squeeze(
        self,
        job: Mapping[str, Any],
        outputs: Mapping[str, Path],
        shapes: Sequence[Shape],
        *,
        cap_bps: int,
        fps: float,
        limit_bytes: int,
        cpu_s: int,
    ) -> tuple[Shape, dict[str, Any]]:
        """Encode once; where the cap was overshot, once more, lower and smaller."""
        for _ in range(2):
            if cap_bps < LOWEST_CAP_BPS:
                break
            shape = pick_shape(shapes, cap_bps, fps)
            order = {"width": shape[0], "height": shape[1], "maxrate": cap_bps}
            answer = await self._work(CannotFit, {**job, **order}, outputs, cpu_s=cpu_s)
            size_bytes: int = answer["size_bytes"]
            if size_bytes <= limit_bytes:
                return shape, answer
            cap_bps = int(0.9 * cap_bps * limit_bytes / size_bytes)
            shapes = shapes[shapes.index(shape) + 1 :] or shapes[-1:]
        for path in outputs.values():
            await asyncio.to_thread(path.unlink, missing_ok=True)
        raise CannotFit(f"does not fit into {limit_bytes / MIB:.1f} MiB")

    async def _work(
        self,
        error: type[MediaError],
        job: Mapping[str, Any],
        outputs: Mapping[str, Path | None],
        *,
        cpu_s: int,
    ) -> dict[str, Any]:
        """One job in one process. What it makes gets its place only when all went well."""
        limits = {"cpu_s": cpu_s, "file_bytes": self._max_bytes}
        try:
            async with self._seat:
                with tempfile.TemporaryDirectory(dir=self._tmp) as room:
                    made = {name: Path(room, to.name) for name, to in outputs.items() if to}
                    places = {name: str(made[name]) if name in made else None for name in outputs}
                    order = {**job, **limits, **places}
                    deadline_s = 3 * cpu_s + 30
                    answer = await run_worker(order, deadline_s=deadline_s, failed=error.failed)
                    await in_thread(lambda: _move(made, outputs))
        except Unusable as reason:
            why = recognised(str(reason), "file")
            raise error(why, conclusive=reason.conclusive) from None
        except OSError as trouble:
            reason = f"cannot be worked on now ({trouble.strerror})"
            raise error(reason, conclusive=False) from trouble
        return answer


async def _boxes(path: Path) -> Boxes:
    try:
        return await asyncio.to_thread(walk_boxes, path)
    except Unusable as reason:
        raise BadClip(recognised(str(reason), "file")) from None
    except OSError as error:
        raise BadClip(f"cannot be opened: {error.strerror}", conclusive=False) from error


def _info(path: Path, boxes: Boxes, facts: Mapping[str, Any]) -> ClipInfo:
    return ClipInfo(
        path=path,
        size_bytes=boxes.size_bytes,
        brand=boxes.brand,
        faststart=boxes.faststart,
        content_credentials=boxes.content_credentials,
        **facts,
    )


def _note(done: Text, info: ClipInfo) -> Text:
    return say("file.uncredentialed", done=done) if info.content_credentials else done


def _move(made: Mapping[str, Path], outputs: Mapping[str, Path | None]) -> None:
    for name, path in made.items():
        shutil.move(path, outputs[name] or path)

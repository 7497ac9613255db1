"""The embedded default: no vendor, no key. A storyboard card of the prompt, or a camera move
over a supplied still, rendered here by a process of its own (`_animatic`).

There is nothing to lose at a vendor: a submission is a name, and `fetch` renders the clip. The
same request gives the same bytes, so repeating any step after a crash is harmless.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Final

from providers.base import (
    Download,
    Facts,
    MediaRole,
    Phase,
    Progress,
    Provider,
    Remote,
    Status,
    VideoRequest,
)
from providers.errors import InvalidRequest, Unavailable

__all__ = ["FPS", "Local", "frame_size"]

FPS: Final = 24
MAX_DURATION_S: Final = 60
SHORT_SIDES: Final = {"480p": 480, "720p": 720, "1080p": 1080}
MAX_RATIO: Final = 3.0
RENDERER: Final = Path(__file__).resolve().parent / "_animatic"
FONTS: Final = Path(__file__).resolve().parent / "fonts"
BROKEN_STILL: Final = 3  # exit code of the renderer


class Local(Provider):
    id: ClassVar[str] = "local"
    facts: ClassVar[Facts] = Facts(
        resend_safe=True,
        findable=False,
        cancellable=True,
        cancel_saves=False,
        poll_floor_s=0,
        concurrency=1,
        deadline_s=600,
        keys=(),
        source="rendered by this process's own child; nothing leaves the machine",
        verified="2026-11-23",
    )

    async def submit(self, request: VideoRequest) -> Remote:
        _job(request, Path())
        return Remote(remote_id=f"local-{request.correlation_id}")

    async def poll(self, remote: Remote, request: VideoRequest) -> Status:
        """Always ready: the rendering itself happens in `fetch`, and costs nothing."""
        return Status(phase=Phase.SUCCEEDED, cost_micros=0)

    async def fetch(
        self,
        remote: Remote,
        request: VideoRequest,
        status: Status,
        to: Path,
        download: Download,
        progress: Progress,
    ) -> None:
        part = to.with_name(f"{to.name}.part")
        limit_s = 120 + 20 * request.duration_s
        try:
            async with asyncio.timeout(limit_s):
                await _render(_job(request, part), progress)
            await asyncio.to_thread(_settle, part, to)
        except TimeoutError as error:
            raise Unavailable(f"rendering took longer than {limit_s} s") from error
        finally:
            _discard(part)

    async def check(self) -> str:
        missing = [name for name in ("av", "PIL", "uharfbuzz", "bidi") if find_spec(name) is None]
        if missing or not _has_fonts():
            raise Unavailable(f"cannot render here, missing: {', '.join(missing) or 'fonts'}")
        return "renders here, without key or network"


def frame_size(aspect: str, resolution: str) -> tuple[int, int]:
    """Width and height in even pixels; the resolution names the short side.

    Raises `InvalidRequest` for what is not offered.
    """
    ratio = re.fullmatch(r"(\d{1,4}(?:\.\d{1,3})?):(\d{1,4}(?:\.\d{1,3})?)", aspect)
    short = SHORT_SIDES.get(resolution)
    if ratio is None or short is None:
        raise InvalidRequest(f"cannot draw {aspect} at {resolution}")
    wide, high = float(ratio[1]), float(ratio[2])
    if not (wide and high and 1 / MAX_RATIO <= wide / high <= MAX_RATIO):
        raise InvalidRequest(f"cannot draw {aspect}")
    long = 2 * round(short * max(wide, high) / min(wide, high) / 2)
    return (long, short) if wide >= high else (short, long)


def _job(request: VideoRequest, to: Path) -> dict[str, object]:
    """The renderer's orders. Raises `InvalidRequest`."""
    if not 1 <= request.duration_s <= MAX_DURATION_S:
        raise InvalidRequest(f"cannot draw {request.duration_s} s")
    width, height = frame_size(request.aspect, request.resolution)
    facts = [f"{request.duration_s} s", request.aspect, request.resolution]
    if request.seed is not None:
        facts.append(f"seed {request.seed}")
    return {
        "prompt": request.prompt,
        "facts": "  ·  ".join(facts),
        "seed": request.seed,
        "width": width,
        "height": height,
        "count": request.duration_s * FPS,
        "to": str(to),
        "first": _still(request, MediaRole.FIRST_FRAME),
        "last": _still(request, MediaRole.LAST_FRAME),
    }


def _still(request: VideoRequest, role: MediaRole) -> str | None:
    media = request.of(role)
    if media is None:
        return None
    if media.path is None:
        raise InvalidRequest(f"the {role.value.replace('_', ' ')} must be a file here, not a URL")
    return str(media.path)


async def _render(job: dict[str, object], progress: Progress) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(RENDERER)),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env={},
        start_new_session=True,
    )
    try:
        code, broken, last_words = await _converse(process, job, progress)
    finally:
        await _end(process)
    if code == BROKEN_STILL:
        raise InvalidRequest(broken or "the still cannot be used")
    if code:
        how = f"signal {-code}" if code < 0 else last_words or f"exit code {code}"
        raise Unavailable(f"the renderer broke: {how}")


async def _converse(
    process: Process, job: dict[str, object], progress: Progress
) -> tuple[int, str | None, str]:
    """Give the orders and listen to the end: exit code, what is wrong with a still, last words."""
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise Unavailable("the renderer has no pipes")
    async with asyncio.TaskGroup() as talk:
        talk.create_task(_order(process.stdin, job))
        broken = talk.create_task(_follow(process.stdout, progress))
        last_words = talk.create_task(_last_line(process.stderr))
    return await process.wait(), broken.result(), last_words.result()


async def _order(pipe: StreamWriter, job: dict[str, object]) -> None:
    with contextlib.suppress(ConnectionError):  # it is gone already; its exit code says why
        pipe.write(json.dumps(job).encode() + b"\n")
        await pipe.drain()
    pipe.close()


async def _follow(pipe: StreamReader, progress: Progress) -> str | None:
    """Hand progress on until the renderer falls silent; what it says of a broken still."""
    broken: str | None = None
    async for line in pipe:
        said = json.loads(line)
        broken = said.get("broken", broken)
        if "progress" in said:
            progress(float(said["progress"]))
    return broken


async def _last_line(pipe: StreamReader) -> str:
    lines = (await pipe.read()).decode(errors="replace").splitlines()
    return lines[-1][:300] if lines else ""


async def _end(process: Process) -> None:
    """Nothing of the renderer outlives its caller."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _settle(part: Path, to: Path) -> None:
    """Give the finished file its name; the renderer has flushed its content."""
    part.replace(to)
    folder = os.open(to.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)


def _has_fonts() -> bool:
    return any(FONTS.glob("*.otf"))

"""One rendering: a job as a line of JSON on stdin, progress as lines of JSON on stdout.

The job: `prompt`, `facts`, `seed`, `width`, `height`, `count` of frames, `to`, and `first` and
`last` with the path of a still or null. Exit code 3 with a line `{"broken": "..."}`: a still that
cannot be used. Any other code but 0: we broke.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .film import Planes

__all__ = ["BROKEN", "main"]

BROKEN: Final = 3
MEMORY_BYTES: Final = 2 << 30
FILE_BYTES: Final = 200 << 20
STEP: Final = 12  # frames between two words about progress


def main() -> int:
    job = json.loads(sys.stdin.readline())
    _confine(job["count"])
    from .still import BrokenPicture  # after the limits: codec libraries load with it

    try:
        render(job)
    except BrokenPicture as broken:
        _say(broken=str(broken))
        return BROKEN
    return 0


def render(job: dict[str, Any]) -> None:
    """Draw the job's clip into its file."""
    from .film import encode

    size, count = (job["width"], job["height"]), job["count"]
    said = -1

    def progress(share: float) -> None:
        nonlocal said
        step = int(share * count) // STEP
        if step > said:
            said = step
            _say(progress=round(share, 4))

    encode(_frames(job), size, count, Path(job["to"]), progress)


def _frames(job: dict[str, Any]) -> Iterator[Planes]:
    from .card import card
    from .still import still

    size, count = (job["width"], job["height"]), job["count"]
    chance = Random(json.dumps([job["seed"], job["prompt"]]))
    first, last = (Path(path) if path else None for path in (job["first"], job["last"]))
    if first or last:
        return still(first, last, (job["prompt"], job["facts"]), size, count, chance)
    return card(job["prompt"], job["facts"], size, count, chance)


def _confine(count: int) -> None:
    """A hostile picture may end this process; it may not take the machine with it."""
    os.nice(10)
    limits = {
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_CPU: 60 + count // 2,
        resource.RLIMIT_FSIZE: FILE_BYTES,
        resource.RLIMIT_NOFILE: 32,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        with contextlib.suppress(ValueError, OSError):  # not every system knows every limit
            resource.setrlimit(kind, (most, most))


def _say(**words: object) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()

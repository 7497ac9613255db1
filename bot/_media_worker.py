"""One job in a process of its own: a JSON line in on stdin, a JSON line out on stdout.

`bot.media` starts it, because a file can crash a decoder and must take only this process along.
Here stand the limits of that process; decoding is in `_media_clips`, `_media_grid` and
`_media_pictures`, drawing in `_media_ranking` and `_media_contact`, imported after the limits are
set. None of them imports the rest of the bot.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import json
import os
import resource
import struct
import sys
import threading
from typing import Any

from bot._media_files import Unusable

__all__ = ["main"]

OPERATIONS = {
    "examine": "bot._media_clips",
    "remux": "bot._media_clips",
    "encode": "bot._media_clips",
    "blind": "bot._media_blind",
    "compose": "bot._media_grid",
    "prepare": "bot._media_pictures",
    "chart": "bot._media_ranking",
    "contact": "bot._media_contact",
}
MEMORY_BYTES = 2 << 30
OPEN_FILES = 64

# What libraries raise on bytes they cannot read. Each module adds its own library's class.
UNREADABLE = (
    OSError,
    ValueError,
    ArithmeticError,
    LookupError,
    MemoryError,
    SyntaxError,
    struct.error,
)

MACHINE_TROUBLE = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOENT,
        errno.ENOMEM,
        errno.ENOSPC,
        errno.EROFS,
    }
)


def main() -> int:
    job: dict[str, Any] = json.loads(_read_line())
    _limit(job)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    module = importlib.import_module(OPERATIONS[job["op"]])
    try:
        answer = getattr(module, job["op"])(job)
    except Unusable as reason:
        answer = {"unusable": str(reason)}
    except (*UNREADABLE, *module.UNREADABLE) as error:
        words = f"{type(error).__name__}: {error}"
        answer = {"unreadable": words, "conclusive": not _of_this_machine(error)}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def _of_this_machine(error: BaseException) -> bool:
    """Whether the disk, the memory or a limit is to blame, not the file."""
    return isinstance(error, MemoryError) or getattr(error, "errno", None) in MACHINE_TROUBLE


def _read_line() -> bytes:
    """Unbuffered: the pipe stays open as our lifeline, read on in `_die_with_parent`."""
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(0, 65_536)
        if not part:
            raise SystemExit(2)
        line += part
    return line


def _die_with_parent() -> None:
    while os.read(0, 65_536):
        pass
    os._exit(3)


def _limit(job: dict[str, Any]) -> None:
    """Ceilings before any decoder is loaded; a system that lacks one of them does without it."""
    ceilings = (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, int(job["cpu_s"])),
        (resource.RLIMIT_FSIZE, int(job["file_bytes"])),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, wanted in ceilings:
        with contextlib.suppress(OSError, ValueError):
            _, hard = resource.getrlimit(kind)
            ceiling = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(kind, (ceiling, ceiling))
    with contextlib.suppress(OSError):
        os.nice(10)

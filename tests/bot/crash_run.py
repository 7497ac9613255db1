"""`python -m tests.bot.crash_run KILL COMMAND...`: the command line, killed at a named point.

KILL is `move:N:before`, `move:N:after` (around the N-th commit of a move), `rename:before` or
`rename:after` (around a finished file getting its name): a real SIGKILL of this process, and
nothing of ours runs after it. `disk:BYTES` kills nothing, but no file may grow above that size.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from datetime import datetime
from pathlib import Path

from bot import files
from bot.cli import main
from bot.jobs import Job
from bot.store import Store


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _around_moves(number: int, moment: str) -> None:
    real, seen = Store.move, [0]

    async def move(self: Store, before: Job, after: Job, event: str, now: datetime) -> Job:
        seen[0] += 1
        if seen[0] == number and moment == "before":
            _die()
        moved = await real(self, before, after, event, now)
        if seen[0] == number and moment == "after":
            _die()
        return moved

    Store.move = move  # type: ignore[method-assign]


def _around_rename(moment: str) -> None:
    real = files._keep

    def keep(part: Path, target: Path) -> None:
        if moment == "before":
            _die()
        real(part, target)
        _die()

    files._keep = keep


def run(kill: str, arguments: list[str]) -> int:
    kind, _, rest = kill.partition(":")
    if kind == "move":
        number, _, moment = rest.partition(":")
        _around_moves(int(number), moment)
    elif kind == "rename":
        _around_rename(rest)
    elif kind == "disk":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(rest), resource.RLIM_INFINITY))
    return main(arguments)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]))

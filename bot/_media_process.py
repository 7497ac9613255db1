"""Starts the media worker, gives it one job, and ends it: on its deadline, or with its caller."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot._media_files import Unusable

__all__ = ["run_worker"]

log = logging.getLogger(__name__)

# What bytes can do to a decoder. Other ends (killed, out of time, a bug of ours) prove nothing.
CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL})
# `-I` keeps the working folder and the environment out; the one folder needed is named here.
COMMAND = (
    "-I",
    "-X",
    "utf8",
    "-c",
    "import sys; sys.path.append(sys.argv[1])\n"
    "from bot._media_worker import main; sys.exit(main())",
    str(Path(__file__).resolve().parent.parent),
)


async def run_worker(job: Mapping[str, Any], *, deadline_s: float, failed: str) -> dict[str, Any]:
    """The worker's answer. Raises `Unusable` with its reason, or with `failed` if it has none.

    A worker that a file has crashed, that ran into its limits or was killed from outside has none:
    what is known then goes to the log.
    """
    process = await _start()
    try:
        async with asyncio.timeout(deadline_s):
            answer, noise = await _converse(process, json.dumps(job).encode() + b"\n")
            code = await process.wait()
    except TimeoutError:
        raise Unusable("took too long to read", conclusive=False) from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if code == 0:
        return _read(job, answer, failed)
    words = noise[-2000:].decode(errors="replace")
    log.warning("media worker (%s) ended with %d: %s", job["op"], code, words)
    raise Unusable(failed, conclusive=-code in CRASHES)


async def _start() -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, *COMMAND),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env={},
            start_new_session=True,
        )
    except OSError as error:
        reason = f"cannot be looked into now ({error.strerror})"
        raise Unusable(reason, conclusive=False) from error


async def _converse(process: Process, line: bytes) -> tuple[bytes, bytes]:
    """The worker's stdin stays open: its end would tell the worker that we are gone."""
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
    if stdin is None or stdout is None or stderr is None:
        raise RuntimeError("the worker has no pipes")
    with contextlib.suppress(ConnectionError):
        stdin.write(line)
        await stdin.drain()
    answer, noise = await asyncio.gather(stdout.read(), stderr.read())
    return answer, noise


def _read(job: Mapping[str, Any], answer: bytes, failed: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(answer)
    if "unreadable" in result:
        log.info("media worker (%s): %s", job["op"], result["unreadable"])
        raise Unusable(failed, conclusive=result["conclusive"])
    if "unusable" in result:
        raise Unusable(result["unusable"])
    return result

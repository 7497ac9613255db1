"""`python -m bot` as a process in a folder of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Bot", "Ran", "until"]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Bot:
    """Runs commands with these variables and no others of ours."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        self.env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "LOG_LEVEL": "error",
        } | env

    async def start(self, *args: str, module: str = "bot") -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *args,
            cwd=self.folder,
            env=self.env,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )

    async def __call__(self, *args: str, module: str = "bot") -> Ran:
        process = await self.start(*args, module=module)
        out, err = await process.communicate()
        assert process.returncode is not None
        return Ran(code=process.returncode, out=out.decode(), err=err.decode())


async def until(condition: Callable[[], bool], deadline_s: float = 30.0) -> None:
    """Watch another process by what it has done so far."""
    async with asyncio.timeout(deadline_s):
        while not condition():
            await asyncio.sleep(0.02)

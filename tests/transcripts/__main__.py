"""Plays every page and writes it down: `python -m tests.transcripts`."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.transcripts import Stage, desk

PAGES = {"desk": desk.play}
FOLDER = Path(__file__).parents[2] / "docs" / "screens"


async def _written() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, play in PAGES.items():
        with tempfile.TemporaryDirectory() as room:
            async with Stage(Path(room)) as stage:
                text = await play(stage)
        (FOLDER / f"{name}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(_written())

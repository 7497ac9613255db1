"""`python -m tests.bot.vote_run DATABASE`: fifty people vote, and each vote that counts is said.

Slowly and without an end of its own: whoever started it kills it in the middle.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bot.ranking import OVERALL
from bot.store import Store
from tests.bot.make import NOW


async def press(path: Path) -> None:
    async with Store.open(path) as store:

        async def one(user_id: int) -> None:
            letter = "A" if user_id % 3 else "B"
            await store.comparisons.cast("1", "c1", OVERALL, user_id, letter, NOW)
            sys.stdout.write(f"{user_id}\n")
            sys.stdout.flush()

        while True:
            await asyncio.gather(*(one(user_id) for user_id in range(50)))


if __name__ == "__main__":
    asyncio.run(press(Path(sys.argv[1])))

"""`python -m benchmarks.waiting_bot`: the bot as it starts, without Discord's servers.

It imports what the bot imports, takes up every unfinished job of DATA_DIR, and when all of them
wait says in one JSON line what that took: {"cpu_s", "rss_mb"}. Then it ends.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import pkgutil
import resource
import sys
import time
from pathlib import Path

import cogs
from bot.app import running
from bot.config import Settings
from bot.log import configure
from bot.worker import Delivery


async def main() -> None:
    importlib.import_module("bot.client")
    for module in pkgutil.iter_modules(cogs.__path__):
        importlib.import_module(f"cogs.{module.name}")
    from benchmarks.engine import Silent

    settings = Settings.load()
    configure(settings.log_level, settings.log_format, settings.secret_values)
    delivery: Delivery = Silent()
    async with running(settings, delivery, what="benchmark") as app:
        work = asyncio.create_task(app.worker.run())
        expected = len(await app.store.unfinished())
        while _in_hand() < expected:
            await app.store.data_version()
        await app.store.meta("nothing")  # answered after the jobs' own reads
        print(json.dumps({"cpu_s": time.process_time(), "rss_mb": _rss_mb()}), flush=True)
        work.cancel()
        await asyncio.wait([work])


def _in_hand() -> int:
    return sum(task.get_name().startswith("job ") for task in asyncio.all_tasks())


def _rss_mb() -> float:
    """Resident memory now; where the system does not say, the most there was."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    asyncio.run(main())

"""How long a person waits for the first sign: the bot as a process, Discord on the loopback.

From the event leaving the gateway to the bot's acknowledgement arriving, so the loopback Discord's
own share is counted in. Once alone; once with jobs in flight at two vendors and commands in bursts.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from aiohttp import web

from benchmarks.jobs import PROMPT, decision, plenty, waiting
from benchmarks.table import Row, percentile, show
from bot import app, files
from bot.jobs import Job, Place
from bot.store import Store
from tests.standin.discord import Discord, Interaction

ROOT: Final = Path(__file__).parents[1]
ALONE: Final = 100  # commands, one after the other
IN_FLIGHT: Final = 200  # jobs
AT_ONCE: Final = 50  # commands
PEOPLE: Final = 10  # who send them
BURSTS: Final = 3
CHANNELS: Final = 20
SETTLED_S: Final = 5.0  # polls and edits are under way
PATIENCE_S: Final = 60.0
OPTIONS: Final = {"prompt": PROMPT}


def rows() -> list[Row]:
    alone = asyncio.run(_alone())
    crowded = asyncio.run(_crowded())
    return [
        _row("alone", 20.0, alone),
        _row(f"{IN_FLIGHT} jobs in flight, {AT_ONCE} at once", 1000.0, crowded),
    ]


def _row(when: str, budget_ms: float, waits_ms: Sequence[float]) -> Row:
    p99 = percentile(waits_ms, 0.99)
    return Row(
        what=f"acknowledgement of /generate, {when}",
        budget=f"p99 <= {budget_ms:g} ms",
        measured=f"{p99:.0f} ms",
        good=p99 <= budget_ms,
        note=f"p50 {percentile(waits_ms, 0.5):.0f} ms of {len(waits_ms)}",
    )


async def _alone() -> Sequence[float]:
    asked: list[Interaction] = []
    with tempfile.TemporaryDirectory() as name:
        async with Discord(validate=False) as discord, _vendor() as url:
            ann, shots = discord.user("ann"), discord.channel("shots")
            async with _bot(discord, Path(name), url):
                for _ in range(ALONE):
                    asked.append(await discord.slash(ann, shots, "generate", OPTIONS))
                    await asked[-1].answered(PATIENCE_S)
    return _waits_ms(asked)


async def _crowded() -> Sequence[float]:
    with tempfile.TemporaryDirectory() as name:
        async with Discord(validate=False) as discord, _vendor() as url:
            await _fill(discord, Path(name) / "data")
            people = [discord.user(f"person-{number}") for number in range(PEOPLE)]
            rooms = discord.world.channels_of(discord.home())
            asked: list[Interaction] = []
            async with _bot(discord, Path(name), url):
                for _ in range(BURSTS):
                    await asyncio.sleep(SETTLED_S)
                    burst = [
                        await discord.slash(
                            people[at % PEOPLE], rooms[at % CHANNELS], "generate", OPTIONS
                        )
                        for at in range(AT_ONCE)
                    ]
                    await asyncio.gather(*(one.answered(PATIENCE_S) for one in burst))
                    asked += burst
            edits = discord.calls("PATCH", r"/channels/\d+/messages/\d+$")
            assert edits, "no job showed that it goes on"
    return _waits_ms(asked)


def _waits_ms(asked: Sequence[Interaction]) -> Sequence[float]:
    lost = [one for one in asked if one.ack_ms is None or one.refusals]
    assert not lost, f"{len(lost)} of {len(asked)} commands were lost"
    return [one.ack_ms for one in asked if one.ack_ms is not None]


async def _fill(discord: Discord, folder: Path) -> None:
    """Jobs that render at two vendors, each with its status message in one of the channels."""
    files.prepare_folder(folder)
    rooms = [discord.channel(f"shots-{number}") for number in range(CHANNELS)]
    now = app.utc_now()
    made: list[Job] = []
    for number in range(IN_FLIGHT):
        room = rooms[number % CHANNELS]
        status = discord.world.post(discord.world.new_message(room, discord.bot, content="..."))
        job = waiting(f"w{number:04}", now, provider=("openai", "gateway")[number % 2])
        place = Place(guild_id=discord.home().id, channel_id=room.id, user_id=3)
        deadline_at = now + timedelta(hours=1)
        job = replace(job, place=place, status_message_id=status.id, deadline_at=deadline_at)
        made.append(job)
    async with Store.open(folder / "dailies.db") as store:
        await store.add_jobs(made, decision(), plenty(), now)


@asynccontextmanager
async def _vendor() -> AsyncGenerator[str]:
    """It renders for ever, and says a little more each time."""
    looks = 0

    async def show_video(request: web.Request) -> web.Response:
        nonlocal looks
        looks += 1
        video = {"id": request.match_info["id"], "status": "in_progress", "progress": looks % 100}
        return web.json_response(video)

    server = web.Application()
    server.router.add_get("/v1/videos/{id}", show_video)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _bot(discord: Discord, folder: Path, vendor_url: str) -> AsyncGenerator[None]:
    """With keys, so that a command is quoted and waits for a button: nothing is drawn here."""
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATA_DIR": str(folder / "data"),
        "LOG_LEVEL": "error",
        "DISCORD_TOKEN": discord.token,
        "DISCORD_API_URL": discord.api_url,
        "DISCORD_GATEWAY_URL": discord.gateway_url,
        "DISCORD_ALLOWED_GUILDS": str(discord.home().id),
        "OPENAI_API_KEY": "benchmark",
        "OPENAI_BASE_URL": vendor_url,
        "GATEWAY_API_KEY": "benchmark",
        "GATEWAY_BASE_URL": vendor_url,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", cwd=folder, env=env, stdin=asyncio.subprocess.DEVNULL
    )
    try:
        await discord.ready(PATIENCE_S)
        await discord.wait_for(lambda: discord.commands_in(None), PATIENCE_S, "commands")
        yield
        process.terminate()
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0, "the bot did not end well"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


if __name__ == "__main__":
    show(rows())

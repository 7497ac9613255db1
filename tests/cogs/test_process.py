"""The bot as a process: killed at the worst moments, started again, stopped by a signal."""

from __future__ import annotations

import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.bot.process import Bot
from tests.cogs.conftest import FREE, clip_in, clips_in
from tests.standin.discord import Channel, Discord

POST = r"/messages$"


@pytest.fixture
def program(server: Discord, tmp_path: Path) -> Bot:
    return Bot(
        tmp_path,
        DISCORD_TOKEN=server.token,
        DISCORD_API_URL=server.api_url,
        DISCORD_GATEWAY_URL=server.gateway_url,
    )


@asynccontextmanager
async def running(program: Bot, server: Discord) -> AsyncIterator[Process]:
    """`python -m bot run`, killed at the end if it still lives."""
    server.gateway.sessions.clear()
    process = await program.start("run")
    try:
        await server.ready(20.0)
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("effect", ["reset", "drop_after"])
async def test_killed_around_the_post_the_clip_arrives_exactly_once(
    server: Discord, shots: Channel, program: Bot, effect: str
) -> None:
    ann = server.user("ann")
    fault = server.fail_next("POST", POST, effect)
    async with running(program, server) as process:
        asked = await server.slash(ann, shots, "generate", FREE)
        await server.wait_for(lambda: fault.hits, 20.0)
        process.kill()
    async with running(program, server) as process:
        posted = await clip_in(server, shots)
        status = await asked.answered()
        await server.wait_for(lambda: "Done in" in status.text, 15.0)
        again = await server.press(ann, posted, posted.custom_id("Again"))
        await server.wait_for(lambda: len(clips_in(server, shots)) == 2, 20.0)
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
    books = await program("ledger", "check")

    assert asked.ack_ms is not None
    assert asked.ack_ms < 3000
    assert again.refusals == []
    assert (process.returncode, err) == (0, b"")
    assert books.code == 0
    assert len(clips_in(server, shots)) == 2


async def test_without_a_token_it_says_what_to_do(program: Bot) -> None:
    del program.env["DISCORD_TOKEN"]
    ran = await program("run")

    assert ran.code == 3
    assert "DISCORD_TOKEN" in ran.err
    assert "Traceback" not in ran.err

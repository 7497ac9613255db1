"""The bot as a process: killed at the worst moments, started again, stopped by a signal."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path

import pytest

from bot.app import reading
from bot.config import Settings
from tests.bot.process import Bot
from tests.cogs.conftest import FREE, PATIENCE_S, clips_in, press, until
from tests.cogs.steps import is_clip, running
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


async def test_killed_around_a_post_the_clip_arrives_exactly_once(
    server: Discord, shots: Channel, program: Bot, settings: Settings
) -> None:
    ann = server.user("ann")
    for effect in ("reset", "drop_after"):  # before it happened; after, without an answer
        fault = server.fail_next("POST", POST, effect)
        async with running(program, server) as process:
            asked = await server.slash(ann, shots, "generate", FREE)
            await until(server, partial(getattr, fault, "hits"))
            process.kill()
        assert asked.ack_ms is not None
        assert asked.ack_ms < 3000
    async with running(program, server) as process:
        status = await asked.answered(PATIENCE_S)
        await until(server, lambda: "Done in" in status.text)
        pressed = await press(server, ann, clips_in(server, shots)[0], "Again")
        await until(server, lambda: _clips(server, shots) == 3)
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
    async with reading(settings) as app:
        assert await app.store.check_ledger() == []

    assert pressed.refusals == []
    assert (process.returncode, err) == (0, b"")
    assert _clips(server, shots) == 3


def _clips(server: Discord, channel: Channel) -> int:
    """In the channel and its threads: a shot's thread may be open by now or not."""
    places = [channel, *server.threads(channel)]
    return sum(is_clip(message) for place in places for message in server.messages(place))


async def test_without_a_token_it_says_what_to_do(program: Bot) -> None:
    del program.env["DISCORD_TOKEN"]
    ran = await program("run")

    assert ran.code == 3
    assert "DISCORD_TOKEN" in ran.err
    assert "Traceback" not in ran.err

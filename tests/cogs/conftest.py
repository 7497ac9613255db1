"""The real client against a loopback Discord: a server of Discord, and bots that connect to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route
from pydantic import SecretStr

from bot.client import serve
from bot.config import Settings
from tests.clips import clip_bytes
from tests.standin.discord import Channel, Discord, Interaction, Message, User
from tests.standin.openai import Gateway

Start = Callable[..., AbstractAsyncContextManager[None]]
T = TypeVar("T")

PATIENCE_S = 40.0  # a loaded machine is slow, not wrong

PROMPT = "a paper boat crossing a puddle, low angle"
FREE: dict[str, Any] = {
    "prompt": PROMPT,
    "stage": "animatic",
    "duration": 1,
    "resolution": "480p",
}
PAID: dict[str, Any] = {"prompt": PROMPT, "model": "sora-2", "duration": 4}
GO = "Go · $0.40"


class BotClock:
    """The bot's time: ours, and what a test has added."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
async def server() -> AsyncIterator[Discord]:
    """A Discord whose every exchange is held against the published contract at the end."""
    async with Discord() as server:
        yield server
    assert [violation for violation in server.violations if not violation.known] == []


@pytest.fixture
def shots(server: Discord) -> Channel:
    return server.channel("shots")


@pytest.fixture
def clock() -> BotClock:
    return BotClock()


@pytest.fixture(autouse=True)
def usual_addresses() -> Iterator[None]:
    """The library's addresses are process-wide: put back what a bot has moved."""
    usual = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = usual


@pytest.fixture
def settings(server: Discord, tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "discord_token": server.token,
            "discord_api_url": server.api_url,
            "discord_gateway_url": server.gateway_url,
            "data_dir": tmp_path / "data",
        }
    )


@pytest.fixture
def bot(server: Discord, settings: Settings, clock: BotClock) -> Start:
    """`async with bot():` is a running bot; `changes` are settings that differ."""

    @asynccontextmanager
    async def started(**changes: Any) -> AsyncIterator[None]:
        stop = asyncio.Event()
        mine = settings.model_copy(update=changes)
        running = asyncio.create_task(serve(mine, stop, clock=clock))
        ready = asyncio.create_task(server.ready(PATIENCE_S))
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
        try:
            if not running.done():
                yield
        finally:
            stop.set()
            ready.cancel()
            with suppress(asyncio.CancelledError):
                await ready
            await running

    return started


@pytest.fixture
async def vendor() -> AsyncIterator[Gateway]:
    async with Gateway(clip=clip_bytes()) as vendor:
        yield vendor


@pytest.fixture
def paying(server: Discord, shots: Channel, vendor: Gateway) -> dict[str, Any]:
    """The settings of a bot with a vendor's key, whose first server may spend."""
    return {
        "gateway_api_key": SecretStr(vendor.key),
        "gateway_base_url": vendor.base_url,
        "discord_allowed_guilds": frozenset({server.home().id}),
    }


async def until(server: Discord, predicate: Callable[[], T]) -> T:
    """The predicate's first truthy value, asked again whenever something happens on Discord."""
    return await server.wait_for(predicate, PATIENCE_S)


async def clip_in(server: Discord, channel: Channel) -> Message:
    """The first message of a channel with a file in it."""
    return (await until(server, lambda: clips_in(server, channel)))[0]


def clips_in(server: Discord, channel: Channel) -> list[Message]:
    return [message for message in server.messages(channel) if message.attachments]


async def answered(
    server: Discord, user: User, channel: Channel, name: str, **options: Any
) -> Message:
    """What a command is answered with, once it is more than "thinking"."""
    asked = await server.slash(user, channel, name, options)
    return await asked.answered(PATIENCE_S)


async def told(server: Discord, asked: Interaction) -> Message:
    """What was said to one person alone, after the first answer."""
    await until(server, lambda: asked.followups)
    assert asked.followups[-1].ephemeral
    return asked.followups[-1]


async def press(server: Discord, user: User, message: Message, label: str) -> Interaction:
    """Press the button of this label, else the one whose label begins so."""
    labels = [name for name in message.buttons if name == label] or [
        name for name in message.buttons if name.startswith(label)
    ]
    (custom_id,) = [message.custom_id(name) for name in labels]
    return await server.press(user, message, custom_id)

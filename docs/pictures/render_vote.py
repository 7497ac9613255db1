"""Draws the README's pictures of a vote: `python -m docs.pictures.render_vote` from the checkout.

A comparison of two models as people see it, and what it came to; made as the others are.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bot.app import reading
from bot.config import Settings
from bot.rules import Rules
from docs.pictures.render import HERE, PROMPT, Shots, Studio, page_of, photograph, still
from tests.bot.make import NOW
from tests.bot.process import Bot
from tests.cogs.conftest import PATIENCE_S
from tests.cogs.steps import running
from tests.cogs.versus import agreed, answers_all, ballot, reveal
from tests.standin.discord import Channel, Discord, User

VOTERS: Final = ("ann", "bob", "cyd")


async def _captured() -> tuple[Discord, Shots]:
    with tempfile.TemporaryDirectory() as name:
        async with Discord(validate=False) as server, Studio() as vendor:
            people, channel = [server.user(voter) for voter in VOTERS], server.channel("shots")
            folder = Path(name, "data")
            settings = Settings.model_validate({"data_dir": folder})
            async with reading(settings) as app:
                await app.store.rules.save(str(server.home().id), Rules(quorum=3), 1, NOW)
            program = Bot(
                Path(name),
                DISCORD_TOKEN=server.token,
                DISCORD_API_URL=server.api_url,
                DISCORD_GATEWAY_URL=server.gateway_url,
                DISCORD_ALLOWED_GUILDS=str(server.home().id),
                GATEWAY_API_KEY=vendor.key,
                GATEWAY_BASE_URL=vendor.base_url,
                DAILY_USD="20",
            )
            async with running(program, server):
                return server, await _session(server, people, channel)


async def _session(server: Discord, people: Sequence[User], channel: Channel) -> Shots:
    ann, bob, cyd = people
    await agreed(server, ann, channel, prompt=PROMPT, duration=4)
    vote = await ballot(server, channel)
    shown = still(vote)
    for who, label in ((ann, "A"), (bob, "A"), (cyd, "B")):
        await answers_all(server, who, vote, label)
    asked = await server.press(ann, vote, vote.custom_id("End the vote"))
    await asked.answered(PATIENCE_S)
    return {
        "vote": ("shots", [shown]),
        "reveal": ("shots", [await reveal(server, channel)]),
    }


def main() -> None:
    server, shots = asyncio.run(_captured())
    for name, (where, messages) in shots.items():
        photograph(page_of(server, where, messages), HERE / f"{name}.jpg")


if __name__ == "__main__":
    main()

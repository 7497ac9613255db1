"""A comparison whose process is killed at its worst moments: every post once, every vote kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from bot.config import Settings
from tests.bot.process import Bot
from tests.clips import clip_bytes
from tests.cogs.conftest import press, until
from tests.cogs.steps import ledger_sound, running
from tests.cogs.versus import agreed, ballot, ballots, is_reveal, reveal, rule, voted
from tests.standin.discord import Channel, Discord, Message
from tests.standin.openai import Gateway


@pytest.fixture
async def vendor() -> AsyncIterator[Gateway]:
    async with Gateway(clip=clip_bytes()) as vendor:
        yield vendor


@pytest.fixture
def program(server: Discord, vendor: Gateway, shots: Channel, tmp_path: Path) -> Bot:
    return Bot(
        tmp_path,
        DISCORD_TOKEN=server.token,
        DISCORD_API_URL=server.api_url,
        DISCORD_GATEWAY_URL=server.gateway_url,
        DISCORD_ALLOWED_GUILDS=str(server.home().id),
        GATEWAY_API_KEY=vendor.key,
        GATEWAY_BASE_URL=vendor.base_url,
    )


@pytest.mark.timeout(300)
async def test_killed_around_every_post_and_while_people_vote(
    server: Discord,
    shots: Channel,
    vendor: Gateway,
    program: Bot,
    settings: Settings,
) -> None:
    """Five processes: each is killed with a post on its way, or with votes just cast."""
    await rule(settings, server, quorum=2)
    ann, bob, posts = server.user("ann"), server.user("bob"), rf"/channels/{shots.id}/messages$"
    async with running(program, server) as process:  # nothing was posted
        fault = server.fail_next("POST", posts, "reset")
        await agreed(server, ann, shots)
        await until(server, partial(getattr, fault, "hits"))
        process.kill()
    fault = server.fail_next("POST", posts, "drop_after")
    server.nonce_life_s = 0  # the nonce is no help: it must find its own post
    async with running(program, server) as process:  # posted, and not written down
        await until(server, partial(getattr, fault, "hits"))
        process.kill()
    first = ballots(server, shots)
    async with running(program, server) as process:  # votes are open
        vote = await ballot(server, shots)
        await voted(server, ann, vote, "A")
        await voted(server, bob, vote, "B")
        mine = await voted(server, bob, vote, "A")
        process.kill()
    async with running(program, server) as process:  # the end is posted, and not written down
        again = await voted(server, bob, vote, "My votes")
        fault = server.fail_next("POST", posts, "drop_after")
        await press(server, ann, vote, "End the vote")
        await until(server, partial(getattr, fault, "hits"))
        process.kill()
    async with running(program, server):
        result = await reveal(server, shots)
        await until(server, lambda: "Votes and prices" in vote.text)
        further = await voted(server, ann, result, "Go on with A")

    assert first == [vote]
    assert "**A**" in mine.text
    assert "**A**" in again.text
    assert len([m for m in server.messages(shots) if "together.mp4" in _files(m)]) == 1
    assert len([m for m in server.messages(shots) if is_reveal(m)]) == 1
    assert "A wins" in result.text
    assert ", 2 of 2 votes" in result.text
    assert "channels/" in further.text
    assert len(vendor.submissions) == 2
    assert await ledger_sound(settings)


def _files(message: Message) -> list[str]:
    return [file.filename for file in message.attachments]
